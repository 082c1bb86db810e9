//! The desk's API is in a document, and answers as it says.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::world;
use crate::census::routes::routes;
use crate::contract::{assert_conforms, follow_references};
use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(the_desk_answers_as_its_document_says);

const API: &str = "/api/admin/v1";

fn document() -> Value {
    serde_json::from_str(omamori::console::incidents_document()).unwrap()
}

/// Goal: a change of the API is a change of a file that somebody reviews.
#[test]
fn the_document_is_the_committed_one() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi-incidents.json"));
    let document = format!("{}\n", omamori::console::incidents_document());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == document, "openapi-incidents.json: UPDATE=1 writes it anew");
}

/// Goal: no route of the desk is forgotten in it, none is made up; ids are unique, references lead
/// somewhere, and each operation names its credential, its refusals and the parts of its address.
#[test]
fn the_document_has_every_route_of_the_desk() {
    let document = document();
    let (mut documented, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "two operations are called {id}");
            assert_eq!(operation["security"], json!([{ "staff_session": [] }]), "{id}");
            let summary = operation["summary"].as_str().unwrap();
            assert!(!summary.contains("/api/"), "{id} has no summary: {summary}");
            for status in ["4XX", "5XX"] {
                assert!(operation["responses"][status].is_object(), "{id} has no {status}");
            }
            let known = operation["parameters"].as_array().cloned().unwrap_or_default();
            for name in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
                assert!(known.iter().any(|one| one["name"] == name), "{id} has no {name}");
            }
        }
    }
    let of_desk = |path: &str| path.starts_with(&format!("{API}/incident"));
    let real = routes().into_iter().filter(|route| of_desk(&route.path));
    let real: BTreeSet<String> = real.map(|route| route.name()).collect();
    assert!(real.len() > 12, "{real:?}");
    assert_eq!(documented, real);
    follow_references(&document, &document);
}

/// Goal: what is read, and what is answered to an act, is as the document has it: with members,
/// figures, an act and a count in it.
async fn the_desk_answers_as_its_document_says(app: &mut TestApp) {
    let world = world(app, 2).await;
    world.confirmed(app).await;
    let freeze = json!({ "kind": "freeze", "on": "confirmed" });
    let plan = world.fraud.post(app, &world.path("acts"), &freeze).await.ok();
    let document = document();
    let conforms = |path: &str, method: &str, status: &str, value: &Value| {
        let operation = &document["paths"][format!("{API}{path}")][method];
        let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} has no {status}");
        assert_conforms(&document, schema, value, path);
    };
    conforms("/incidents/{incident_id}/acts", "post", "200", &plan);
    let count = world.fraud.post(app, &world.path("count"), &json!({})).await;
    conforms("/incidents/{incident_id}/count", "post", "202", &count.json());
    let none = world.fraud.post(app, "/incidents/inc_none/count", &json!({})).await;
    conforms("/incidents/{incident_id}/count", "post", "4XX", &none.json());
    for (path, end) in [
        ("/incidents", ""),
        ("/incidents/{incident_id}", ""),
        ("/incidents/{incident_id}/members", "members"),
        ("/incidents/{incident_id}/receivers", "receivers"),
        ("/incidents/{incident_id}/log/{format}", "log/json"),
    ] {
        let asked = match (path, end) {
            ("/incidents", _) => format!("{API}/incidents"),
            (_, "") => format!("{API}/incidents/{}", world.incident),
            (_, end) => format!("{API}{}", world.path(end)),
        };
        let read = world.fraud.get(app, &asked).await.ok();
        conforms(path, "get", "200", &read);
    }
    let csv = world.fraud.get(app, &format!("{API}{}", world.path("log/csv"))).await;
    let kinds = &document["paths"][format!("{API}/incidents/{{incident_id}}/log/{{format}}")];
    let kinds = kinds["get"]["responses"]["200"]["content"].as_object().unwrap();
    let kind = csv.headers["content-type"].to_str().unwrap().split(';').next().unwrap();
    assert!(kinds.contains_key(kind) && kinds.len() == 2, "{kind} {kinds:?}");
    let served = world.fraud.get(app, &format!("{API}/openapi.json")).await.ok();
    assert_eq!(served, document);
}
