//! Who may do what: three roles, and what a caller must show for them.
//!
//! [`tokens`] are secrets that the operator hands out, [`jwt`] are tokens that somebody else issues; both come as
//! `Authorization: Bearer` (RFC 6750).

pub mod jwt;
pub mod tokens;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, header};

use crate::cache::keys::hex_sha1;
use crate::http::problem::Problem;
use jwt::{Jwt, Verified};
use tokens::Tokens;

/// What a request does, each including those before it.
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
            Role::Admin => "seeding and emptying collections",
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

/// That a request is allowed, and on what ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Anyone might have asked.
    ToAll,
    /// The credential was needed: no shared cache may keep the answer (RFC 9111, section 3.5).
    ToCaller,
}

impl Access {
    /// Who the request says it is from, or `None` where it does not say.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`] for a credential that is none of ours.
    pub fn identify(
        &self,
        headers: &HeaderMap,
        verified: &Verified,
        unix_time: Duration,
    ) -> Result<Option<Caller>, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let token = bearer(value.as_bytes()).ok_or(Problem::Unauthorized(Some("is no Bearer token")))?;
        if let Some(role) = self.tokens.role(token) {
            return Ok(Some(Caller { role: Some(role), name: hex_sha1(token) }));
        }
        let Some(jwt) = &self.jwt else { return Err(Problem::Unauthorized(Some("is not known"))) };
        let token = std::str::from_utf8(token).map_err(|_| Problem::Unauthorized(Some("is not known")))?;
        match verified.verify(jwt, token, unix_time) {
            Ok(caller) => Ok(Some(caller)),
            Err(why) => Err(Problem::Unauthorized(Some(why))),
        }
    }

    /// Whether the caller may act in this role.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`], [`Problem::Forbidden`], or [`Problem::RoleOff`].
    pub fn authorize(&self, needed: Role, caller: Result<Option<Caller>, Problem>) -> Result<Grant, Problem> {
        if self.open || (needed == Role::Read && self.public_read) {
            return Ok(Grant::ToAll);
        }
        if self.jwt.is_none() && !self.tokens.reach(needed) {
            return Err(Problem::RoleOff(needed));
        }
        match caller? {
            None => Err(Problem::Unauthorized(None)),
            Some(caller) if caller.role >= Some(needed) => Ok(Grant::ToCaller),
            Some(_) => Err(Problem::Forbidden(needed)),
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
    use crate::config::tests::with;

    const READ: &str = "a-token-for-those-who-only-read--";
    const ADMIN: &str = "a-token-for-those-who-do-anything";

    fn asks(access: &Access, needed: Role, authorization: Option<&str>) -> Result<Grant, Problem> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        access.authorize(needed, access.identify(&headers, &Verified::default(), Duration::ZERO))
    }

    #[test]
    fn a_role_includes_those_before_it_and_reaches_no_further() {
        let access = with(&[("read_token", READ), ("admin_token", ADMIN)]).unwrap().access;
        let (read, admin) = (format!("Bearer {READ}"), format!("bearer {ADMIN}"));
        assert_eq!(asks(&access, Role::Read, Some(&read)), Ok(Grant::ToCaller));
        assert_eq!(asks(&access, Role::Write, Some(&read)), Err(Problem::Forbidden(Role::Write)));
        assert_eq!(asks(&access, Role::Read, None), Err(Problem::Unauthorized(None)));
        for role in Role::ALL {
            assert_eq!(asks(&access, role, Some(&admin)), Ok(Grant::ToCaller));
        }
    }

    #[test]
    fn what_is_no_bearer_token_of_ours_is_refused() {
        let access = with(&[("read_token", READ)]).unwrap().access;
        for value in ["Bearer", "Bearer ", "Basic dTpw", READ, "Bearer x", &format!("Bearer {READ}x"), "Bearer a.b.c"] {
            assert!(matches!(asks(&access, Role::Read, Some(value)), Err(Problem::Unauthorized(Some(_)))), "{value}");
        }
    }

    #[test]
    fn a_role_without_a_credential_is_off() {
        let access = with(&[("read_token", READ)]).unwrap().access;
        let read = format!("Bearer {READ}");
        assert_eq!(asks(&access, Role::Admin, Some(&read)), Err(Problem::RoleOff(Role::Admin)));
        assert_eq!(asks(&with(&[]).unwrap().access, Role::Read, None), Err(Problem::RoleOff(Role::Read)));
    }

    #[test]
    fn public_read_opens_reading_alone_and_open_everything() {
        let access = with(&[("public_read", "true"), ("write_token", ADMIN)]).unwrap().access;
        assert_eq!(asks(&access, Role::Read, None), Ok(Grant::ToAll));
        assert_eq!(asks(&access, Role::Write, None), Err(Problem::Unauthorized(None)));
        let access = with(&[("access", "open")]).unwrap().access;
        for role in Role::ALL {
            assert_eq!(asks(&access, role, Some("Bearer whatever")), Ok(Grant::ToAll));
        }
    }
}
