//! The QR of a store: its number, and the JPQR texts that are made of it.
//!
//! A text is read strictly, and of what it says only two things are believed: which store, and
//! which order. Names and amounts come from the registry: a sticker over a store's QR can lead to
//! another store of ours, and then that store's own name is on the customer's screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use omamori_db::{Row, sql};
use omamori_paycode::mpm::{
    AdditionalId, Amount, CURRENCY_YEN, Initiation, JPQR_TEMPLATE, JpqrMerchant, LocalLanguage,
    MerchantCode,
};

use serde::{Deserialize, Serialize};

use super::row::{Order, find_by_code};
use crate::app::App;
use crate::merchant::StoreEntry;
use crate::rng::random_below;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Digits of levels 1 to 4.
const LEVELS: [usize; 4] = [13, 4, 6, 6];
/// Levels 2 to 4, of which each store has its own.
const OWN_DIGITS: usize = 16;
const NUMBERS: u64 = 10_u64.pow(16);
/// Characters of a name and of a city.
const NAME_MAX: usize = 25;
const CITY_MAX: usize = 15;
/// What is typed by hand is shorter than any text of a QR.
const TYPED_MAX: usize = 16;

/// What stands in a store's QR for readers of others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The store's name in printable ASCII.
    pub name: String,
    /// Its city in printable ASCII.
    pub city: String,
    /// Its postal code, 7 digits.
    pub postal_code: String,
    /// Its trade: a merchant category code (ISO 18245).
    pub category_code: u16,
}

impl Default for Details {
    fn default() -> Self {
        Self {
            name: "STORE".to_owned(),
            city: "JAPAN".to_owned(),
            postal_code: "0000000".to_owned(),
            category_code: 5411, // grocery stores
        }
    }
}

impl Details {
    /// Checks what somebody entered.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<()> {
        let ascii = |field: &str, text: &str, max: usize| {
            let fits = !text.trim().is_empty()
                && text.len() <= max
                && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            if fits { Ok(()) } else { Err(Error::field(field, "malformed")) }
        };
        ascii("name", &self.name, NAME_MAX)?;
        ascii("city", &self.city, CITY_MAX)?;
        let digits = self.postal_code.bytes().all(|byte| byte.is_ascii_digit());
        if self.postal_code.len() != 7 || !digits {
            return Err(Error::field("postal_code", "malformed"));
        }
        if self.category_code > 9_999 {
            return Err(Error::field("category_code", "out_of_range"));
        }
        Ok(())
    }
}

/// A store's QR.
#[derive(Clone, Debug)]
pub struct StoreQr {
    /// 29 digits.
    pub number: String,
    /// What else it says.
    pub details: Details,
}

