//! A JWKS document (RFC 7517) at a URL: fetched in the background, so that no request waits for the issuer's server.
//!
//! Keys that are known go on to serve while the server hangs or fails, for an hour. A key id that is not known makes the
//! document be fetched again, but not more often than every ten seconds; a failure counts as a fetch. Those who present
//! such an id wait for that fetch together, a moment, and hold nothing while they do.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::error::Error;

/// How often, at most, the document is fetched because a token names a key that is not in it, or the last fetch failed.
const REFETCH_INTERVAL: Duration = Duration::from_secs(10);

/// How often the document is fetched without a reason.
const REFRESH_INTERVAL: Duration = Duration::from_secs(300);

/// How old the document may get: a key that was withdrawn must not be good for ever.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// How long a request waits for a fetch that is under way.
const WAIT: Duration = Duration::from_secs(2);

/// How long a fetch may take, and how large the document may be.
const FETCH: (Duration, u64) = (Duration::from_secs(5), 1024 * 1024);

/// The document at a URL, and what fetches it.
pub(in crate::auth) struct Jwks {
    url: String,
    state: Arc<State>,
    fetching: AbortHandle,
}

struct State {
    document: ArcSwapOption<Document>,
    wanted: Notify,
    /// When the last fetch ended, well or not.
    fetched: watch::Sender<Option<Instant>>,
}

struct Document {
    at: Instant,
    keys: JwkSet,
}

impl Jwks {
    /// Begins to fetch.
    pub(in crate::auth) fn follow(url: String) -> Arc<Self> {
        let state = Arc::new(State {
            document: ArcSwapOption::empty(),
            wanted: Notify::new(),
            fetched: watch::Sender::new(None),
        });
        let fetching = tokio::spawn(follow(url.clone(), Arc::clone(&state))).abort_handle();
        Arc::new(Jwks { url, state, fetching })
    }

    pub(in crate::auth) fn url(&self) -> &str {
        &self.url
    }

    /// The keys that a token with this key id may be signed with.
    ///
    /// # Errors
    /// 503 where no document was had, or not for an hour.
    pub(super) async fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>, Error> {
        let known = self.state.known(id, algorithm);
        if known.as_ref().is_some_and(|keys| !keys.is_empty()) {
            return Ok(known.unwrap_or_default());
        }
        let mut fetched = self.state.fetched.subscribe();
        let last = *fetched.borrow_and_update();
        if last.is_none_or(|at| at.elapsed() >= REFETCH_INTERVAL) {
            self.state.wanted.notify_one();
            // Whether it ended or the time did makes no difference.
            let _ = tokio::time::timeout(WAIT, fetched.changed()).await;
        }
        self.state.known(id, algorithm).ok_or_else(|| Error::Unavailable {
            what: "the keys that tokens are verified with could not be fetched",
            details: format!("JWKS at {}", self.url),
        })
    }
}

impl Drop for Jwks {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

impl State {
    /// `None` without a document, or if it is too old.
    fn known(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Vec<DecodingKey>> {
        let document = self.document.load();
        let document = document.as_ref().filter(|document| document.at.elapsed() < MAX_AGE)?;
        Some(matching(&document.keys, id, algorithm))
    }
}

async fn follow(url: String, state: Arc<State>) {
    let mut last = String::new();
    let mut last_unusable = Vec::new();
    loop {
        let address = url.clone();
        let fetched = tokio::task::spawn_blocking(move || fetch(&address)).await;
        match fetched.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(keys) => {
                let unusable = unusable(&keys);
                if !unusable.is_empty() && unusable != last_unusable {
                    tracing::warn!(url, keys = ?unusable, "the JWKS document has keys that verify nothing");
                }
                last_unusable = unusable;
                state.document.store(Some(Arc::new(Document { at: Instant::now(), keys })));
                last.clear();
            }
            Err(details) if details != last => {
                tracing::warn!(url, details, "the JWKS document cannot be fetched; known keys stay valid");
                last = details;
            }
            Err(_) => {}
        }
        let failed = !last.is_empty();
        state.fetched.send_replace(Some(Instant::now()));
        // Not again at once, even if it is asked for. After a failure it is tried again without being asked for.
        tokio::time::sleep(REFETCH_INTERVAL).await;
        if !failed {
            let _ = tokio::time::timeout(REFRESH_INTERVAL, state.wanted.notified()).await;
        }
    }
}

fn fetch(url: &str) -> Result<JwkSet, String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(FETCH.0)).build();
    let answer = ureq::Agent::new_with_config(config).get(url).call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    let text = answer.body_mut().with_config().limit(FETCH.1).read_to_vec();
    let text = text.map_err(|error| error.to_string())?;
    // Key by key: one of a kind that we do not know must not hide the others.
    let document: serde_json::Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let keys = document.get("keys").and_then(|keys| keys.as_array()).ok_or("it has no `keys`")?;
    let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
    Ok(JwkSet { keys })
}

/// The keys that can be read, but not be used: by their ids, and why.
fn unusable(keys: &JwkSet) -> Vec<String> {
    let why = |key: &Jwk| {
        let algorithm = match key.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(_) => Algorithm::ES256,
            _ => return None,
        };
        let why = jwt_crypto::check(algorithm, &DecodingKey::from_jwk(key).ok()?).err()?;
        Some(format!("{} {why}", key.common.key_id.as_deref().unwrap_or("(without an id)")))
    };
    keys.keys.iter().filter_map(why).collect()
}

fn matching(keys: &JwkSet, id: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
    let mut found = Vec::new();
    for key in &keys.keys {
        let common = &key.common;
        let named = id.is_none_or(|id| common.key_id.as_deref() == Some(id));
        let for_signatures = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
        if named
            && for_signatures
            && let Ok(key) = DecodingKey::from_jwk(key)
            && key.family() == algorithm.family()
        {
            found.push(key);
        }
    }
    found
}
