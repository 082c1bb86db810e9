//! The same as CSV: every day, store and terminal.

use std::collections::HashMap;
use std::fmt::Write;

use super::read::{Row, Store, Terminal};
use crate::web::csv::cell;
use crate::web::error::{Error, Result};

const HEAD: &str = "\u{feff}day,store_id,store,terminal_id,terminal,sales_count,sales_yen,\
                    refunds_count,refunds_yen,net_yen,coupons_yen,own_discounts_yen\r\n";

/// The lines, with the mark that lets spreadsheets know UTF-8.
pub(super) fn lines(
    rows: &[Row],
    stores: &[Store],
    terminals: &HashMap<i64, Terminal>,
) -> Result<String> {
    let mut out = String::from(HEAD);
    for row in rows {
        let Some(store) = stores.get(row.store) else { continue };
        let terminal = terminals.get(&row.terminal_number);
        let (id, name) =
            terminal.map_or(("", ""), |found| (found.terminal_id.as_str(), found.name.as_str()));
        let of = &row.figures;
        write!(
            out,
            "{},{},{},{id},{},{},{},{},{},{},{},{}\r\n",
            row.day,
            store.store_id,
            cell(&store.name),
            cell(name),
            of.sale_count,
            of.gross,
            of.refund_count,
            of.refunds,
            of.net(),
            of.coupons,
            of.discounts,
        )
        .map_err(|_| Error::fault("a line of CSV"))?;
    }
    Ok(out)
}
