//! `/pay/{token}`: the page that a shop sends its customer to. Whoever has the address sees the
//! order; who is signed in on the phone that pays can approve it, with passkey or authenticator
//! app, bound to this order, store and amount ([`crate::order`]). Another browser shows it as a QR.

use std::sync::Arc;

use askama::Template;
use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omamori_paycode::draw::{Level, qr};
use serde::Serialize;

use super::row::{self, Became, Checkout};
use super::{back, end};
use crate::app::App;
use crate::coupon::{self, Basket};
use crate::gate::purse::total;
use crate::identity::{Customer, Visitor, phone_of};
use crate::pos::discounts;
use crate::value::{self, Made, Purchase};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters;
use crate::web::page::page as rendered;
use crate::web::text::Text;

/// What the customer would pay with, now.
struct Preview {
    balance: i64,
    discounts: Vec<crate::pos::DiscountView>,
    points: i64,
    /// Yen of paid and free value.
    yen: i64,
    earned: i64,
    /// There is not enough.
    short: bool,
}

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage {
    text: Text,
    sandbox: bool,
    token: String,
    order_id: String,
    status: &'static str,
    merchant_name: String,
    store_name: String,
    description: Option<String>,
    items: Vec<crate::pos::ItemDetail>,
    amount: i64,
    expires_at: i64,
    /// For a signed-in customer.
    preview: Option<Preview>,
    /// For a browser that is not signed in: a picture as a `data:` address.
    qr: String,
    /// Where to go back to.
    back: String,
    /// `pay_…`, for who paid it.
    receipt: Option<String>,
    /// Somebody else paid it.
    is_anothers: bool,
}

async fn find(app: &App, token: &str) -> Result<Checkout> {
    Ok(row::find_by_token(app, token).await?.ok_or(Code::NotFound)?)
}

/// Where the customer goes back to, by what became of the order.
fn way_back(checkout: &Checkout, became: &Became) -> String {
    let url = match became {
        Became::Paid(_) => &checkout.success_url,
        _ => &checkout.cancel_url,
    };
    back::with_reference(url, &checkout.order.merchant_payment_id, became.as_str())
}

/// `GET /pay/{token}`
pub async fn page(
    State(app): State<Arc<App>>,
    visitor: std::result::Result<Visitor, Response>,
    text: Text,
    Path(token): Path<String>,
) -> Result<Response> {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        // The page that starts the phone's worker, or the one of a phone that was replaced.
        Err(response) => return Ok(response),
    };
    let checkout = find(&app, &token).await?;
    let became = checkout.became(&app).await?;
    let customer = match &visitor {
        Visitor::Customer(customer) => Some(customer),
        Visitor::Guest => None,
    };
    let preview = match (customer, &became) {
        (Some(customer), Became::Open) => Some(preview(&app, customer, &checkout).await?),
        _ => None,
    };
    let mine = match (&became, customer) {
        (Became::Paid(capture), Some(customer)) => (capture.debit_account_id
            == customer.wallet_account)
            .then(|| crate::id::Kind::Payment.text(capture.id)),
        _ => None,
    };
    let address = row::address(&app, &checkout.order.order_id);
    let back = way_back(&checkout, &became);
    let order = checkout.order;
    let is_paid = matches!(became, Became::Paid(_));
    // What was bought is shown to who may still pay it, and to who paid it.
    let shows_lines = !is_paid || mine.is_some();
    rendered(&PayPage {
        text,
        sandbox: app.sandbox(),
        token,
        order_id: order.order_id,
        status: became.as_str(),
        merchant_name: order.store.merchant_name.clone(),
        store_name: order.store.name.clone(),
        description: order.description.filter(|_| shows_lines),
        items: if shows_lines { order.items } else { Vec::new() },
        amount: order.amount,
        expires_at: order.expires_at,
        qr: picture(&address)?,
        preview,
        back,
        is_anothers: is_paid && customer.is_some() && mine.is_none(),
        receipt: mine,
    })
}

/// A QR of a text as a `data:` address of a picture.
fn picture(text: &str) -> Result<String> {
    let svg = qr(text, Level::M).map_err(|error| Error::Fault(Box::new(error)))?.svg();
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)))
}

/// The payment as it would be made now. What is really taken is planned again when it is paid.
async fn preview(app: &App, customer: &Customer, checkout: &Checkout) -> Result<Preview> {
    let order = &checkout.order;
    let device = phone_of(app, customer).await?;
    let basket = Basket { store: &order.store, amount: order.amount, items: &order.items };
    let fitted = coupon::fit(app, &device, &basket).await?;
    let purchase = Purchase {
        wallet: device.wallet_account,
        store: &order.store,
        amount: order.amount,
        discounts: fitted.discounts,
        use_points: device.uses_points,
        points_factor: fitted.points_factor,
    };
    let balance = app.gate.balance(device.wallet_account);
    let short = Preview {
        balance,
        discounts: Vec::new(),
        points: 0,
        yen: order.amount,
        earned: 0,
        short: true,
    };
    let Ok(offer) = value::offer(app, &purchase) else { return Ok(short) };
    let made = Made::of(offer);
    let points = total(&made.spending.points);
    Ok(Preview {
        balance,
        discounts: discounts(&made, &fitted.used),
        points,
        yen: made.spending.due() - points,
        earned: made.earned,
        short: false,
    })
}

/// What a page that waits asks for.
#[derive(Serialize)]
pub struct Status {
    status: &'static str,
    /// Where the browser goes; none while it is open.
    back: Option<String>,
}

/// `GET /api/pay/v1/{token}`: for the browser that shows the QR while the phone pays.
pub async fn status(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Answer<Status>> {
    let checkout = find(&app, &token).await?;
    let became = checkout.became(&app).await?;
    let back = (!matches!(became, Became::Open)).then(|| way_back(&checkout, &became));
    Ok(Answer(Status { status: became.as_str(), back }))
}

/// `POST /api/pay/v1/{token}/cancel`: whoever was sent here wants to go back without paying.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Answer<Status>> {
    let checkout = find(&app, &token).await?;
    end::give_up(&app, &checkout).await?;
    status(State(app), Path(token)).await
}
