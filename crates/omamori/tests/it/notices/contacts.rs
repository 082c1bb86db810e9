//! E-mail addresses and numbers: verified before they count, and told when they no longer do.

use omamori::clock::{DAY, MINUTE};
use omamori::identity::Phone;
use omamori::notify::contacts::{self, Contact, begin, confirm};
use omamori::notify::{Channel, Email, deliver_due, tell_alone};
use omamori::web::codes::Code;
use omamori::web::error::Error;
use omamori::web::text::Lang;

use super::moved;
use super::outbox::sent;
use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::on_both_engines;

on_both_engines!(
    an_address_counts_once_its_code_was_typed,
    a_wrong_code_is_refused_and_five_are_all_there_are,
    the_old_address_is_told_for_seven_days,
    a_number_moves_and_another_account_s_does_not,
    codes_to_one_address_are_few,
);

fn email(address: &str) -> Contact {
    Contact::Email(Email::parse(address).unwrap())
}

/// The newest code that was "sent" to an address, once there are `count` to it.
async fn code_to(node: &Node, address: &str, count: usize) -> String {
    loop {
        let to_it: Vec<_> = sent(node).into_iter().filter(|sent| sent.to == address).collect();
        if to_it.len() >= count {
            return to_it[count - 1].code().unwrap().to_owned();
        }
        tokio::task::yield_now().await;
    }
}

/// Verifies an address and puts it in place.
pub async fn change(node: &Node, customer: &Customer, contact: &Contact) {
    let (app, id) = (&node.app, &customer.customer_id);
    let already = sent(node).iter().filter(|sent| sent.to == contact.as_str()).count();
    let check = begin(app, id, contact, Lang::Ja).await.unwrap();
    let code = code_to(node, contact.as_str(), already + 1).await;
    let proven = confirm(app, id, &check.check_id, &code).await.unwrap();
    let mut tx = app.stores.registry.begin().await.unwrap();
    contacts::set(app, &mut tx, &proven).await.unwrap();
    tx.commit().await.unwrap();
}

/// Those who got an e-mail since `from`, in order.
fn mailed(node: &Node, from: usize) -> Vec<String> {
    let mail = sent(node).into_iter().skip(from).filter(|sent| sent.channel == Channel::Email);
    let mut to: Vec<_> = mail.map(|sent| sent.to).collect();
    to.sort();
    to
}

#[track_caller]
fn refused<T>(outcome: Result<T, Error>, code: Code) {
    match outcome {
        Err(error) => assert_eq!(error.code(), code, "{error:?}"),
        Ok(_) => panic!("allowed, not {}", code.as_str()),
    }
}

async fn an_address_counts_once_its_code_was_typed(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let id = &customer.customer_id;
    let of = async || contacts::of(&app.app.stores.registry, id, app.now()).await.unwrap();
    begin(&app.app, id, &email("hanako@example.jp"), Lang::Ja).await.unwrap();
    code_to(app, "hanako@example.jp", 1).await; // it is on its way: the next code is the next letter
    assert_eq!(of().await.email, None);
    change(app, &customer, &email("hanako@example.jp")).await;
    let contacts = of().await;
    assert_eq!(contacts.email, Email::parse("hanako@example.jp"));
    assert!(contacts.replaced.is_empty());
    let letter = sent(app).into_iter().find(|sent| sent.channel == Channel::Email).unwrap();
    let subject = letter.title.clone().unwrap();
    assert!(!subject.contains(letter.code().unwrap()), "a locked screen shows subjects");

    let before = sent(app).len();
    deliver_due(&app.app).await.unwrap();
    assert_eq!(mailed(app, before), ["hanako@example.jp"], "told of itself");
    let page = customer.get(app, "/notices").await;
    assert!(page.text().contains("h***@example.jp") && !page.text().contains("hanako@"));
}

