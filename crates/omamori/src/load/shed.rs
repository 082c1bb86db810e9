//! Who is turned away first when too many requests are at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::LoadSettings;
use crate::app::App;
use crate::web::codes::Code;
use crate::web::error::Error;

/// What a request is for, in the order of who goes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A register: sales, refunds, cash.
    Register,
    /// The operator's and merchants' people, who may be about to close a door.
    Staff,
    /// A customer who has an account.
    Wallet,
    /// Who wants one.
    Signup,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Register, Self::Staff, Self::Wallet, Self::Signup];

    /// The word of figures.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Staff => "staff",
            Self::Wallet => "wallet",
            Self::Signup => "signup",
        }
    }

    /// The class of an address; none for what costs nothing: files and the words for load
    /// balancers.
    fn of(path: &str) -> Option<Self> {
        const FREE: [&str; 6] =
            ["/assets/", "/healthz", "/readyz", "/sw.js", "/favicon.ico", "/manifest.webmanifest"];
        let begins = |parts: &[&str]| parts.iter().any(|part| path.starts_with(part));
        if begins(&FREE) {
            None
        } else if begins(&["/api/pos/", "/api/checkout/", "/till"]) {
            Some(Self::Register)
        } else if begins(&["/console", "/api/admin/", "/merchant", "/api/merchant/"]) {
            Some(Self::Staff)
        } else if begins(&["/signup", "/api/wallet/v1/signup"]) {
            Some(Self::Signup)
        } else {
            Some(Self::Wallet)
        }
    }

    /// Of so many requests in all, more of this class are turned away beyond this many at work,
    /// whoever they are.
    const fn ceiling(self, requests: usize) -> usize {
        match self {
            Self::Register => requests,
            Self::Staff => requests - requests / 10,
            Self::Wallet => requests - requests / 5,
            Self::Signup => requests / 2,
        }
    }

    /// And so many of the class itself.
    const fn share(self, requests: usize) -> usize {
        match self {
            Self::Register => requests,
            Self::Staff => requests / 4,
            Self::Wallet => requests - requests / 5,
            Self::Signup => requests / 4,
        }
    }

    /// When to ask again, in seconds.
    const fn retry_after(self) -> u32 {
        match self {
            Self::Register => 1,
            Self::Staff => 2,
            Self::Wallet => 5,
            Self::Signup => 30,
        }
    }
}

/// Requests at work on this node.
#[derive(Debug)]
pub struct Shed {
    requests: usize,
    at_work: AtomicUsize,
    of_class: [AtomicUsize; Class::ALL.len()],
    time: Duration,
}

/// A request at work. Dropped when it is answered or its caller has gone.
#[must_use]
struct AtWork<'a> {
    shed: &'a Shed,
    class: Class,
}

impl Shed {
    /// With these bounds.
    #[must_use]
    pub fn new(settings: &LoadSettings) -> Self {
        Self {
            requests: settings.requests,
            at_work: AtomicUsize::new(0),
            of_class: Default::default(),
            time: Duration::from_secs(settings.request_seconds.into()),
        }
    }

    /// Takes a place; none if there is none for this class.
    fn admit(&self, class: Class) -> Option<AtWork<'_>> {
        // Counted first and looked at after, so that many at once cannot all see the last place.
        let at_work = self.at_work.fetch_add(1, Ordering::SeqCst);
        let of_class = self.of_class[class as usize].fetch_add(1, Ordering::SeqCst);
        let place = AtWork { shed: self, class };
        let fits = at_work < class.ceiling(self.requests) && of_class < class.share(self.requests);
        fits.then_some(place)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.shed.at_work.fetch_sub(1, Ordering::SeqCst);
        self.shed.of_class[self.class as usize].fetch_sub(1, Ordering::SeqCst);
    }
}

/// Bounds a request in number and time.
///
/// Whose time is over is answered *busy*: the state may be unknown, as after a lost connection, and
/// the caller asks again with the same id.
pub async fn bounded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(class) = Class::of(request.uri().path()) else { return next.run(request).await };
    let Some(_place) = app.shed.admit(class) else {
        app.metrics.shed(class.as_str());
        return Error::RetryAfter(Code::Busy, class.retry_after()).into_response();
    };
    // To the head of the answer: the streams of open wallets have their own bound.
    match tokio::time::timeout(app.shed.time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            app.metrics.shed("late");
            Error::RetryAfter(Code::Busy, class.retry_after()).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(shed: &Shed, class: Class) -> Vec<AtWork<'_>> {
        std::iter::from_fn(|| shed.admit(class)).collect()
    }

    #[test]
    fn sign_up_goes_first_and_a_sale_last() {
        let shed = Shed::new(&LoadSettings { requests: 100, ..LoadSettings::default() });
        let signups = filled(&shed, Class::Signup);
        assert_eq!(signups.len(), 25);
        let wallets = filled(&shed, Class::Wallet);
        assert_eq!(wallets.len(), 55, "80 in all");
        assert_eq!(filled(&shed, Class::Signup).len(), 0);
        assert_eq!(filled(&shed, Class::Staff).len(), 10, "90 in all");
        let sales = filled(&shed, Class::Register);
        assert_eq!(sales.len(), 20, "all the rest");
        drop((signups, wallets, sales));
        assert_eq!(shed.at_work.load(Ordering::SeqCst), 0, "nothing is forgotten");
        assert_eq!(filled(&shed, Class::Register).len(), 100);
    }

    #[test]
    fn addresses_are_of_the_class_that_they_serve() {
        for (path, class) in [
            ("/api/pos/v1/payments", Some(Class::Register)),
            ("/till", Some(Class::Register)),
            ("/console/doors", Some(Class::Staff)),
            ("/api/admin/v1/doors/payment/close", Some(Class::Staff)),
            ("/", Some(Class::Wallet)),
            ("/api/wallet/v1/events", Some(Class::Wallet)),
            ("/signup", Some(Class::Signup)),
            ("/api/wallet/v1/signup/start", Some(Class::Signup)),
            ("/api/wallet/v1/signin/finish", Some(Class::Wallet)),
            ("/assets/js/signup.js", None),
            ("/readyz", None),
        ] {
            assert_eq!(Class::of(path), class, "{path}");
        }
    }
}
