//! Search and sums over the rows.

use omamori_db::{Db, Row, sql, sql_built};

use crate::clock::Micros;
use crate::wallet::entry::{Class, EntryKind};
use crate::web::error::{Error, Result};

/// Other sides of one customer that a text is looked for in.
const PLACES_MAX: i64 = 5_000;
/// Other sides that one search names.
const PLACES_NAMED_MAX: usize = 500;

/// Which lines. What is not given is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// From this instant on.
    pub from: Option<Micros>,
    /// Before this instant.
    pub until: Option<Micros>,
    /// Of this class.
    pub class: Option<Class>,
    /// At least so many yen, in or out.
    pub min: Option<i64>,
    /// At most so many.
    pub max: Option<i64>,
    /// With one of these on the other side.
    pub places: Option<Vec<u128>>,
}

/// A line of the history.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// The transfer.
    pub transfer_id: u128,
    /// What it was.
    pub kind: EntryKind,
    /// Yen; negative when value left the wallet.
    pub amount: i64,
    /// Points earned with it, or taken back.
    pub points: i64,
    /// The other side.
    pub other: u128,
}

fn read(row: &Row) -> omamori_db::Result<Line> {
    let kind = EntryKind::parse(&row.text("kind")?);
    Ok(Line {
        timestamp: row.int("timestamp")?.unsigned_abs(),
        transfer_id: u128::from_be_bytes(row.array("transfer_id")?),
        kind: kind.ok_or_else(|| omamori_db::Error::Corrupt { column: "kind".to_owned() })?,
        amount: row.int("amount_yen")?,
        points: row.int("points")?,
        other: u128::from_be_bytes(row.array("other_account_id")?),
    })
}

const fn nanos(at: Micros) -> i64 {
    at.saturating_mul(1_000)
}

/// The newest lines of an account before an instant (nanoseconds) that a filter lets through.
///
/// # Errors
/// A fault if the views fail.
pub async fn search(
    views: &Db,
    account: u128,
    filter: &Filter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Line>> {
    let named = match &filter.places {
        Some(places) if places.is_empty() => return Ok(Vec::new()),
        Some(places) => {
            let count = places.len().min(PLACES_NAMED_MAX);
            let marks: Vec<_> = (8..8 + count).map(|place| format!("${place}")).collect();
            format!("AND other_account_id IN ({})", marks.join(", "))
        }
        None => String::new(),
    };
    let mut query = sql_built(format!(
        "SELECT timestamp, transfer_id, kind, amount_yen, points, other_account_id
         FROM history_line WHERE account_id = $1 AND timestamp >= $2 AND timestamp < $3
           AND ($4 = '' OR class = $4) AND abs(amount_yen) BETWEEN $5 AND $6 {named}
         ORDER BY timestamp DESC LIMIT $7"
    ));
    let until = filter.until.map_or(i64::MAX, nanos);
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    query = query.bind(account.to_be_bytes()).bind(filter.from.map_or(0, nanos));
    query = query.bind(until.min(before)).bind(filter.class.map_or("", Class::as_str));
    query = query.bind(filter.min.unwrap_or(0)).bind(filter.max.unwrap_or(i64::MAX));
    query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    for place in filter.places.iter().flatten().take(PLACES_NAMED_MAX) {
        query.push(place.to_be_bytes());
    }
    let rows = views.all(query).await?;
    Ok(rows.iter().map(read).collect::<omamori_db::Result<_>>()?)
}

/// The other sides of an account's payments and top-ups, each once.
///
/// # Errors
/// A fault if the views fail.
pub async fn places(views: &Db, account: u128) -> Result<Vec<u128>> {
    let query = sql("SELECT DISTINCT other_account_id FROM history_line
         WHERE account_id = $1 AND class IN ('paid', 'refunded', 'topup') LIMIT $2");
    let rows = views.all(query.bind(account.to_be_bytes()).bind(PLACES_MAX)).await?;
    let place = |row: &Row| Ok(u128::from_be_bytes(row.array("other_account_id")?));
    Ok(rows.iter().map(place).collect::<omamori_db::Result<_>>()?)
}

/// What a month had of a class.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    /// `202604`.
    pub month: i64,
    /// Of what.
    pub class: Class,
    /// Lines.
    pub count: i64,
    /// Yen; negative when value left the wallet.
    pub yen: i64,
    /// Points.
    pub points: i64,
}

/// Sums of an account by month and class, in a span of time.
///
/// # Errors
/// A fault if the views fail.
pub async fn sums(views: &Db, account: u128, from: Micros, until: Micros) -> Result<Vec<Sum>> {
    let query = sql("SELECT month, class, CAST(COUNT(*) AS BIGINT) AS lines,
            CAST(SUM(amount_yen) AS BIGINT) AS yen, CAST(SUM(points) AS BIGINT) AS points
         FROM history_line WHERE account_id = $1 AND timestamp >= $2 AND timestamp < $3
         GROUP BY month, class ORDER BY month, class");
    let query = query.bind(account.to_be_bytes()).bind(nanos(from)).bind(nanos(until));
    let mut sums = Vec::new();
    for row in views.all(query).await? {
        let class = Class::parse(&row.text("class")?);
        sums.push(Sum {
            month: row.int("month")?,
            class: class.ok_or(Error::fault("a line of the history is of no class"))?,
            count: row.int("lines")?,
            yen: row.int("yen")?,
            points: row.int("points")?,
        });
    }
    Ok(sums)
}
