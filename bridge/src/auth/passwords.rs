//! Users' passwords: stored as Argon2id hashes.
//!
//! Argon2 is slow by design, and the protocol lets a client send its password with every request. So what was verified is
//! remembered for a minute, under a keyed digest; requests with the same password wait for one verification; verifications
//! stand in a queue that has an end; and wrong passwords make their senders wait.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use moka::sync::Cache;
use ring::hmac;
use tokio::sync::{OnceCell, Semaphore};

use super::backoff::Backoff;
use crate::error::Error;
use crate::quoted::shortened;
use crate::shares::{Origin, Shares};

/// How long a password that was verified is taken without verifying it again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many are remembered at a time.
const MAX_ENTRIES: u64 = 10_000;

/// How many verifications may wait or run, and how many of them may be one address's.
const QUEUE: (usize, usize) = (64, 16);

/// An Argon2id hash of a random text that nobody knows: verified for users that do not exist, so that the time taken does
/// not tell who does.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSByYW5kb20gc2FsdA$bYq3U0cUcVbk6YfZqW3Xn0hPp0H1QbP8rYjq1x5f8cE";

/// Verifies passwords.
pub(super) struct Passwords {
    /// By the digest of a password: empty while it is being verified.
    verified: Cache<[u8; 32], Arc<OnceCell<()>>>,
    key: hmac::Key,
    backoff: Backoff,
    queue: Arc<Shares>,
    running: Arc<Semaphore>,
}

/// A password as it is presented.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    /// What the client calls itself; there may be no such user.
    pub(super) account: &'a str,
    pub(super) password: &'a [u8],
    pub(super) origin: Origin,
}

/// Why a password was not verified.
#[derive(Clone, Copy)]
enum Unverified {
    Wrong,
    Wait(Duration),
    QueueFull,
    Broken,
}

impl Passwords {
    pub(super) fn new(key: hmac::Key) -> Self {
        // Half of the processors: the rest is for requests.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords {
            verified: Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(REMEMBERED).build(),
            key,
            backoff: Backoff::new(),
            queue: Shares::new(QUEUE.0, QUEUE.1),
            running: Arc::new(Semaphore::new(processors.div_ceil(2))),
        }
    }

    /// Whether the password is the one that was hashed; without a hash, never, after the same time.
    ///
    /// # Errors
    /// 429 where there were too many wrong ones; 503 where too many wait to be verified.
    pub(super) async fn verify(&self, hash: Option<&str>, presented: Presented<'_>) -> Result<bool, Error> {
        let digest = self.digest(hash, presented);
        let verified = self.verified.get_with(digest, Arc::default);
        // The others with this password wait for the first.
        let result = verified.get_or_try_init(|| self.verify_slowly(hash, presented)).await;
        if result.is_err() {
            self.verified.invalidate(&digest);
        }
        match result {
            Ok(()) => Ok(true),
            Err(Unverified::Wrong) => Ok(false),
            Err(Unverified::Wait(time)) => Err(Error::TooManyRequests { what: "wrong passwords", retry_after: time }),
            Err(Unverified::QueueFull) => Err(Error::Overloaded),
            Err(Unverified::Broken) => Err(Error::Internal("a password could not be verified".to_owned())),
        }
    }

    async fn verify_slowly(&self, hash: Option<&str>, presented: Presented<'_>) -> Result<(), Unverified> {
        let attempt = self.backoff.begin(presented.account, presented.origin).map_err(Unverified::Wait)?;
        let Ok(queued) = self.queue.acquire(Some(presented.origin)) else {
            attempt.withdrawn();
            return Err(Unverified::QueueFull);
        };
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Unverified::Broken)?;
        let (phc, password) = (hash.unwrap_or(NOBODY).to_owned(), presented.password.to_vec());
        let verified = tokio::task::spawn_blocking(move || {
            // With the work, which a client that leaves does not end.
            let _slots = (queued, running);
            PasswordHash::new(&phc).is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok())
        });
        if verified.await.map_err(|_| Unverified::Broken)? && hash.is_some() {
            attempt.succeeded();
            Ok(())
        } else {
            let account = shortened(presented.account);
            tracing::info!(account = account.as_ref(), address = %presented.origin, "a wrong password");
            Err(Unverified::Wrong)
        }
    }

    /// Of the hash too: a password that is changed in the file is forgotten at once.
    fn digest(&self, hash: Option<&str>, presented: Presented<'_>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        // Lengths, so that no two of them look like one other pair.
        for part in [hash.unwrap_or_default().as_bytes(), presented.account.as_bytes(), presented.password] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

/// Checks that a text is an Argon2id hash.
///
/// # Errors
/// A sentence that says what is expected.
pub(super) fn check(hash: &str) -> Result<(), String> {
    match PasswordHash::new(hash) {
        Ok(parsed) if parsed.algorithm.as_str() == "argon2id" && parsed.hash.is_some() => Ok(()),
        _ => Err("a password's hash is `$argon2id$…`, as `data-api hash-password` prints it".to_owned()),
    }
}

/// Hashes a password with a new salt, at the strength that OWASP recommends.
///
/// # Errors
/// Where it cannot be hashed.
pub fn hash(password: &[u8]) -> Result<String, String> {
    use argon2::password_hash::PasswordHasher as _;
    let hash = Argon2::default().hash_password(password).map_err(|error| format!("cannot hash it: {error}"))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn presented(password: &[u8]) -> Presented<'_> {
        Presented { account: "ann", password, origin: IpAddr::from([192, 0, 2, 1]).into() }
    }

    #[tokio::test]
    async fn the_right_one_only() {
        let phc = hash(b"correct horse").unwrap();
        check(&phc).unwrap();
        let passwords = Passwords::new(hmac::Key::new(hmac::HMAC_SHA256, b"k"));
        for round in 0..2 {
            assert!(passwords.verify(Some(&phc), presented(b"correct horse")).await.unwrap(), "round {round}");
            assert!(!passwords.verify(Some(&phc), presented(b"correct horse ")).await.unwrap());
            assert!(!passwords.verify(None, presented(b"correct horse")).await.unwrap());
        }
        let changed = hash(b"correct horse").unwrap();
        assert_ne!(phc, changed, "each hash has a salt of its own");
        check(NOBODY).expect("it must cost the same as any other");
        assert!(check("$argon2i$v=19$m=16,t=2,p=1$c2FsdHNhbHQ$AAAA").is_err());
        assert!(check("plain").is_err());
    }

    #[tokio::test]
    async fn guesses_have_to_wait_and_what_was_right_does_not() {
        let phc = hash(b"correct horse").unwrap();
        let passwords = Passwords::new(hmac::Key::new(hmac::HMAC_SHA256, b"k"));
        assert!(passwords.verify(Some(&phc), presented(b"correct horse")).await.unwrap());
        let mut answers = Vec::new();
        for guess in 0..7_u8 {
            answers.push(passwords.verify(Some(&phc), presented(&[guess])).await.map_err(|error| error.code()));
        }
        assert_eq!(answers[..5], [const { Ok(false) }; 5]);
        assert_eq!(answers[5..], [const { Err("TooManyRequests") }; 2]);
        assert!(passwords.verify(Some(&phc), presented(b"correct horse")).await.unwrap(), "remembered");
    }
}
