//! Permission as types: a handler's signature says which of the staff may call it.
//!
//! As extractors they refuse everybody else: without a session a page answers with the way to sign
//! in and the API with 401; with a session of another role both answer 403. Any change that a page
//! of another origin asks for is refused as well. `docs/console-roles.md` has the table of all
//! routes and roles, which a test measures.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{session, signin};
use crate::app::App;
use crate::audit::Actor;
use crate::identity::Network;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::headers::RequestId;
use crate::web::permission::{is_api, permissions, refuse_foreign};
use crate::web::text::Text;

/// What one of the staff is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks, and changes nothing.
    Viewer,
    /// Helps customers.
    Support,
    /// Stops fraud; may all that support may.
    Fraud,
    /// Looks after the books.
    Finance,
    /// Looks after the staff; may everything, alone or with a second person.
    Admin,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Support, Self::Fraud, Self::Finance, Self::Admin];

    /// The word of tables, texts and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Fraud => "fraud",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }

    /// The key of the text that says what it is for.
    #[must_use]
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Viewer => "console.role_viewer_text",
            Self::Support => "console.role_support_text",
            Self::Fraud => "console.role_fraud_text",
            Self::Finance => "console.role_finance_text",
            Self::Admin => "console.role_admin_text",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the staff, signed in.
#[derive(Clone, Debug)]
pub struct Staff {
    /// `stf_…`.
    pub staff_id: String,
    /// As the inviter wrote it.
    pub name: String,
    /// At this moment: a change of role ends all sessions.
    pub role: Role,
    /// For the gate and the audit log.
    pub actor: Actor,
    pub(super) token_hash: [u8; 32],
}

permissions! { of Staff by admit:
    /// Any of the staff: to look.
    Viewer: _,
    /// Acts for one customer.
    Support: Role::Support | Role::Fraud | Role::Admin,
    /// Acts against fraud.
    Fraud: Role::Fraud | Role::Admin,
    /// Giving payments back in a merchant's place.
    Refunder: Role::Support | Role::Finance | Role::Admin,
    /// Incidents: what stops them, and what makes them good.
    IncidentDesk: Role::Fraud | Role::Finance | Role::Admin,
    /// Acts about the books.
    Finance: Role::Finance | Role::Admin,
    /// Acts about the staff themselves.
    Admin: Role::Admin,
    /// A second person's word: whoever does more than look. What exactly each may agree to, the
    /// proposal says.
    Approver: Role::Support | Role::Fraud | Role::Finance | Role::Admin,
}

async fn admit(
    parts: &mut Parts,
    app: &Arc<App>,
    may: impl Fn(Role) -> bool,
) -> Result<Staff, Response> {
    match signed_in(parts, app).await {
        Ok(staff) if may(staff.role) => Ok(staff),
        Ok(_) => Err(Error::from(Code::Forbidden).into_response()),
        Err(Error::Refused(Code::Unauthorized)) if !is_api(parts) => {
            let (text, sandbox) = (Text::of(&parts.headers), app.sandbox());
            let page = signin::page(text, sandbox).map_err(IntoResponse::into_response)?;
            Err((StatusCode::UNAUTHORIZED, page).into_response())
        }
        Err(error) => Err(error.into_response()),
    }
}

async fn signed_in(parts: &mut Parts, app: &Arc<App>) -> Result<Staff> {
    refuse_foreign(app, parts)?;
    let Ok(network) = Network::from_request_parts(parts, app).await;
    let request_id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
    // A page that refreshes itself is no sign that somebody is there.
    let in_use = parts.uri.query() != Some("live");
    let found = session::find(app, &parts.headers, in_use).await?.ok_or(Code::Unauthorized)?;
    Ok(Staff {
        actor: Actor::staff(found.staff_id.clone(), request_id, network.address()),
        staff_id: found.staff_id,
        name: found.name,
        role: found.role,
        token_hash: found.token_hash,
    })
}
