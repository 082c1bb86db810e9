//! The waiting room for sign-up: fair, and not to be cheated.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use omamori::clock::{MINUTE, SECOND};
use omamori::web::codes::Code;
use serde_json::json;

use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::{on_both_engines, on_several_nodes};

on_both_engines!(
    nobody_waits_without_a_crowd,
    who_comes_first_is_let_in_first_and_keeps_the_place,
    a_place_cannot_be_made_changed_or_lent_out,
    one_network_gets_a_bounded_number_of_places,
    a_quiet_hour_lets_no_crowd_in_at_once,
);
on_several_nodes!(two_nodes_have_one_queue);

/// Times are now as long as they are not more than five seconds away.
const AT_ONCE: u32 = 6;

/// One sign-up a second.
async fn slowly(app: &mut TestApp) {
    app.restart_with(|config| config.waiting_room.signups_per_minute = 60).await;
}

async fn page(node: &Node, cookie: Option<&str>) -> Answer {
    let mut request = Request::get("/signup");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    node.call(request.body(Body::empty()).unwrap()).await
}

fn waits(page: &Answer) -> bool {
    assert_eq!(page.status, StatusCode::OK);
    page.text().contains("data-waiting")
}

/// When a page says that its reader is let in.
fn time(page: &Answer) -> String {
    let (_, rest) = page.text().split_once("<time datetime=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn place(page: &Answer) -> Option<String> {
    let cookie = page.headers.get(header::SET_COOKIE)?.to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    Some(cookie.split(';').next().unwrap().to_owned())
}

async fn start(node: &Node, number: u32, cookie: Option<&str>) -> Answer {
    let body = json!({ "phone": format!("090-1{:03}-5678", number) }).to_string();
    let mut request = Request::post("/api/wallet/v1/signup/start")
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    node.call(request.body(Body::from(body)).unwrap()).await
}

/// Others take all times that are now.
async fn a_crowd_comes(app: &TestApp) {
    for number in 0..AT_ONCE {
        start(app, number, None).await.ok();
    }
}

async fn nobody_waits_without_a_crowd(app: &mut TestApp) {
    assert!(!waits(&page(app, None).await));
    start(app, 0, None).await.ok();
    app.restart_with(|config| config.waiting_room.signups_per_minute = 0).await;
    for number in 0..8 {
        start(app, number, None).await.ok();
        assert!(!waits(&page(app, None).await), "there is no room");
    }
}

/// Goal: the order of coming, and a page that leads on by itself when it is time.
async fn who_comes_first_is_let_in_first_and_keeps_the_place(app: &mut TestApp) {
    slowly(app).await;
    a_crowd_comes(app).await;
    let refused = start(app, 100, None).await;
    refused.refused(Code::WaitingRoom);
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    let (first, second) = (page(app, None).await, page(app, None).await);
    assert!(waits(&first) && waits(&second));
    assert!(time(&first) < time(&second), "{} {}", time(&first), time(&second));
    assert!(first.text().contains("http-equiv=\"refresh\""));
    let (mine, theirs) = (place(&first).unwrap(), place(&second).unwrap());
    let again = page(app, Some(&mine)).await;
    assert_eq!((time(&again), place(&again)), (time(&first), None), "a place does not move");
    start(app, 100, Some(&mine)).await.refused(Code::WaitingRoom);
    app.clock.advance(6 * SECOND);
    assert!(!waits(&page(app, Some(&mine)).await), "it is time");
    assert!(waits(&page(app, Some(&theirs)).await), "not for the next one");
    start(app, 101, Some(&theirs)).await.refused(Code::WaitingRoom);
    start(app, 100, Some(&mine)).await.ok();
    app.clock.advance(SECOND);
    start(app, 101, Some(&theirs)).await.ok();
}

/// Attack: skipping the queue by a ticket of one's own making, an old one, or a friend's.
async fn a_place_cannot_be_made_changed_or_lent_out(app: &mut TestApp) {
    slowly(app).await;
    a_crowd_comes(app).await;
    let mine = place(&page(app, None).await).unwrap();
    let (name, ticket) = mine.split_once('=').unwrap();
    app.clock.advance(6 * SECOND);
    let mut letters: Vec<char> = ticket.chars().collect();
    letters[25] = if letters[25] == 'A' { 'B' } else { 'A' };
    let bent: String = letters.into_iter().collect();
    let zeros = "A".repeat(ticket.len());
    a_queue_stands(app).await;
    for forged in [bent.as_str(), zeros.as_str(), "", "x"] {
        let cookie = format!("{name}={forged}");
        start(app, 200, Some(&cookie)).await.refused(Code::WaitingRoom);
        let page = page(app, Some(&cookie)).await;
        assert!(waits(&page) && place(&page).is_some(), "the end of the queue");
    }
    for number in 201..204 {
        start(app, number, Some(&mine)).await.ok(); // a mistyped number is typed again
    }
    start(app, 204, Some(&mine)).await.refused(Code::WaitingRoom);
    app.clock.advance(11 * MINUTE);
    a_queue_stands(app).await;
    start(app, 205, Some(&mine)).await.refused(Code::WaitingRoom);
}

/// A minute of others wait, whatever the clock shows.
async fn a_queue_stands(app: &TestApp) {
    let queue = omamori_db::sql("UPDATE waiting_room SET next_at = $1");
    let queue = queue.bind(app.now() + MINUTE);
    assert_eq!(app.app.stores.registry.execute(queue).await.unwrap(), 1);
    app.clock.advance(SECOND); // what a node has read is too old now
}

/// Attack: hoarding places, so that others wait for nobody.
async fn one_network_gets_a_bounded_number_of_places(app: &mut TestApp) {
    slowly(app).await;
    a_crowd_comes(app).await;
    let mut given = 0;
    let refused = loop {
        let page = page(app, None).await;
        if page.status != StatusCode::OK {
            break page;
        }
        given += 1;
        assert!(given <= 200, "hoarded");
    };
    assert_eq!((given, refused.status), (200, StatusCode::TOO_MANY_REQUESTS));
}

/// Goal: what nobody used in a quiet hour is not let in together afterwards.
async fn a_quiet_hour_lets_no_crowd_in_at_once(app: &mut TestApp) {
    slowly(app).await;
    start(app, 0, None).await.ok();
    app.clock.advance(60 * MINUTE);
    a_crowd_comes(app).await;
    start(app, 100, None).await.refused(Code::WaitingRoom);
}

/// Goal: one order over all nodes; a ticket of one counts at every other.
async fn two_nodes_have_one_queue(app: &mut TestApp) {
    slowly(app).await;
    let other = app.another_node().await;
    a_crowd_comes(app).await;
    start(&other, 100, None).await.refused(Code::WaitingRoom);
    let (first, second) = (page(app, None).await, page(&other, None).await);
    assert!(time(&first) < time(&second));
    let mine = place(&first).unwrap();
    assert_eq!(time(&page(&other, Some(&mine)).await), time(&first));
    app.clock.advance(6 * SECOND);
    start(&other, 100, Some(&mine)).await.ok();
    other.app.close().await;
}
