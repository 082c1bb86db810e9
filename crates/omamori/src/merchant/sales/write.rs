//! From the journal to sums of days.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use omamori_db::{Result, Tx, sql, sql_rows};
use omamori_ledger::{Entry, Fact, Follower, Transfer, TransferFlags};

use crate::gate::chart::TransferCode as Code;
use crate::pos::{micros, yen};
use crate::web::filters::japan;

/// A busy store has many sales a second and one row a day.
const LINGER: Duration = Duration::from_millis(250);
const ROWS_PER_STATEMENT: usize = 256;

pub(super) struct Writer;

/// Store's account, day, terminal.
type Place = (u128, i64, i64);

#[derive(Default)]
struct Sums {
    sale_count: i64,
    gross: i64,
    refund_count: i64,
    refunded: i64,
    coupon: i64,
    discount: i64,
}

impl Follower for Writer {
    fn name(&self) -> &'static str {
        "sales_days"
    }

    async fn apply(&mut self, tx: &mut Tx, entries: &[Arc<Entry>]) -> Result<()> {
        // From the very beginning: the position was lost, so what is there was counted before.
        if entries.first().is_some_and(|entry| entry.seq == 1) {
            tx.execute(sql("DELETE FROM sales_day")).await?;
        }
        let mut sums = BTreeMap::new();
        for entry in entries {
            // A chain never reaches into another entry.
            let mut place = None;
            for fact in &entry.facts {
                if let Fact::TransferCreated(transfer) = fact {
                    count(transfer, &mut place, &mut sums);
                }
            }
        }
        add(tx, &Vec::from_iter(sums)).await
    }

    fn linger(&self) -> Duration {
        LINGER
    }
}

/// Counts a transfer. `place` is that of the payment or refund in whose chain it stands: it comes
/// before its legs.
fn count(transfer: &Transfer, place: &mut Option<Place>, sums: &mut BTreeMap<Place, Sums>) {
    let code = Code::of(transfer.code);
    let moves =
        !transfer.is_pending() && !transfer.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    let store = match code {
        Some(Code::Payment) => Some(transfer.credit_account_id),
        Some(Code::Refund | Code::Cancel) => Some(transfer.debit_account_id),
        _ => None,
    };
    if let (Some(store), true) = (store, moves) {
        *place = Some((store, day(micros(transfer)), transfer.user_data_64.cast_signed()));
    }
    if let (Some(place), Some(code), true) = (*place, code, moves) {
        sums.entry(place).or_default().add(code, transfer, place.0);
    }
    if !transfer.flags.contains(TransferFlags::LINKED) {
        *place = None;
    }
}

impl Sums {
    fn add(&mut self, code: Code, transfer: &Transfer, store: u128) {
        let amount = yen(transfer);
        match code {
            Code::Payment => self.sale_count += 1,
            Code::Refund | Code::Cancel => self.refund_count += 1,
            // The merchant's own discounts go past the sales account.
            Code::CouponDiscount if transfer.credit_account_id != store => self.discount += amount,
            Code::CouponDiscountBack if transfer.debit_account_id != store => {
                self.discount -= amount;
            }
            Code::CouponDiscount => self.coupon += amount,
            Code::CouponDiscountBack => self.coupon -= amount,
            _ => {} // points and free value: yen on the account as any other
        }
        if transfer.credit_account_id == store {
            self.gross += amount;
        } else if transfer.debit_account_id == store {
            self.refunded += amount;
        }
    }
}

/// `20260401` of an instant, in Japan.
fn day(at: crate::clock::Micros) -> i64 {
    super::read::number(japan(at).date())
}

async fn add(tx: &mut Tx, sums: &[(Place, Sums)]) -> Result<()> {
    for sums in sums.chunks(ROWS_PER_STATEMENT) {
        let head = "INSERT INTO sales_day (account_id, day, terminal_number, sale_count, gross_yen, \
                    refund_count, refund_yen, coupon_yen, discount_yen)";
        let mut upsert = sql_rows(head, 9).ending(
            "ON CONFLICT (account_id, day, terminal_number) DO UPDATE
             SET sale_count = sales_day.sale_count + excluded.sale_count,
                 gross_yen = sales_day.gross_yen + excluded.gross_yen,
                 refund_count = sales_day.refund_count + excluded.refund_count,
                 refund_yen = sales_day.refund_yen + excluded.refund_yen,
                 coupon_yen = sales_day.coupon_yen + excluded.coupon_yen,
                 discount_yen = sales_day.discount_yen + excluded.discount_yen",
        );
        for ((account, day, terminal), sums) in sums {
            upsert.push(account.to_be_bytes());
            let of_sales = [*day, *terminal, sums.sale_count, sums.gross];
            let of_refunds = [sums.refund_count, sums.refunded, sums.coupon, sums.discount];
            for figure in of_sales.into_iter().chain(of_refunds) {
                upsert.push(figure);
            }
        }
        tx.execute(upsert).await?;
    }
    Ok(())
}
