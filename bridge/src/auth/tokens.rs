//! The tokens that we issue: a short-lived access token, and a refresh token that gets new ones.
//!
//! They are JWTs, signed with a secret of ours, and nothing is stored for them. A token names its account and what the
//! account's credential was: it ends when the account leaves the access file, or its key or password is changed there. It
//! also ends with a logout; those are remembered here, by this process.

use std::collections::HashMap;
use std::sync::Mutex;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jwt::crypto;
use crate::error::Error;

/// As long as the Atlas service's, in seconds.
const ACCESS: u64 = 30 * 60;
const REFRESH: u64 = 60 * 24 * 60 * 60;

const ISSUER: &str = "data-api";

/// Issues tokens and knows them again.
pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// The sessions that were ended, and when their last token would have ended by itself.
    ended: Mutex<HashMap<String, u64>>,
}

/// Whose tokens, and of which session.
pub(super) struct Owner<'a> {
    pub(super) account: &'a str,
    pub(super) credential: &'a str,
    /// Whom a custom token's issuer meant.
    pub(super) user: Option<&'a str>,
    /// What the issuer's token claims, as far as the rules ask for it.
    pub(super) data: Map<String, Value>,
    pub(super) session: &'a str,
}

/// What a token is for: one of the two must not do for the other.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Use {
    Access,
    Refresh,
}

/// What a token says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Claims {
    iss: String,
    /// The account.
    pub(super) sub: String,
    /// The account's credential, hashed.
    pub(super) cred: String,
    /// Whom a custom token's issuer meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// What the issuer's token claimed at the login, as far as the rules asked for it then.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) data: Map<String, Value>,
    #[serde(rename = "use")]
    used: Use,
    /// The session: one login, and the tokens that follow from it.
    pub(super) sid: String,
    iat: u64,
    pub(super) exp: u64,
}

impl Tokens {
    pub(super) fn new(secret: &[u8]) -> Self {
        crypto::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Tokens {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            ended: Mutex::default(),
        }
    }

    /// A new token, which does not outlive `until`.
    pub(super) fn issue(&self, owner: &Owner<'_>, used: Use, until: Option<u64>) -> Result<String, Error> {
        let now = jsonwebtoken::get_current_timestamp();
        let life = if used == Use::Access { ACCESS } else { REFRESH };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: owner.account.to_owned(),
            cred: owner.credential.to_owned(),
            user: owner.user.map(str::to_owned),
            data: owner.data.clone(),
            used,
            sid: owner.session.to_owned(),
            iat: now,
            exp: until.map_or(now + life, |until| until.min(now + life)),
        };
        let header = Header { kid: Some(ISSUER.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.encoding).map_err(|error| Error::Internal(error.to_string()))
    }

    /// Whether a token claims to be one of ours; others' are the providers'.
    pub(super) fn is_ours(&self, token: &str) -> bool {
        decode_header(token).is_ok_and(|header| header.kid.as_deref() == Some(ISSUER))
    }

    /// What a token of ours says, where it is one, still holds, and is for this use.
    pub(super) fn read(&self, token: &str, used: Use) -> Option<Claims> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        let ended = self.ended.lock().is_ok_and(|ended| ended.contains_key(&claims.sid));
        (claims.used == used && !ended).then_some(claims)
    }

    /// Ends the session that these claims are of.
    pub(super) fn end(&self, claims: &Claims) {
        let now = jsonwebtoken::get_current_timestamp();
        if let Ok(mut ended) = self.ended.lock() {
            ended.retain(|_, until| *until >= now);
            ended.insert(claims.sid.clone(), claims.exp.max(now + REFRESH));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_one_use_and_while_it_holds() {
        let tokens = Tokens::new(&[7; 32]);
        let owner = Owner { account: "key:a", credential: "c", user: None, data: Map::new(), session: "s" };
        let access = tokens.issue(&owner, Use::Access, None).unwrap();
        assert!(tokens.is_ours(&access));
        assert_eq!(tokens.read(&access, Use::Access).unwrap().sub, "key:a");
        assert!(tokens.read(&access, Use::Refresh).is_none());
        assert!(Tokens::new(&[8; 32]).read(&access, Use::Access).is_none(), "another secret");
        let past = tokens.issue(&owner, Use::Access, Some(1)).unwrap();
        assert!(tokens.read(&past, Use::Access).is_none());
        let (head, rest) = access.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        assert!(tokens.read(&format!("{head}.e30.{signature}"), Use::Access).is_none());
        assert!(!tokens.is_ours("x.y.z"));
        tokens.end(&tokens.read(&access, Use::Access).unwrap());
        assert!(tokens.read(&access, Use::Access).is_none(), "logged out");
        let other = tokens.issue(&Owner { session: "t", ..owner }, Use::Access, None).unwrap();
        assert!(tokens.read(&other, Use::Access).is_some());
    }
}
