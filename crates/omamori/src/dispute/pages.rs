//! `/dispute/{entry_id}`, and the customer's cases.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::find::find;
use super::report::case_id_of;
use crate::app::App;
use crate::case::notes::{Note, NoteKind};
use crate::case::{self, Case, list, notes, own};
use crate::identity::{PageCustomer, account};
use crate::wallet::Entry;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::page;
use crate::web::text::Text;

/// Cases of one list.
const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "dispute.html")]
struct DisputePage {
    text: Text,
    sandbox: bool,
    entry: Entry,
    /// Stopped already: by the customer, or by staff.
    frozen: bool,
}

/// `GET /dispute/{entry_id}`: what the line is, and what happens when the customer does not know
/// it. Of a line that has a case, the case.
pub(super) async fn dispute(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(entry_id): Path<String>,
) -> Result<Response> {
    let entry = find(&app, &customer, &entry_id).await?.entry;
    let registry = &app.stores.registry;
    let case_id = case_id_of(&customer.customer_id, &entry.id);
    if case::find(registry, &case_id).await?.is_some() {
        return Ok(Redirect::to(&format!("/cases/{case_id}")).into_response());
    }
    let frozen = account::find(registry, &customer.customer_id).await?.frozen;
    page(&DisputePage { text, sandbox: app.sandbox(), entry, frozen })
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPage {
    text: Text,
    sandbox: bool,
    cases: Vec<Case>,
}

/// `GET /cases`: what the customer has reported.
pub(super) async fn cases(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
) -> Result<Response> {
    let mut cases = list::of_customer(&app.stores.registry, &customer.customer_id, SHOWN).await?;
    cases.retain(|case| case.kind.is_shown_to_customer());
    page(&CasesPage { text, sandbox: app.sandbox(), cases })
}

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    text: Text,
    sandbox: bool,
    case: Case,
    subjects: Vec<String>,
    said: Vec<Note>,
    frozen: bool,
}

/// `GET /cases/{case_id}`: how it stands, what was said, what to do next.
pub(super) async fn case(
    State(app): State<Arc<App>>,
    PageCustomer(customer): PageCustomer,
    text: Text,
    Path(case_id): Path<String>,
) -> Result<Response> {
    let registry = &app.stores.registry;
    let case = own::find(registry, &customer.customer_id, &case_id).await?;
    let mut said = notes::of(registry, &case_id).await?;
    said.retain(|note| note.kind != NoteKind::Note);
    page(&CasePage {
        text,
        sandbox: app.sandbox(),
        subjects: case::subjects(registry, &case_id).await?,
        frozen: account::find(registry, &customer.customer_id).await?.frozen,
        said,
        case,
    })
}
