//! Who may do what: three roles, and what a caller must show for them.
//!
//! [`tokens`] are secrets that the operator hands out, [`jwt`] are tokens that someone else issues; both come as
//! `Authorization: Bearer` (RFC 6750).

pub mod jwt;
pub mod tokens;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, header};

use crate::hex::hex_sha1;
use crate::variable::{VariableError, flag, one_of};
use jwt::{Jwt, VerifiedTokens};
use tokens::Tokens;

/// What a caller may do; each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Listings and documents.
    Read,
    /// Adds, updates, deletes.
    Write,
    /// Seeds and empties collections.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Role; 3] = [Role::Read, Role::Write, Role::Admin];

    /// The scope that grants it (RFC 6749, section 3.3).
    pub fn scope(self) -> &'static str {
        match self {
            Role::Read => "store:read",
            Role::Write => "store:write",
            Role::Admin => "store:admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Read => "reading",
            Role::Write => "writing",
            Role::Admin => "administration",
        })
    }
}

/// What the operator has set. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Access {
    /// Everything to everyone: for one's own machine.
    pub open: bool,
    /// Reading needs no credential.
    pub public_read: bool,
    /// The operator's own tokens.
    pub tokens: Tokens,
    /// Whose JWTs are taken, and how they are checked.
    pub jwt: Option<Jwt>,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What the credential reaches, if any role at all.
    pub role: Option<Role>,
    /// Tells callers apart; made of a hash, so that it may stand in Redis.
    pub name: String,
}

/// Who may see the response to an authorized request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody: the request needed no credential.
    Public,
    /// The caller alone: the credential was needed, so no shared cache may keep the response (RFC 9111, section 3.5).
    Private,
}

/// Why a request is not authorized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// A credential is needed and none was sent.
    #[error("a credential is required: send Authorization: Bearer <token>")]
    Missing,
    /// The credential was rejected, and why.
    #[error("the credential {0}")]
    Rejected(&'static str),
    /// The credential is valid, but does not grant this role.
    #[error("insufficient scope: {scope} is required", scope = .0.scope())]
    Forbidden(Role),
    /// The operator has configured no credential that grants this role.
    #[error("{role} is disabled: no credential for {scope} is configured", role = .0, scope = .0.scope())]
    RoleOff(Role),
}

impl Access {
    /// Reads the variables `access`, `public_read`, `…_token` and `jwt_…`.
    ///
    /// # Errors
    /// The first variable whose value is invalid.
    pub fn parse(value: &mut impl FnMut(&'static str) -> String) -> Result<Self, VariableError> {
        Ok(Access {
            open: one_of("access", &value("access"), [("open", true), ("closed", false)])?,
            public_read: flag("public_read", &value("public_read"))?,
            tokens: Tokens::parse(value("read_token"), value("write_token"), value("admin_token"))?,
            jwt: Jwt::parse(&value("jwt_secret"), &value("jwt_jwks"), &value("jwt_issuer"), &value("jwt_audience"))?,
        })
    }

    /// Who the request says it is from, or `None` where it does not say.
    ///
    /// # Errors
    /// [`AuthError::Rejected`] for an unknown or invalid credential.
    pub fn identify(
        &self,
        headers: &HeaderMap,
        verified: &VerifiedTokens,
        unix_time: Duration,
    ) -> Result<Option<Caller>, AuthError> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let token = bearer(value.as_bytes()).ok_or(AuthError::Rejected("is not a Bearer token"))?;
        if let Some(role) = self.tokens.role(token) {
            return Ok(Some(Caller { role: Some(role), name: hex_sha1(token) }));
        }
        let Some(jwt) = &self.jwt else { return Err(AuthError::Rejected("is unknown")) };
        let token = std::str::from_utf8(token).map_err(|_| AuthError::Rejected("is unknown"))?;
        match verified.verify(jwt, token, unix_time) {
            Ok(caller) => Ok(Some(caller)),
            Err(why) => Err(AuthError::Rejected(why)),
        }
    }

