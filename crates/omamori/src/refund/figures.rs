//! What the authority is told at the beginning and at completion of a refund procedure (forms 18
//! and 19): holders and yen, claimed, paid, given back by banks, unclaimed.

use std::collections::HashMap;

use omamori_db::{Db, sql};

use super::claim::{self, State};
use super::end::{self, ServiceEnd};
use crate::app::App;
use crate::books::{Event, read};
use crate::db::Stores;
use crate::gate::chart::{AccountCode, LEDGER_JPY};
use crate::web::error::Result;

/// A number of holders or claims, and their yen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// Yen.
    pub yen: i64,
}

impl Sum {
    fn add(&mut self, count: i64, yen: i64) {
        self.count += count;
        self.yen += yen;
    }
}

/// The figures of an end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Paid value when use ended: none before that.
    pub held: Option<Sum>,
    /// Claims that stand.
    pub claimed: Sum,
    /// Of them: paid.
    pub paid: Sum,
    /// Of them: in a file for the bank.
    pub in_file: Sum,
    /// Of them: for the next file.
    pub waiting: Sum,
    /// Of them: staff look at them.
    pub review: Sum,
    /// Of them: given back by the bank, and another account is awaited.
    pub returned: Sum,
    /// Claims that were refused; their value is in the wallets again.
    pub refused: Sum,
    /// Holders who were excluded.
    pub excluded: Sum,
    /// Holders whom the newest run left out.
    pub kept: Sum,
}

impl Figures {
    /// Each figure by its name, in order.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, Sum)> {
        let mut lines = Vec::new();
        lines.extend(self.held.map(|held| ("held", held)));
        lines.extend([
            ("claimed", self.claimed),
            ("paid", self.paid),
            ("in_file", self.in_file),
            ("waiting", self.waiting),
            ("review", self.review),
            ("returned", self.returned),
            ("refused", self.refused),
            ("excluded", self.excluded),
            ("kept", self.kept),
        ]);
        lines
    }

    /// As a file for a spreadsheet.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("figure,count,yen\r\n");
        for (name, Sum { count, yen }) in self.lines() {
            text.push_str(&format!("{name},{count},{yen}\r\n"));
        }
        text
    }
}

/// The figures of an end now.
///
/// # Errors
/// A fault if a store fails.
pub async fn of(stores: &Stores, end: &ServiceEnd) -> Result<Figures> {
    let registry = &stores.registry;
    let mut found =
        Figures { held: end.held.map(|(count, yen)| Sum { count, yen }), ..Figures::default() };
    for (state, count, yen) in claim::counts(registry).await? {
        let of_state = match state {
            State::Asked => continue,
            State::Refusing | State::Refused => {
                found.refused.add(count, yen);
                continue;
            }
            State::Review => &mut found.review,
            State::Waiting => &mut found.waiting,
            State::InFile => &mut found.in_file,
            State::Sent => &mut found.paid,
            State::Returned => &mut found.returned,
        };
        of_state.add(count, yen);
        found.claimed.add(count, yen);
    }
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n,
             CAST(COALESCE(SUM(r.yen), 0) AS BIGINT) AS yen
         FROM refund_exclusion_row r JOIN refund_exclusion x ON x.exclusion_id = r.exclusion_id
         WHERE x.end_id = $1 AND r.outcome = 'excluded'");
    let row = registry.one(query.bind(&end.end_id)).await?;
    found.excluded.add(row.int("n")?, row.int("yen")?);
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) AS n,
             CAST(COALESCE(SUM(yen), 0) AS BIGINT) AS yen
         FROM refund_exclusion_row WHERE outcome = 'kept' AND exclusion_id =
             (SELECT exclusion_id FROM refund_exclusion WHERE end_id = $1
              AND state <> 'planned' ORDER BY started_at DESC LIMIT CAST(1 AS BIGINT))");
    let row = registry.one(query.bind(&end.end_id)).await?;
    found.kept.add(row.int("n")?, row.int("yen")?);
    Ok(found)
}

/// Who held paid value before an instant (nanoseconds since 1970), and how much, from the journal.
///
/// # Errors
/// A fault if the journal cannot be read or is not sound.
pub async fn held(journal: &Db, until: u64) -> Result<Sum> {
    let mut wallets: HashMap<u128, i64> = HashMap::new();
    let void = omamori_ledger::TransferFlags::VOID_PENDING_TRANSFER;
    read(journal, Some(until), |_, event| {
        match event {
            Event::Opened(account)
                if account.ledger == LEDGER_JPY && account.code == AccountCode::Wallet as u16 =>
            {
                wallets.insert(account.id, 0);
            }
            Event::Chain(chain) => {
                for moved in chain {
                    if moved.is_pending() || moved.flags.contains(void) {
                        continue;
                    }
                    let amount = i64::try_from(moved.amount).unwrap_or(i64::MAX);
                    if let Some(had) = wallets.get_mut(&moved.debit_account_id) {
                        *had -= amount;
                    }
                    if let Some(had) = wallets.get_mut(&moved.credit_account_id) {
                        *had += amount;
                    }
                }
            }
            Event::Opened(_) | Event::Expired { .. } => {}
        }
        Ok(())
    })
    .await?;
    let had = wallets.into_values().filter(|yen| *yen > 0);
    Ok(had.fold(Sum::default(), |sum, yen| Sum { count: sum.count + 1, yen: sum.yen + yen }))
}

/// Once use has ended: reads what was held then, and keeps it.
///
/// # Errors
/// A fault if a store fails.
pub(super) async fn keep(app: &App) -> Result<()> {
    let registry = &app.stores.registry;
    let Some(end) = end::standing(registry).await? else { return Ok(()) };
    if end.held.is_some() || !end.has_ended(app.clock.now()) {
        return Ok(());
    }
    let nanos = u64::try_from(end.plan.ends_at).unwrap_or_default().saturating_mul(1_000);
    let Sum { count, yen } = held(&app.stores.journal, nanos).await?;
    let update = sql("UPDATE service_end SET end_holders = $1, end_yen = $2
         WHERE end_id = $3 AND end_yen IS NULL");
    registry.execute(update.bind(count).bind(yen).bind(&end.end_id)).await?;
    Ok(())
}
