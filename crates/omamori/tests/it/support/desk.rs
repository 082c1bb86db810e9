//! One of the operator's staff, signed in to the console.

use axum::body::Body;
use axum::http::{Request, header};
use omamori::app::App;
use omamori::clock::HOUR;
use omamori::console::access::Role;
use omamori::id::Kind;
use omamori::merchant::new_token;
use omamori::secret::token_hash;
use omamori_db::sql;
use serde_json::Value;

use super::answer::Answer;
use super::app::Node;

/// Somebody at a desk.
pub struct Person {
    pub staff_id: String,
    /// The session's cookie.
    pub token: String,
}

impl Person {
    /// One whose session was opened just now.
    pub async fn new(app: &App, role: Role) -> Self {
        let token = new_token(app.rng.as_ref(), "sse_");
        let (staff_id, now) = (Kind::Staff.random_text(app.rng.as_ref()), app.clock.now());
        let person = sql("INSERT INTO staff (staff_id, name, role, state, created_at) \
                          VALUES ($1, '担当者', $2, 'active', $3)")
        .bind(&staff_id)
        .bind(role.as_str())
        .bind(now);
        app.stores.registry.execute(person).await.unwrap();
        let person = Self { staff_id, token };
        person.sign_in(app).await;
        person
    }

    /// Opens the session, again if it was ended.
    pub async fn sign_in(&self, app: &App) {
        let now = app.clock.now();
        let session = sql("INSERT INTO staff_session \
             (token_hash, staff_id, created_at, last_used_at, expires_at) \
             VALUES ($1, $2, $3, $3, $4) ON CONFLICT (token_hash) DO NOTHING")
        .bind(token_hash(&self.token))
        .bind(&self.staff_id)
        .bind(now)
        .bind(now + 12 * HOUR);
        app.stores.registry.execute(session).await.unwrap();
    }

    /// A request with the session's cookie, from a page of ours.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, format!("omamori_staff={}", self.token))
            .header(header::ORIGIN, "http://localhost:8080")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    }

    /// Posts JSON below `/api/admin/v1`.
    pub async fn post(&self, node: &Node, path: &str, body: &Value) -> Answer {
        node.call(self.request("POST", &format!("/api/admin/v1{path}"), body)).await
    }

    /// Asks for a page.
    pub async fn get(&self, node: &Node, path: &str) -> Answer {
        node.call(self.request("GET", path, &Value::Null)).await
    }
}
