//! The login: credentials for an access token, and a refresh token for new access tokens.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use super::credentials::bearer;
use super::tokens::{Owner, Use};
use super::{Authenticator, Principal};
use crate::error::Error;

/// The ways to log in, by the protocol's names for their providers.
#[derive(Clone, Copy, Debug)]
pub enum Provider {
    /// `api-key`: `{"key": …}`.
    ApiKey,
    /// `local-userpass`: `{"username": …, "password": …}`.
    LocalUserpass,
    /// `custom-token`: `{"token": …}`, a JWT of another issuer.
    CustomToken,
}

/// What a login is answered with.
#[derive(Debug, Serialize)]
pub struct Session {
    access_token: String,
    refresh_token: String,
    user_id: String,
    device_id: &'static str,
}

/// What a refresh is answered with.
#[derive(Debug, Serialize)]
pub struct Refreshed {
    access_token: String,
}

/// What a client may ask about itself.
#[derive(Debug, Serialize)]
pub struct Profile {
    user_id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    identities: [Identity; 1],
    data: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Identity {
    id: String,
    provider_type: &'static str,
}

/// Clients send more than these, such as what device they are; that is not kept.
#[derive(Default, Deserialize)]
struct Form {
    key: Option<String>,
    username: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

/// The protocol has an id for the device too; it served push messages.
const NO_DEVICE: &str = "000000000000000000000000";

impl Authenticator {
    /// Logs someone in.
    ///
    /// # Errors
    /// 400 where the body is not the provider's; 401 where it matches nobody.
    pub async fn log_in(&self, provider: Provider, body: &[u8]) -> Result<Session, Error> {
        let malformed = |_| Error::InvalidParameter("the body must be a JSON object of strings".to_owned());
        let form: Form = serde_json::from_slice(body).map_err(malformed)?;
        let (principal, subject) = match provider {
            Provider::ApiKey => (self.by_key(form.key.ok_or(Error::MissingParameter("key"))?.as_bytes()), None),
            Provider::LocalUserpass => {
                let email = form.username.ok_or(Error::MissingParameter("username"))?;
                let password = form.password.ok_or(Error::MissingParameter("password"))?;
                let found = self.by_password(email.as_bytes(), password.as_bytes()).await?;
                (Some(found.ok_or(Error::WrongPassword)?), None)
            }
            Provider::CustomToken => {
                let token = form.token.ok_or(Error::MissingParameter("token"))?;
                self.by_custom_token(token.as_bytes()).await?.map_or((None, None), |(p, s)| (Some(p), Some(s)))
            }
        };
        let principal = principal.ok_or(Error::UnknownUser)?;
        let (user, until) = subject.map_or((None, None), |subject| (Some(subject.name), Some(subject.until)));
        let session = super::new_key().map_err(Error::Internal)?;
        let owner = Owner {
            account: &principal.id,
            credential: &principal.credential,
            user: user.as_deref(),
            data: principal.remembered_claims(),
            session: &session,
        };
        let issue = |used| self.tokens.issue(&owner, used, until);
        Ok(Session {
            access_token: issue(Use::Access)?,
            refresh_token: issue(Use::Refresh)?,
            user_id: principal.user.id.clone(),
            device_id: NO_DEVICE,
        })
    }

    /// A new access token for a refresh token.
    ///
    /// # Errors
    /// 401 where the token is none, or its account has changed.
    pub fn refresh(&self, headers: &HeaderMap) -> Result<Refreshed, Error> {
        let (principal, claims) = self.presented(headers, Use::Refresh)?;
        let owner = Owner {
            account: &principal.id,
            credential: &principal.credential,
            user: claims.user.as_deref(),
            data: claims.data.clone(),
            session: &claims.sid,
        };
        Ok(Refreshed { access_token: self.tokens.issue(&owner, Use::Access, Some(claims.exp))? })
    }

    /// Ends the session of a refresh token.
    ///
    /// # Errors
    /// 401 where the token is none.
    pub fn log_out(&self, headers: &HeaderMap) -> Result<(), Error> {
        let (_, claims) = self.presented(headers, Use::Refresh)?;
        self.tokens.end(&claims);
        Ok(())
    }

    /// Whose access token this is.
    ///
    /// # Errors
    /// 401 where the token is none.
    pub fn profile(&self, headers: &HeaderMap) -> Result<Profile, Error> {
        let (principal, _) = self.presented(headers, Use::Access)?;
        let provider_type = match principal.id.split(':').next() {
            Some("key") => "api-key",
            Some("user") => "local-userpass",
            _ => "custom-token",
        };
        let id = principal.user.id.clone();
        let identities = [Identity { id: id.clone(), provider_type }];
        Ok(Profile { user_id: id, kind: "normal", identities, data: serde_json::Map::new() })
    }

    fn presented(&self, headers: &HeaderMap, used: Use) -> Result<(Arc<Principal>, super::tokens::Claims), Error> {
        let token = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        let token = token.ok_or(Error::NoAuthentication)?;
        std::str::from_utf8(token).ok().and_then(|token| self.session(token, used)).ok_or(Error::UnknownUser)
    }
}
