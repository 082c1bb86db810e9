//! The link with a passcode, in the hands of its receiver and of a thief.

use omamori::web::codes::Code;
use omamori_db::sql;
use serde_json::{Value, json};

use super::{by_link, id, rich};
use crate::support::app::TestApp;
use crate::support::passkey::Person;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    link_and_passcode_together_take,
    five_wrong_passcodes_return_the_money,
    guesses_at_once_are_no_more_than_guesses_in_a_row,
    nothing_at_rest_opens_a_link,
);

/// Token and passcode of a link that was just made.
fn secrets(made: &Value) -> (String, String) {
    let link = &made["send"]["link"];
    let (origin, token) = link["address"].as_str().unwrap().split_once("#link=").unwrap();
    assert_eq!(origin, "http://localhost:8080/receive", "nothing of it in path or query");
    (token.to_owned(), link["passcode"].as_str().unwrap().to_owned())
}

fn with(token: &str, passcode: &str) -> Value {
    json!({ "token": token, "passcode": passcode })
}

/// Another passcode than the right one.
fn wrong(passcode: &str) -> String {
    format!("{:06}", (passcode.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn link_and_passcode_together_take(app: &mut TestApp) {
    let (mut sender, receiver) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let made = sender.send(app, &by_link("l-1", 2_000)).await.ok();
    let (token, passcode) = secrets(&made);
    let ask = with(&token, &passcode);
    let seen = receiver.post(app, "/send-links/look", &ask).await.ok();
    assert_eq!((&seen["send"]["amount"], &seen["send"]["link"]), (&json!(2_000), &Value::Null));
    receiver
        .post(app, "/send-links/look", &with(&token, &wrong(&passcode)))
        .await
        .refused(Code::LinkWrong);
    receiver.post(app, "/send-links/look", &with("x", &passcode)).await.refused(Code::LinkWrong);
    sender.post(app, "/send-links/take", &ask).await.refused(Code::SendToSelf);
    for _ in 0..6 {
        receiver.post(app, "/send-links/look", &ask).await.ok();
    }
    let taken = receiver.post(app, "/send-links/take", &ask).await.ok();
    assert_eq!(receiver.post(app, "/send-links/take", &ask).await.ok(), taken, "a double click");
    let thief = Person::new(&app.app).await;
    thief.post(app, "/send-links/take", &ask).await.refused(Code::SendEnded);
    assert_eq!((sender.balance(app), receiver.balance(app), thief.balance(app)), (8_000, 2_000, 0));
    let id = made["send"]["send_id"].as_str().unwrap();
    assert_eq!(sender.get(app, &format!("/sends/{id}")).await.ok()["send"]["link"], Value::Null);
}

/// Attack: a stolen link, whose passcode the thief does not know.
async fn five_wrong_passcodes_return_the_money(app: &mut TestApp) {
    let (mut sender, thief) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let made = sender.send(app, &by_link("l-1", 2_000)).await.ok();
    let (token, passcode) = secrets(&made);
    for n in 1..=5 {
        assert_eq!(sender.balance(app), 8_000, "before guess {n}");
        let guess = with(&token, &wrong(&passcode));
        thief.post(app, "/send-links/take", &guess).await.refused(Code::LinkWrong);
    }
    assert_eq!((sender.balance(app), thief.balance(app)), (10_000, 0));
    thief.post(app, "/send-links/take", &with(&token, &passcode)).await.refused(Code::LinkWrong);
    let id = made["send"]["send_id"].as_str().unwrap();
    assert_eq!(sender.get(app, &format!("/sends/{id}")).await.ok()["send"]["reason"], "passcode");
}

async fn guesses_at_once_are_no_more_than_guesses_in_a_row(app: &mut TestApp) {
    let (mut sender, thief) = (rich(app, 10_000).await, Person::new(&app.app).await);
    let (token, passcode) = secrets(&sender.send(app, &by_link("l-1", 2_000)).await.ok());
    let node = (**app).clone();
    let right = passcode.parse::<u32>().unwrap();
    let guesses = (1..=16).map(|n| {
        let body = with(&token, &format!("{:06}", (right + n) % 1_000_000));
        let (node, request) = (node.clone(), thief.request("/send-links/look", &body, app.now()));
        async move { node.call(request).await }
    });
    for answer in at_once(guesses.collect::<Vec<_>>()).await {
        answer.refused(Code::LinkWrong);
    }
    let tries = sql("SELECT link_tries FROM send");
    let tries = app.app.stores.registry.one(tries).await.unwrap().int("link_tries").unwrap();
    assert_eq!((tries, sender.balance(app)), (5, 10_000));
}

/// Attack: somebody reads the database.
async fn nothing_at_rest_opens_a_link(app: &mut TestApp) {
    let mut sender = rich(app, 10_000).await;
    let made = sender.send(app, &by_link("l-1", 2_000)).await;
    let (token, passcode) = secrets(&made.ok());
    let row =
        sql("SELECT link_hash, message, to_name FROM send WHERE send_id = $1").bind(id(&made));
    let row = app.app.stores.registry.one(row).await.unwrap();
    assert_eq!(row.bytes("link_hash").unwrap(), omamori::secret::token_hash(&token));
    let decisions =
        app.app.stores.evidence.all(sql("SELECT body FROM decision_batch")).await.unwrap();
    for decision in decisions {
        let body = decision.text("body").unwrap();
        assert!(!body.contains(&token) && !body.contains(&format!("\"{passcode}\"")));
    }
}
