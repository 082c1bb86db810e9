//! The public notice of a refund procedure, for the Official Gazette, a daily newspaper or an
//! electronic notice: the items of 法20条2項 and 府令41条, from settings and the announced days.

use super::end::ServiceEnd;
use crate::notify::fill;
use crate::web::filters::{day_text, japan};
use crate::web::text::{Lang, Text};

/// An item of it.
pub struct Item {
    /// What it says.
    pub title: &'static str,
    /// In words.
    pub text: String,
}

/// The items, in the law's order.
#[must_use]
pub fn items(end: &ServiceEnd, issuer: &str, text: Text) -> Vec<Item> {
    let last = end.claims_until - 1;
    let ends = japan(end.plan.ends_at).strftime("%H:%M").to_string();
    let values = [
        ("issuer", issuer.to_owned()),
        ("ends", format!("{} {ends}", day(end.plan.ends_at, text))),
        ("last", day(last, text)),
        ("contact", end.plan.contact.clone()),
    ];
    let item =
        |title: &str, body: &str| Item { title: text.t(title), text: fill(text.t(body), &values) };
    vec![
        item("eos.item_refund", "eos.item_refund_text"),
        item("eos.item_issuer", "eos.item_issuer_text"),
        item("eos.item_kind", "eos.item_kind_text"),
        item("eos.item_period", "eos.item_period_text"),
        item("eos.item_excluded", "eos.item_excluded_text"),
        item("eos.item_how", "eos.item_how_text"),
        item("eos.item_paid", "eos.item_paid_text"),
        item("eos.item_contact", "eos.item_contact_text"),
        item("eos.item_free", "eos.item_free_text"),
    ]
}

/// A day with its year.
pub(super) fn day(at: i64, text: Text) -> String {
    let (year, day) = (japan(at).year(), day_text(at, text.lang()));
    match text.lang {
        Lang::Ja => format!("{year}年{day}"),
        Lang::En => format!("{day} {year}"),
    }
}
