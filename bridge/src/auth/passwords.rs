//! Users' passwords: stored as Argon2id hashes.
//!
//! Argon2 is slow by design, and the protocol lets a client send its password with every request. So what was verified is
//! remembered for a minute, under a keyed digest; and no more verifications run at a time than there are processors.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use ring::hmac;
use tokio::sync::Semaphore;

use crate::error::Error;

/// How long a password that was verified is taken without verifying it again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many are remembered at a time.
const MOST: usize = 10_000;

/// An Argon2id hash of a random text that nobody knows: verified for users that do not exist, so that the time taken does
/// not tell who does.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSByYW5kb20gc2FsdA$bYq3U0cUcVbk6YfZqW3Xn0hPp0H1QbP8rYjq1x5f8cE";

/// Verifies passwords.
pub(super) struct Passwords {
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
    key: hmac::Key,
    running: Semaphore,
}

impl Passwords {
    pub(super) fn new(key: hmac::Key) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords { remembered: Mutex::default(), key, running: Semaphore::new(processors) }
    }

    /// Whether the password is the one that was hashed; without a hash, never, after the same time.
    pub(super) async fn verify(&self, hash: Option<&str>, password: &[u8]) -> Result<bool, Error> {
        let digest = self.digest(hash.unwrap_or(NOBODY), password);
        if hash.is_some() && self.remembers(&digest) {
            return Ok(true);
        }
        let _running = self.running.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        let (phc, password) = (hash.unwrap_or(NOBODY).to_owned(), password.to_vec());
        let verified = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&phc).is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok())
        });
        let verified = verified.await.map_err(|error| Error::Internal(error.to_string()))? && hash.is_some();
        if verified && let Ok(mut remembered) = self.remembered.lock() {
            if remembered.len() >= MOST {
                remembered.clear();
            }
            remembered.insert(digest, Instant::now());
        }
        Ok(verified)
    }

    fn remembers(&self, digest: &[u8; 32]) -> bool {
        let remembered = self.remembered.lock().map(|remembered| remembered.get(digest).copied());
        remembered.is_ok_and(|since| since.is_some_and(|since| since.elapsed() < REMEMBERED))
    }

    /// Of the hash too: a password that is changed in the file is forgotten at once.
    fn digest(&self, hash: &str, password: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(hash.as_bytes());
        context.update(&[0]);
        context.update(password);
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

    #[tokio::test]
    async fn the_right_one_only() {
        let phc = hash(b"correct horse").unwrap();
        check(&phc).unwrap();
        let passwords = Passwords::new(hmac::Key::new(hmac::HMAC_SHA256, b"k"));
        for round in 0..2 {
            assert!(passwords.verify(Some(&phc), b"correct horse").await.unwrap(), "round {round}");
            assert!(!passwords.verify(Some(&phc), b"correct horse ").await.unwrap());
            assert!(!passwords.verify(None, b"correct horse").await.unwrap());
        }
        let changed = hash(b"correct horse").unwrap();
        assert_ne!(phc, changed, "each hash has a salt of its own");
        check(NOBODY).expect("it must cost the same as any other");
        assert!(check("$argon2i$v=19$m=16,t=2,p=1$c2FsdHNhbHQ$AAAA").is_err());
        assert!(check("plain").is_err());
    }
}
