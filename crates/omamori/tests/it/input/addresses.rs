//! Ids in addresses, and queries.

use axum::body::Body;
use omamori::web::codes::Code;

use super::operations;
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(an_id_in_an_address_is_checked, a_query_is_checked, no_other_method_is_taken);

/// Ids that nobody can have given, as they stand in an address.
fn strange_ids() -> Vec<String> {
    let mut ids: Vec<String> =
        ["%20", "a%20b", "%00", "a%00", "%E3%81%82", "a%2Fb", "..%2F..", "%ff", "%C0%AF", "a'--"]
            .map(str::to_owned)
            .to_vec();
    ids.push("x".repeat(65));
    ids.push("x".repeat(8_000));
    ids
}

/// Goal: an id that cannot be is refused or not found, in the envelope, and no cancel takes it.
async fn an_id_in_an_address_is_checked(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let stored = (app.journal_entries().await, app.decisions().await);
    let mut checked = 0;
    for operation in operations() {
        let Some(open) = operation.path.find('{') else { continue };
        let close = operation.path.find('}').unwrap();
        let (before, after) = (&operation.path[..open], &operation.path[close + 1..]);
        for id in strange_ids() {
            let path = format!("{before}{id}{after}");
            let path = path.strip_prefix("/api/pos/v1").unwrap();
            let answer = app.call(register.request(&operation.method, path, Body::empty())).await;
            answer.error();
            assert!(answer.status.is_client_error(), "{} {path}", operation.method);
        }
        checked += 1;
    }
    assert_eq!(checked, 12, "an operation with an id in its address came or went");
    assert_eq!((app.journal_entries().await, app.decisions().await), stored);
    register.get(app, "/payments/%ff").await.refused(Code::InvalidRequest);
}

/// Goal: a query is as strict as a body.
async fn a_query_is_checked(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    let queried: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.parameters.iter().any(|name| name == "limit"))
        .collect();
    let with_parameters = operations()
        .iter()
        .flat_map(|operation| operation.parameters.clone())
        .filter(|name| !name.ends_with("_id"))
        .count();
    assert_eq!((queried.len(), with_parameters), (2, 2), "a query came or went");
    for wrong in [
        "limit=0",
        "limit=-1",
        "limit=101",
        "limit=1.5",
        "limit=",
        "limit=x",
        "limit=%ff",
        "limit=1&limit=2",
        "limit=99999999999999999999",
        "Limit=1",
        "page=1",
        "limit[]=1",
    ] {
        let answer = register.get(app, &format!("/payments?{wrong}")).await;
        assert_eq!(answer.refused(Code::InvalidRequest)["fields"][0]["field"], "limit", "{wrong}");
    }
    register.get(app, "/payments?limit=100").await.ok();
}

/// Goal: another method is refused as such, in the envelope; so is an address that is not there.
async fn no_other_method_is_taken(app: &mut TestApp) {
    let register = Register::new(&app.app).await;
    for operation in operations() {
        let path = operation.path.strip_prefix("/api/pos/v1").unwrap().replace(['{', '}'], "");
        for method in ["PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            let answer = app.call(register.request(method, &path, Body::empty())).await;
            answer.refused(Code::MethodNotAllowed);
        }
    }
    for nowhere in ["/", "/payment", "/payments/", "/payments/s-1/", "/payments/s-1/refund"] {
        register.get(app, nowhere).await.refused(Code::NotFound);
    }
}
