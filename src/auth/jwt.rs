//! JSON Web Tokens (RFC 7519), issued by someone whom the operator trusts: HS256 with a shared secret, RS256 and ES256
//! with the public keys of a JWK set (RFC 7517).

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use jwt_crypto::MIN_SECRET;
use serde::Deserialize;

use super::{Caller, Role};
use crate::hex::hex_sha1;
use crate::variable::{VariableError, invalid};

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: f64 = 30.0;

/// How many verified tokens an instance remembers; then it forgets them all.
const REMEMBERED: usize = 256;

/// Whose tokens are taken.
#[derive(Clone)]
pub struct Jwt {
    keys: Vec<Key>,
    issuer: String,
    audience: String,
}

/// A key, for its one algorithm: what a token says of its algorithm never chooses how a key is used (RFC 8725, 3.1).
#[derive(Clone)]
struct Key {
    algorithm: Algorithm,
    id: Option<String>,
    key: DecodingKey,
}

/// The claims that count here, beside those that [`Jwt::validation`] checks.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    /// One issuer: the library alone would take a list of them.
    #[serde(rename = "iss")]
    _issuer: String,
    sub: Option<String>,
    #[serde(default)]
    scope: String,
}

impl Jwt {
    /// Reads the variables `jwt_secret`, `jwt_jwks`, `jwt_issuer` and `jwt_audience`; `None` where no key is given.
    ///
    /// # Errors
    /// A secret that is short, a set without a key that could be used, or keys without the issuer and the audience whose
    /// tokens they are for.
    pub fn parse(secret: &str, jwks: &str, issuer: &str, audience: &str) -> Result<Option<Self>, VariableError> {
        let mut keys = Vec::new();
        if !secret.is_empty() {
            if secret.len() < MIN_SECRET {
                return invalid("jwt_secret", format!("must have at least {MIN_SECRET} characters"));
            }
            if jwt_crypto::is_pem(secret.as_bytes()) {
                return invalid("jwt_secret", "is a PEM file; tokens signed with a key pair are verified by jwt_jwks");
            }
            let key = DecodingKey::from_secret(secret.as_bytes());
            keys.push(Key { algorithm: Algorithm::HS256, id: None, key });
        }
        if !jwks.trim().is_empty() {
            let Ok(set) = serde_json::from_str::<JwkSet>(jwks) else {
                return invalid("jwt_jwks", "is not a JWK set (RFC 7517)");
            };
            let usable: Vec<Key> = set.keys.iter().filter_map(Key::of).collect();
            if usable.is_empty() {
                return invalid("jwt_jwks", "has no key for RS256 (RSA, 2048 to 8192 bits) or ES256 (EC, P-256)");
            }
            keys.extend(usable);
        }
        if keys.is_empty() {
            return Ok(None);
        }
        jwt_crypto::install();
        for (variable, value) in [("jwt_issuer", issuer), ("jwt_audience", audience)] {
            if value.trim().is_empty() {
                return invalid(variable, "is empty, but is required where jwt_secret or jwt_jwks is set");
            }
        }
        Ok(Some(Jwt { keys, issuer: issuer.trim().to_owned(), audience: audience.trim().to_owned() }))
    }

    /// What the library checks beside the signature: who issued the token, and for whom. Whether it is in time is checked
    /// here, by the platform's clock and to the fraction of a second; the library has a clock of its own.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.validate_exp = false;
        validation
    }

    /// Who the token is for, and when it ends.
    ///
    /// # Errors
    /// Why it is not taken, to follow "the credential".
    fn verify(&self, token: &str, unix_time: Duration) -> Result<(Caller, f64), &'static str> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| "is unknown")?;
        // No extension is understood here (RFC 7515, section 4.1.11), and `b64` (RFC 7797) changes what is signed.
        let plain = header.extras.inner().get("b64").is_none_or(|b64| *b64 == serde_json::Value::Bool(true));
        if header.crit.is_some() || !plain {
            return Err("requires an extension that is not supported");
        }
        let fits = |key: &&Key| {
            key.algorithm == header.alg && (key.id.is_none() || header.kid.is_none() || key.id == header.kid)
        };
        let mut claims = None;
        for key in self.keys.iter().filter(fits) {
            match jsonwebtoken::decode::<Claims>(token, &key.key, &self.validation(key.algorithm)) {
                Ok(decoded) => claims = Some(decoded.claims),
                // The other errors are those of a signature by another key.
                Err(error) => match error.kind() {
                    ErrorKind::Json(_) | ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => {
                        return Err("lacks a required claim, or has a claim of the wrong type");
                    }
                    ErrorKind::InvalidIssuer => return Err("was issued by another issuer"),
                    ErrorKind::InvalidAudience => return Err("is meant for another audience"),
                    _ => {}
                },
            }
        }
        let claims = claims.ok_or("is not signed by a known key")?;
        let now = unix_time.as_secs_f64();
        if claims.exp <= now - LEEWAY {
            return Err("has expired");
        }
        if claims.nbf.is_some_and(|not_before| not_before > now + LEEWAY) {
            return Err("is not valid yet");
        }
        let granted = |role: &Role| claims.scope.split(' ').any(|scope| scope == role.scope());
        let role = Role::ALL.into_iter().filter(granted).max();
        // Callers without a subject are told apart by their tokens.
        let name = claims.sub.as_deref().unwrap_or(token);
        Ok((Caller { role, name: hex_sha1(format!("jwt {name}").as_bytes()) }, claims.exp))
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("keys", &self.keys.iter().map(|key| key.algorithm).collect::<Vec<_>>())
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish()
    }
}

impl Key {
    /// The key, where it is one for signatures that we check, and can verify one.
    fn of(jwk: &Jwk) -> Option<Self> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
            _ => return None,
        };
        let other_algorithm =
            jwk.common.key_algorithm.is_some_and(|named| named.to_string() != format!("{algorithm:?}"));
        let for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
        if other_algorithm || !for_signatures {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        jwt_crypto::check(algorithm, &key).ok()?;
        Some(Key { algorithm, id: jwk.common.key_id.clone(), key })
    }
}

/// The tokens that an instance has verified: a signature costs a thousand times what it costs to find it again.
#[derive(Default)]
pub struct VerifiedTokens(RefCell<HashMap<String, (Caller, f64)>>);

impl VerifiedTokens {
    /// Who the token is for.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn verify(&self, jwt: &Jwt, token: &str, unix_time: Duration) -> Result<Caller, &'static str> {
        let mut known = self.0.borrow_mut();
        if let Some((caller, expires)) = known.get(token) {
            if *expires > unix_time.as_secs_f64() - LEEWAY {
                return Ok(caller.clone());
            }
            known.remove(token);
        }
        let (caller, expires) = jwt.verify(token, unix_time)?;
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(token.to_owned(), (caller.clone(), expires));
        Ok(caller)
    }
}
