//! Does what the players counted from the answers add up with the ledger?

use omamori_db::sql;
use omamori_drill::month::Tally;
use omamori_ledger::Account;

use super::Error;
use super::shop::Memory;
use crate::app::App;
use crate::cli::merchant::plain;
use crate::coupon::{manage, merchant_discount};
use crate::gate::chart::{card_clearing_id, send_transit_account};

/// Compares each sum. What went otherwise than the script says is as wrong as a sum that differs.
///
/// # Errors
/// Every sum that differs, every act that went otherwise; if a store fails.
pub(super) async fn check(app: &App, memory: &Memory, tally: &Tally) -> Result<(), Error> {
    let mut sums = Vec::new();
    let account = |id| app.gate.account(id).unwrap_or_default();
    let debits = |account: &Account| yen(account.debits_posted);
    let credits = |account: &Account| yen(account.credits_posted);
    let query = sql("SELECT sales_account, cash_account FROM store WHERE merchant_id = $1");
    let rows = app.stores.registry.all(query.bind(&memory.merchant_id)).await?;
    // Where the merchant pays a coupon, the store is owed that much less: the rest of the sale is
    // on the account of the merchant's own discounts.
    let own_discounts = account(merchant_discount(&memory.merchant_id));
    let (mut sold, mut given_back) = (credits(&own_discounts), debits(&own_discounts));
    let (mut taken, mut returned) = (0, 0);
    for row in &rows {
        let of = |column| row.array(column).map(|id| account(u128::from_be_bytes(id)));
        let (sales, cash) = (of("sales_account")?, of("cash_account")?);
        sold += credits(&sales);
        given_back += debits(&sales);
        taken += debits(&cash);
        returned += credits(&cash);
    }
    sums.push(("cash top-ups", taken, tally.sum(|store| store.top_ups).yen));
    sums.push(("canceled top-ups", returned, tally.sum(|store| store.top_ups_canceled).yen));
    sums.push(("sales", sold, tally.sum(|store| store.sales).yen));
    let refunds = tally.sum(|store| store.refunds).yen + tally.sum(|store| store.cancels).yen;
    sums.push(("refunds and cancels", given_back, refunds));
    let clearing = account(card_clearing_id());
    sums.push(("card top-ups", debits(&clearing), tally.card_top_ups.yen));
    let transit = account(send_transit_account().id);
    sums.push(("taken from friends", credits(&transit), tally.taken.yen));
    let mut discounts = 0;
    for owner in [None, Some(&*memory.merchant_id)] {
        for campaign in manage::list(app, owner).await.map_err(plain)? {
            discounts += debits(&account(campaign.budget_account()));
        }
    }
    sums.push(("coupons", discounts, tally.discounts.yen));
    let differs = |(what, ledger, counted): &(&str, i64, i64)| {
        (ledger != counted).then(|| format!("{what}: the ledger has {ledger}, counted {counted}"))
    };
    let mut differing: Vec<_> = sums.iter().filter_map(differs).collect();
    let unexpected = |(what, times): (&String, &u64)| format!("not as written: {what} ({times})");
    differing.extend(tally.unexpected.iter().map(unexpected));
    if differing.is_empty() { Ok(()) } else { Err(differing.join("; ").into()) }
}

fn yen(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
