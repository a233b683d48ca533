//! Where the keys come from that a provider's tokens are verified with: a file, or a JWKS document (RFC 7517) at a URL.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::error::Error;

/// How often, at most, the document is fetched because a token names a key that is not in it.
const AGAIN: Duration = Duration::from_secs(10);

/// How old the document may get: a key that was withdrawn must not be good for ever.
const STALE: Duration = Duration::from_secs(600);

/// How long the fetching may take, and how large the document may be.
const FETCH: (Duration, u64) = (Duration::from_secs(5), 1024 * 1024);

/// Keys, by their ids.
pub(super) enum Keys {
    /// One key, whatever id a token names.
    Fixed(DecodingKey),
    /// The document at a URL.
    Url { url: String, fetched: Mutex<Option<Fetched>>, fetching: tokio::sync::Mutex<()> },
}

#[derive(Clone)]
pub(super) struct Fetched {
    at: Instant,
    keys: JwkSet,
}

impl Keys {
    /// Reads a file: PEM with a public key; for HS256 the secret itself, without the line break at its end.
    pub(super) fn from_file(path: &Path, algorithm: Algorithm) -> Result<Self, String> {
        let unusable = |why: String| format!("the key file {} is not usable: {why}", path.display());
        let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let key = match algorithm {
            Algorithm::HS256 => {
                let secret = text.strip_suffix(b"\n").unwrap_or(&text);
                if secret.len() < 32 {
                    // RFC 7518, section 3.2.
                    return Err(unusable("a secret for HS256 has 32 bytes at least".to_owned()));
                }
                Ok(DecodingKey::from_secret(secret))
            }
            Algorithm::RS256 => DecodingKey::from_rsa_pem(&text),
            _ => DecodingKey::from_ec_pem(&text),
        };
        Ok(Keys::Fixed(key.map_err(|_| unusable(format!("it holds no PEM public key for {algorithm:?}")))?))
    }

    pub(super) fn at(url: String) -> Self {
        Keys::Url { url, fetched: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The keys that a token with this key id may be signed with.
    ///
    /// # Errors
    /// 503 where the document was never had.
    pub(super) async fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>, Error> {
        let (url, fetched, fetching) = match self {
            Keys::Fixed(key) => return Ok(vec![key.clone()]),
            Keys::Url { url, fetched, fetching } => (url, fetched, fetching),
        };
        let enough = |have: &Option<Fetched>| match have {
            None => false,
            Some(have) if have.at.elapsed() > STALE => false,
            Some(have) => have.at.elapsed() < AGAIN || !matching(&have.keys, id, algorithm).is_empty(),
        };
        let mut have = read(fetched);
        if !enough(&have) {
            // One fetches, the others wait for it.
            let _fetching = fetching.lock().await;
            have = read(fetched);
            if !enough(&have) {
                have = refresh(url, fetched, have).await?;
            }
        }
        Ok(have.map(|have| matching(&have.keys, id, algorithm)).unwrap_or_default())
    }
}

fn read(fetched: &Mutex<Option<Fetched>>) -> Option<Fetched> {
    fetched.lock().ok().and_then(|fetched| fetched.clone())
}

async fn refresh(url: &str, fetched: &Mutex<Option<Fetched>>, have: Option<Fetched>) -> Result<Option<Fetched>, Error> {
    let address = url.to_owned();
    let result = tokio::task::spawn_blocking(move || fetch(&address));
    match result.await.map_err(|error| Error::Internal(error.to_string()))? {
        Ok(keys) => {
            let new = Some(Fetched { at: Instant::now(), keys });
            if let Ok(mut fetched) = fetched.lock() {
                fetched.clone_from(&new);
            }
            Ok(new)
        }
        Err(details) => match have {
            // What was good a moment ago is better than nothing, for a while.
            Some(have) if have.at.elapsed() < STALE * 6 => {
                tracing::warn!(url, details, "the JWKS document cannot be fetched; the one from before is used");
                Ok(Some(have))
            }
            _ => {
                Err(Error::Unavailable { what: "the keys that tokens are verified with could not be fetched", details })
            }
        },
    }
}

fn fetch(url: &str) -> Result<JwkSet, String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(FETCH.0)).build();
    let answer = ureq::Agent::new_with_config(config).get(url).call();
    let mut answer = answer.map_err(|error| format!("JWKS: {error}"))?;
    let text = answer.body_mut().with_config().limit(FETCH.1).read_to_vec();
    let text = text.map_err(|error| format!("JWKS: {error}"))?;
    // Key by key: one of a kind that we do not know must not hide the others.
    let document: serde_json::Value = serde_json::from_slice(&text).map_err(|error| format!("JWKS: {error}"))?;
    let keys = document.get("keys").and_then(|keys| keys.as_array()).ok_or("JWKS: it has no `keys`")?;
    let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
    Ok(JwkSet { keys })
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
