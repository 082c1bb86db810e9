//! The journal in plain-text accounting form, which hledger, Ledger and Beancount's importers read:
//! somebody else's program adds the books up.
//!
//! A linked chain is one transaction; a debit is a positive amount and a credit a negative one, as
//! there. Value that a pending transfer has set aside moves to the account's own `held`, so that an
//! account with its `held` is what was posted, and without it what can be spent. No personal data:
//! the journal has none.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;

use jiff::Timestamp;
use omamori_db::Db;
use omamori_ledger::{Account, Transfer, TransferFlags};

use super::{Event, read};
use crate::gate::chart::{
    AccountCode as Code, LEDGER_JPY, LEDGER_JPY_FREE, LEDGER_PIECES, LEDGER_POINTS, TransferCode,
};
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// How finely accounts are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Every account of the ledger by its id.
    Accounts,
    /// One account for each kind: what an accountant's general ledger takes.
    Kinds,
}

/// The kinds of accounts by the names that accountants sort them by.
const NAMES: [(Code, &str); 32] = [
    (Code::Wallet, "liabilities:wallet"),
    (Code::StoreSales, "liabilities:store-sales"),
    (Code::StoreCash, "assets:store-cash"),
    (Code::Closings, "equity:closings"),
    (Code::SendTransit, "liabilities:send-transit"),
    (Code::CardClearing, "assets:card-clearing"),
    (Code::CardLoss, "expenses:card-loss"),
    (Code::FreeLot, "liabilities:free-lot"),
    (Code::PointsLot, "liabilities:points-lot"),
    (Code::PointsDebt, "assets:points-owed"),
    (Code::CouponPieces, "liabilities:coupon-pieces"),
    (Code::FreeIssue, "equity:free-issue"),
    (Code::PointsIssue, "equity:points-issue"),
    (Code::FreeFunding, "expenses:free-value"),
    (Code::PointsFunding, "expenses:points"),
    (Code::CampaignBudget, "liabilities:campaign-budget"),
    (Code::CampaignFunding, "expenses:campaigns"),
    (Code::MerchantFunding, "equity:merchant-discounts"),
    (Code::StoreDiscount, "equity:store-discounts"),
    (Code::PieceIssue, "equity:piece-issue"),
    (Code::FreeExpired, "equity:free-expired"),
    (Code::PointsExpired, "equity:points-expired"),
    (Code::MerchantPayable, "liabilities:merchant-payable"),
    (Code::PayoutTransit, "liabilities:payouts-in-transit"),
    (Code::FeeIncome, "revenues:merchant-fees"),
    (Code::FeeTax, "liabilities:consumption-tax"),
    (Code::OperatorBank, "assets:bank"),
    (Code::IncidentLoss, "expenses:incidents"),
    (Code::IncidentReturned, "liabilities:incident-returns"),
    (Code::IncidentPayable, "liabilities:incident-payouts"),
    (Code::RefundPayable, "liabilities:refunds"),
    (Code::RefundUnclaimed, "revenues:unclaimed-value"),
];

/// The name of a kind; by its number if it has none here.
fn kind_name(code: u16) -> String {
    let found = NAMES.iter().find(|(kind, _)| *kind as u16 == code);
    found.map_or_else(|| format!("equity:kind-{code}"), |(_, name)| (*name).to_owned())
}

/// The commodity of a unit.
fn commodity(ledger: u32) -> String {
    match ledger {
        LEDGER_JPY => "JPY".to_owned(),
        LEDGER_JPY_FREE => "\"free JPY\"".to_owned(),
        LEDGER_POINTS => "points".to_owned(),
        LEDGER_PIECES => "pieces".to_owned(),
        other => format!("\"unit {other}\""),
    }
}

/// The name of why value moved.
#[must_use]
pub fn reason(code: u16) -> String {
    TransferCode::of(code).map_or_else(|| format!("code {code}"), |code| format!("{code:?}"))
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The last entry of the journal that was looked into.
    pub entry: u64,
    /// Transactions.
    pub transactions: u64,
}

/// Writes the journal before `until` (nanoseconds since 1970), as it is read.
///
/// # Errors
/// A fault if the store fails, the journal is not sound, or `out` does not take it.
pub async fn export<W: Write>(
    journal: &Db,
    until: Option<u64>,
    grain: Grain,
    out: W,
) -> Result<Written> {
    let mut text = Text {
        out,
        grain,
        accounts: HashMap::new(),
        pending: HashMap::new(),
        declared: HashSet::new(),
        transactions: 0,
    };
    text.head()?;
    let position = read(journal, until, |entry, event| text.event(entry, event)).await?;
    text.out.flush().map_err(cannot_write)?;
    Ok(Written { entry: position.seq, transactions: text.transactions })
}

fn cannot_write(error: std::io::Error) -> Error {
    Error::Fault(Box::new(error))
}

struct Text<W> {
    out: W,
    grain: Grain,
    /// Unit and kind of every account.
    accounts: HashMap<u128, (u32, u16)>,
    pending: HashMap<u128, Transfer>,
    /// Names that were declared and may come again.
    declared: HashSet<String>,
    transactions: u64,
}

