//! Permission as types: a handler's signature says which of a merchant's people may call it.
//!
//! As extractors they refuse everybody else: without a session a page sends to where one signs in
//! and the API answers 401; with a session of another role both answer 403. Any change that a page
//! of another origin asks for is refused as well. `docs/merchant-roles.md` has the table of all
//! routes and roles, which a test measures.

use std::fmt;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::session::{MerchantUser, find};
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::permission::{is_api, permissions, refuse_foreign};

/// What one of a merchant's people is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The merchant: may everything, and alone says who else may what and where the money goes.
    Owner,
    /// Runs the stores: sales, terminals and their keys, campaigns, webhooks.
    Manager,
    /// Works in a store: sees its terminals and what is set aside, prints its QR.
    Clerk,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Manager, Self::Clerk];

    /// The word of tables, texts and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Clerk => "clerk",
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

permissions! { of MerchantUser by admit:
    /// Any of the merchant's people.
    Anyone: _,
    /// Runs the stores.
    Manager: Role::Owner | Role::Manager,
    /// Says who may what, and where the money goes.
    Owner: Role::Owner,
}

async fn admit(
    parts: &Parts,
    app: &Arc<App>,
    may: impl Fn(Role) -> bool,
) -> Result<MerchantUser, Response> {
    match signed_in(parts, app).await {
        Ok(user) if may(user.role) => Ok(user),
        Ok(_) => Err(Error::from(Code::Forbidden).into_response()),
        Err(Error::Refused(Code::Unauthorized)) if !is_api(parts) => {
            Err(Redirect::to("/merchant").into_response())
        }
        Err(error) => Err(error.into_response()),
    }
}

async fn signed_in(parts: &Parts, app: &App) -> Result<MerchantUser> {
    refuse_foreign(app, parts)?;
    find(app, &parts.headers).await?.ok_or_else(|| Code::Unauthorized.into())
}
