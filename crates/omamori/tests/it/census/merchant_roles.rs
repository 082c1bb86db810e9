//! Every route of the back office, asked by every role and by a stranger. What came out is the
//! table in `docs/merchant-roles.md`: whoever opens a door to a role changes a file that somebody
//! reviews.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use axum::http::header;
use omamori::merchant::access::Role;

use super::routes::{Route, request, routes};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;
use crate::support::staff::Staff;

on_both_engines!(every_route_of_the_back_office_asks_for_its_role);

const HEAD: &str = "# Who of a merchant's people may do what

Written by the test `every_route_of_the_back_office_asks_for_its_role`, which asks for every route
as every role and as a stranger, on both engines; `UPDATE=1` writes it anew. ✓ means that the role
is let in; what the route then answers is its own matter, and acts marked † are confirmed with the
passkey. A stranger gets 401, and on a page the way to sign in; a wrong role gets 403.

";

fn of_back_office(route: &Route) -> bool {
    (route.path.starts_with("/merchant") || route.path.starts_with("/api/merchant/"))
        && !route.is_public()
}

/// Goal: no route of the back office without its refusal for each role that it is not for.
async fn every_route_of_the_back_office_asks_for_its_role(app: &mut TestApp) {
    let mut table = String::from(HEAD);
    let roles = Role::ALL.map(Role::as_str).join(" | ");
    writeln!(table, "| route | {roles} |").unwrap();
    writeln!(table, "|---|{}", "---|".repeat(Role::ALL.len())).unwrap();
    let register = Register::new(&app.app).await;
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push(Staff::of_role(&app.app, &register.merchant_id, role).await);
    }
    let all: Vec<Route> = routes().into_iter().filter(of_back_office).collect();
    assert!(all.len() >= 25, "the routes are not read: {all:#?}");
    for route in &all {
        let stranger = app.call(request(route, &[])).await;
        let refused = if route.path.starts_with("/api/") { 401 } else { 303 };
        assert_eq!(stranger.status, refused, "{} by a stranger", route.name());
        let mut row = String::new();
        for person in &people {
            person.sign_in(&app.app).await; // the route before may have been the way out
            let cookie = (header::COOKIE, format!("omamori_merchant={}", person.token));
            let answer = app.call(request(route, &[cookie])).await;
            assert!(!answer.status.is_server_error(), "{}: {}", route.name(), answer.text());
            assert_ne!(answer.status, refused, "{}", route.name());
            row.push_str(if answer.status == 403 { " |" } else { " ✓ |" });
        }
        let options = Route { path: format!("{}/options", route.path), ..route.clone() };
        let mark = if all.contains(&options) { " †" } else { "" };
        writeln!(table, "| `{}`{mark} |{row}", route.name()).unwrap();
    }
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/merchant-roles.md"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &table).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == table, "docs/merchant-roles.md is not what was measured: UPDATE=1\n{table}");
}
