//! Spin variables → one validated struct, read once in an instance's life.

mod variable;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::auth::Access;
use crate::auth::jwt::Jwt;
use crate::auth::tokens::Tokens;
use crate::http::cors::origins;
pub use variable::invalid;
use variable::{collections, flag, header_safe, non_empty, number, one_of, timeout, ttl, url};

/// What the operator has set, validated. `Debug` masks what is secret.
#[derive(Clone)]
pub struct Config {
    /// Where Redis listens, `redis://[user:password@]host:port[/db]`. May hold a password: never log it.
    pub redis_url: String,
    /// Base URL of the Data API, without a trailing slash; actions are `POST {base}/action/{name}`.
    pub data_api_url: String,
    /// The Data API's key, sent as the header `apiKey`. Secret.
    pub data_api_key: String,
    /// The Data API's name for the cluster.
    pub data_source: String,
    /// The database that holds the collections.
    pub database: String,
    /// The open collections, in the operator's order. Any other name is unknown to every route.
    pub collections: Vec<String>,
    /// How long a cached value lives; zero turns caching off.
    pub cache_ttl: Duration,
    /// How long Redis may take before a request goes on without it.
    pub cache_timeout: Duration,
    /// What becomes of a write that cannot be recorded in Redis.
    pub cache_write_policy: WritePolicy,
    /// Whether the collection's part of every key is written `{games}`, so that in a Redis Cluster the keys of a
    /// collection share a slot.
    pub cache_hash_tag: bool,
    /// How long the Data API may take to answer one call.
    pub store_timeout: Duration,
    /// The largest request body accepted, in bytes.
    pub max_body_bytes: usize,
    /// The largest answer of the Data API accepted, in bytes, and with it the largest listing.
    pub max_listing_bytes: usize,
    /// Who may do what.
    pub access: Access,
    /// The origins of web pages whose scripts may use the service (the header `Origin`, Fetch standard).
    pub cors_origins: Vec<String>,
    /// Requests a minute, for each caller; zero is no limit.
    pub rate_limit: u64,
}

/// What becomes of a write that cannot be recorded in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// It is done, and says so: older values may be read until their TTL ends.
    Available,
    /// It is not done where its beginning cannot be recorded, and not acknowledged where its end cannot.
    Consistent,
}

/// A variable whose value cannot be used. Every route answers 500 and names it, rather than guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The Spin variable's name.
    pub variable: &'static str,
    /// What is wrong with its value, without the value (it may be secret).
    pub why: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variable `{}` {}", self.variable, self.why)
    }
}

impl std::error::Error for ConfigError {}

/// The Spin variables that make up a [`Config`], each with its default, which is `spin.toml`'s.
pub const VARIABLES: [(&str, &str); 24] = [
    ("redis_url", "redis://127.0.0.1:6379"),
    ("data_api_url", "http://127.0.0.1:4000/app/store/endpoint/data/v1"),
    ("data_api_key", "local-dev-key"),
    ("data_source", "mongodb-atlas"),
    ("database", "storeDB"),
    ("collections", "games,clients"),
    ("cache_ttl_seconds", "120"),
    ("cache_timeout_ms", "250"),
    ("cache_write_policy", "available"),
    ("cache_hash_tag", "false"),
    ("store_timeout_ms", "5000"),
    ("max_body_bytes", "1048576"),
    ("max_listing_bytes", "67108864"),
    ("access", "closed"),
    ("public_read", "false"),
    ("read_token", ""),
    ("write_token", ""),
    ("admin_token", ""),
    ("jwt_secret", ""),
    ("jwt_jwks", ""),
    ("jwt_issuer", ""),
    ("jwt_audience", ""),
    ("cors_origins", ""),
    ("rate_limit_per_minute", "0"),
];

/// A body limit above this is refused: MongoDB's own limit for a document is 16 MiB.
const MAX_BODY_LIMIT: u64 = 16 * 1024 * 1024;
/// A listing limit above this is refused: Redis's own limit for a value is 512 MiB.
const MAX_LISTING_LIMIT: u64 = 512 * 1024 * 1024;
/// A rate limit above this is refused: it would limit nothing.
const MAX_RATE: u64 = 1_000_000;

