//! Sending, on two phones.

use omamori::web::text::Lang;
use serde_json::json;

use super::house::House;
use super::phone::Phone;
use super::pictures::picture;
use super::reader::read_qr;

const FRIEND: (&str, &str) = ("090-9876-5432", "+819098765432");

/// Goal: money goes by the code on a friend's screen, read by an independent reader, and by a link
/// whose passcode is wrong first; both phones show what became of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_goes_from_phone_to_phone_in_japanese() {
    money_goes_from_phone_to_phone(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_goes_from_phone_to_phone_in_english() {
    money_goes_from_phone_to_phone(Lang::En).await;
}

async fn money_goes_from_phone_to_phone(lang: Lang) {
    let house = House::open().await;
    let sender = Phone::signed_up(&house, "sender", lang).await;
    let mut friend = Phone::new(&house, "friend", lang).await;
    friend.sign_up(&house, FRIEND).await;
    let code = sender.code().await;
    let cash = json!({ "merchant_topup_id": "t-1", "code": code, "amount": 9_000 });
    house.pos("POST", "/topups", &cash).await.ok();
    sender.is_told("happened.topup", "¥9,000", "¥9,000").await;
    by_friends_code(&sender, &friend).await;
    by_link(&house, &sender, &mut friend).await;
    split(&sender, &friend).await;
    sender.close().await;
    friend.close().await;
    house.close().await;
}

async fn by_friends_code(sender: &Phone, friend: &Phone) {
    friend.go("/send").await;
    friend.press("[data-show-code]").await;
    friend.see("[data-friend-text]").await;
    friend.run("document.querySelector('[data-friend-qr]').scrollIntoView({block:'center'})").await;
    let address = read_qr(&friend.screenshot().await);
    let (_, path) = address.split_once("/send#").unwrap();
    picture(friend, "send-code").await;

    sender.go(&format!("/send#{path}")).await;
    sender.read("[data-friend]", "5432").await;
    assert!(!sender.run("return location.href").await.to_string().contains('#'));
    for key in ["3", "00"] {
        sender.press(&format!(r#"[data-key="{key}"]"#)).await;
    }
    sender.read("[data-amount-shown]", "¥300").await;
    sender.fill("input[name=message]", "ランチ代").await;
    picture(sender, "send").await;
    sender.press(r#"[data-send] [type=submit]"#).await;
    sender.read("[data-confirm][open]", "5432").await;
    picture(sender, "send-confirm").await;
    sender.press("[data-confirm-do]").await;
    sender.read("[data-stepup-words]", "¥300").await;
    sender.press("[data-stepup-confirm]").await;
    sender.see(r#"[data-status="waiting"]"#).await;
    friend.go("/send").await;
    friend.read("[data-arrival]", "ランチ代").await;
    picture(friend, "send-arrived").await;
    friend.press("[data-arrival] .button").await;
    friend.is_told("happened.receive", "¥300", "¥300").await;
    sender.reload().await;
    sender.see(r#"[data-status="taken"]"#).await;
    picture(sender, "send-taken").await;
}

async fn by_link(house: &House, sender: &Phone, friend: &mut Phone) {
    sender.go("/send").await;
    sender.press(r#"label:has([value="link"])"#).await;
    for key in ["1", "00"] {
        sender.press(&format!(r#"[data-key="{key}"]"#)).await;
    }
    sender.press(r#"[data-send] [type=submit]"#).await;
    sender.press("[data-confirm-do]").await;
    sender.press("[data-stepup-confirm]").await;
    let address = sender.see("[data-link]").await;
    let passcode = sender.see("[data-passcode]").await;
    picture(sender, "send-link").await;
    let path = address.strip_prefix(&house.origin).unwrap();
    friend.go(path).await;
    let wrong = format!("{:06}", (passcode.parse::<u32>().unwrap() + 1) % 1_000_000);
    friend.fill("input[name=passcode]", &wrong).await;
    friend.press("[data-passcode-form] [type=submit]").await;
    friend.see("[data-error]").await;
    friend.provokes("status of 422");
    picture(friend, "receive-wrong").await;
    friend.fill("input[name=passcode]", &passcode).await;
    friend.press("[data-passcode-form] [type=submit]").await;
    friend.read("[data-found]", "¥100").await;
    picture(friend, "receive").await;
    friend.press("[data-take]").await;
    friend.see("[data-taken] .button").await;
    friend.go("/history").await;
    friend.read("[data-entry]", friend.text.t("entry.receive")).await;
    picture(friend, "history-received").await;
    sender.go("/history").await;
    sender.read("[data-entry]", sender.text.t("entry.send")).await;
    picture(sender, "history-sent").await;
}

async fn split(asker: &Phone, payer: &Phone) {
    asker.go("/ask").await;
    asker.fill("input[name=total]", "301").await;
    asker.fill(".payer input[name=name]", "ゆき").await;
    asker.fill(".payer input[name=phone]", FRIEND.0).await;
    asker.read("[data-share]", "¥151").await;
    picture(asker, "ask").await;
    asker.press(r#"[data-ask] [type=submit]"#).await;
    asker.read("[data-entry]", "¥150").await;
    payer.go("/send").await;
    payer.press("[data-pay]").await;
    payer.press("[data-confirm-do]").await;
    payer.press("[data-stepup-confirm]").await;
    payer.see(r#"[data-status="taken"]"#).await;
    asker.is_told("happened.receive", "¥150", "¥8,750").await;
    asker.go("/ask").await;
    asker.read("[data-entry]", asker.text.t("ask.status_paid")).await;
    picture(asker, "ask-paid").await;
}
