//! Coupons and points, from the merchant's page to the receipt. Pictures are left as in
//! [`super::pictures`].

use omamori::clock::DAY;
use omamori::coupon::manage::{self, Owner};
use omamori::coupon::{Gift, Terms};
use omamori::merchant::invite;
use omamori::web::text::Lang;

use super::authenticator::Sensor;
use super::counter::Counter;
use super::house::{House, LUNCH, TEA};
use super::phone::Phone;
use super::pictures::picture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_scan_takes_two_coupons_in_japanese() {
    one_scan_takes_two_coupons(Lang::Ja).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_scan_takes_two_coupons_in_english() {
    one_scan_takes_two_coupons(Lang::En).await;
}

/// Goal: the merchant makes a coupon, the operator gives a free tea; the customer sets both and
/// shows one code. Register, wallet, receipt and the merchant's results tell the same.
async fn one_scan_takes_two_coupons(lang: Lang) {
    let house = House::open().await;
    free_tea(&house).await;
    let mut counter = Counter::opened(&house, lang).await;
    let phone = Phone::signed_up(&house, "phone", lang).await;
    counter.top_up(3_000, &phone.code().await).await;
    phone.is_told("happened.topup", "¥3,000", "¥3,000").await;
    counter.next_customer().await;
    make_coupon(&house, &mut counter).await;

    phone.press(r#".shortcut[href="/coupons"]"#).await;
    phone.see("[data-coupon-set]").await;
    picture(&phone, "wallet-coupons").await;
    for set in 1..=2 {
        phone.press("[data-coupon-set]").await;
        let all = "return document.querySelectorAll('.coupon--set').length";
        phone
            .until("the coupon to be set", async || (phone.run(all).await == set).then_some(()))
            .await;
    }
    phone.gone("[data-coupon-set]").await;
    picture(&phone, "wallet-coupons-set").await;
    phone.go("/").await;

    counter.go("/till").await;
    counter.add(TEA).await;
    counter.add(LUNCH).await;
    counter.read("[data-cart-total]", "¥756").await;
    counter.charge().await;
    counter.scan(&phone.code().await).await;
    let said = counter.answers("accepted").await;
    // ¥756, the tea for nothing, ¥100 off the rest, and two points for what was paid.
    for part in ["¥498", "¥756", "−¥158", "−¥100", "+2"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    picture(&counter, "till-coupons").await;
    phone.is_told("happened.payment", "¥498", "¥2,502").await;
    phone.press(".latest [data-entry] a").await;
    let receipt = phone.see(".receipt").await;
    for part in ["¥756", "−¥158", "−¥100", "¥498"] {
        assert!(receipt.contains(part), "{part} is not in {receipt}");
    }
    picture(&phone, "wallet-receipt-coupons").await;
    points(&phone).await;
    results(counter).await;
    phone.close().await;
    house.close().await;
}

async fn free_tea(house: &House) {
    let terms = Terms {
        name: "はじめての緑茶無料".to_owned(),
        gift: Gift::FreeItem { jan: TEA.0.to_owned(), max_yen: 180 },
        budget: 10_000,
        per_customer: 1,
        amount_min: 0,
        stores: Vec::new(),
        new_customer_days: Some(30),
        dormant_days: None,
    };
    let (now, owner) = (house.app.clock.now(), Owner { merchant_id: None, by: "test" });
    manage::create(&house.app, owner, terms, now, now + 30 * DAY).await.unwrap();
}

/// Over the back office, in the same browser as the register.
async fn make_coupon(house: &House, office: &mut Counter) {
    let invitation = invite(&house.app, &house.merchant_id, "店長").await.unwrap();
    office.sensor(Sensor::Owner).await;
    office.go(&format!("/merchant?invite={invitation}")).await;
    office.fill("[data-invite-form] [name=name]", "佐藤 花子").await;
    office.press("[data-invite-form] [type=submit]").await;
    office.see(".stores .table").await;
    office.press(r#"a[href="/merchant/campaigns"]"#).await;
    office.press("[data-campaign-new]").await;
    picture(office, "merchant-campaign-new").await;
    let fields = [("name", "500円以上で100円引き"), ("yen", "100"), ("budget", "5000")];
    for (name, value) in fields {
        office.fill(&format!("[data-campaign-form] [name={name}]"), value).await;
    }
    // Typing a date depends on the browser's country.
    office
        .run(
            "const form = document.querySelector('[data-campaign-form]').elements; \
             form.ends_on.value = form.starts_on.value; form.amount_min.value = 500;",
        )
        .await;
    office.press("[data-campaign-form] [type=submit]").await;
    office.read(".campaign h2", "500円以上で100円引き").await;
}

/// Points are there, become balance once, and are used from now on.
async fn points(phone: &Phone) {
    phone.go("/points").await;
    phone.read("[data-points]", "2").await;
    phone.press("[data-points-use]").await;
    phone.press("[data-convert-open]").await;
    phone.press("[data-convert-form] [type=submit]").await;
    phone.read("#happened[open]", "¥2").await;
    phone.press("[data-happened-close]").await;
    phone.gone("[data-convert-open]").await;
    phone.go("/points").await;
    phone.see("[data-points-use]:checked").await;
    picture(phone, "wallet-points").await;
    phone.go("/").await;
    phone.press(".balance__parts summary").await;
    phone.read(".balance__parts", "¥2").await;
    phone.code().await;
    picture(phone, "wallet-parts").await;
}

async fn results(office: Counter) {
    office.go("/merchant/campaigns").await;
    office.read(".campaign", "¥4,900 / ¥5,000").await;
    picture(&office, "merchant-campaigns").await;
    office.press("[data-campaign-stop]").await;
    office.press("[data-stop-confirm]").await;
    office.gone("[data-campaign-stop]").await;
    office.read(".campaign", office.text.t("campaigns.stopped")).await;
    office.close().await;
}
