//! Permission as types: a handler's signature says which of a merchant's people may call it.
//!
//! As extractors they refuse everybody else: without a session a page sends to where one signs in
//! and the API answers 401; with a session of another role both answer 403. Any change that a page
//! of another origin asks for is refused as well. `docs/merchant-roles.md` has the table of all
//! routes and roles, which a test measures.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::session::{MerchantUser, find};
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::page::is_same_origin;

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

/// Permissions, each with the roles that have it.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $roles:pat,)*) => {$(
        $(#[$doc])*
        pub struct $name(pub MerchantUser);

        impl Deref for $name {
            type Target = MerchantUser;

            fn deref(&self) -> &MerchantUser {
                &self.0
            }
        }

        impl $name {
            /// Whether a role has this permission.
            #[must_use]
            pub const fn is_of(role: Role) -> bool {
                matches!(role, $roles)
            }
        }

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = Response;

            async fn from_request_parts(
                parts: &mut Parts,
                app: &Arc<App>,
            ) -> Result<Self, Response> {
                admit(parts, app, Self::is_of).await.map(Self)
            }
        }
    )*};
}

permissions! {
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

/// By the whole address: a nested router sees only the end of it.
fn is_api(parts: &Parts) -> bool {
    let whole = parts.extensions.get::<OriginalUri>();
    whole.map_or(&parts.uri, |OriginalUri(uri)| uri).path().starts_with("/api/")
}

async fn signed_in(parts: &Parts, app: &App) -> Result<MerchantUser> {
    let safe = matches!(parts.method, Method::GET | Method::HEAD);
    if !safe && !is_same_origin(&app.config, &parts.headers) {
        return Err(Code::Forbidden.into());
    }
    find(app, &parts.headers).await?.ok_or_else(|| Code::Unauthorized.into())
}
