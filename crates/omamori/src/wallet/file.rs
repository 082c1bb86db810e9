//! `GET /api/wallet/v1/history.csv`: a period of the history as a file that Excel opens.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::entry::{Entry, PAGE};
use super::lines::{self, Line};
use super::search::{Asked, with_places};
use crate::app::App;
use crate::identity::Customer;
use crate::web::csv::harmless;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;
use crate::web::text::Text;

/// Lines of one file: some years of an eager customer.
const LINES_MAX: usize = 20_000;
/// Lines that are read at once.
const PART: usize = PAGE * 20;
/// By this Excel knows that the file is UTF-8.
const BOM: &str = "\u{feff}";

/// What a search finds, all of it. The words are those of the page.
pub(super) async fn csv(
    State(app): State<Arc<App>>,
    customer: Customer,
    text: Text,
    query: std::result::Result<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let Query(asked) = query.map_err(|_| Error::field("from", "malformed"))?;
    let filter = asked.filter()?;
    app.lines.catch_up(&app.gate).await;
    let filter = with_places(&app, customer.wallet_account, &asked.q, filter).await?;
    let mut file = Vec::new();
    file.extend_from_slice(BOM.as_bytes());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
    let head = ["csv.at", "csv.kind", "csv.place", "csv.yen", "csv.points", "csv.id"];
    writer.write_record(head.map(|key| text.t(key))).map_err(fault)?;
    let (mut before, mut count) = (None, 0);
    loop {
        let views = &app.stores.views;
        let part = lines::search(views, customer.wallet_account, &filter, before, PART).await?;
        count += part.len();
        if count > LINES_MAX {
            return Err(Error::field("from", "out_of_range"));
        }
        for (line, entry) in part.iter().zip(lines::entries(&app, &part).await?) {
            writer.write_record(record(line, &entry, text)).map_err(fault)?;
        }
        match part.last() {
            Some(last) if part.len() == PART => before = Some(last.timestamp),
            _ => break,
        }
    }
    let file = writer.into_inner().map_err(|error| fault(error.into_error().into()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"omamori-history.csv\""),
    ];
    Ok((headers, file).into_response())
}

fn fault(error: csv::Error) -> Error {
    Error::Fault(Box::new(error))
}

fn record(line: &Line, entry: &Entry, text: Text) -> [String; 6] {
    [
        japan(entry.at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        text.named("entry.", entry.kind.as_str()),
        harmless(&entry.store_name).into_owned(),
        entry.amount.to_string(),
        line.points.to_string(),
        entry.id.clone(),
    ]
}
