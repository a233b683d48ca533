//! Who is asking, and what they may do.
//!
//! [`credentials`] reads what the headers present. [`accounts`] are those who are let in, as the access file says: by
//! `keys`, by `passwords`, by [`jwt`]s of other issuers, or anonymously. Each is a [`Principal`] with its
//! [`rules`] and the [`User`] it speaks for; [`referenced_namespaces`] finds what else a pipeline reads. `tokens` are those
//! that we issue ourselves, at the [`login`], and `sessions` remembers which of them have ended. [`host`] is what is asked of
//! everyone where no credentials are.

mod accounts;
mod backoff;
mod credentials;
pub mod host;
mod jwt;
pub mod keys;
pub mod login;
pub mod passwords;
mod random;
pub mod referenced_namespaces;
pub mod rules;
mod sessions;
mod tokens;

use std::sync::Arc;

use axum::http::request::Parts;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::config::{Config, Origin};
use crate::error::Error;
use crate::mongo::Mongo;
use crate::user::User;
use crate::watched::Watched;
use accounts::Accounts;
use credentials::Credentials;
use passwords::{Passwords, Presented};
pub use random::new_key;
use random::random;
use rules::Rules;
use sessions::Sessions;
use tokens::{TokenKind, Tokens};

/// The account of those who log in without credentials.
const ANONYMOUS: &str = "anonymous";

/// Decides who may use the server.
pub struct Authenticator {
    /// `None` where everyone is let in.
    accounts: Option<Arc<Watched<Accounts>>>,
    /// The names that the server has, where everyone is let in.
    allowed_hosts: Vec<String>,
    allowed_pages: Vec<Origin>,
    passwords: Passwords,
    tokens: Tokens,
    sessions: Arc<Sessions>,
    anyone: Arc<Principal>,
}

/// An account.
#[derive(Debug)]
pub struct Principal {
    /// As logs name it: `key:shop`, `user:a@b.c`, `jwt:issuer`, `anonymous`.
    pub id: String,
    /// A hash of what is stored of its credential.
    credential: String,
    /// How many requests a minute it may make, where that is not what all may.
    pub rate_limit: Option<u32>,
    /// What it may do.
    pub rules: Arc<Rules>,
    /// Whose values the filters of its rules take.
    pub user: User,
}

impl Principal {
    fn new(id: String, stored: &str, rules: Rules) -> Self {
        let hash = digest(&SHA256, stored.as_bytes());
        let user = User::of_account(&id);
        Principal { id, credential: hex(&hash.as_ref()[..8]), rate_limit: None, rules: Arc::new(rules), user }
    }

    fn limited(mut self, rate_limit: Option<u32>) -> Self {
        self.rate_limit = rate_limit;
        self
    }

    /// The account of many users, on behalf of one of them.
    fn on_behalf_of(&self, subject: &str, claims: Map<String, Value>) -> Self {
        Principal {
            id: self.id.clone(),
            credential: self.credential.clone(),
            rate_limit: self.rate_limit,
            rules: Arc::clone(&self.rules),
            user: User::of_issuer(&self.id, subject, claims),
        }
    }

    /// The name under which its requests are counted: one for each user, and for anonymous users one for each address, where
    /// an IPv6 network of one client counts as one.
    pub fn counted_as(&self, client: Client) -> String {
        match self.id.as_str() {
            ANONYMOUS => format!("{ANONYMOUS} {}", client.origin()),
            _ => self.user.id.clone(),
        }
    }
}

impl Authenticator {
    /// As the configuration says, which [`Config::check`] has passed.
    ///
    /// # Errors
    /// A sentence where the access file, or the secret for tokens, cannot be used.
    pub fn new(config: &Config, mongo: &Mongo) -> Result<Self, String> {
        let (secret, sessions) = match &config.token_secret_file {
            None => (random()?.to_vec(), Sessions::new(None)),
            Some(path) => {
                let unusable = |why: String| format!("the token secret in {} is not usable: {why}", path.display());
                let secret = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
                if secret.len() < 32 {
                    return Err(unusable("it must have at least 32 bytes".to_owned()));
                }
                let (database, collection) = config.sessions.parts();
                (secret, Sessions::new(Some((mongo, database, collection))))
            }
        };
        let accounts = match config.no_auth {
            true => None,
            false => Some(Accounts::watched(config.access_file.as_deref(), &config.api_keys, &config.sessions)?),
        };
        Ok(Authenticator {
            accounts,
            allowed_hosts: config.allowed_hosts.clone(),
            allowed_pages: config.cors_origins.clone(),
            passwords: Passwords::new(hmac::Key::new(hmac::HMAC_SHA256, &random()?)),
            tokens: Tokens::new(&secret),
            sessions: Arc::new(sessions),
            anyone: Arc::new(Principal::new("anyone".to_owned(), "", Rules::unrestricted())),
        })
    }

    /// Follows the access file and the sessions, in the background.
    pub fn follow(&self) {
        if let Some(accounts) = &self.accounts {
            tokio::spawn(Arc::clone(accounts).follow());
            tokio::spawn(Arc::clone(&self.sessions).follow());
        }
    }

