//! The desk: invitation, passkey, search by keyboard, acts, and a second person's approval.

use omamori::alert;
use omamori::audit::Actor;
use omamori::console::access::Role;
use omamori::console::staff;
use omamori::control::{self, Closing, Door, Scope};
use omamori::web::text::Lang;
use omamori_db::sql;
use serde_json::json;

use super::authenticator::Sensor;
use super::browser::Browser;
use super::house::House;
use super::pictures::picture;
use crate::support::customer::Customer;

const REASON: &str = "[data-act-form] [name=reason]";
const CONFIRM: &str = "[data-act-confirm]";

/// A browser at a desk, enrolled with an invitation of the server's.
pub async fn desk(house: &House, name: &'static str, role: Role, lang: Lang) -> Browser {
    let invitation = staff::invite(&house.app, name, role).await.unwrap();
    let mut desk = house.browser(name, lang).await;
    desk.provokes("status of 401"); // the way to sign in
    desk.screen(1280, 800, 1).await;
    desk.sensor(Sensor::Owner).await;
    desk.go(&format!("/console#invite={invitation}")).await;
    desk.press("[data-invite-form] [type=submit]").await;
    desk.read(".deskbar__who", name).await;
    assert!(!desk.run("return location.href").await.to_string().contains("inv_"));
    desk
}

/// A customer with ¥5,000 and a sale behind them.
pub async fn customer(house: &House) -> Customer {
    let customer = Customer::new(&house.app).await;
    let code = || customer.code(house.app.clock.now());
    let load = json!({ "merchant_topup_id": "t-1", "code": code(), "amount": 5_000 });
    house.pos("POST", "/topups", &load).await.ok();
    house.sell("s-1", &code(), 480).await.ok();
    house.sell("s-2", &code(), 9_000).await;
    let set = sql("UPDATE customer SET phone = '+819012345678' WHERE customer_id = $1");
    house.app.stores.registry.execute(set.bind(&customer.customer_id)).await.unwrap();
    customer
}

pub async fn does(desk: &Browser, button: &str, reason: &str) {
    desk.press(button).await;
    desk.fill(REASON, reason).await;
    desk.press(CONFIRM).await;
    desk.gone("[data-act-dialog][open]").await;
}

