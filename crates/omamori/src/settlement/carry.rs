//! The transfers of a statement: one linked chain, which happens whole or not at all.

use omamori_db::sql;
use omamori_ledger::{Account, AccountFlags, Request, Transfer, TransferFlags};
use serde_json::json;

use super::figures::{net, stores};
use super::statement::Settlement;
use crate::app::App;
use crate::gate::chart::{AccountCode, LEDGER_JPY, TransferCode, account_in};
use crate::gate::{Act, Place, Question};
use crate::id::{Kind, derive};
use crate::value::legs::operator_account;
use crate::web::error::{Error, Result};

/// The id of the account of what a merchant is owed after its statements.
#[must_use]
pub fn payable_id(merchant_id: &str) -> u128 {
    derive("merchant-payable", &[merchant_id.as_bytes()])
}

/// That account, to be created. It may fall below zero: what the merchant owes then.
pub(super) fn payable(merchant_id: &str) -> Account {
    let flags = AccountFlags::default();
    account_in(LEDGER_JPY, payable_id(merchant_id), AccountCode::MerchantPayable, flags)
}

/// What a merchant is owed now, less what is set aside for payouts; below zero if it owes.
pub(super) fn owed(app: &App, merchant_id: &str) -> i64 {
    app.gate.account(payable_id(merchant_id)).map_or(0, |account| {
        net(&account) - i64::try_from(account.debits_pending).unwrap_or(i64::MAX)
    })
}

/// The payout of a statement: its number, as text `pot_…`, and the id of the transfer that sets it
/// aside.
#[must_use]
pub fn payout_number(settlement: &Settlement) -> u128 {
    let day = settlement.closing_on.to_string();
    derive("payout", &[settlement.merchant_id.as_bytes(), day.as_bytes()])
}

/// The chain of a statement, and the accounts that it needs.
pub(super) async fn chain(app: &App, settlement: &Settlement) -> Result<Request> {
    let stores = stores(app, &settlement.merchant_id).await?;
    let statement = &settlement.statement;
    let mut chain = Chain::new(settlement);
    for figures in &statement.stores {
        let store = stores.iter().find(|store| store.store_id == figures.store_id);
        let store = store.ok_or(Error::fault("a statement names a store that is not there"))?;
        let id = store.store_id.as_bytes();
        let sales = (store.sales, chain.payable);
        chain.step(TransferCode::SalesSettled, id, sales, figures.net_sales());
        let cash = (chain.payable, store.cash);
        chain.step(TransferCode::CashSettled, id, cash, figures.net_cash());
    }
    let fee = operator_account(AccountCode::FeeIncome).id;
    chain.step(TransferCode::FeeCharged, b"", (chain.payable, fee), statement.fee);
    let tax = operator_account(AccountCode::FeeTax).id;
    chain.step(TransferCode::FeeTaxed, b"", (chain.payable, tax), statement.tax);
    let transit = operator_account(AccountCode::PayoutTransit).id;
    chain.payout((chain.payable, transit), statement.payout, payout_number(settlement));
    let accounts = vec![
        payable(&settlement.merchant_id),
        operator_account(AccountCode::FeeIncome),
        operator_account(AccountCode::FeeTax),
        operator_account(AccountCode::PayoutTransit),
    ];
    Ok(Request { accounts, transfers: chain.linked() })
}

struct Chain<'a> {
    settlement: &'a Settlement,
    payable: u128,
    transfers: Vec<Transfer>,
}

impl<'a> Chain<'a> {
    fn new(settlement: &'a Settlement) -> Self {
        let payable = payable_id(&settlement.merchant_id);
        Self { settlement, payable, transfers: Vec::new() }
    }

    /// Moves yen from the first account to the second; the other way if they are below zero.
    fn step(&mut self, code: TransferCode, part: &[u8], accounts: (u128, u128), amount: i64) {
        if amount == 0 {
            return;
        }
        let (from, to) = if amount > 0 { accounts } else { (accounts.1, accounts.0) };
        let of = Settlement::number(&self.settlement.merchant_id, self.settlement.closing_on);
        self.transfers.push(Transfer {
            id: derive("settled", &[&of.to_be_bytes(), &code.number().to_be_bytes(), part]),
            debit_account_id: from,
            credit_account_id: to,
            amount: amount.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: code.number(),
            ..Transfer::default()
        });
    }

    /// Sets a payout aside: it is paid when it is in a file.
    fn payout(&mut self, (from, to): (u128, u128), amount: i64, id: u128) {
        if amount == 0 {
            return;
        }
        self.transfers.push(Transfer {
            id,
            debit_account_id: from,
            credit_account_id: to,
            amount: amount.unsigned_abs(),
            ledger: LEDGER_JPY,
            code: TransferCode::Payout.number(),
            flags: TransferFlags::PENDING,
            ..Transfer::default()
        });
    }

    fn linked(mut self) -> Vec<Transfer> {
        let last = self.transfers.len().saturating_sub(1);
        for transfer in &mut self.transfers[..last] {
            transfer.flags = transfer.flags | TransferFlags::LINKED;
        }
        self.transfers
    }
}

/// Brings a statement into the ledger, once, and writes its payout down.
///
/// # Errors
/// The ledger refuses the chain; a fault.
pub async fn carry_out(app: &App, settlement: &Settlement) -> Result<()> {
    let request = chain(app, settlement).await?;
    if !request.transfers.is_empty() {
        commit(app, settlement, request).await?;
    }
    let mut tx = app.stores.registry.begin().await?;
    let update = sql("UPDATE settlement SET settled_at = $1
         WHERE settlement_id = $2 AND settled_at IS NULL");
    tx.execute(update.bind(app.clock.now()).bind(&settlement.settlement_id)).await?;
    if settlement.statement.payout > 0 {
        let insert = sql("INSERT INTO payout (payout_id, settlement_id, merchant_id, yen)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
        let insert = insert.bind(Kind::Payout.text(payout_number(settlement)));
        let insert = insert.bind(&settlement.settlement_id).bind(&settlement.merchant_id);
        tx.execute(insert.bind(settlement.statement.payout)).await?;
    }
    Ok(tx.commit().await?)
}

async fn commit(app: &App, settlement: &Settlement, request: Request) -> Result<()> {
    let detail = json!({
        "settlement": settlement.settlement_id,
        "closing_on": settlement.closing_on.to_string(),
        "net_sales": settlement.statement.net_sales,
        "payout": settlement.statement.payout,
    });
    let question = Question {
        terminal: Some(at(&settlement.merchant_id)),
        amount: Some(settlement.statement.payout),
        ..Question::plain(Act::Settle, &detail)
    };
    app.gate.once(question, request, |_| false).await.map(drop)
}

/// A merchant, for the gate: no store, no terminal.
pub(super) const fn at(merchant_id: &str) -> Place<'_> {
    Place { terminal_number: 0, store_id: "", merchant_id }
}