/// A store's QR; it gets its number when it is first asked for.
///
/// # Errors
/// A fault if the registry fails.
pub async fn of_store(app: &App, store_id: &str) -> Result<StoreQr> {
    if let Some(known) = find(app, store_id).await? {
        return Ok(known);
    }
    let own = random_below(app.rng.as_ref(), NUMBERS);
    let number = format!("{}{own:0OWN_DIGITS$}", app.config.jpqr_company);
    let details = Details::default();
    let insert = sql("INSERT INTO store_qr (store_id, number, name, city, postal_code,
            category_code, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (store_id) DO NOTHING");
    let insert = insert.bind(store_id).bind(number).bind(details.name).bind(details.city);
    let insert = insert.bind(details.postal_code).bind(i64::from(details.category_code));
    app.stores.registry.execute(insert.bind(app.clock.now())).await?;
    find(app, store_id).await?.ok_or_else(|| Error::fault("a store's QR is not there"))
}

async fn find(app: &App, store_id: &str) -> Result<Option<StoreQr>> {
    let query = sql("SELECT number, name, city, postal_code, category_code FROM store_qr
         WHERE store_id = $1");
    let row = app.stores.registry.optional(query.bind(store_id)).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &Row) -> omamori_db::Result<StoreQr> {
    Ok(StoreQr {
        number: row.text("number")?,
        details: Details {
            name: row.text("name")?,
            city: row.text("city")?,
            postal_code: row.text("postal_code")?,
            category_code: u16::try_from(row.int("category_code")?).unwrap_or_default(),
        },
    })
}

/// Changes what the QR says for readers of others. What was printed goes on working.
///
/// # Errors
/// A wrong field; a fault if the registry fails.
pub async fn set_details(app: &App, store_id: &str, details: &Details) -> Result<()> {
    details.check()?;
    of_store(app, store_id).await?;
    let update = sql("UPDATE store_qr SET name = $1, city = $2, postal_code = $3,
            category_code = $4 WHERE store_id = $5");
    let update = update.bind(details.name.trim()).bind(details.city.trim());
    let update = update.bind(&details.postal_code).bind(i64::from(details.category_code));
    app.stores.registry.execute(update.bind(store_id)).await?;
    Ok(())
}

impl StoreQr {
    /// The text of the printed QR: the customer types the amount.
    ///
    /// # Errors
    /// A fault: a name that no QR can hold.
    pub fn static_text(&self, store: &StoreEntry) -> Result<String> {
        self.text(store, Initiation::Static, None, BTreeMap::new())
    }

    /// The text of one order's QR.
    ///
    /// # Errors
    /// As above.
    pub fn dynamic_text(&self, order: &Order) -> Result<String> {
        let amount = u64::try_from(order.amount).ok().and_then(Amount::yen);
        let reference = BTreeMap::from([(AdditionalId::REFERENCE_LABEL, order.code.clone())]);
        self.text(&order.store, Initiation::Dynamic, amount, reference)
    }

    fn text(
        &self,
        store: &StoreEntry,
        initiation: Initiation,
        amount: Option<Amount>,
        additional_data: BTreeMap<AdditionalId, String>,
    ) -> Result<String> {
        let mut left = self.number.as_str();
        let levels = LEVELS.map(|digits| {
            let (level, rest) = left.split_at_checked(digits).unwrap_or((left, ""));
            left = rest;
            level
        });
        let fault = |error: &dyn std::fmt::Display| {
            tracing::error!(store = store.store_id, %error, "a store's QR cannot be written");
            Error::fault("a store's QR cannot be written")
        };
        let merchant = JpqrMerchant::new(levels).map_err(|error| fault(&error))?;
        let name: String = store.name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
        let code = MerchantCode {
            initiation: Some(initiation),
            card_accounts: BTreeMap::new(),
            accounts: BTreeMap::from([(JPQR_TEMPLATE, merchant.template())]),
            category_code: self.details.category_code,
            currency: CURRENCY_YEN,
            amount,
            tip: None,
            country: "JP".to_owned(),
            name: self.details.name.clone(),
            city: self.details.city.clone(),
            postal_code: Some(self.details.postal_code.clone()),
            additional_data,
            local_language: Some(LocalLanguage {
                language: "JA".to_owned(),
                name,
                city: None,
                reserved: BTreeMap::new(),
            }),
            reserved: BTreeMap::new(),
            unreserved: BTreeMap::new(),
        };
        code.write().map_err(|error| fault(&error))
    }
}

/// What somebody scanned or typed.
pub enum Scanned {
    /// A store's printed QR.
    Store(Arc<StoreEntry>),
    /// An order.
    Order(Box<Order>),
}

/// What a text that was scanned, or a code that was typed, leads to.
///
/// # Errors
/// [`Code::QrUnreadable`]: no store's code, damaged or altered; [`Code::QrOfOthers`];
/// [`Code::OrderNotFound`]; a fault.
pub async fn scanned(app: &App, text: &str) -> Result<Scanned> {
    let text = text.trim();
    if text.chars().count() <= TYPED_MAX {
        let order = find_by_code(app, text).await?.ok_or(Code::OrderNotFound)?;
        return Ok(Scanned::Order(Box::new(order)));
    }
    let code = MerchantCode::parse(text).map_err(|_| Code::QrUnreadable)?;
    let merchant = code.jpqr().map_err(|_| Code::QrOfOthers)?;
    let store = store_of(app, &merchant.levels().concat()).await?.ok_or(Code::QrOfOthers)?;
    let reference = code.additional_data.get(&AdditionalId::REFERENCE_LABEL);
    match (code.initiation, reference, &code.amount) {
        (Some(Initiation::Static), None, None) => Ok(Scanned::Store(store)),
        (Some(Initiation::Dynamic), Some(reference), Some(amount)) => {
            let order = find_by_code(app, reference).await?.ok_or(Code::OrderNotFound)?;
            let written = amount.to_yen().and_then(|yen| i64::try_from(yen).ok());
            // The order says what is paid; a text that says something else was made by others.
            if order.store.store_id != store.store_id || written != Some(order.amount) {
                return Err(Code::QrUnreadable.into());
            }
            Ok(Scanned::Order(Box::new(order)))
        }
        _ => Err(Code::QrUnreadable.into()),
    }
}

async fn store_of(app: &App, number: &str) -> Result<Option<Arc<StoreEntry>>> {
    let query =
        sql("SELECT s.sales_account FROM store_qr q JOIN store s ON s.store_id = q.store_id
         WHERE q.number = $1");
    let Some(row) = app.stores.registry.optional(query.bind(number)).await? else {
        return Ok(None);
    };
    let account = u128::from_be_bytes(row.array("sales_account")?);
    Ok(app.merchants.store_by_account(account).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_what_a_qr_can_hold() {
        assert!(Details::default().check().is_ok());
        let wrong = [
            Details { name: String::new(), ..Details::default() },
            Details { name: "新宿".into(), ..Details::default() },
            Details { name: "A".repeat(26), ..Details::default() },
            Details { city: "SHINJUKU-KU TOKYO".into(), ..Details::default() },
            Details { postal_code: "160-002".into(), ..Details::default() },
            Details { category_code: 10_000, ..Details::default() },
        ];
        for details in wrong {
            assert!(details.check().is_err(), "{details:?}");
        }
    }
}