impl Config {
    /// Validates the values of [`VARIABLES`], as `value` gives them by name.
    ///
    /// # Errors
    /// The first variable whose value cannot be used.
    pub fn parse(mut value: impl FnMut(&'static str) -> String) -> Result<Self, ConfigError> {
        Ok(Config {
            redis_url: url("redis_url", &["redis://", "rediss://"], value("redis_url"))?,
            data_api_url: url("data_api_url", &["http://", "https://"], value("data_api_url"))?,
            data_api_key: non_empty("data_api_key", value("data_api_key")).and_then(header_safe)?,
            data_source: non_empty("data_source", value("data_source"))?,
            database: non_empty("database", value("database"))?,
            collections: collections(&value("collections"))?,
            cache_ttl: ttl("cache_ttl_seconds", &value("cache_ttl_seconds"))?,
            cache_timeout: timeout("cache_timeout_ms", &value("cache_timeout_ms"))?,
            cache_write_policy: one_of(
                "cache_write_policy",
                &value("cache_write_policy"),
                [("available", WritePolicy::Available), ("consistent", WritePolicy::Consistent)],
            )?,
            cache_hash_tag: flag("cache_hash_tag", &value("cache_hash_tag"))?,
            store_timeout: timeout("store_timeout_ms", &value("store_timeout_ms"))?,
            max_body_bytes: number("max_body_bytes", &value("max_body_bytes"), 1, MAX_BODY_LIMIT)? as usize,
            max_listing_bytes: number("max_listing_bytes", &value("max_listing_bytes"), 1, MAX_LISTING_LIMIT)? as usize,
            access: Access {
                open: one_of("access", &value("access"), [("open", true), ("closed", false)])?,
                public_read: flag("public_read", &value("public_read"))?,
                tokens: Tokens::parse(value("read_token"), value("write_token"), value("admin_token"))?,
                jwt: Jwt::parse(
                    &value("jwt_secret"),
                    &value("jwt_jwks"),
                    &value("jwt_issuer"),
                    &value("jwt_audience"),
                )?,
            },
            cors_origins: origins("cors_origins", &value("cors_origins"))?,
            rate_limit: number("rate_limit_per_minute", &value("rate_limit_per_minute"), 0, MAX_RATE)?,
        })
    }

    /// Whether values are cached at all.
    pub fn caching(&self) -> bool {
        !self.cache_ttl.is_zero()
    }

    /// The collection's part of its keys in Redis.
    pub fn key_prefix<'a>(&self, collection: &'a str) -> Cow<'a, str> {
        if self.cache_hash_tag { format!("{{{collection}}}").into() } else { collection.into() }
    }

    /// The open collection of this name, or `None`.
    pub fn collection(&self, name: &str) -> Option<&str> {
        self.collections.iter().map(String::as_str).find(|open| *open == name)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("redis_url", &"(masked)")
            .field("data_api_url", &"(masked)")
            .field("data_api_key", &"(masked)")
            .field("data_source", &self.data_source)
            .field("database", &self.database)
            .field("collections", &self.collections)
            .field("cache_ttl", &self.cache_ttl)
            .field("cache_timeout", &self.cache_timeout)
            .field("cache_write_policy", &self.cache_write_policy)
            .field("cache_hash_tag", &self.cache_hash_tag)
            .field("store_timeout", &self.store_timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("max_listing_bytes", &self.max_listing_bytes)
            .field("access", &self.access)
            .field("cors_origins", &self.cors_origins)
            .field("rate_limit", &self.rate_limit)
            .finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The defaults, but for some.
    pub(crate) fn with(set: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(|name| {
            let default = VARIABLES.iter().find(|(known, _)| *known == name).unwrap().1;
            set.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value).to_owned()
        })
    }

    #[test]
    fn the_manifest_has_every_variable_with_its_default() {
        let manifest = include_str!("../../spin.toml");
        for (name, default) in VARIABLES {
            let line = format!("{name} = {{ default = {default:?}");
            assert!(manifest.contains(&line), "{line}");
            assert!(
                manifest.contains(&format!("{name} = \"{{{{ {name} }}}}\"")),
                "{name} is not handed to the component"
            );
        }
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = with(&[]).unwrap();
        assert_eq!(config.collections, ["games", "clients"]);
        assert_eq!(config.cache_ttl, Duration::from_secs(120));
        assert!(config.caching());
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        for (variable, value) in [
            ("redis_url", "127.0.0.1:6379"),
            ("redis_url", ""),
            ("data_api_url", "ftp://x"),
            ("data_api_url", "http://"),
            ("data_api_key", " "),
            ("data_api_key", "a\nb"),
            ("database", ""),
            ("collections", ""),
            ("collections", "games,,clients"),
            ("collections", "games:list"),
            ("collections", "games,games"),
            ("collections", "all"),
            ("cache_ttl_seconds", "-1"),
            ("cache_ttl_seconds", "1.5"),
            ("cache_ttl_seconds", "99999999999"),
            ("cache_timeout_ms", "0"),
            ("cache_write_policy", "eventual"),
            ("cache_hash_tag", "yes"),
            ("store_timeout_ms", "soon"),
            ("max_body_bytes", "0"),
            ("max_listing_bytes", "4294967296"),
            ("access", "ajar"),
            ("public_read", "1"),
            ("read_token", "too-short"),
            ("write_token", "a-token-that-is-long-enough-to-be-good,short"),
            ("admin_token", "a token with spaces that is long enough"),
            ("jwt_secret", "too-short"),
            ("jwt_jwks", "{}"),
            ("jwt_jwks", r#"{"keys":[]}"#),
            ("jwt_jwks", r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#),
            ("cors_origins", "*"),
            ("cors_origins", "https://shop.example/"),
            ("cors_origins", "shop.example"),
            ("rate_limit_per_minute", "-1"),
        ] {
            let error = with(&[(variable, value)]).unwrap_err();
            assert_eq!(error.variable, variable, "{value:?}");
        }
    }

    #[test]
    fn a_ttl_of_zero_turns_caching_off() {
        assert!(!with(&[("cache_ttl_seconds", "0")]).unwrap().caching());
    }

    #[test]
    fn debug_masks_secrets() {
        let secret = "s3cret-s3cret-s3cret-s3cret-s3cret";
        let secrets =
            ["data_api_key", "read_token", "write_token", "admin_token", "jwt_secret"].map(|name| (name, secret));
        let names = [("jwt_issuer", "me"), ("jwt_audience", "you")];
        let shown = format!("{:?}", with(&[&secrets[..], &names].concat()).unwrap());
        assert!(!shown.contains("s3cret") && !shown.contains("6379"), "{shown}");
    }
}