    /// Whether anybody can act in this role, with or without a credential.
    pub fn is_enabled(&self, role: Role) -> bool {
        self.open || (role == Role::Read && self.public_read) || self.jwt.is_some() || self.tokens.reach(role)
    }

    /// Whether the caller may act in this role.
    ///
    /// # Errors
    /// [`AuthError::Missing`], [`AuthError::Rejected`], [`AuthError::Forbidden`], or [`AuthError::RoleOff`].
    pub fn authorize(&self, needed: Role, caller: &Result<Option<Caller>, AuthError>) -> Result<Visibility, AuthError> {
        if self.open || (needed == Role::Read && self.public_read) {
            return Ok(Visibility::Public);
        }
        if !self.is_enabled(needed) {
            return Err(AuthError::RoleOff(needed));
        }
        match caller {
            Err(error) => Err(*error),
            Ok(None) => Err(AuthError::Missing),
            Ok(Some(caller)) if caller.role >= Some(needed) => Ok(Visibility::Private),
            Ok(Some(_)) => Err(AuthError::Forbidden(needed)),
        }
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "a-token-for-those-who-only-read--";
    const ADMIN: &str = "a-token-for-those-who-do-anything";

    /// Closed, but for what is set.
    fn with(set: &[(&str, &str)]) -> Result<Access, VariableError> {
        Access::parse(&mut |name| {
            let default = match name {
                "access" => "closed",
                "public_read" => "false",
                _ => "",
            };
            set.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value).to_owned()
        })
    }

    fn asks(access: &Access, needed: Role, authorization: Option<&str>) -> Result<Visibility, AuthError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        access.authorize(needed, &access.identify(&headers, &VerifiedTokens::default(), Duration::ZERO))
    }

    #[test]
    fn a_role_includes_those_before_it_and_reaches_no_further() {
        let access = with(&[("read_token", READ), ("admin_token", ADMIN)]).unwrap();
        let (read, admin) = (format!("Bearer {READ}"), format!("bearer {ADMIN}"));
        assert_eq!(asks(&access, Role::Read, Some(&read)), Ok(Visibility::Private));
        assert_eq!(asks(&access, Role::Write, Some(&read)), Err(AuthError::Forbidden(Role::Write)));
        assert_eq!(asks(&access, Role::Read, None), Err(AuthError::Missing));
        for role in Role::ALL {
            assert_eq!(asks(&access, role, Some(&admin)), Ok(Visibility::Private));
        }
    }

    #[test]
    fn anything_but_a_known_bearer_token_is_rejected() {
        let access = with(&[("read_token", READ)]).unwrap();
        for value in ["Bearer", "Bearer ", "Basic dTpw", READ, "Bearer x", &format!("Bearer {READ}x"), "Bearer a.b.c"] {
            assert!(matches!(asks(&access, Role::Read, Some(value)), Err(AuthError::Rejected(_))), "{value}");
        }
    }

    #[test]
    fn a_role_without_a_credential_is_off() {
        let access = with(&[("read_token", READ)]).unwrap();
        let read = format!("Bearer {READ}");
        assert_eq!(asks(&access, Role::Admin, Some(&read)), Err(AuthError::RoleOff(Role::Admin)));
        assert_eq!(asks(&with(&[]).unwrap(), Role::Read, None), Err(AuthError::RoleOff(Role::Read)));
    }

    #[test]
    fn public_read_opens_reading_alone_and_open_everything() {
        let access = with(&[("public_read", "true"), ("write_token", ADMIN)]).unwrap();
        assert_eq!(asks(&access, Role::Read, None), Ok(Visibility::Public));
        assert_eq!(asks(&access, Role::Write, None), Err(AuthError::Missing));
        let access = with(&[("access", "open")]).unwrap();
        for role in Role::ALL {
            assert_eq!(asks(&access, role, Some("Bearer whatever")), Ok(Visibility::Public));
        }
    }
}