impl<W: Write> Text<W> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) -> Result<()> {
        self.out.write_fmt(format_args!("{line}\n")).map_err(cannot_write)
    }

    fn head(&mut self) -> Result<()> {
        self.line(format_args!("; Omamori's journal. Debits are positive, credits negative."))?;
        for ledger in [LEDGER_JPY, LEDGER_JPY_FREE, LEDGER_POINTS, LEDGER_PIECES] {
            self.line(format_args!("commodity 1000. {}", commodity(ledger)))?;
        }
        Ok(())
    }

    fn event(&mut self, entry: u64, event: Event<'_>) -> Result<()> {
        match event {
            Event::Opened(account) => self.opened(account),
            Event::Chain(chain) => self.chain(entry, chain),
            Event::Expired { pending_id, timestamp } => {
                let Some(pending) = self.pending.remove(&pending_id) else {
                    return Err(Error::fault("what expires was never pending"));
                };
                self.title(entry, timestamp, &format!("{} expired", reason(pending.code)))?;
                self.held(&[(pending.debit_account_id, -i128::from(pending.amount))])
            }
        }
    }

    fn opened(&mut self, account: &Account) -> Result<()> {
        self.accounts.insert(account.id, (account.ledger, account.code));
        let name = self.name(account.id);
        self.declare(&name)
    }

    fn declare(&mut self, name: &str) -> Result<()> {
        // By id an account is opened once, so its name needs not be remembered.
        let is_known = self.grain == Grain::Kinds && !self.declared.insert(name.to_owned());
        if is_known { Ok(()) } else { self.line(format_args!("\naccount {name}")) }
    }

    fn name(&self, account_id: u128) -> String {
        let kind = kind_name(self.accounts.get(&account_id).map_or(0, |(_, code)| *code));
        match self.grain {
            Grain::Accounts => format!("{kind}:{account_id:032x}"),
            Grain::Kinds => kind,
        }
    }

    fn title(&mut self, entry: u64, timestamp: u64, what: &str) -> Result<()> {
        self.transactions += 1;
        let micros = i64::try_from(timestamp / 1_000).unwrap_or(i64::MAX);
        let at = Timestamp::from_nanosecond(timestamp.into()).unwrap_or(Timestamp::UNIX_EPOCH);
        let date = japan(micros).date();
        self.line(format_args!("\n{date} {what}  ; entry:{entry}, at:{at}"))
    }

    fn chain(&mut self, entry: u64, chain: &[Transfer]) -> Result<()> {
        let first = &chain[0];
        self.title(entry, first.timestamp, &reason(first.code))?;
        let mut held: BTreeMap<u128, i128> = BTreeMap::new();
        for transfer in chain {
            let (account, amount) = (transfer.debit_account_id, i128::from(transfer.amount));
            if transfer.is_pending() {
                self.pending.insert(transfer.id, *transfer);
                *held.entry(account).or_default() += amount;
                self.note(transfer, "held")?;
                continue;
            }
            if transfer.is_resolving()
                && let Some(pending) = self.pending.remove(&transfer.pending_id)
            {
                *held.entry(account).or_default() -= i128::from(pending.amount);
            }
            if transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER) {
                self.note(transfer, "given back")?;
            } else {
                self.posting(transfer)?;
            }
        }
        let held: Vec<_> = held.into_iter().collect();
        self.held(&held)
    }

    /// A remark on a transfer that moves nothing between accounts.
    fn note(&mut self, transfer: &Transfer, what: &str) -> Result<()> {
        let Transfer { id, amount, user_data_128: decision, .. } = transfer;
        let reason = reason(transfer.code);
        self.line(format_args!(
            "    ; {reason} {what}, amount:{amount}, id:{id:032x}, decision:{decision:032x}"
        ))
    }

    /// The two legs of a transfer.
    fn posting(&mut self, transfer: &Transfer) -> Result<()> {
        let Transfer { id, amount, user_data_128: decision, .. } = transfer;
        let unit = commodity(transfer.ledger);
        let (debit, credit) =
            (self.name(transfer.debit_account_id), self.name(transfer.credit_account_id));
        let reason = reason(transfer.code);
        self.line(format_args!(
            "    {debit}  {amount} {unit}  ; {reason}, id:{id:032x}, decision:{decision:032x}"
        ))?;
        self.line(format_args!("    {credit}  -{amount} {unit}"))
    }

    /// What was set aside in an account, or came back.
    fn held(&mut self, changes: &[(u128, i128)]) -> Result<()> {
        for (account_id, change) in changes.iter().filter(|(_, change)| *change != 0) {
            let unit = commodity(self.accounts.get(account_id).map_or(0, |(ledger, _)| *ledger));
            let name = self.name(*account_id);
            self.line(format_args!("    {name}  {change} {unit}"))?;
            self.line(format_args!("    {name}:held  {} {unit}", -change))?;
        }
        // A declaration ends the transaction, so it comes after it: the whole file is read first.
        for (account_id, _) in changes.iter().filter(|(_, change)| *change != 0) {
            let name = format!("{}:held", self.name(*account_id));
            if self.declared.insert(name.clone()) {
                self.line(format_args!("\naccount {name}"))?;
            }
        }
        Ok(())
    }
}
