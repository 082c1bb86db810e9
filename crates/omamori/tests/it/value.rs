//! Points, free value, coupons and campaigns, beside paid value.

mod coupons;
mod desk;
mod free;
mod points;
mod rule;
mod two;

use omamori::clock::DAY;
use omamori::coupon::manage::{self, Owner};
use omamori::coupon::{Campaign, Gift, Terms};
use omamori::gate::chart::available;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::support::app::{Node, TestApp};
use crate::support::customer::Customer;
use crate::support::shop::Register;

/// Terms of a coupon without conditions, once for each customer.
pub fn coupon(gift: Gift, budget: i64) -> Terms {
    Terms {
        name: "お試し".to_owned(),
        gift,
        budget,
        per_customer: 1,
        amount_min: 0,
        stores: Vec::new(),
        new_customer_days: None,
        dormant_days: None,
    }
}

/// Begins a campaign of thirty days.
pub async fn begin(app: &TestApp, merchant_id: Option<&str>, terms: Terms) -> Campaign {
    let (now, owner) = (app.now(), Owner { merchant_id, by: "test" });
    let id = manage::create(&app.app, owner, terms, now, now + 30 * DAY).await.unwrap();
    manage::find(&app.app, &id).await.unwrap().unwrap()
}

/// A new merchant's register, in a store where a yen earns `rate` ÷ 10,000 points.
pub async fn register_with_rate(app: &TestApp, rate: i64) -> Register {
    let register = Register::new(&app.app).await;
    let update = sql("UPDATE store SET points_rate = $1 WHERE store_id = $2");
    let update = update.bind(rate).bind(&register.store_id);
    app.app.stores.registry.execute(update).await.unwrap();
    register
}

/// What the store's merchant is owed for its sales, in yen.
pub async fn owed(node: &Node, register: &Register) -> i64 {
    let query = sql("SELECT sales_account FROM store WHERE store_id = $1");
    let row = node.app.stores.registry.one(query.bind(&register.store_id)).await.unwrap();
    let account = u128::from_be_bytes(row.array("sales_account").unwrap());
    available(&node.app.gate.account(account).unwrap())
}

/// What is left of a campaign's budget.
pub fn budget_left(node: &Node, campaign: &Campaign) -> i64 {
    available(&node.app.gate.account(campaign.budget_account()).unwrap())
}

impl Customer {
    /// What the customer has of each kind.
    pub async fn holdings(&self, node: &Node) -> Value {
        self.get(node, "/api/wallet/v1/points").await.ok()
    }

    /// Sets a coupon.
    pub async fn set_coupon(&self, node: &Node, campaign: &Campaign) {
        let path = format!("/coupons/{}/set", campaign.campaign_id);
        self.post(node, &path, &json!({})).await.ok();
    }

    /// Uses points from now on, or not.
    pub async fn use_points(&self, node: &Node, yes: bool) {
        let body = json!({ "use_points": yes });
        self.post(node, "/points/use", &body).await.ok();
    }

    /// Turns points into balance.
    pub async fn convert(
        &self,
        node: &Node,
        id: &str,
        points: i64,
    ) -> crate::support::answer::Answer {
        let body = json!({ "conversion_id": id, "points": points });
        self.post(node, "/points/convert", &body).await
    }
}
