//! What each kind of transfer does to the windows.

use omamori_ledger::Transfer;

use super::{Class, Position};
use crate::gate::chart::{TransferCode, due};

/// What a transfer does to the windows of the customer on one of its sides.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    Uses(u128, &'static [Class]),
    GivesBack(u128, &'static [Class]),
    Nothing,
}

impl Effect {
    /// Of a transfer with this code.
    pub(super) const fn of(transfer: &Transfer, code: TransferCode) -> Self {
        let (from, to) = (transfer.debit_account_id, transfer.credit_account_id);
        match code {
            TransferCode::Payment | TransferCode::Authorization | TransferCode::PaymentHeld => {
                Self::Uses(from, &[Class::Payment, Class::Out])
            }
            TransferCode::RefundPosition | TransferCode::CancelPosition => {
                Self::GivesBack(to, &[Class::Payment, Class::Out])
            }
            TransferCode::Send => Self::Uses(from, &[Class::Send, Class::Out]),
            TransferCode::SendReceive => Self::Uses(to, &[Class::Receive]),
            TransferCode::TopupCash | TransferCode::TopupAtm => Self::Uses(to, &[Class::Topup]),
            TransferCode::TopupCashCancel | TransferCode::TopupAtmCancel => {
                Self::GivesBack(from, &[Class::Topup])
            }
            TransferCode::TopupCard => Self::Uses(to, &[Class::Topup, Class::CardTopup]),
            TransferCode::TopupAuto => {
                Self::Uses(to, &[Class::Topup, Class::CardTopup, Class::AutoTopup])
            }
            // A charged-back top-up was made all the same.
            TransferCode::CardChargeback
            | TransferCode::ChargebackLoss
            | TransferCode::TopupTaken
            | TransferCode::ReturnPassedOn
            | TransferCode::MadeGood
            | TransferCode::MadeGoodBack
            | TransferCode::Tombstone
            | TransferCode::WalletClose
            | TransferCode::SendClaim => Self::Nothing,
            // The legs of payments and refunds are counted with their payment or position.
            TransferCode::AuthorizationPart
            | TransferCode::CodeClaim
            | TransferCode::Refund
            | TransferCode::Cancel
            | TransferCode::FreeSpent
            | TransferCode::FreeFunded
            | TransferCode::FreeBack
            | TransferCode::FreeFundedBack
            | TransferCode::PointsSpent
            | TransferCode::PointsFunded
            | TransferCode::PointsBack
            | TransferCode::PointsFundedBack
            | TransferCode::CouponDiscount
            | TransferCode::CouponDiscountBack
            | TransferCode::CouponUsed
            | TransferCode::CouponBack => Self::Nothing,
            // Neither paid in nor paid out.
            TransferCode::FreeGiven
            | TransferCode::FreeGivenNote
            | TransferCode::FreeExpired
            | TransferCode::PointsEarned
            | TransferCode::PointsPromised
            | TransferCode::PointsHeldOff
            | TransferCode::PointsTaken
            | TransferCode::PointsExpired
            | TransferCode::PointsConverted
            | TransferCode::PointsConvertedNote
            | TransferCode::CouponGiven
            | TransferCode::CampaignFunded
            | TransferCode::CampaignReleased
            | TransferCode::IncidentCompensation
            | TransferCode::IncidentPayout
            | TransferCode::IncidentReversal
            | TransferCode::RefundSetAside
            | TransferCode::RefundBack
            | TransferCode::RefundExcluded
            // Between merchants, the operator and its bank.
            | TransferCode::SalesSettled
            | TransferCode::CashSettled
            | TransferCode::FeeCharged
            | TransferCode::FeeTaxed
            | TransferCode::Payout
            | TransferCode::PayoutSent
            | TransferCode::PayoutReturned
            | TransferCode::RefundSent
            | TransferCode::RefundReturned
            | TransferCode::RefundQuota
            | TransferCode::RefundQuotaReturned
            | TransferCode::SettlementMark => Self::Nothing,
        }
    }

    /// The yen of it: a payment counts once, with all kinds of value.
    pub(super) fn yen(transfer: &Transfer, code: TransferCode) -> i64 {
        let yen = match code {
            TransferCode::Payment | TransferCode::Authorization | TransferCode::PaymentHeld => {
                due(transfer)
            }
            TransferCode::RefundPosition | TransferCode::CancelPosition => {
                Position::of(transfer).to_customer.unsigned_abs()
            }
            _ => transfer.amount,
        };
        // Amounts are bounded by the limits, far below i64::MAX; anything else is a bug.
        i64::try_from(yen).unwrap_or(i64::MAX)
    }
}
