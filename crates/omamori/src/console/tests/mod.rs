//! The desk over HTTP, in process, with authenticators in software.

mod approvals;
mod people;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use omamori_db::sql;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::access::Role;
use super::staff;
use crate::identity::tests::House;
use crate::identity::tests::authenticator::Authenticator;
use crate::server;

const ORIGIN: &str = "http://localhost:8080";

/// A service and its whole router.
struct Desk {
    house: House,
    router: Router,
}

/// One of the staff with a passkey.
struct Person {
    staff_id: String,
    authenticator: Authenticator,
    cookie: String,
}

/// What came back.
struct Reply {
    status: StatusCode,
    cookie: Option<String>,
    body: Value,
}

impl Reply {
    fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    fn refused(&self, code: &str) {
        assert_eq!(self.body["error"]["code"], code, "{} {}", self.status, self.body);
    }
}

impl Desk {
    fn new(house: House) -> Self {
        Self { router: server::router(house.app.clone()), house }
    }

    async fn call(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let cookie = parts.headers.get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|line| line.split(';').next()).map(str::to_owned);
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Reply { status: parts.status, cookie, body }
    }

    fn request(path: &str, cookie: &str, body: &Value) -> Request<Body> {
        Request::post(format!("/api/admin/v1{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, ORIGIN)
            .header(header::COOKIE, cookie)
            .body(Body::from(body.to_string()))
            .unwrap()
    }

    async fn post(&self, who: &Person, path: &str, body: &Value) -> Reply {
        self.call(Self::request(path, &who.cookie, body)).await
    }

    async fn anybody(&self, path: &str, body: &Value) -> Reply {
        self.call(Self::request(path, "", body)).await
    }

    /// Accepts an invitation.
    async fn enrol(&self, invite: &str) -> Person {
        let mut authenticator = Authenticator::new();
        let invited = json!({ "invite": invite });
        let options = self.anybody("/enrol/options", &invited).await.ok();
        let credential = authenticator.create(&options);
        let finish = json!({ "invite": invite, "credential": credential });
        let done = self.anybody("/enrol/finish", &finish).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.body);
        let newest = sql("SELECT subject FROM audit_entry WHERE act = 'staff_enrol'
             ORDER BY seq DESC LIMIT 1");
        let row = self.house.app.stores.registry.one(newest).await.unwrap();
        let staff_id = row.text("subject").unwrap();
        Person { staff_id, authenticator, cookie: done.cookie.unwrap() }
    }

    /// One of the staff, invited by a command on the server.
    async fn person(&self, role: Role) -> Person {
        let name = format!("{role} さん");
        self.enrol(&staff::invite(&self.house.app, &name, role).await.unwrap()).await
    }

    /// Signs in once more.
    async fn signs_in(&self, who: &mut Person) -> Reply {
        let options = self.anybody("/signin/options", &Value::Null).await.ok();
        let credential = who.authenticator.get(&options);
        let reply = self.anybody("/signin/finish", &json!({ "credential": credential })).await;
        if let Some(cookie) = &reply.cookie {
            who.cookie.clone_from(cookie);
        }
        reply
    }

    /// Whether a person's session stands.
    async fn is_in(&self, who: &Person) -> bool {
        let page = Request::get("/console/audit").header(header::COOKIE, &who.cookie);
        self.call(page.body(Body::empty()).unwrap()).await.status == StatusCode::OK
    }

    /// Asks for another person at the desk. Returns the approval.
    async fn asks_to_invite(&self, who: &Person, role: Role) -> String {
        let body = json!({ "name": "新人", "role": role, "reason": "増員" });
        let asked = self.post(who, "/staff/invite", &body).await.ok();
        asked["approval_id"].as_str().unwrap().to_owned()
    }

    /// The signed word of a person, not yet sent.
    async fn signs(&self, who: &mut Person, approval: &str, verdict: &str) -> Value {
        let path = format!("/approvals/{approval}/options");
        let options = self.post(who, &path, &json!({ "verdict": verdict })).await.ok();
        json!({ "verdict": verdict, "credential": who.authenticator.get(&options) })
    }

    async fn decides(&self, who: &mut Person, approval: &str, verdict: &str) -> Reply {
        let word = self.signs(who, approval, verdict).await;
        self.post(who, &format!("/approvals/{approval}/decide"), &word).await
    }

    async fn carries_out(&self, who: &Person, approval: &str) -> Reply {
        self.post(who, &format!("/approvals/{approval}/carry-out"), &json!({})).await
    }
}