/// Goal: from the first invitation to an account that two people started again, by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_stop_and_start_an_account_in_japanese() {
    two_people_stop_and_start_an_account(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_stop_and_start_an_account_in_english() {
    two_people_stop_and_start_an_account(Lang::En).await;
}

async fn two_people_stop_and_start_an_account(lang: Lang) {
    let house = House::open().await;
    let customer = customer(&house).await;
    let first = desk(&house, "佐藤 花子", Role::Admin, lang).await;
    first.read(".tiles", "¥480").await;
    picture(&first, "console-dashboard").await;
    first.screen(1280, 800, 1).await;

    // A slash, the number, Enter.
    first.type_like_a_scanner("/").await;
    first.type_like_a_scanner("09012345678").await;
    first.arrives_at(&format!("/console/customers/{}", customer.customer_id)).await;
    first.read("[data-live=money]", "¥4,520").await;
    picture(&first, "console-customer").await;
    first.screen(1280, 800, 1).await;

    let shown = "090-1234-5678";
    assert!(!first.html().await.contains(shown));
    does(&first, "[data-unmask=phone]", "折り返しの電話").await;
    first.read("[data-contact=phone]", shown).await;

    first.press("[data-freeze]").await;
    picture(&first, "console-freeze").await;
    first.screen(1280, 800, 1).await;
    first.press("[data-act-cancel]").await;
    does(&first, "[data-freeze]", "端末紛失の連絡").await;
    first.read(".deskhead", first.text.t("console.status_frozen")).await;
    does(&first, r#"[data-act$="/unfreeze"]"#, "本人確認済み").await;

    // Nobody agrees to what they asked for themselves.
    first.go("/console/approvals").await;
    first.read(".card", first.text.t("console.own")).await;
    assert_eq!(first.glimpse("[data-decide]").await, None);

    let second = desk(&house, "鈴木 一郎", Role::Support, lang).await;
    second.press(r#".desknav [href="/console/approvals"]"#).await;
    second.read(".card__reason", "本人確認済み").await;
    picture(&second, "console-approvals").await;
    second.screen(1280, 800, 1).await;
    second.press("[data-decide=give]").await;
    second.read(".card__title", second.text.t("console.approval_given")).await;
    assert_eq!(second.glimpse("[data-carry-out]").await, None);

    first.reload().await;
    first.press("[data-carry-out]").await;
    first.read(".table", first.text.t("console.approval_used")).await;
    first.go(&format!("/console/customers/{}", customer.customer_id)).await;
    first.read(".deskhead", first.text.t("console.status_active")).await;

    let payments = house.payments().await;
    first.go(&format!("/console/payments/{}", payments[0]["payment_id"].as_str().unwrap())).await;
    picture(&first, "console-payment").await;
    first.go(&format!("/console/stores/{}", house.store_id)).await;
    picture(&first, "console-store").await;
    first.go("/console/staff").await;
    picture(&first, "console-staff").await;
    first.go("/console/audit").await;
    first.read(".table", "折り返しの電話").await;
    picture(&first, "console-audit").await;
    first.close().await;
    second.close().await;
    house.close().await;
}

/// Wrong turns: who only looks, an old invitation, a finger of somebody else, a person who was
/// removed while the page was open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_gets_no_further() {
    let house = House::open().await;
    let customer = customer(&house).await;
    let viewer = desk(&house, "見習い", Role::Viewer, Lang::Ja).await;
    viewer.go(&format!("/console/customers/{}", customer.customer_id)).await;
    viewer.read(".timeline", "¥480").await;
    for button in ["[data-freeze]", "[data-act]", "[data-unmask]", ".evidence"] {
        assert_eq!(viewer.glimpse(button).await, None, "{button}");
    }
    viewer.go("/console/staff").await;
    assert_eq!(viewer.glimpse("[data-act]").await, None);
    viewer.go("/console/approvals").await;

    let people = staff::list(&house.app.stores.registry).await.unwrap();
    staff::remove(&house.app, &people[0].staff_id).await.unwrap();
    viewer.go("/console").await;
    viewer.read("main", viewer.text.t("console.signin_lead")).await;
    assert!(!viewer.see("body").await.contains("見習い"));
    viewer.close().await;

    let invitation = staff::invite(&house.app, "遅刻", Role::Admin).await.unwrap();
    let mut late = house.browser("late", Lang::En).await;
    late.provokes("status of 401");
    late.provokes("status of 422");
    late.sensor(Sensor::Owner).await;
    late.go(&format!("/console#invite={invitation}")).await;
    let expire = sql("UPDATE staff SET invite_expires_at = 1 WHERE invite_expires_at > 1");
    house.app.stores.registry.execute(expire).await.unwrap();
    late.press("[data-invite-form] [type=submit]").await;
    late.read("[data-error]", late.text.t("console.signin_failed")).await;
    picture(&late, "console-signin").await;
    late.press("[data-signin]").await;
    late.read("[data-error]", late.text.t("passkey.cancelled")).await;
    late.close().await;
    house.close().await;
}

/// On which lines the parts of the console's head stand.
const LINES: &str = "\
    const tops = (css) => [...document.querySelectorAll(css)] \
        .map((part) => Math.round(part.getBoundingClientRect().top)); \
    return new Set(tops('.desknav a')).size === 1 \
        && tops('[data-signout]')[0] < tops('.desknav')[0]";

const IN_REACH: &str = "\
    const edge = document.querySelector('[data-alert=door_closed] [data-act]'); \
    return edge.getBoundingClientRect().right <= document.documentElement.clientWidth";

/// Goal: who is woken at night takes an alert up on the phone, where the button is in reach; and
/// the way through the console is one line, at the desk too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_taken_up_on_a_phone() {
    let house = House::open().await;
    let closing = Closing {
        door: Door::SignUp,
        scope: Scope::All,
        reason: "大量登録".into(),
        notice_ja: String::new(),
        notice_en: String::new(),
        ends_at: None,
    };
    control::close(&house.app, &Actor::machine(), "当番", closing).await.unwrap();
    alert::round_now(&house.app).await.unwrap();
    for lang in [Lang::En, Lang::Ja] {
        let phone = desk(&house, "当番", Role::Fraud, lang).await;
        phone.go("/console/alerts").await;
        phone.see("[data-alert=door_closed]").await;
        assert_eq!(phone.run(LINES).await, true);
        picture(&phone, "console-alerts").await;
        phone.screen(390, 844, 2).await;
        if lang == Lang::En {
            assert_eq!(phone.run(IN_REACH).await, true);
        } else {
            does(&phone, "[data-alert=door_closed] [data-act]", "確認中").await;
            phone.read("[data-live=alerts]", phone.text.t("alert.state_acknowledged")).await;
        }
        phone.close().await;
    }
    house.close().await;
}
