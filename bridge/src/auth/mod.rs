//! Who is asking.
//!
//! [`credentials`] reads what the headers present; `keys` knows the API keys. Whoever is let in is a [`Principal`].

mod credentials;
mod keys;

use axum::http::HeaderMap;

use crate::config::Config;
use crate::error::Error;
use credentials::Credentials;
use keys::ApiKeys;

/// Decides who may use the server.
pub struct Authenticator {
    /// `None` where everyone is let in.
    keys: Option<ApiKeys>,
}

/// Someone who was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody was asked for credentials.
    Anyone,
    /// The bearer of the API key at this place in the configuration.
    ApiKey(usize),
}

impl Authenticator {
    /// As the configuration says, which [`Config::check`] has passed.
    pub fn new(config: &Config) -> Self {
        Authenticator { keys: (!config.no_auth).then(|| ApiKeys::new(&config.api_keys)) }
    }

    /// Lets a request in, or not.
    ///
    /// # Errors
    /// The three authentication errors of the protocol.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Error> {
        let Some(keys) = &self.keys else {
            return Ok(Principal::Anyone);
        };
        match Credentials::of(headers)? {
            Credentials::ApiKey(key) => keys.find(key).map(Principal::ApiKey).ok_or(Error::UnknownUser),
            // Nobody has any of these here, so they match nobody.
            Credentials::Bearer | Credentials::EmailPassword | Credentials::CustomJwt => Err(Error::UnknownUser),
        }
    }
}
