//! The login: credentials for an access token, and a refresh token for new access tokens.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::credentials::bearer;
use super::tokens::{Claims, Owner, TokenKind};
use super::{Authenticator, Principal};
use crate::client::Client;
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
    /// `anon-user`: no credentials at all. Each login is a user of its own, as long as its tokens hold.
    AnonUser,
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
    /// It takes the place of the one that was sent, from the moment when it is used.
    refresh_token: String,
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
    /// 400 where the body is not the provider's; 401 where it matches nobody; 429 for too many wrong passwords.
    pub async fn log_in(
        &self,
        provider: Provider,
        body: &[u8],
        client: Client,
    ) -> Result<(Session, Arc<Principal>), Error> {
        let malformed = |_| Error::InvalidParameter("the body must be a JSON object of strings".to_owned());
        let form: Form = match (provider, body.trim_ascii()) {
            (Provider::AnonUser, b"") => Form::default(),
            (_, body) => serde_json::from_slice(body).map_err(malformed)?,
        };
        let accounts = self.accounts.as_ref().ok_or(Error::UnknownUser)?.get();
        let session = super::new_key().map_err(Error::Internal)?;
        let mut subject = None;
        let principal = match provider {
            Provider::ApiKey => {
                let key = form.key.ok_or(Error::MissingParameter("key"))?;
                accounts.by_key(key.as_bytes()).cloned()
            }
            Provider::LocalUserpass => {
                let email = form.username.ok_or(Error::MissingParameter("username"))?;
                let password = form.password.ok_or(Error::MissingParameter("password"))?;
                let found = self.by_password(email.as_bytes(), password.as_bytes(), client).await?;
                Some(found.ok_or(Error::WrongPassword)?)
            }
            Provider::CustomToken => {
                let token = form.token.ok_or(Error::MissingParameter("token"))?;
                let (principal, found) = self.by_custom_token(token.as_bytes()).await?.ok_or(Error::UnknownUser)?;
                subject = Some(found);
                Some(principal)
            }
            Provider::AnonUser => {
                let account = accounts.anonymous.as_ref().ok_or_else(Error::no_such_login)?;
                Some(Arc::new(account.on_behalf_of(&session, Map::new())))
            }
        };
        let principal = principal.ok_or(Error::UnknownUser)?;
        let empty = Map::new();
        let (who, credential, data, until) = match (&subject, provider) {
            (Some(subject), _) => {
                (Some(subject.name.as_str()), &subject.credential, &subject.claims, Some(subject.until))
            }
            // A login without a credential is a new user each time.
            (None, Provider::AnonUser) => (Some(session.as_str()), &principal.credential, &empty, None),
            (None, _) => (None, &principal.credential, &empty, None),
        };
        let account = principal.id.as_str();
        let owner = Owner { account, credential, user: who, data, session: &session, generation: 0 };
        let session = Session {
            access_token: self.tokens.issue(&owner, TokenKind::Access, until)?,
            refresh_token: self.tokens.issue(&owner, TokenKind::Refresh, until)?,
            user_id: principal.user.id.clone(),
            device_id: NO_DEVICE,
        };
        Ok((session, principal))
    }

    /// A new access token for a refresh token, and a new refresh token. `admit` is asked first whether its bearer may have them.
    ///
    /// # Errors
    /// 401 where the token is invalid, its account has changed, or a newer one was used; what `admit` says; 503 where the
    /// refresh cannot be recorded.
    pub async fn refresh(
        &self,
        headers: &HeaderMap,
        admit: impl FnOnce(&Arc<Principal>) -> Result<(), Error>,
    ) -> Result<Refreshed, Error> {
        let (principal, claims) = self.presented(headers, TokenKind::Refresh).await?;
        admit(&principal)?;
        if !self.sessions.advance(&claims.sid, claims.generation, claims.exp).await? {
            return Err(Error::UnknownUser);
        }
        let owner = Owner {
            account: &principal.id,
            credential: &claims.cred,
            user: claims.user.as_deref(),
            data: &claims.data,
            session: &claims.sid,
            generation: claims.generation.saturating_add(1),
        };
        // A session does not last longer for being refreshed.
        let issue = |kind| self.tokens.issue(&owner, kind, Some(claims.exp));
        Ok(Refreshed { access_token: issue(TokenKind::Access)?, refresh_token: issue(TokenKind::Refresh)? })
    }

    /// Ends the session of a refresh token. `know` is told first whose it is.
    ///
    /// # Errors
    /// 401 where the token is invalid; 503 where the end cannot be recorded.
    pub async fn log_out(&self, headers: &HeaderMap, know: impl FnOnce(&Arc<Principal>)) -> Result<(), Error> {
        let (principal, claims) = self.presented(headers, TokenKind::Refresh).await?;
        know(&principal);
        self.sessions.end(&claims.sid, claims.exp).await
    }

    /// Whose access token this is.
    ///
    /// # Errors
    /// 401 where the token is invalid.
    pub async fn profile(&self, headers: &HeaderMap) -> Result<Profile, Error> {
        let (principal, _) = self.presented(headers, TokenKind::Access).await?;
        let provider_type = match principal.id.split(':').next() {
            Some("key") => "api-key",
            Some("user") => "local-userpass",
            Some("jwt") => "custom-token",
            _ => "anon-user",
        };
        let identities = [Identity { id: principal.user.id.clone(), provider_type }];
        Ok(Profile { user_id: principal.user.id.clone(), kind: "normal", identities, data: Map::new() })
    }

    async fn presented(&self, headers: &HeaderMap, kind: TokenKind) -> Result<(Arc<Principal>, Claims), Error> {
        let token = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        let token = std::str::from_utf8(token.ok_or(Error::NoAuthentication)?).map_err(|_| Error::UnknownUser)?;
        self.session(token, kind).await?.ok_or(Error::UnknownUser)
    }
}
