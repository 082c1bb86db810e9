//! What was taken back of a top-up by card: exact without a lock, and without a table but for what
//! was taken before there were places.
//!
//! Each taking is one chain of the ledger: its money, and a *place* of amount 0 whose id is derived
//! from the top-up and a rising number, and which says what the money was. A chargeback and an act
//! of an incident that come at once derive the same place, so one of them fails whole and looks
//! again. So nobody takes what another has taken already.

use omamori_db::sql;
use omamori_ledger::{Transfer, TransferFlags};

use crate::app::App;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, card_loss_id};
use crate::id::{Kind, derive};
use crate::value::legs::operator_id;
use crate::web::error::Result;

/// One taking. Yen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// A chargeback, or a refund to the card.
    PaidBack {
        /// Out of the wallet.
        wallet: i64,
        /// Out of what an incident had taken back before.
        returned: i64,
        /// What was in neither: the operator's loss.
        lost: i64,
    },
    /// An act of an incident, out of the wallet.
    TakeBack {
        /// To incident returns: owed to whoever it came from.
        returned: i64,
        /// Against what a chargeback had cost the operator.
        regained: i64,
    },
    /// The gateway would not refund what had left incident returns for the card.
    Kept {
        /// It lies there again.
        returned: i64,
        /// Against what a chargeback that came meanwhile had cost the operator.
        regained: i64,
    },
    /// An incident made a loss good, less what a chargeback had given the card's holder already.
    MadeGood {
        /// How much less.
        lost: i64,
    },
}

/// All that was taken of a top-up. Yen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The next place.
    pub place: u128,
    /// Out of the wallet, by whomever.
    pub wallet: i64,
    /// Of it, what lies in incident returns.
    pub returned: i64,
    /// What chargebacks cost the operator, and nothing has made good.
    pub lost: i64,
    /// What they cost, and compensations counted: that much of a loss was not made good in the
    /// wallet. It left with what the thief spent; what is in the wallet is its customer's own.
    pub settled: i64,
}

fn place_id(credit_id: u128, number: u64) -> u128 {
    derive("topup-taken", &[&credit_id.to_be_bytes(), &number.to_be_bytes()])
}

/// Two amounts of less than 2³² yen, as a transfer carries them. A top-up by card is bounded far
/// below.
fn halves(low: i64, high: i64) -> u64 {
    u64::from(half(high)) << 32 | u64::from(half(low))
}

fn half(yen: i64) -> u32 {
    match u32::try_from(yen) {
        Ok(half) => half,
        Err(_) => panic!("{yen} yen of a top-up"),
    }
}

impl Taking {
    fn of(place: &Transfer) -> Self {
        let data = place.user_data_64;
        let (low, high) =
            (i64::from(data as u32), i64::from(u32::try_from(data >> 32).unwrap_or(u32::MAX)));
        if place.code == TransferCode::MadeGood.number() {
            Self::MadeGood { lost: low }
        } else if place.debit_account_id == operator_id(AccountCode::IncidentLoss) {
            Self::Kept { returned: low, regained: high }
        } else if place.credit_account_id == operator_id(AccountCode::IncidentReturned) {
            Self::TakeBack { returned: low, regained: high }
        } else {
            let returned = i64::from(place.user_data_32);
            Self::PaidBack { wallet: low, returned, lost: high }
        }
    }

    /// The transfer that takes a place: the last of its chain, or linked to what follows.
    #[must_use]
    pub fn at(self, place: u128) -> Transfer {
        let (returns, loss) = (operator_id(AccountCode::IncidentReturned), card_loss_id());
        let taken = Transfer {
            id: place,
            debit_account_id: returns,
            credit_account_id: loss,
            ledger: LEDGER_JPY,
            code: TransferCode::TopupTaken.number(),
            ..Transfer::default()
        };
        match self {
            Self::PaidBack { wallet, returned, lost } => Transfer {
                user_data_64: halves(wallet, lost),
                user_data_32: half(returned),
                ..taken
            },
            Self::TakeBack { returned, regained } => Transfer {
                debit_account_id: loss,
                credit_account_id: returns,
                user_data_64: halves(returned, regained),
                ..taken
            },
            Self::Kept { returned, regained } => Transfer {
                debit_account_id: operator_id(AccountCode::IncidentLoss),
                credit_account_id: returns,
                user_data_64: halves(returned, regained),
                ..taken
            },
            Self::MadeGood { lost } => Transfer {
                user_data_64: halves(lost, 0),
                code: TransferCode::MadeGood.number(),
                ..taken
            },
        }
    }
}

impl Taken {
    /// Reads what was taken of a top-up; `credit_id` is its transfer's.
    ///
    /// # Errors
    /// A fault if the views fail.
    pub async fn read(app: &App, credit_id: u128) -> Result<Self> {
        let mut taken = Self::before_places(app, credit_id).await?;
        for number in 0.. {
            taken.place = place_id(credit_id, number);
            let Some(found) = app.gate.transfer(taken.place).await? else { break };
            taken.add(Taking::of(&found.transfer));
        }
        Ok(taken)
    }

