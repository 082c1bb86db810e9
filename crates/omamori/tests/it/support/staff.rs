//! A person of a merchant, signed in to the back office.

use axum::body::Body;
use axum::http::{Request, header};
use omamori::app::App;
use omamori::clock::HOUR;
use omamori::id::Kind;
use omamori::merchant::new_token;
use omamori::secret::token_hash;
use omamori_db::sql;
use serde_json::Value;

use super::answer::Answer;
use super::app::Node;

/// A signed-in person of a merchant.
pub struct Staff {
    /// The session's cookie.
    pub token: String,
}

impl Staff {
    /// One whose session was opened just now.
    pub async fn new(app: &App, merchant_id: &str) -> Self {
        let token = new_token(app.rng.as_ref(), "mse_");
        let (user_id, now) = (Kind::MerchantUser.random_text(app.rng.as_ref()), app.clock.now());
        let user =
            sql("INSERT INTO merchant_user (merchant_user_id, merchant_id, name, created_at) \
                        VALUES ($1, $2, '店長', $3)")
            .bind(&user_id)
            .bind(merchant_id)
            .bind(now);
        app.stores.registry.execute(user).await.unwrap();
        let session = sql("INSERT INTO merchant_session (token_hash, merchant_user_id, \
                           created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $3, $4)")
        .bind(token_hash(&token))
        .bind(&user_id)
        .bind(now)
        .bind(now + 12 * HOUR);
        app.stores.registry.execute(session).await.unwrap();
        Self { token }
    }

    /// A request with the session's cookie, from a page of ours.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, format!("omamori_merchant={}", self.token))
            .header(header::ORIGIN, "http://localhost:8080")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    }

    /// Sends it.
    pub async fn call(&self, node: &Node, method: &str, path: &str, body: &Value) -> Answer {
        node.call(self.request(method, path, body)).await
    }
}
