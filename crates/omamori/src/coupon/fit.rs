//! Which coupons a payment uses. One scan takes them all: the best coupon on an item, then the
//! best on what is left of the amount; the points of the payment by the largest factor.

use super::campaign::{Campaign, Gift, merchant_discount};
use crate::app::App;
use crate::clock::Micros;
use crate::gate::Act;
use crate::gate::chart::available;
use crate::identity::DeviceEntry;
use crate::merchant::StoreEntry;
use crate::pos::{CouponDetail, ItemDetail, NotApplied, NotAppliedReason as Why};
use crate::value::{Discount, Made};
use crate::web::error::Result;

/// What is bought.
#[derive(Clone, Copy)]
pub struct Basket<'a> {
    /// Where.
    pub store: &'a StoreEntry,
    /// Yen.
    pub amount: i64,
    /// The register's lines.
    pub items: &'a [ItemDetail],
}

/// The coupons of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// What is taken off.
    pub discounts: Vec<Discount>,
    /// The coupons behind it, in the same order.
    pub used: Vec<CouponDetail>,
    /// What the customer had set and what did not fit.
    pub not_applied: Vec<NotApplied>,
    /// By what the points are multiplied.
    pub points_factor: i64,
}

/// A coupon that the customer has set, and what the ledger has left of it.
struct Held<'a> {
    campaign: &'a Campaign,
    pieces_account: u128,
    pieces: i64,
    budget: i64,
}

/// Fits what the customer has set to a basket, by what the ledger holds now.
///
/// # Errors
/// A fault if the registry fails.
pub async fn fit(app: &App, device: &DeviceEntry, basket: &Basket<'_>) -> Result<Fitted> {
    let now = app.clock.now();
    let all = app.campaigns.all(now).await?;
    let is_open = app.gate.open_door(Act::CouponSet, None, Some(&device.customer_id)).is_ok();
    let set = if device.has_coupons && is_open {
        app.campaigns.set_by(&device.customer_id).await?
    } else {
        vec![]
    };
    let left = |account| app.gate.account(account).as_ref().map_or(0, available);
    let held = all.iter().filter(|campaign| set.contains(&campaign.campaign_id)).map(|campaign| {
        let pieces_account = campaign.pieces_account(device.wallet_account);
        let (pieces, budget) = (left(pieces_account), left(campaign.budget_account()));
        Held { campaign, pieces_account, pieces, budget }
    });
    // Used up, over or stopped: no news to anybody.
    let held = held.filter(|held| held.pieces > 0 && held.campaign.is_running(now));
    let mut fitted = choose(&held.collect::<Vec<_>>(), basket);
    fitted.points_factor = factor(&all, basket, now);
    Ok(fitted)
}

/// How many coupons a customer has set and can still use.
///
/// # Errors
/// A fault if the registry fails.
pub async fn set_count(app: &App, customer_id: &str, wallet: u128) -> Result<usize> {
    let now = app.clock.now();
    let set = app.campaigns.set_by(customer_id).await?;
    let all = app.campaigns.all(now).await?;
    let usable = |campaign: &&Campaign| {
        let pieces = app.gate.account(campaign.pieces_account(wallet));
        set.contains(&campaign.campaign_id)
            && campaign.is_running(now)
            && pieces.as_ref().is_some_and(|pieces| available(pieces) > 0)
    };
    Ok(all.iter().filter(usable).count())
}

/// The accounts of uses that a customer gets back when a payment is canceled: of campaigns that
/// still run.
///
/// # Errors
/// A fault if the registry fails.
pub async fn returnable(app: &App, made: &Made) -> Result<Vec<u128>> {
    let discounts = &made.spending.discounts;
    if discounts.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let all = app.campaigns.all(now).await?;
    let running = |budget| {
        all.iter().any(|campaign| campaign.budget_account() == budget && campaign.is_running(now))
    };
    let mine = discounts.iter().filter(|discount| running(discount.budget));
    Ok(mine.map(|discount| discount.pieces).collect())
}

/// By what the running campaigns multiply the points of a basket.
///
/// # Errors
/// A fault if the registry fails.
pub async fn points_factor(app: &App, basket: &Basket<'_>) -> Result<i64> {
    let now = app.clock.now();
    Ok(factor(&app.campaigns.all(now).await?, basket, now))
}

