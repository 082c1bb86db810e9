//! The web register on a network that breaks in the middle of a sale: it happens once or not at
//! all, and the clerk is told which.

use omamori::web::text::Lang;

use super::counter::Counter;
use super::house::{House, LUNCH};
use super::phone::Phone;

const SALE: &str = "POST /api/pos/v1/payments ";
const ANYTHING: &str = " /api/pos/";

/// A register with a lunch in the cart, and a phone with money.
async fn ready_to_sell(lang: Lang) -> (House, Counter, Phone) {
    let house = House::open().await;
    let phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    let counter = Counter::opened(&house, lang).await;
    counter.top_up(2_000, &phone.code().await).await;
    phone.is_told("happened.topup", "¥2,000", "¥2,000").await;
    counter.next_customer().await;
    counter.press(r#"[data-mode="sale"]"#).await;
    counter.add(LUNCH).await;
    counter.charge().await;
    (house, counter, phone)
}

/// Goal: an answer that got lost is asked for by the sale's name; it was paid, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_asked_for_and_never_a_second_sale() {
    let (house, mut counter, phone) = ready_to_sell(Lang::Ja).await;
    house.wire.lose_answers(SALE);
    counter.scan(&phone.code().await).await;
    let said = counter.answers("accepted").await;
    assert!(said.contains("¥598"), "{said}");
    assert!(house.wire.mend() > 0, "the answer was not lost");
    assert_eq!(house.payments().await.len(), 1);
    assert_eq!(house.balance().await, 1_402);
    phone.is_told("happened.payment", "¥598", "¥1,402").await;
    counter.provokes("ERR_EMPTY_RESPONSE");
    counter.close().await;
    phone.close().await;
    house.close().await;
}

/// Goal: a request that never arrived is cancelled under its name, so that it cannot arrive late;
/// the customer pays with the next code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_request_is_not_paid_and_the_next_code_pays() {
    let (house, mut counter, phone) = ready_to_sell(Lang::En).await;
    house.wire.lose_requests(SALE);
    let code = phone.code().await;
    counter.scan(&code).await;
    let said = counter.answers("declined").await;
    assert!(said.contains(counter.text.t("till.not_paid")), "{said}");
    assert!(house.wire.mend() > 0, "the request was not lost");
    assert_eq!(house.balance().await, 2_000);
    counter.press("[data-result-rescan]").await;
    counter.see("[data-scan][open]").await;
    counter.scan(&code).await;
    counter.answers("accepted").await;
    phone.is_told("happened.payment", "¥598", "¥1,402").await;
    assert_eq!(house.payments().await.len(), 1);
    counter.provokes("ERR_EMPTY_RESPONSE");
    counter.provokes("status of 404");
    counter.close().await;
    phone.close().await;
    house.close().await;
}

/// Goal: as long as nothing can be found out, the register says so and offers to ask again, also
/// after a reload; with the network it shows the truth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_end_is_said_to_be_unknown_until_it_is_known() {
    let (house, mut counter, phone) = ready_to_sell(Lang::En).await;
    let code = phone.code().await;
    house.wire.lose_answers(ANYTHING);
    counter.scan(&code).await;
    let said = counter.answers("unknown").await;
    assert!(said.contains(counter.text.t("till.unknown_text")), "{said}");
    assert_eq!(house.payments().await.len(), 1, "the sale did arrive");
    counter.press("[data-result-inquire]").await;
    counter.answers("busy").await;
    house.wire.mend();
    let said = counter.answers("accepted").await;
    assert!(said.contains("¥598"), "{said}");
    counter.next_customer().await;
    assert_eq!(house.payments().await.len(), 1);
    assert_eq!(house.balance().await, 1_402);

    let code = phone.code_after(&code).await;
    counter.add(LUNCH).await;
    counter.charge().await;
    house.wire.lose_answers(ANYTHING);
    counter.scan(&code).await;
    counter.answers("unknown").await;
    house.wire.mend();
    counter.reload().await;
    counter.answers("accepted").await;
    assert_eq!(house.payments().await.len(), 2);
    assert_eq!(house.balance().await, 804);
    counter.provokes("ERR_EMPTY_RESPONSE");
    counter.close().await;
    phone.close().await;
    house.close().await;
}