    /// What chargebacks took before they took places: these rows do not say what was returned.
    async fn before_places(app: &App, credit_id: u128) -> Result<Self> {
        let query = sql("SELECT CAST(COALESCE(SUM(taken), 0) AS BIGINT) AS taken,
                 CAST(COALESCE(SUM(lost), 0) AS BIGINT) AS lost
             FROM card_dispute WHERE topup_id = $1 AND state = 'reversed' AND returned IS NULL");
        let query = query.bind(Kind::Topup.text(credit_id));
        let row = app.stores.registry.one(query).await?;
        Ok(Self { wallet: row.int("taken")?, lost: row.int("lost")?, ..Self::default() })
    }

    fn add(&mut self, taking: Taking) {
        match taking {
            Taking::PaidBack { wallet, returned, lost } => {
                self.wallet += wallet;
                self.returned -= returned;
                self.lost += lost;
            }
            Taking::TakeBack { returned, regained } => {
                self.wallet += returned + regained;
                self.returned += returned;
                self.lost -= regained;
            }
            Taking::Kept { returned, regained } => {
                self.returned += returned;
                self.lost -= regained;
            }
            Taking::MadeGood { lost } => {
                self.lost -= lost;
                self.settled += lost;
            }
        }
        let sums = [self.wallet, self.returned, self.lost, self.settled];
        assert!(
            sums.iter().all(|yen| *yen >= 0),
            "more was given of a top-up than taken: {self:?}"
        );
    }

    /// What a chargeback of so much takes, if so much is in the wallet: never more of the wallet
    /// than is left of a top-up of `topped_up` yen, of which nothing is there any more that an
    /// earlier one did not find.
    #[must_use]
    pub fn charged_back(&self, amount: i64, topped_up: i64, there: i64) -> Taking {
        let returned = amount.min(self.returned);
        let left = (topped_up - self.wallet - self.lost - self.settled).max(0);
        let wallet = (amount - returned).min(left).min(there).max(0);
        Taking::PaidBack { wallet, returned, lost: amount - returned - wallet }
    }

    /// What an act takes back of so much that is in the wallet: first against what a chargeback
    /// cost the operator.
    #[must_use]
    pub fn taken_back(&self, yen: i64) -> Taking {
        let regained = yen.min(self.lost);
        Taking::TakeBack { returned: yen - regained, regained }
    }

    /// What becomes of so much that was on its way to the card, and that the gateway would not
    /// refund. A chargeback that came meanwhile did not find it in incident returns: what that
    /// cost the operator comes first, as if it had found it.
    #[must_use]
    pub fn kept(&self, yen: i64) -> Taking {
        let regained = yen.min(self.lost);
        Taking::Kept { returned: yen - regained, regained }
    }
}

/// Links transfers into one chain.
pub fn chain(transfers: &mut [Transfer]) {
    let last = transfers.len().saturating_sub(1);
    for (number, transfer) in transfers.iter_mut().enumerate() {
        transfer.flags = match number < last {
            true => transfer.flags.with(TransferFlags::LINKED),
            false => transfer.flags.without(TransferFlags::LINKED),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
        prop::collection::vec((0..5_u8, 0..=1_000_i64, 0..=1_000_i64), 0..12)
    }

    proptest! {
        /// Goal: whatever comes in whatever order, no more than the top-up leaves the wallet, no
        /// yen that an incident holds is given twice, and none of a loss is made good twice.
        #[test]
        fn no_more_than_the_top_up_is_taken(topped_up in 1..=1_000_i64, steps in steps()) {
            let mut taken = Taken::default();
            let (mut out, mut cost, mut settled, mut on_its_way) = (0, 0, 0, 0);
            for (kind, amount, there) in steps {
                let taking = match kind {
                    0 => taken.charged_back(amount.min(topped_up), topped_up, there),
                    1 => {
                        let left = (topped_up - taken.wallet - settled).max(0);
                        taken.taken_back(amount.min(left).min(there))
                    }
                    2 => {
                        let returned = amount.min(taken.returned);
                        on_its_way += returned;
                        Taking::PaidBack { wallet: 0, returned, lost: 0 }
                    }
                    3 => {
                        let kept = amount.min(on_its_way);
                        on_its_way -= kept;
                        taken.kept(kept)
                    }
                    _ => Taking::MadeGood { lost: amount.min(taken.lost) },
                };
                prop_assert_eq!(Taking::of(&taking.at(1)), taking);
                match taking {
                    Taking::PaidBack { wallet, returned, lost } => {
                        prop_assert!(wallet <= there && wallet >= 0 && returned >= 0 && lost >= 0);
                        if kind == 0 {
                            prop_assert_eq!(wallet + returned + lost, amount.min(topped_up));
                        }
                        out += wallet;
                        cost += lost;
                    }
                    Taking::TakeBack { returned, regained } => {
                        out += returned + regained;
                        cost -= regained;
                    }
                    Taking::Kept { returned, regained } => {
                        prop_assert!(returned >= 0 && (returned == 0 || regained == cost));
                        cost -= regained;
                    }
                    Taking::MadeGood { lost } => {
                        cost -= lost;
                        settled += lost;
                    }
                }
                taken.add(taking);
                prop_assert_eq!((taken.wallet, taken.lost, taken.settled), (out, cost, settled));
                prop_assert!(out <= topped_up && cost >= 0, "{taken:?}");
            }
        }
    }
}
