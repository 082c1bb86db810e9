//! Permission as types, for the desks where people of several roles work: a handler's signature
//! says who may call it.

use axum::extract::OriginalUri;
use axum::http::Method;
use axum::http::request::Parts;

use super::codes::Code;
use super::error::Result;
use super::page::is_same_origin;
use crate::app::App;

/// Permissions of one kind of people, each with the roles that have it. `admit` finds who is
/// signed in and refuses everybody whose role has not the permission.
macro_rules! permissions {
    (of $user:ident by $admit:ident: $($(#[$doc:meta])* $name:ident: $roles:pat,)*) => {$(
        $(#[$doc])*
        pub struct $name(pub $user);

        impl std::ops::Deref for $name {
            type Target = $user;

            fn deref(&self) -> &$user {
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

        impl axum::extract::FromRequestParts<std::sync::Arc<$crate::app::App>> for $name {
            type Rejection = axum::response::Response;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                app: &std::sync::Arc<$crate::app::App>,
            ) -> Result<Self, Self::Rejection> {
                $admit(parts, app, Self::is_of).await.map(Self)
            }
        }
    )*};
}
pub(crate) use permissions;

/// Whether a program asks and no page. By the whole address: a nested router sees only the end.
pub(crate) fn is_api(parts: &Parts) -> bool {
    let whole = parts.extensions.get::<OriginalUri>();
    whole.map_or(&parts.uri, |OriginalUri(uri)| uri).path().starts_with("/api/")
}

/// Refuses any change that a page of another origin asks for.
///
/// # Errors
/// [`Code::Forbidden`].
pub(crate) fn refuse_foreign(app: &App, parts: &Parts) -> Result<()> {
    let is_look = matches!(parts.method, Method::GET | Method::HEAD);
    if is_look || is_same_origin(&app.config, &parts.headers) {
        return Ok(());
    }
    Err(Code::Forbidden.into())
}
