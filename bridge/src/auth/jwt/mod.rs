//! JSON Web Tokens (RFC 7519) that others issue: whose are let in, and how they are verified.

mod jwks;
mod keys;

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::rules::Rules;
use crate::error::Error;
use crate::watched::Files;
pub(super) use jwks::Jwks;
use keys::Keys;

/// Clocks differ: a token may be this much too old or too new, in seconds.
const LEEWAY: u64 = 30;

/// An issuer of tokens, as the access file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Settings {
    /// What logs call it.
    pub(super) name: String,
    algorithm: Signature,
    /// The key, or …
    key_file: Option<PathBuf>,
    /// … where to ask for keys.
    pub(super) jwks_url: Option<String>,
    /// What `aud` must name. Required: a token for another service must not open this one.
    audience: String,
    /// What `iss` must be, where it is given.
    issuer: Option<String>,
    /// How many requests a minute one of its users may make, where that is not what all may.
    pub(super) rate_limit: Option<u32>,
    #[serde(default)]
    pub(super) rules: Rules,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Signature {
    HS256,
    RS256,
    ES256,
}

/// An issuer, ready to verify.
pub(super) struct Provider {
    validation: Validation,
    algorithm: Algorithm,
    keys: Keys,
    /// All that makes it this issuer, but for its keys.
    identity: String,
}

/// What is looked at in a token beside what the library checks itself.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// It may have a fraction (RFC 7519, NumericDate).
    exp: f64,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A token's owner.
pub(super) struct Subject {
    /// Whom the issuer means.
    pub(super) name: String,
    /// What the token claims, `sub` among it.
    pub(super) claims: Map<String, Value>,
    /// Until when, in seconds since 1970.
    pub(super) until: u64,
    /// What a session that follows from the token depends on.
    pub(super) credential: String,
}

impl Provider {
    /// The issuer that the settings describe. `jwks` gives the document at a URL: the one that is followed already, where
    /// there is one.
    pub(super) fn new(
        settings: &Settings,
        files: &mut Files,
        jwks: impl FnOnce(&str) -> Arc<Jwks>,
    ) -> Result<Self, String> {
        jwt_crypto::install();
        let algorithm = match settings.algorithm {
            Signature::HS256 => Algorithm::HS256,
            Signature::RS256 => Algorithm::RS256,
            Signature::ES256 => Algorithm::ES256,
        };
        let keys = match (&settings.key_file, &settings.jwks_url) {
            (Some(path), None) => Keys::from_file(path, algorithm, files)?,
            (None, Some(_)) if matches!(settings.algorithm, Signature::HS256) => {
                return Err("HS256 uses a secret, which a jwks-url cannot provide; set key-file".to_owned());
            }
            (None, Some(url)) if url.starts_with("https://") || url.starts_with("http://") => Keys::Url(jwks(url)),
            (None, Some(_)) => {
                return Err("jwks-url must start with https:// (or http://, inside a network)".to_owned());
            }
            _ => return Err("set either key-file or jwks-url".to_owned()),
        };
        // The algorithm comes from here, never from the token.
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        if let Some(issuer) = &settings.issuer {
            validation.set_issuer(&[issuer]);
            validation.set_required_spec_claims(&["exp", "aud", "sub", "iss"]);
        }
        let identity = (algorithm, &settings.audience, &settings.issuer, &settings.jwks_url);
        Ok(Provider { validation, algorithm, keys, identity: format!("{identity:?}") })
    }

    /// Whose token this is; nobody's where its signature or a claim does not hold.
    pub(super) async fn verify(&self, token: &str) -> Result<Option<Subject>, Error> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        // What must be understood is not understood here (RFC 7515, section 4.1.11), and `b64` (RFC 7797) changes what is
        // signed.
        let plain = header.extras.inner().get("b64").is_none_or(|b64| *b64 == Value::Bool(true));
        if header.alg != self.algorithm || header.crit.is_some() || !plain {
            return Ok(None);
        }
        for key in self.keys.candidates(header.kid.as_deref(), self.algorithm).await? {
            if let Ok(token) = decode::<Claims>(token, &key, &self.validation) {
                let Claims { sub, exp, mut others } = token.claims;
                others.insert("sub".to_owned(), Value::String(sub.clone()));
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
                let until = exp as u64;
                return Ok(Some(Subject { name: sub, claims: others, until, credential: self.credential(&key) }));
            }
        }
        Ok(None)
    }

    /// Whether a session may go on that began with a token of this issuer: all that was checked then must still be so, and
    /// the key must be one of the issuer's still.
    pub(super) async fn vouches_for(&self, credential: &str) -> Result<bool, Error> {
        let keys = self.keys.all(self.algorithm).await?;
        Ok(keys.iter().any(|key| self.credential(key) == credential))
    }

    fn credential(&self, key: &DecodingKey) -> String {
        let mut hash = Context::new(&SHA256);
        for part in [self.identity.as_bytes()].into_iter().chain(keys::bytes(key)) {
            hash.update(&part.len().to_le_bytes());
            hash.update(part);
        }
        hex::encode(&hash.finish().as_ref()[..16])
    }
}
