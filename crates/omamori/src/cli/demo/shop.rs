//! The shop of the demo: a merchant with three stores, a shelf, and campaigns.

use std::path::Path;

use omamori_drill::month::{Popularity, Product};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::MACHINE;
use crate::checkout;
use crate::cli::merchant::plain;
use crate::clock::DAY;
use crate::coupon::manage::{self, Owner};
use crate::coupon::{Gift, Terms};
use crate::merchant::{create_merchant, create_store, create_terminal, put_product};

type Error = Box<dyn std::error::Error>;

/// What the demo remembers besides the service's own stores.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) merchant_id: String,
    pub(super) stores: Vec<DemoStore>,
    /// Of the online shop; a demo of an earlier version has none.
    #[serde(default)]
    pub(super) online_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DemoStore {
    pub(super) name: String,
    pub(super) till_key: String,
    pub(super) pos_key: String,
}

/// Where the shop is remembered, in the demo's folder.
pub(super) const FILE: &str = "demo.json";
const MERCHANT: &str = "日の丸商店";
const ONLINE_STORE: &str = "オンライン店";
/// Where the shop of `docs/checkout.md` runs.
pub(super) const ONLINE_ORIGIN: &str = "http://localhost:3000";
const STORES: [&str; 3] = ["新宿本店", "渋谷坂上店", "札幌駅前店"];
/// Twelve digits, of which the check digit is computed (20–29 are for use inside a shop: GS1); the
/// name, the price, and when people want it.
const SHELF: [(&str, &str, i64, Popularity); 12] = [
    ("200000000001", "おにぎり 鮭", 160, [30, 22, 8, 8]),
    ("200000000002", "おにぎり 梅", 140, [18, 14, 5, 5]),
    ("200000000003", "たまごサンド", 298, [20, 12, 6, 4]),
    ("200000000004", "緑茶 600ml", 158, [22, 34, 24, 20]),
    ("200000000005", "ホットコーヒー R", 130, [40, 22, 30, 10]),
    ("200000000006", "肉まん", 150, [4, 6, 16, 18]),
    ("200000000007", "からあげ棒", 192, [2, 12, 18, 24]),
    ("200000000008", "プリン", 178, [2, 6, 14, 22]),
    ("200000000009", "のど飴", 214, [4, 3, 4, 3]),
    ("200000000010", "ビニール傘", 770, [2, 1, 2, 2]),
    ("200000000011", "幕の内弁当", 598, [3, 34, 4, 22]),
    ("200000000012", "牛乳 1L", 268, [5, 2, 5, 14]),
];

/// The shelf as a register knows it.
pub(super) fn shelf() -> Vec<Product> {
    let product = |(digits, name, unit_price, popularity): (&str, &str, i64, Popularity)| Product {
        jan: format!("{digits}{}", check_digit(digits)),
        name: name.to_owned(),
        unit_price,
        popularity,
    };
    SHELF.map(product).to_vec()
}

/// The shop that the folder remembers, or a new one.
pub(super) async fn remember_or_make(
    app: &App,
    file: &Path,
    campaigns: Campaigns,
) -> Result<Memory, Error> {
    if let Ok(text) = std::fs::read_to_string(file) {
        return Ok(serde_json::from_str(&text)?);
    }
    let memory = make(app, campaigns).await?;
    // Written last and whole: a demo that was interrupted while it was made is made again.
    let draft = file.with_extension("draft");
    std::fs::write(&draft, serde_json::to_string_pretty(&memory)?)?;
    std::fs::rename(&draft, file)?;
    Ok(memory)
}