    /// Lets a request in, or not.
    ///
    /// # Errors
    /// The three authentication errors of the protocol; 403 for another host's name, or a page of another site, where everyone
    /// is let in; 429 for too many wrong passwords; 503 where the keys of an issuer, or the sessions that have ended, are not
    /// known.
    pub async fn authenticate(&self, head: &Parts) -> Result<Arc<Principal>, Error> {
        let Some(accounts) = &self.accounts else {
            host::check(head, &self.allowed_hosts)?;
            host::check_page(head, &self.allowed_pages)?;
            return Ok(Arc::clone(&self.anyone));
        };
        let found = match Credentials::of(&head.headers)? {
            Credentials::ApiKey(key) => accounts.get().by_key(key).cloned(),
            // Boxed: they are large, and most requests come with a key.
            Credentials::Bearer(token) => Box::pin(self.by_bearer(token)).await?,
            Credentials::CustomJwt(token) => {
                Box::pin(self.by_custom_token(token)).await?.map(|(principal, _)| principal)
            }
            Credentials::EmailPassword(email, password) => {
                let client = Client::of(&head.extensions);
                Box::pin(self.by_password(email, password, client)).await?
            }
        };
        found.ok_or(Error::UnknownUser)
    }

    async fn by_password(
        &self,
        email: &[u8],
        password: &[u8],
        client: Client,
    ) -> Result<Option<Arc<Principal>>, Error> {
        let Some(accounts) = self.accounts.as_ref().map(|accounts| accounts.get()) else { return Ok(None) };
        let Ok(account) = std::str::from_utf8(email) else { return Ok(None) };
        let user = accounts.by_email(account);
        let presented = Presented { account, password, origin: client.origin() };
        let verified = self.passwords.verify(user.map(|(hash, _)| hash), presented).await?;
        Ok(user.filter(|_| verified).map(|(_, principal)| Arc::clone(principal)))
    }

    /// An access token of ours, or a token of one of the issuers.
    async fn by_bearer(&self, token: &[u8]) -> Result<Option<Arc<Principal>>, Error> {
        match std::str::from_utf8(token) {
            Ok(token) if self.tokens.is_ours(token) => {
                Ok(self.session(token, TokenKind::Access).await?.map(|(principal, _)| principal))
            }
            Ok(text) => Ok(self.by_custom_token(text.as_bytes()).await?.map(|(principal, _)| principal)),
            Err(_) => Ok(None),
        }
    }

    async fn by_custom_token(&self, token: &[u8]) -> Result<Option<(Arc<Principal>, jwt::Subject)>, Error> {
        let Some(accounts) = self.accounts.as_ref().map(|accounts| accounts.get()) else { return Ok(None) };
        let Ok(token) = std::str::from_utf8(token) else { return Ok(None) };
        let mut failed = None;
        for (provider, principal) in &accounts.providers {
            match provider.verify(token).await {
                Ok(Some(subject)) => {
                    let principal = principal.on_behalf_of(&subject.name, subject.claims.clone());
                    return Ok(Some((Arc::new(principal), subject)));
                }
                Ok(None) => {}
                // Another issuer may still know it.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Whose token of ours this is, and what it says.
    async fn session(&self, token: &str, kind: TokenKind) -> Result<Option<(Arc<Principal>, tokens::Claims)>, Error> {
        let Some(claims) = self.tokens.read(token, kind) else { return Ok(None) };
        let Some(accounts) = self.accounts.as_ref().map(|accounts| accounts.get()) else { return Ok(None) };
        if self.sessions.has_ended(&claims.sid).await? {
            return Ok(None);
        }
        let principal = match accounts.provider(&claims.sub) {
            Some((provider, principal)) if provider.vouches_for(&claims.cred).await? => Some(principal),
            Some(_) => None,
            None => accounts.account(&claims.sub, &claims.cred),
        };
        let Some(principal) = principal else { return Ok(None) };
        let principal = match &claims.user {
            Some(subject) => Arc::new(principal.on_behalf_of(subject, claims.data.clone())),
            None => Arc::clone(principal),
        };
        Ok(Some((principal, claims)))
    }
}

fn hex(bytes: &[u8]) -> String {
    ::hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_users_are_counted_by_the_network_of_a_client() {
        let counted = |id: &str, address: &str| {
            Principal::new(id.to_owned(), "", Rules::default()).counted_as(Client(address.parse().unwrap()))
        };
        assert_eq!(counted(ANONYMOUS, "2001:db8::1"), counted(ANONYMOUS, "2001:db8::ffff:1"));
        assert_ne!(counted(ANONYMOUS, "2001:db8::1"), counted(ANONYMOUS, "2001:db8:0:1::1"));
        assert_ne!(counted(ANONYMOUS, "192.0.2.1"), counted(ANONYMOUS, "192.0.2.2"));
        assert_eq!(counted("key:a", "192.0.2.1"), counted("key:a", "192.0.2.2"));
    }
}
