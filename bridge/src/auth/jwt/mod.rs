//! JSON Web Tokens (RFC 7519) that others issue: whose are let in, and how they are verified.

pub(super) mod crypto;
mod keys;

use std::path::PathBuf;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::rules::Rules;
use crate::error::Error;
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
    jwks_url: Option<String>,
    /// What `aud` must name. Required: a token for another service must not open this one.
    audience: String,
    /// What `iss` must be, where it is given.
    issuer: Option<String>,
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
}

/// What is looked at in a token beside what the library checks itself.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A token's owner.
pub(super) struct Subject {
    /// Whom the issuer means.
    pub(super) name: String,
    /// Until when, in seconds since 1970.
    pub(super) until: u64,
    /// What else the token claims, and `sub`.
    pub(super) claims: Map<String, Value>,
}

impl Provider {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        crypto::install();
        let algorithm = match settings.algorithm {
            Signature::HS256 => Algorithm::HS256,
            Signature::RS256 => Algorithm::RS256,
            Signature::ES256 => Algorithm::ES256,
        };
        let keys = match (&settings.key_file, &settings.jwks_url) {
            (Some(path), None) => Keys::from_file(path, algorithm)?,
            (None, Some(_)) if matches!(settings.algorithm, Signature::HS256) => {
                return Err("HS256 has a secret, which no jwks-url tells; give it a key-file".to_owned());
            }
            (None, Some(url)) if url.starts_with("https://") || url.starts_with("http://") => Keys::at(url.clone()),
            (None, Some(_)) => {
                return Err("jwks-url must start with https:// (or http://, inside a network)".to_owned());
            }
            _ => return Err("give it a key-file or a jwks-url, one of them".to_owned()),
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
        Ok(Provider { validation, algorithm, keys })
    }

    /// Whose token this is; nobody's where its signature or a claim does not hold.
    pub(super) async fn verify(&self, token: &str) -> Result<Option<Subject>, Error> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        if header.alg != self.algorithm {
            return Ok(None);
        }
        let keys = self.keys.candidates(header.kid.as_deref(), self.algorithm).await?;
        for key in &keys {
            if let Ok(token) = decode::<Claims>(token, key, &self.validation) {
                let Claims { sub, exp, mut others } = token.claims;
                others.insert("sub".to_owned(), Value::String(sub.clone()));
                return Ok(Some(Subject { name: sub, until: exp, claims: others }));
            }
        }
        Ok(None)
    }
}
