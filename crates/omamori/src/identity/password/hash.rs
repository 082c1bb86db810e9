//! Hashing of passwords, in a pool of its own.
//!
//! argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1
//! lane), a salt of 128 bits and a pepper derived from the master key, so that a stolen registry
//! alone cannot be searched. One hash takes some 20 ms of a core: one runs at a time, few wait,
//! and whoever comes then is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Password;
use crate::app::App;
use crate::rng::random;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

const WORKERS: usize = 1;
const WAITING: usize = 32;
const RETRY_AFTER_SECONDS: u32 = 5;
const SALT_BYTES: usize = 16;

/// Of no password: what is compared with when there is none to compare with, for the same time.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
                       $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The pool.
pub(in crate::identity) struct Pool {
    room: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    computed: AtomicU64,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(WORKERS + WAITING)),
            workers: Arc::new(Semaphore::new(WORKERS)),
            computed: AtomicU64::new(0),
        }
    }
}

impl Pool {
    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// [`Code::Busy`] if the pool is full.
    pub(in crate::identity) async fn hash(&self, app: &App, password: Password) -> Result<String> {
        let salt: [u8; SALT_BYTES] = random(app.rng.as_ref());
        self.run(app, move |argon2| {
            let hash: PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `stored` is the hash of this password. Without one it takes as long, and is false.
    ///
    /// # Errors
    /// [`Code::Busy`] if the pool is full; a fault if the stored hash is none.
    pub(in crate::identity) async fn is_right(
        &self,
        app: &App,
        password: Password,
        stored: Option<String>,
    ) -> Result<bool> {
        self.run(app, move |argon2| {
            let hash = PasswordHash::new(stored.as_deref().unwrap_or(NOBODYS))?;
            match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(stored.is_some()),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Hashes computed since the start: each costs the same, so equal counts are equal times.
    #[cfg(test)]
    pub(in crate::identity) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        app: &App,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T> {
        let _room = self.enter()?;
        let worker = self.workers.clone().acquire_owned().await;
        let worker = worker.map_err(|_| Error::fault("the pool of password hashing is closed"))?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        let pepper = app.vault.derive("pepper of passwords");
        let task = tokio::task::spawn_blocking(move || {
            let _worker = worker; // until the work is done, though its caller may be gone
            let argon2 = Argon2::new_with_secret(
                pepper.as_slice(),
                Algorithm::Argon2id,
                Version::V0x13,
                Params::DEFAULT,
            )?;
            work(&argon2)
        });
        let done = task.await.map_err(|error| Error::Fault(Box::new(error)))?;
        done.map_err(|error| Error::Fault(Box::new(error)))
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit> {
        let entered = self.room.clone().try_acquire_owned();
        entered.map_err(|_| Error::RetryAfter(Code::Busy, RETRY_AFTER_SECONDS))
    }
}

#[derive(Debug, thiserror::Error)]
enum HashError {
    #[error("argon2: {0}")]
    Argon2(argon2::Error),
    #[error("a stored password hash: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("a stored password hash: {0}")]
    Phc(argon2::password_hash::phc::Error),
}

impl From<argon2::Error> for HashError {
    fn from(error: argon2::Error) -> Self {
        Self::Argon2(error)
    }
}

impl From<argon2::password_hash::Error> for HashError {
    fn from(error: argon2::password_hash::Error) -> Self {
        Self::Hash(error)
    }
}

impl From<argon2::password_hash::phc::Error> for HashError {
    fn from(error: argon2::password_hash::phc::Error) -> Self {
        Self::Phc(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_its_queue_the_pool_refuses_at_once() {
        let pool = Pool::default();
        let entered: Vec<_> = (0..WORKERS + WAITING).map(|_| pool.enter().unwrap()).collect();
        let refused = pool.enter().unwrap_err();
        assert!(matches!(refused, Error::RetryAfter(Code::Busy, RETRY_AFTER_SECONDS)));
        drop(entered);
        assert!(pool.enter().is_ok());
    }

    #[test]
    fn nobodys_hash_costs_what_others_cost() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        let costs = |params: Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(costs(Params::try_from(&hash).unwrap()), costs(Params::DEFAULT));
        assert_eq!(costs(Params::DEFAULT), (19 * 1024, 2, 1), "OWASP's");
    }
}
