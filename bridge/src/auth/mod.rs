//! Who is asking, and what they may do.
//!
//! [`credentials`] reads what the headers present. [`accounts`] are those who are let in, as the access file says: by
//! `keys`, by `passwords`, by [`jwt`]s of other issuers. Whoever is let in is a [`Principal`] with its [`rules`];
//! [`referenced_namespaces`] finds what else a pipeline reads. `tokens` are those that we issue ourselves, at the
//! [`login`].

mod accounts;
mod credentials;
mod jwt;
pub mod keys;
pub mod login;
pub mod passwords;
pub mod referenced_namespaces;
pub mod rules;
mod tokens;
pub mod user;

use std::sync::Arc;

use axum::http::HeaderMap;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::Config;
use crate::error::Error;
use accounts::Current;
use credentials::Credentials;
use passwords::Passwords;
use rules::Rules;
use tokens::{Tokens, Use};
use user::User;

/// Decides who may use the server.
pub struct Authenticator {
    /// `None` where everyone is let in.
    accounts: Option<Arc<Current>>,
    passwords: Passwords,
    tokens: Tokens,
    anyone: Arc<Principal>,
}

/// Someone who was let in.
#[derive(Debug)]
pub struct Principal {
    /// The account, as logs name it: `key:shop`, `user:a@b.c`, `jwt:issuer`.
    pub id: String,
    /// A hash of what is stored of its credential.
    credential: String,
    /// What it may do.
    pub rules: Arc<Rules>,
    /// Whose values the filters of its rules take.
    pub user: User,
}

impl Principal {
    fn new(id: String, stored: &str, rules: Rules) -> Self {
        let hash = digest(&SHA256, stored.as_bytes());
        let user = User::of_account(&id);
        Principal { id, credential: hex(&hash.as_ref()[..8]), rules: Arc::new(rules), user }
    }

    /// The claims of its user that a session must keep: those that rules ask for, and what vouches for the address.
    fn remembered_claims(&self) -> serde_json::Map<String, serde_json::Value> {
        let asked: Vec<String> = self.rules.claims().collect();
        let is_asked = |name: &String| {
            matches!(name.as_str(), "email" | "email_verified")
                || asked
                    .iter()
                    .any(|path| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        let claims = self.user.claims.iter().filter(|(name, _)| is_asked(name));
        claims.map(|(name, claim)| (name.clone(), claim.clone())).collect()
    }

    /// The account of an issuer, on behalf of one of its users.
    fn on_behalf_of(&self, subject: &str, claims: serde_json::Map<String, serde_json::Value>) -> Self {
        Principal {
            id: self.id.clone(),
            credential: self.credential.clone(),
            rules: Arc::clone(&self.rules),
            user: User::of_issuer(&self.id, subject, claims),
        }
    }
}

impl Authenticator {
    /// As the configuration says, which [`Config::check`] has passed.
    ///
    /// # Errors
    /// A sentence where the access file, or the secret for tokens, cannot be used.
    pub fn new(config: &Config) -> Result<Self, String> {
        let secret = match &config.token_secret_file {
            None => random()?.to_vec(),
            Some(path) => {
                let unusable = |why: String| format!("the token secret in {} is not usable: {why}", path.display());
                let secret = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
                if secret.len() < 32 {
                    return Err(unusable("it must have 32 bytes at least".to_owned()));
                }
                secret
            }
        };
        let accounts = match config.no_auth {
            true => None,
            false => Some(Current::new(config.access_file.as_deref(), &config.api_keys)?),
        };
        Ok(Authenticator {
            accounts,
            passwords: Passwords::new(hmac::Key::new(hmac::HMAC_SHA256, &random()?)),
            tokens: Tokens::new(&secret),
            anyone: Arc::new(Principal::new("anyone".to_owned(), "", Rules::unrestricted())),
        })
    }

    /// Follows the access file; to be spawned.
    pub async fn follow(self: Arc<Self>) {
        if let Some(accounts) = &self.accounts {
            Arc::clone(accounts).follow().await;
        }
    }

    /// Lets a request in, or not.
    ///
    /// # Errors
    /// The three authentication errors of the protocol; 503 where the keys of an issuer cannot be had.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Principal>, Error> {
        if self.accounts.is_none() {
            return Ok(Arc::clone(&self.anyone));
        }
        let found = match Credentials::of(headers)? {
            Credentials::ApiKey(key) => self.by_key(key),
            Credentials::Bearer(token) => self.by_bearer(token).await?,
            Credentials::CustomJwt(token) => self.by_custom_token(token).await?.map(|(principal, _)| principal),
            Credentials::EmailPassword(email, password) => self.by_password(email, password).await?,
        };
        found.ok_or(Error::UnknownUser)
    }

    fn by_key(&self, key: &[u8]) -> Option<Arc<Principal>> {
        self.accounts.as_ref()?.get().by_key(key).cloned()
    }

    async fn by_password(&self, email: &[u8], password: &[u8]) -> Result<Option<Arc<Principal>>, Error> {
        let Some(accounts) = self.accounts.as_ref().map(|accounts| accounts.get()) else { return Ok(None) };
        let user = std::str::from_utf8(email).ok().and_then(|email| accounts.by_email(email));
        let verified = self.passwords.verify(user.map(|(hash, _)| hash), password).await?;
        Ok(user.filter(|_| verified).map(|(_, principal)| Arc::clone(principal)))
    }

    /// An access token of ours, or a token of one of the issuers.
    async fn by_bearer(&self, token: &[u8]) -> Result<Option<Arc<Principal>>, Error> {
        match std::str::from_utf8(token) {
            Ok(token) if self.tokens.is_ours(token) => {
                Ok(self.session(token, Use::Access).map(|(principal, _)| principal))
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
    fn session(&self, token: &str, used: Use) -> Option<(Arc<Principal>, tokens::Claims)> {
        let claims = self.tokens.read(token, used)?;
        let accounts = self.accounts.as_ref()?.get();
        let principal = accounts.account(&claims.sub, &claims.cred)?;
        let principal = match &claims.user {
            Some(subject) => Arc::new(principal.on_behalf_of(subject, claims.data.clone())),
            None => Arc::clone(principal),
        };
        Some((principal, claims))
    }
}

/// 32 random bytes.
fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(bytes)
}

/// A new key: 43 characters that hold 256 random bits.
///
/// # Errors
/// Where the system gives no random numbers.
pub fn new_key() -> Result<String, String> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random()?))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
