//! The tokens that we issue: a short-lived access token, and a refresh token that gets new ones.
//!
//! They are JWTs, signed with a secret of ours, and nothing is stored for them. A token names its account and what the
//! account's credential was: it ends when the account leaves the access file, or its key or password is changed there. It
//! also ends with its session; `sessions` remembers those.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// How long an access token is good for, in seconds: as long as the Atlas service's.
const ACCESS_LIFETIME: u64 = 30 * 60;

/// How long a refresh token is good for, in seconds.
const REFRESH_LIFETIME: u64 = 60 * 24 * 60 * 60;

const ISSUER: &str = "data-api";

/// Issues tokens and knows them again.
pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// Whose tokens, and of which session.
pub(super) struct Owner<'a> {
    pub(super) account: &'a str,
    pub(super) credential: &'a str,
    /// Whom a custom token's issuer meant.
    pub(super) user: Option<&'a str>,
    /// What that token claims.
    pub(super) data: &'a Map<String, Value>,
    pub(super) session: &'a str,
    /// How often the session was refreshed.
    pub(super) generation: u32,
}

/// What a token is for: one of the two must not do for the other.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenKind {
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
    /// What that token claimed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) data: Map<String, Value>,
    #[serde(rename = "use")]
    kind: TokenKind,
    /// The session: one login, and the tokens that follow from it.
    pub(super) sid: String,
    /// How often the session was refreshed before.
    #[serde(default)]
    pub(super) generation: u32,
    iat: u64,
    pub(super) exp: u64,
}

impl Tokens {
    pub(super) fn new(secret: &[u8]) -> Self {
        jwt_crypto::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Tokens { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret), validation }
    }

    /// A new token, which does not outlive `until`.
    pub(super) fn issue(&self, owner: &Owner<'_>, kind: TokenKind, until: Option<u64>) -> Result<String, Error> {
        let now = jsonwebtoken::get_current_timestamp();
        let lifetime = if kind == TokenKind::Access { ACCESS_LIFETIME } else { REFRESH_LIFETIME };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: owner.account.to_owned(),
            cred: owner.credential.to_owned(),
            user: owner.user.map(str::to_owned),
            data: owner.data.clone(),
            kind,
            sid: owner.session.to_owned(),
            generation: owner.generation,
            iat: now,
            exp: until.map_or(now + lifetime, |until| until.min(now + lifetime)),
        };
        let header = Header { kid: Some(ISSUER.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.encoding).map_err(|error| Error::Internal(error.to_string()))
    }

    /// Whether a token claims to be one of ours; others' are the providers'.
    pub(super) fn is_ours(&self, token: &str) -> bool {
        decode_header(token).is_ok_and(|header| header.kid.as_deref() == Some(ISSUER))
    }

    /// What a token of ours says, where it is one, has not expired, and is of this kind.
    pub(super) fn read(&self, token: &str, kind: TokenKind) -> Option<Claims> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (claims.kind == kind).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_kind_and_while_it_holds() {
        let tokens = Tokens::new(&[7; 32]);
        let data = Map::new();
        let owner = Owner { account: "key:a", credential: "c", user: None, data: &data, session: "s", generation: 0 };
        let access = tokens.issue(&owner, TokenKind::Access, None).unwrap();
        assert!(tokens.is_ours(&access));
        assert_eq!(tokens.read(&access, TokenKind::Access).unwrap().sub, "key:a");
        assert!(tokens.read(&access, TokenKind::Refresh).is_none());
        assert!(Tokens::new(&[8; 32]).read(&access, TokenKind::Access).is_none(), "another secret");
        let past = tokens.issue(&owner, TokenKind::Access, Some(1)).unwrap();
        assert!(tokens.read(&past, TokenKind::Access).is_none());
        let (head, rest) = access.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        assert!(tokens.read(&format!("{head}.e30.{signature}"), TokenKind::Access).is_none());
        assert!(!tokens.is_ours("x.y.z"));
    }
}