async fn a_wrong_code_is_refused_and_five_are_all_there_are(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let id = &customer.customer_id;
    let contact = email("hanako@example.jp");
    let check = begin(&app.app, id, &contact, Lang::En).await.unwrap().check_id;
    let code = code_to(app, contact.as_str(), 1).await;
    let theirs = confirm(&app.app, &other.customer_id, &check, &code).await;
    refused(theirs, Code::ProofFailed);
    for _ in 0..5 {
        refused(confirm(&app.app, id, &check, "------").await, Code::ProofFailed);
    }
    refused(confirm(&app.app, id, &check, &code).await, Code::ProofFailed);

    let check = begin(&app.app, id, &contact, Lang::En).await.unwrap().check_id;
    let code = code_to(app, contact.as_str(), 2).await;
    app.clock.advance(10 * MINUTE);
    refused(confirm(&app.app, id, &check, &code).await, Code::ProofFailed);

    let check = begin(&app.app, id, &contact, Lang::En).await.unwrap().check_id;
    let code = code_to(app, contact.as_str(), 3).await;
    assert_eq!(confirm(&app.app, id, &check, &code).await.unwrap().contact(), &contact);
    refused(confirm(&app.app, id, &check, &code).await, Code::ProofFailed);
}

/// Goal: whoever replaces an address cannot do it unseen.
async fn the_old_address_is_told_for_seven_days(app: &mut TestApp) {
    let customer = Customer::new(&app.app).await;
    let id = &customer.customer_id;
    change(app, &customer, &email("old@example.jp")).await;
    change(app, &customer, &email("new@example.jp")).await;
    let of = async |at| contacts::of(&app.app.stores.registry, id, at).await.unwrap();
    let contacts = of(app.now()).await;
    assert_eq!(contacts.email, Email::parse("new@example.jp"));
    assert_eq!(contacts.replaced, [(email("old@example.jp"), app.now())]);
    deliver_due(&app.app).await.unwrap();
    let mut before = sent(app).len();
    let both = ["new@example.jp", "old@example.jp"];
    for (later, told) in [(7 * DAY - 1, &both[..]), (1, &both[..1])] {
        app.clock.advance(later);
        tell_alone(&app.app, id, &moved()).await.unwrap();
        deliver_due(&app.app).await.unwrap();
        assert_eq!(mailed(app, before), told);
        before = sent(app).len();
    }
    assert!(of(app.now()).await.replaced.is_empty());
}

async fn a_number_moves_and_another_account_s_does_not(app: &mut TestApp) {
    let (customer, other) = (Customer::new(&app.app).await, Customer::new(&app.app).await);
    let registry = &app.app.stores.registry;
    let of = async |customer: &Customer| {
        contacts::of(registry, &customer.customer_id, app.now()).await.unwrap()
    };
    let (old, taken) = (of(&customer).await.phone, of(&other).await.phone);
    let new = Phone::parse("080-1111-2222").unwrap();
    change(app, &customer, &Contact::Phone(new.clone())).await;
    let contacts = of(&customer).await;
    assert_eq!(contacts.phone, new);
    assert_eq!(contacts.replaced, [(Contact::Phone(old.clone()), app.now())]);
    let before = sent(app).len();
    deliver_due(&app.app).await.unwrap();
    let mut told: Vec<_> = sent(app).into_iter().skip(before).map(|sent| sent.to).collect();
    told.sort();
    let mut both = [old.to_string(), new.to_string()];
    both.sort();
    assert_eq!(told, both);

    let id = &customer.customer_id;
    let check = begin(&app.app, id, &Contact::Phone(taken.clone()), Lang::Ja).await.unwrap();
    let code = code_to(app, taken.as_str(), 1).await;
    let proven = confirm(&app.app, id, &check.check_id, &code).await.unwrap();
    let mut tx = registry.begin().await.unwrap();
    refused(contacts::set(&app.app, &mut tx, &proven).await, Code::ProofFailed);
    drop(tx);
    assert_eq!((of(&customer).await.phone, of(&other).await.phone), (new, taken));
}

/// Goal: neither one customer nor many can fill a stranger's mailbox with codes.
async fn codes_to_one_address_are_few(app: &mut TestApp) {
    let victim = email("victim@example.jp");
    for _ in 0..5 {
        let customer = Customer::new(&app.app).await;
        begin(&app.app, &customer.customer_id, &victim, Lang::Ja).await.unwrap();
    }
    let customer = Customer::new(&app.app).await;
    let id = &customer.customer_id;
    refused(begin(&app.app, id, &victim, Lang::Ja).await, Code::TooManyRequests);
    for number in 0..5 {
        let address = email(&format!("v{number}@example.jp"));
        begin(&app.app, id, &address, Lang::Ja).await.unwrap();
    }
    let next = email("v5@example.jp");
    refused(begin(&app.app, id, &next, Lang::Ja).await, Code::TooManyRequests);
    app.clock.advance(DAY);
    begin(&app.app, id, &victim, Lang::Ja).await.unwrap();
}
