//! Every route of the console, asked by every role and by a stranger. What came out is the table
//! in `docs/console-roles.md`: whoever opens a door to a role changes a file that somebody reviews.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use axum::http::header;
use omamori::console::access::Role;

use super::routes::{Route, request, routes};
use crate::support::app::TestApp;
use crate::support::desk::Person;
use crate::support::on_both_engines;

on_both_engines!(every_route_of_the_console_asks_for_its_role);

const HEAD: &str = "# Who may do what at the desk

Written by the test `every_route_of_the_console_asks_for_its_role`, which asks for every route as
every role and as a stranger, on both engines; `UPDATE=1` writes it anew. ✓ means that the role is
let in; what the route then answers is its own matter, and acts marked ‡ wait for a second person.
A stranger gets 401, and on a page nothing but the way to sign in; a wrong role gets 403.

";

/// Acts that ask for an approval instead of being done.
const TWO_PEOPLE: [&str; 7] =
    ["/staff/invite", "/role", "/remove", "/unfreeze", "/recover", "/propose", "/publish"];

fn of_console(route: &Route) -> bool {
    (route.path.starts_with("/console") || route.path.starts_with("/api/admin/"))
        && !route.is_public()
}

/// Goal: no route of the desk without its refusal for each role that it is not for.
async fn every_route_of_the_console_asks_for_its_role(app: &mut TestApp) {
    let mut table = String::from(HEAD);
    let roles = Role::ALL.map(Role::as_str).join(" | ");
    writeln!(table, "| route | {roles} |").unwrap();
    writeln!(table, "|---|{}", "---|".repeat(Role::ALL.len())).unwrap();
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push(Person::new(&app.app, role).await);
    }
    let all: Vec<Route> = routes().into_iter().filter(of_console).collect();
    assert!(all.len() >= 19, "the routes are not read: {all:#?}");
    for route in &all {
        let stranger = app.call(request(route, &[])).await;
        assert_eq!(stranger.status, 401, "{} by a stranger", route.name());
        let mut row = String::new();
        for person in &people {
            person.sign_in(&app.app).await; // the route before may have been the way out
            let cookie = (header::COOKIE, format!("omamori_staff={}", person.token));
            let answer = app.call(request(route, &[cookie])).await;
            assert!(!answer.status.is_server_error(), "{}: {}", route.name(), answer.text());
            assert_ne!(answer.status, 401, "{}", route.name());
            row.push_str(if answer.status == 403 { " |" } else { " ✓ |" });
        }
        let two = TWO_PEOPLE.iter().any(|end| route.path.ends_with(end));
        writeln!(table, "| `{}`{} |{row}", route.name(), if two { " ‡" } else { "" }).unwrap();
    }
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/console-roles.md"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &table).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == table, "docs/console-roles.md is not what was measured: UPDATE=1\n{table}");
}