async fn make(app: &App, campaigns: Campaigns) -> Result<Memory, Error> {
    let merchant_id = create_merchant(app, MERCHANT).await.map_err(plain)?;
    let mut stores = Vec::with_capacity(STORES.len());
    for name in STORES {
        let store_id = create_store(app, &merchant_id, name).await.map_err(plain)?;
        let till = create_terminal(app, &store_id, "レジ1", "till").await.map_err(plain)?;
        let pos = create_terminal(app, &store_id, "POS", "pos").await.map_err(plain)?;
        stores.push(DemoStore {
            name: name.to_owned(),
            till_key: till.api_key,
            pos_key: pos.api_key,
        });
    }
    for Product { jan, name, unit_price, .. } in shelf() {
        put_product(app, &merchant_id, &jan, &name, unit_price).await.map_err(plain)?;
    }
    begin_campaigns(app, &merchant_id, campaigns).await?;
    let store_id = create_store(app, &merchant_id, ONLINE_STORE).await.map_err(plain)?;
    let online = checkout::shop::create(app, MACHINE, &store_id, "EC", ONLINE_ORIGIN)
        .await
        .map_err(plain)?;
    Ok(Memory { merchant_id, stores, online_key: Some(online.api_key) })
}

/// For whom the shop promises something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Campaigns {
    /// For whoever tries the demo.
    Few,
    /// For the thousands of a month of life. No customer gets more of them than the script of the
    /// month believes (`COUPONS_YEN_MAX`).
    OfAMonth,
}

/// The onigiri for new customers, which the operator pays, and a coupon of the merchant. For who
/// tries the demo, some balance; for a month one more coupon, and a week of threefold points.
async fn begin_campaigns(app: &App, merchant_id: &str, which: Campaigns) -> Result<(), Error> {
    let of_a_month = which == Campaigns::OfAMonth;
    let (digits, ..) = SHELF[0];
    let onigiri = Terms {
        name: "はじめてのおにぎり無料".to_owned(),
        gift: Gift::FreeItem { jan: format!("{digits}{}", check_digit(digits)), max_yen: 180 },
        budget: if of_a_month { 400_000 } else { 100_000 },
        per_customer: 1,
        amount_min: 0,
        stores: Vec::new(),
        new_customer_days: Some(30),
        dormant_days: None,
    };
    let discount = Terms {
        name: "500円以上で100円引き".to_owned(),
        gift: Gift::AmountOff { yen: 100 },
        budget: if of_a_month { 300_000 } else { 50_000 },
        per_customer: 3,
        amount_min: 500,
        new_customer_days: None,
        ..onigiri.clone()
    };
    let now = app.clock.now();
    let half_a_year = (now, now + 180 * DAY);
    let mut campaigns =
        vec![(None, onigiri, half_a_year), (Some(merchant_id), discount, half_a_year)];
    if !of_a_month {
        let value = Terms {
            name: "ようこそ残高".to_owned(),
            gift: Gift::FreeValue { yen: 300 },
            ..campaigns[0].1.clone()
        };
        campaigns.push((None, value, half_a_year));
    }
    if of_a_month {
        let large = Terms {
            name: "1,000円以上で10%引き".to_owned(),
            gift: Gift::PercentOff { percent: 10, max_yen: 200 },
            budget: 200_000,
            per_customer: 5,
            amount_min: 1_000,
            ..campaigns[1].1.clone()
        };
        let points = Terms {
            name: "ポイント3倍の7日間".to_owned(),
            gift: Gift::PointsFactor { factor: 3 },
            budget: 0,
            per_customer: 1,
            amount_min: 0,
            ..large.clone()
        };
        campaigns.push((Some(merchant_id), large, half_a_year));
        campaigns.push((None, points, (now + 14 * DAY, now + 21 * DAY)));
    }
    for (merchant_id, terms, (starts_at, ends_at)) in campaigns {
        let owner = Owner { merchant_id, by: "demo" };
        manage::create(app, owner, terms, starts_at, ends_at).await.map_err(plain)?;
    }
    Ok(())
}

/// The last digit of a JAN-13 (GS1 General Specifications 7.9).
fn check_digit(digits: &str) -> u32 {
    let weighted = digits.bytes().rev().enumerate();
    let sum: u32 =
        weighted.map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 3 } else { 1 }).sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_digits_are_those_of_gs1() {
        assert_eq!(super::check_digit("490123456789"), 4);
        assert_eq!(super::check_digit("200000000001"), 5);
    }
}
