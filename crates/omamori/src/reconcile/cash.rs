//! A partner's days of cash, by terminal, against the cash top-ups of its terminals.
//!
//! The partner sends CSV (UTF-8) with a head: `day,terminal_id,count,yen`. `yen` is what the
//! terminal took for top-ups on that day, less what it gave back; `count` may be left out.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use omamori_ledger::{Transfer, TransferFlags};

use super::Period;
use super::compare::Line;
use crate::app::App;
use crate::merchant::desk;
use crate::merchant::sales::read::terminals;
use crate::pos::{micros, yen};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

const PAGE: usize = 1_000;
/// Lines of one file.
const LINES_MAX: usize = 100_000;
/// The largest sum that a line may have.
const YEN_MAX: i64 = 1_000_000_000;

/// A day of a terminal, as both sides name it.
fn reference(day: Date, terminal_id: &str) -> String {
    format!("{day} {terminal_id}")
}

/// The partner's lines.
///
/// # Errors
/// The line that is wrong, as the field `csv[3]`: no day of the period, no id, no yen, said twice.
pub fn read(text: &str, period: Period) -> Result<Vec<Line>> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bare.as_bytes());
    let head = reader.headers().map_err(|_| Error::field("csv", "malformed"))?.clone();
    let column = |name: &str| head.iter().position(|cell| cell == name);
    let columns = (column("day"), column("terminal_id"), column("yen"));
    let (Some(day), Some(terminal), Some(amount)) = columns else {
        return Err(Error::field("csv[1]", "missing"));
    };
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for (number, record) in (2..).zip(reader.records()) {
        let wrong = |code| Error::field(&format!("csv[{number}]"), code);
        if number > LINES_MAX {
            return Err(wrong("too_long"));
        }
        let record = record.map_err(|_| wrong("malformed"))?;
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let on: Date = cell(day).parse().map_err(|_| wrong("malformed"))?;
        let yen: i64 = cell(amount).parse().map_err(|_| wrong("malformed"))?;
        let id = cell(terminal);
        let is_id = id.len() <= 40
            && id.starts_with("ter_")
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_id || cell(day).len() != 10 {
            return Err(wrong("malformed"));
        }
        if on < period.from || on > period.until || !(-YEN_MAX..=YEN_MAX).contains(&yen) {
            return Err(wrong("out_of_range"));
        }
        let line = Line { reference: reference(on, id), yen, day: on, inside: true };
        if lines.insert(line.reference.clone(), line).is_some() {
            return Err(wrong("malformed")); // a day of a terminal that was said before
        }
    }
    Ok(lines.into_values().collect())
}

/// Our days of a merchant's terminals: what the ledger has on its stores' cash accounts.
///
/// # Errors
/// [`Code::NotFound`]: no such merchant; a fault.
pub async fn ours(app: &App, merchant_id: &str, period: Period) -> Result<Vec<Line>> {
    let merchant = desk::find(&app.stores.registry, merchant_id).await?;
    let merchant = merchant.filter(|found| found.merchant_id == merchant_id);
    let merchant = merchant.ok_or(Code::NotFound)?;
    let names = terminals(app, merchant_id).await?;
    let mut sums: HashMap<(Date, String), i64> = HashMap::new();
    for store in &merchant.stores {
        for transfer in taken(app, store.cash_account, period).await? {
            let terminal = names.get(&transfer.user_data_64.cast_signed());
            let terminal_id = terminal.map_or("ter_unknown", |found| found.terminal_id.as_str());
            let took = transfer.debit_account_id == store.cash_account;
            let amount = if took { yen(&transfer) } else { -yen(&transfer) };
            let day = japan(micros(&transfer)).date();
            *sums.entry((day, terminal_id.to_owned())).or_default() += amount;
        }
    }
    let line = |((day, terminal_id), yen): ((Date, String), i64)| Line {
        reference: reference(day, &terminal_id),
        yen,
        day,
        inside: true,
    };
    Ok(sums.into_iter().map(line).collect())
}

/// Cash taken and given back on an account in a period; settlements left out.
async fn taken(app: &App, account: u128, period: Period) -> Result<Vec<Transfer>> {
    use crate::gate::chart::TransferCode::CashSettled;
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = app.gate.statement(account, before, PAGE).await?;
        before = page.last().map(|transfer| transfer.timestamp);
        let is_last =
            page.len() < PAGE || page.last().is_some_and(|last| micros(last) < period.start());
        found.extend(page.into_iter().filter(|transfer| {
            let moves = !transfer.is_pending()
                && !transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
            moves && transfer.code != CashSettled.number() && period.has(micros(transfer))
        }));
        if is_last {
            return Ok(found);
        }
    }
}
