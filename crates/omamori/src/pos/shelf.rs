//! What a terminal asks before it sells: who am I, and what is on the shelf.

use std::sync::Arc;

use axum::extract::State;
use omamori_db::sql;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Terminal;
use crate::app::App;
use crate::web::error::Result;

/// The envelope of every refusal; the codes are listed in the API document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorAnswer {
    error: ErrorBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorBody {
    /// Stable; decide by it.
    code: String,
    /// For the developer.
    message: String,
    /// For the clerk.
    clerk_text: BothText,
    /// For the customer.
    customer_text: BothText,
    /// What was wrong with the request, for `invalid_request`.
    fields: Option<Vec<FieldBody>>,
    /// To quote when asking the operator.
    request_id: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FieldBody {
    /// Path in the request.
    field: String,
    /// `missing`, `unknown`, `wrong_type`, `out_of_range`, `too_long` or `malformed`.
    code: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct BothText {
    ja: String,
    en: String,
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
pub struct TerminalAnswer {
    terminal: TerminalBody,
    store: StoreBody,
    merchant: MerchantBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct TerminalBody {
    /// `ter_…`.
    terminal_id: String,
    name: String,
    /// `pos`, `till` or `atm`.
    kind: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct StoreBody {
    /// `sto_…`.
    store_id: String,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct MerchantBody {
    /// `mer_…`.
    merchant_id: String,
    name: String,
}

/// The merchant's shelf.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductsAnswer {
    products: Vec<ProductBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ProductBody {
    /// JAN/EAN.
    jan: String,
    name: String,
    /// Yen, tax included.
    unit_price: i64,
}

/// Tells a terminal who it is.
#[utoipa::path(get, path = "/api/pos/v1/terminal", tag = "terminal",
    operation_id = "show_terminal",
    responses((status = 200, body = TerminalAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn terminal(terminal: Terminal) -> axum::Json<TerminalAnswer> {
    let store = &terminal.store;
    axum::Json(TerminalAnswer {
        terminal: TerminalBody {
            terminal_id: terminal.terminal_id.clone(),
            name: terminal.name.clone(),
            kind: terminal.kind.clone(),
        },
        store: StoreBody { store_id: store.store_id.clone(), name: store.name.clone() },
        merchant: MerchantBody {
            merchant_id: store.merchant_id.clone(),
            name: store.merchant_name.clone(),
        },
    })
}

/// Lists the merchant's products.
#[utoipa::path(get, path = "/api/pos/v1/products", tag = "terminal",
    operation_id = "list_products",
    responses((status = 200, body = ProductsAnswer), (status = "4XX", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer, description = "Unknown: ask again")),
    security(("terminal_key" = [])))]
pub async fn products(
    State(app): State<Arc<App>>,
    terminal: Terminal,
) -> Result<axum::Json<ProductsAnswer>> {
    let rows = app
        .stores
        .registry
        .all(
            sql("SELECT jan, name, unit_price FROM product WHERE merchant_id = $1 \
                 ORDER BY jan LIMIT 500")
            .bind(&terminal.store.merchant_id),
        )
        .await?;
    let mut products = Vec::with_capacity(rows.len());
    for row in rows {
        products.push(ProductBody {
            jan: row.text("jan")?,
            name: row.text("name")?,
            unit_price: row.int("unit_price")?,
        });
    }
    Ok(axum::Json(ProductsAnswer { products }))
}
