//! The figures that the Payment Services Act (資金決済法) asks of an issuer of prepaid value, from the
//! journal alone.
//!
//! Here: what was issued, recovered and refunded in a period and what is unused at its end
//! ([`figures`]); base dates and deposit ([`base`]); how much may be refunded ([`quota`]). Which
//! transfer is which is [`effect`]'s to say, and `docs/law.md` shows it. Not here: any balance that
//! the service answers with, and any opinion of a lawyer.
//!
//! Only *paid* value counts. Value given free and points are other units of the ledger, told apart
//! on the customer's screen and in the books, so they stay out (GL Ⅰ-2-1(3)).

pub mod base;
pub mod quota;

use std::collections::{BTreeMap, HashSet};

use omamori_db::Db;
use omamori_ledger::{Transfer, TransferFlags};

use crate::books::{Event, read};
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode};
use crate::web::error::Result;

/// What a transfer is to the law, seen from the holders of paid value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Value issued: a top-up.
    Issued,
    /// A top-up that did not come to be after all: taken off what was issued.
    IssuedBack,
    /// Value recovered: used to pay (府令48条), paid back as money, or excluded at the end of the
    /// service (府令4条).
    Recovered,
    /// A purchase or a payout that was undone: taken off what was recovered.
    RecoveredBack,
    /// Moves value between holders, or none at all.
    Between,
}

/// What a transfer of paid value is to the law. Free value, points and pieces are other units, and
/// their codes never touch a wallet.
#[must_use]
pub const fn effect(code: TransferCode) -> Option<Effect> {
    Some(match code {
        TransferCode::TopupCash
        | TransferCode::TopupCard
        | TransferCode::TopupAuto
        | TransferCode::TopupAtm
        | TransferCode::IncidentCompensation => Effect::Issued,
        TransferCode::TopupCashCancel
        | TransferCode::TopupAtmCancel
        | TransferCode::CardChargeback
        | TransferCode::MadeGoodBack
        | TransferCode::IncidentReversal => Effect::IssuedBack,
        TransferCode::Payment
        | TransferCode::RefundSent
        | TransferCode::RefundQuota
        | TransferCode::RefundExcluded => Effect::Recovered,
        TransferCode::Refund
        | TransferCode::Cancel
        | TransferCode::RefundReturned
        | TransferCode::RefundQuotaReturned => Effect::RecoveredBack,
        TransferCode::Send
        | TransferCode::SendReceive
        | TransferCode::SendClaim
        | TransferCode::RefundSetAside
        | TransferCode::RefundBack
        | TransferCode::WalletClose => Effect::Between,
        _ => return None,
    })
}

/// Yen of a period. Every figure is of paid value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Unused when the period began.
    pub opening: i64,
    /// Issued, less top-ups undone.
    pub issued: i64,
    /// Recovered, less purchases undone.
    pub recovered: i64,
    /// What no rule of [`effect`] names, as it changed what holders have. Must be 0: if not, this
    /// program does not know what to report.
    pub unnamed: i64,
    /// Unused when the period ended.
    pub closing: i64,
    /// What each kind of transfer added to holders' value, by its code; for the books (府令46条).
    pub by_code: BTreeMap<u16, i64>,
}

impl Figures {
    /// What of it was refunded within the quota (府令42条1号, 2号), less what banks gave back.
    #[must_use]
    pub fn refunded_of_quota(&self) -> i64 {
        let codes = [TransferCode::RefundQuota, TransferCode::RefundQuotaReturned];
        let left = codes.map(|code| self.by_code.get(&code.number()).copied().unwrap_or_default());
        (-left.iter().sum::<i64>()).max(0)
    }

    /// Whether the balance at the end is the one at the beginning with what the period did: the
    /// running form of GL Ⅰ-2-1(1).
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        self.opening + self.issued - self.recovered + self.unnamed == self.closing
    }
}

/// Yen that holders of paid value had at an instant (nanoseconds since 1970): posted, so that what
/// is set aside for a purchase or a send is still the holder's.
///
/// # Errors
/// A fault if the journal cannot be read or is not sound.
pub async fn unused(journal: &Db, at: u64) -> Result<i64> {
    Ok(figures(journal, at, at).await?.closing)
}

/// The figures of what happened from `from` until before `until` (nanoseconds since 1970), in one
/// reading of the journal from its beginning.
///
/// # Errors
/// A fault if the journal cannot be read or is not sound.
pub async fn figures(journal: &Db, from: u64, until: u64) -> Result<Figures> {
    Ok(periods(journal, &[from, until]).await?.pop().unwrap_or_default())
}

/// The figures of each period between two neighbours of `cuts` (rising, nanoseconds since 1970), in
/// one reading of the journal from its beginning.
///
/// # Errors
/// A fault if the journal cannot be read or is not sound.
pub async fn periods(journal: &Db, cuts: &[u64]) -> Result<Vec<Figures>> {
    let mut fold = Fold { cuts, ..Fold::default() };
    read(journal, cuts.last().copied(), |_, event| {
        fold.event(event);
        Ok(())
    })
    .await?;
    fold.up_to(u64::MAX);
    // What was before the first cut is no period of its own.
    Ok(fold.over.split_off(1.min(fold.over.len())))
}

#[derive(Default)]
struct Fold<'a> {
    cuts: &'a [u64],
    /// Accounts of paid value, the one that it passes through between holders, and the one where it
    /// waits to be paid back: it is theirs until the bank has taken it.
    holders: HashSet<u128>,
    /// One for each cut that has passed: what was before it.
    over: Vec<Figures>,
    figures: Figures,
}

impl Fold<'_> {
    /// Closes the periods that are over at an instant.
    fn up_to(&mut self, timestamp: u64) {
        while self.cuts.get(self.over.len()).is_some_and(|cut| timestamp >= *cut) {
            let closing = self.figures.closing;
            let next = Figures { opening: closing, closing, ..Figures::default() };
            self.over.push(std::mem::replace(&mut self.figures, next));
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(account) => {
                let codes =
                    [AccountCode::Wallet, AccountCode::SendTransit, AccountCode::RefundPayable];
                let codes = codes.map(|code| code as u16);
                if account.ledger == LEDGER_JPY && codes.contains(&account.code) {
                    self.holders.insert(account.id);
                }
            }
            Event::Chain(chain) => {
                self.up_to(chain[0].timestamp);
                chain.iter().for_each(|transfer| self.transfer(transfer));
            }
            Event::Expired { .. } => {}
        }
    }

    fn transfer(&mut self, transfer: &Transfer) {
        let moves = !transfer.is_pending()
            && !transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
        let amount = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
        let gained = i64::from(self.holders.contains(&transfer.credit_account_id));
        let lost = i64::from(self.holders.contains(&transfer.debit_account_id));
        let change = if moves { amount * (gained - lost) } else { 0 };
        if change == 0 {
            return;
        }
        let figures = &mut self.figures;
        figures.closing += change;
        *figures.by_code.entry(transfer.code).or_default() += change;
        match TransferCode::of(transfer.code).and_then(effect) {
            Some(Effect::Issued | Effect::IssuedBack) => figures.issued += change,
            Some(Effect::Recovered | Effect::RecoveredBack) => figures.recovered -= change,
            Some(Effect::Between) | None => figures.unnamed += change,
        }
    }
}
