//! Hashing of passwords, in a pool of its own.
//!
//! argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1
//! lane), a salt of 128 bits and a pepper derived from the master key, so that a stolen registry
//! alone cannot be searched. One hash takes some 20 ms of a core: one runs at a time, on a thread
//! that yields to payments, few wait, and whoever comes then is told to come again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Password;
use crate::app::App;
use crate::rng::random;
use crate::secret::Vault;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// Hashes that wait or are under way: two thirds of a second of one core.
const ROOM: usize = 33;
const RETRY_AFTER_SECONDS: u32 = 5;
/// How nice the thread is to the others: a tenth of their share when there is not enough for all.
const NICE: i32 = 10;
const SALT_BYTES: usize = 16;

/// Of no password: what is compared with when there is none to compare with, for the same time.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
                       $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A hash to be computed, with its place in the queue.
type Job = Box<dyn FnOnce() + Send>;

/// The pool.
pub(in crate::identity) struct Pool {
    room: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    computed: AtomicU64,
}

impl Default for Pool {
    fn default() -> Self {
        let (jobs, queue) = mpsc::channel();
        std::thread::spawn(move || work_off(&queue));
        Self { room: Arc::new(Semaphore::new(ROOM)), jobs, computed: AtomicU64::new(0) }
    }
}

/// Computes one hash after the other until the pool is gone.
fn work_off(queue: &mpsc::Receiver<Job>) {
    // On Linux this is of the calling thread alone. Where it is not to be had, one thread is
    // still at most one core.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "password hashing has the priority of payments");
    }
    while let Ok(job) = queue.recv() {
        // A panic drops the job's sender, so its caller hears of it; the next job is not to blame.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a password hash was given up");
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
        let room = self.enter()?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        let pepper = app.vault.derive(PEPPER);
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            let _room = room; // until the work is done, though its caller may be gone
            // Nobody waits any more: nothing to tell.
            let _ = answer.send(with_pepper(&pepper).and_then(|argon2| work(&argon2)));
        });
        let gone = || Error::fault("the thread of password hashing is gone");
        self.jobs.send(job).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.map_err(|error| Error::Fault(Box::new(error)))
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit> {
        let entered = self.room.clone().try_acquire_owned();
        entered.map_err(|_| Error::RetryAfter(Code::Busy, RETRY_AFTER_SECONDS))
    }
}

const PEPPER: &str = "pepper of passwords";

fn with_pepper(pepper: &[u8; 32]) -> Result<Argon2<'_>, HashError> {
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    Ok(Argon2::new_with_secret(pepper, algorithm, version, Params::DEFAULT)?)
}

/// The hash of a password, computed here and now, as [`Pool::hash`] would: for filling a registry
/// without a running service.
///
/// # Errors
/// What argon2 says.
pub(crate) fn phc(
    vault: &Vault,
    password: &str,
    salt: &[u8; SALT_BYTES],
) -> Result<String, Box<dyn std::error::Error>> {
    let pepper = vault.derive(PEPPER);
    let hash: PasswordHash = with_pepper(&pepper)?
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(HashError::from)?;
    Ok(hash.to_string())
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
        let entered: Vec<_> = (0..ROOM).map(|_| pool.enter().unwrap()).collect();
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
