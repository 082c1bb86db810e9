//! A person of a merchant, signed in to the back office.

use axum::body::Body;
use axum::http::{Request, header};
use omamori::app::App;
use omamori::clock::HOUR;
use omamori::id::Kind;
use omamori::identity::passkey::{Holder, Purpose};
use omamori::merchant::access::Role;
use omamori::merchant::new_token;
use omamori::secret::token_hash;
use omamori_db::sql;
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::Node;
use super::passkey::Authenticator;

/// A signed-in person of a merchant.
pub struct Staff {
    /// `mus_…`.
    pub user_id: String,
    /// The session's cookie.
    pub token: String,
    authenticator: Option<Authenticator>,
}

impl Staff {
    /// An owner whose session was opened just now.
    pub async fn new(app: &App, merchant_id: &str) -> Self {
        Self::of_role(app, merchant_id, Role::Owner).await
    }

    /// Somebody of a role.
    pub async fn of_role(app: &App, merchant_id: &str, role: Role) -> Self {
        let (user_id, now) = (Kind::MerchantUser.random_text(app.rng.as_ref()), app.clock.now());
        let user = sql("INSERT INTO merchant_user (merchant_user_id, merchant_id, name, role, \
                        created_at) VALUES ($1, $2, '店長', $3, $4)");
        let user = user.bind(&user_id).bind(merchant_id).bind(role.as_str()).bind(now);
        app.stores.registry.execute(user).await.unwrap();
        let token = new_token(app.rng.as_ref(), "mse_");
        let staff = Self { user_id, token, authenticator: None };
        staff.sign_in(app).await;
        staff
    }

    /// Somebody of a role who can confirm.
    pub async fn with_passkey(app: &App, merchant_id: &str, role: Role) -> Self {
        let mut staff = Self::of_role(app, merchant_id, role).await;
        let mut authenticator = Authenticator::new(app);
        let (passkeys, now) = (&app.identity.passkeys, app.clock.now());
        let id = Kind::MerchantUser.parse(&staff.user_id).unwrap();
        let holder = Holder { id, name: "x", display_name: "x" };
        let offered = (Purpose::MerchantEnrol, "x");
        let options = passkeys.offer_registration(offered, holder, vec![], now).await.unwrap();
        let answer = serde_json::from_value(authenticator.create(&options)).unwrap();
        let made = passkeys.accept_registration(offered.0, &answer, now).await.unwrap();
        let update = sql("UPDATE merchant_user SET passkey = $1 WHERE merchant_user_id = $2");
        let update = update.bind(serde_json::to_string(&made.1).unwrap()).bind(&staff.user_id);
        app.stores.registry.execute(update).await.unwrap();
        staff.authenticator = Some(authenticator);
        staff
    }

    /// Somebody who comes by an invitation, and makes a passkey.
    pub async fn invited(node: &Node, invitation: &str) -> Self {
        let mut authenticator = Authenticator::new(&node.app);
        let mut nobody = Self { user_id: String::new(), token: String::new(), authenticator: None };
        let path = "/api/merchant/v1/invites";
        let wish = json!({ "invite": invitation, "name": "佐藤" });
        let options = nobody.call(node, "POST", &format!("{path}/options"), &wish).await.ok();
        let credential = authenticator.create(&options);
        let wish = json!({ "invite": invitation, "credential": credential });
        let finished = nobody.call(node, "POST", &format!("{path}/finish"), &wish).await;
        let cookie = finished.headers[header::SET_COOKIE].to_str().unwrap();
        let (_, token) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        token.clone_into(&mut nobody.token);
        nobody.authenticator = Some(authenticator);
        nobody
    }

    /// Opens the session, again if it was ended.
    pub async fn sign_in(&self, app: &App) {
        let now = app.clock.now();
        let session = sql("INSERT INTO merchant_session (token_hash, merchant_user_id, \
                           created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $3, $4) \
                           ON CONFLICT (token_hash) DO NOTHING")
        .bind(token_hash(&self.token))
        .bind(&self.user_id)
        .bind(now)
        .bind(now + 12 * HOUR);
        app.stores.registry.execute(session).await.unwrap();
    }

    /// The passkey's answer to what is asked for at `path`, or the refusal of its options.
    pub async fn credential(
        &mut self,
        node: &Node,
        path: &str,
        request: &Value,
    ) -> Result<Value, Answer> {
        let options = self.call(node, "POST", &format!("{path}/options"), request).await;
        if !options.status.is_success() {
            return Err(options);
        }
        Ok(self.authenticator.as_mut().unwrap().get(&options.json()))
    }

    /// Confirms `request` at `path`.
    pub async fn confirmed(&mut self, node: &Node, path: &str, request: &Value) -> Answer {
        match self.credential(node, path, request).await {
            Ok(credential) => {
                let body = json!({ "request": request, "credential": credential });
                self.call(node, "POST", path, &body).await
            }
            Err(refused) => refused,
        }
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