/// The largest factor of those that hold here and now.
fn factor(all: &[Campaign], basket: &Basket<'_>, now: Micros) -> i64 {
    let here = |campaign: &&Campaign| {
        campaign.is_running(now)
            && campaign.is_in(&basket.store.store_id, &basket.store.merchant_id)
            && basket.amount >= campaign.terms.amount_min
    };
    let factors = all.iter().filter(here).filter_map(|campaign| match campaign.terms.gift {
        Gift::PointsFactor { factor } => Some(factor),
        _ => None,
    });
    factors.max().unwrap_or(1)
}

/// The best on an item, then the best on what is left.
fn choose(held: &[Held<'_>], basket: &Basket<'_>) -> Fitted {
    let mut fitted =
        Fitted { discounts: vec![], used: vec![], not_applied: vec![], points_factor: 1 };
    let mut left = basket.amount;
    for on_item in [true, false] {
        let mut best: Option<(i64, &Held<'_>)> = None;
        for held in held.iter().filter(|held| held.campaign.terms.gift.is_on_item() == on_item) {
            match yen_or_why(held, basket, left) {
                Err(why) => fitted.not_applied.push(not_applied(held, why)),
                Ok(yen) => match best {
                    // Of equals the one that ends first, which is the order of the list.
                    Some((most, _)) if yen <= most => {
                        fitted.not_applied.push(not_applied(held, Why::AnotherApplied));
                    }
                    other => {
                        if let Some((_, beaten)) = other {
                            fitted.not_applied.push(not_applied(beaten, Why::AnotherApplied));
                        }
                        best = Some((yen, held));
                    }
                },
            }
        }
        let Some((yen, held)) = best else { continue };
        left -= yen;
        let campaign = held.campaign;
        let operator_pays = basket.store.sales_account;
        fitted.discounts.push(Discount {
            budget: campaign.budget_account(),
            to: campaign.merchant_id.as_deref().map_or(operator_pays, merchant_discount),
            pieces: held.pieces_account,
            amount: yen,
        });
        fitted.used.push(CouponDetail {
            campaign_id: campaign.campaign_id.clone(),
            name: campaign.terms.name.clone(),
        });
    }
    fitted
}

fn yen_or_why(held: &Held<'_>, basket: &Basket<'_>, left: i64) -> Result<i64, Why> {
    let campaign = held.campaign;
    if !campaign.is_in(&basket.store.store_id, &basket.store.merchant_id) {
        return Err(Why::OtherStore);
    }
    if basket.amount < campaign.terms.amount_min {
        return Err(Why::AmountTooSmall);
    }
    let yen = campaign.terms.gift.yen(left, basket.items);
    if yen == 0 {
        let on_item = campaign.terms.gift.is_on_item();
        return Err(if on_item { Why::ItemMissing } else { Why::AmountTooSmall });
    }
    // A discount is whole or not at all: nobody is promised what the budget does not have.
    if yen > held.budget { Err(Why::BudgetUsedUp) } else { Ok(yen) }
}

fn not_applied(held: &Held<'_>, reason: Why) -> NotApplied {
    NotApplied {
        campaign_id: held.campaign.campaign_id.clone(),
        name: held.campaign.terms.name.clone(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coupon::campaign::Terms;

    const ONIGIRI: &str = "4901234567894";

    fn store() -> StoreEntry {
        StoreEntry {
            store_id: "sto_1".to_owned(),
            name: String::new(),
            merchant_id: "mer_1".to_owned(),
            merchant_name: String::new(),
            sales_account: 1,
            cash_account: 2,
            points_rate: None,
        }
    }

    fn campaign(id: &str, gift: Gift) -> Campaign {
        let terms = Terms {
            name: id.to_owned(),
            gift,
            budget: 1_000,
            per_customer: 1,
            amount_min: 0,
            stores: vec![],
            new_customer_days: None,
            dormant_days: None,
        };
        Campaign {
            campaign_id: id.to_owned(),
            merchant_id: None,
            terms,
            starts_at: 0,
            ends_at: 100,
            stopped_at: None,
        }
    }

    type Named<T> = Vec<(String, T)>;

    /// Yen by coupon, and the reasons of the others.
    fn chosen(
        campaigns: &[Campaign],
        amount: i64,
        bought: &[(&str, i64)],
    ) -> (Named<i64>, Named<Why>) {
        let held: Vec<_> = campaigns
            .iter()
            .map(|campaign| Held { campaign, pieces_account: 9, pieces: 1, budget: 1_000 })
            .collect();
        let items: Vec<_> = bought
            .iter()
            .map(|(jan, unit_price)| ItemDetail {
                jan: Some((*jan).to_owned()),
                name: String::new(),
                quantity: 1,
                unit_price: *unit_price,
            })
            .collect();
        let store = store();
        let fitted = choose(&held, &Basket { store: &store, amount, items: &items });
        let yen = fitted.discounts.iter().map(|discount| discount.amount);
        (
            fitted.used.iter().map(|coupon| coupon.campaign_id.clone()).zip(yen).collect(),
            fitted.not_applied.into_iter().map(|not| (not.campaign_id, not.reason)).collect(),
        )
    }

    fn free_item() -> Campaign {
        campaign("onigiri", Gift::FreeItem { jan: ONIGIRI.to_owned(), max_yen: 180 })
    }

    #[test]
    fn one_coupon_on_an_item_and_one_on_the_rest() {
        let percent = campaign("percent", Gift::PercentOff { percent: 10, max_yen: 300 });
        let amount = campaign("amount", Gift::AmountOff { yen: 50 });
        let all = [free_item(), percent, amount];
        let (used, not) = chosen(&all, 1_000, &[(ONIGIRI, 150)]);
        assert_eq!(used, [("onigiri".to_owned(), 150), ("percent".to_owned(), 85)]);
        assert_eq!(not, [("amount".to_owned(), Why::AnotherApplied)]);
        let (used, not) = chosen(&all, 300, &[]);
        assert_eq!(used, [("amount".to_owned(), 50)]);
        assert_eq!(
            not,
            [("onigiri".to_owned(), Why::ItemMissing), ("percent".to_owned(), Why::AnotherApplied)]
        );
    }

    #[test]
    fn a_register_cannot_make_an_item_dearer_than_the_coupon_is_worth() {
        assert_eq!(chosen(&[free_item()], 90_000, &[(ONIGIRI, 90_000)]).0[0].1, 180);
        assert_eq!(chosen(&[free_item()], 100, &[(ONIGIRI, 150)]).0[0].1, 100, "nor the sale");
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let mut elsewhere = campaign("elsewhere", Gift::AmountOff { yen: 50 });
        elsewhere.terms.stores = vec!["sto_2".to_owned()];
        let mut other = campaign("other", Gift::AmountOff { yen: 50 });
        other.merchant_id = Some("mer_2".to_owned());
        let mut large = campaign("large", Gift::AmountOff { yen: 50 });
        large.terms.amount_min = 501;
        let dear = campaign("dear", Gift::AmountOff { yen: 1_001 });
        let (used, not) = chosen(&[elsewhere, other, large], 500, &[]);
        assert!(used.is_empty());
        let reasons: Vec<_> = not.into_iter().map(|(_, why)| why).collect();
        assert_eq!(reasons, [Why::OtherStore, Why::OtherStore, Why::AmountTooSmall]);
        let (used, not) = chosen(&[dear], 5_000, &[]);
        assert!(used.is_empty());
        assert_eq!(not[0].1, Why::BudgetUsedUp);
    }

    #[test]
    fn the_largest_factor_of_here_and_now_counts() {
        let twice = campaign("twice", Gift::PointsFactor { factor: 2 });
        let mut more = campaign("more", Gift::PointsFactor { factor: 5 });
        more.terms.amount_min = 1_000;
        let store = store();
        let all = [twice, more];
        let factor = |amount, now| factor(&all, &Basket { store: &store, amount, items: &[] }, now);
        assert_eq!((factor(999, 50), factor(1_000, 50), factor(1_000, 100)), (2, 5, 1));
    }
}
