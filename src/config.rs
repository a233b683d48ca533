//! Spin variables → one validated struct, read once in an instance's life.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What the operator has set, validated. `Debug` masks what is secret.
#[derive(Clone, PartialEq, Eq)]
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

/// The Spin variables that make up a [`Config`], in the order in which [`Config::parse`] takes their values.
pub const VARIABLES: [&str; 12] = [
    "redis_url",
    "data_api_url",
    "data_api_key",
    "data_source",
    "database",
    "collections",
    "cache_ttl_seconds",
    "cache_timeout_ms",
    "cache_write_policy",
    "cache_hash_tag",
    "store_timeout_ms",
    "max_body_bytes",
];

/// A TTL above this is refused: Redis counts milliseconds in a signed 64-bit number, and a year is past any use.
const MAX_TTL_SECONDS: u64 = 365 * 24 * 60 * 60;
/// A timeout above this is refused: nobody waits longer for an HTTP answer.
const MAX_TIMEOUT_MS: u64 = 10 * 60 * 1000;
/// A body limit above this is refused: MongoDB's own limit for a document is 16 MiB.
const MAX_BODY_LIMIT: u64 = 16 * 1024 * 1024;

impl Config {
    /// Validates the values of [`VARIABLES`], given in that order.
    ///
    /// # Errors
    /// The first variable whose value cannot be used.
    pub fn parse(values: [String; 12]) -> Result<Self, ConfigError> {
        let [
            redis_url,
            data_api_url,
            data_api_key,
            data_source,
            database,
            collections,
            cache_ttl_seconds,
            cache_timeout_ms,
            cache_write_policy,
            cache_hash_tag,
            store_timeout_ms,
            max_body_bytes,
        ] = values;
        Ok(Config {
            redis_url: url("redis_url", &["redis://", "rediss://"], redis_url)?,
            data_api_url: url("data_api_url", &["http://", "https://"], data_api_url)?,
            data_api_key: non_empty("data_api_key", data_api_key).and_then(header_safe)?,
            data_source: non_empty("data_source", data_source)?,
            database: non_empty("database", database)?,
            collections: parse_collections(&collections)?,
            cache_ttl: Duration::from_secs(number("cache_ttl_seconds", &cache_ttl_seconds, 0, MAX_TTL_SECONDS)?),
            cache_timeout: Duration::from_millis(number("cache_timeout_ms", &cache_timeout_ms, 1, MAX_TIMEOUT_MS)?),
            cache_write_policy: one_of(
                "cache_write_policy",
                &cache_write_policy,
                [("available", WritePolicy::Available), ("consistent", WritePolicy::Consistent)],
            )?,
            cache_hash_tag: one_of("cache_hash_tag", &cache_hash_tag, [("true", true), ("false", false)])?,
            store_timeout: Duration::from_millis(number("store_timeout_ms", &store_timeout_ms, 1, MAX_TIMEOUT_MS)?),
            max_body_bytes: number("max_body_bytes", &max_body_bytes, 1, MAX_BODY_LIMIT)? as usize,
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
            .finish()
    }
}

fn invalid<T>(variable: &'static str, why: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { variable, why: why.into() })
}

fn non_empty(variable: &'static str, value: String) -> Result<String, ConfigError> {
    if value.trim().is_empty() {
        return invalid(variable, "is empty");
    }
    Ok(value)
}

/// The key travels as a header's value, where control characters would end it.
fn header_safe(key: String) -> Result<String, ConfigError> {
    if http::HeaderValue::from_str(&key).is_err() {
        return invalid("data_api_key", "holds a character that no header can carry");
    }
    Ok(key)
}

fn url(variable: &'static str, schemes: &[&str], value: String) -> Result<String, ConfigError> {
    let value = value.trim().trim_end_matches('/');
    match schemes.iter().find_map(|scheme| value.strip_prefix(scheme)) {
        Some(rest) if !rest.is_empty() && !value.contains(char::is_whitespace) => Ok(value.to_owned()),
        _ => invalid(variable, format!("must be a URL that starts with {}", schemes.join(" or "))),
    }
}

fn number(variable: &'static str, value: &str, min: u64, max: u64) -> Result<u64, ConfigError> {
    match value.trim().parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => invalid(variable, format!("must be a whole number from {min} to {max}")),
    }
}

fn one_of<T: Copy>(variable: &'static str, value: &str, choices: [(&str, T); 2]) -> Result<T, ConfigError> {
    let chosen = choices.iter().find(|(name, _)| *name == value.trim());
    match chosen {
        Some((_, choice)) => Ok(*choice),
        None => invalid(variable, format!("must be {} or {}", choices[0].0, choices[1].0)),
    }
}

/// Names become parts of Redis keys and of paths, so they keep to letters, digits, `_`, `-` and `.`; `all` and
/// `system.…` are taken (by the routes and by MongoDB).
fn parse_collections(list: &str) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
            return invalid(
                "collections",
                format!(
                    "holds {name:?}: a name has 1 to 100 letters, digits, `_`, `-` or `.`, and names are separated by commas"
                ),
            );
        }
        if name == "all" || name.starts_with("system.") {
            return invalid("collections", format!("holds {name:?}, which is a reserved name"));
        }
        if names.iter().any(|known| known == name) {
            return invalid("collections", format!("holds {name:?} twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The contract's defaults.
    pub(crate) fn defaults() -> [String; 12] {
        [
            "redis://127.0.0.1:6379",
            "http://127.0.0.1:4000/app/store/endpoint/data/v1",
            "local-dev-key",
            "mongodb-atlas",
            "storeDB",
            "games,clients",
            "120",
            "250",
            "available",
            "false",
            "5000",
            "1048576",
        ]
        .map(String::from)
    }

    fn with(variable: &str, value: &str) -> Result<Config, ConfigError> {
        let mut values = defaults();
        let at = VARIABLES.iter().position(|v| *v == variable).unwrap();
        values[at] = value.to_owned();
        Config::parse(values)
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = Config::parse(defaults()).unwrap();
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
        ] {
            let error = with(variable, value).unwrap_err();
            assert_eq!(error.variable, variable, "{value:?}");
        }
    }

    #[test]
    fn a_ttl_of_zero_turns_caching_off() {
        assert!(!with("cache_ttl_seconds", "0").unwrap().caching());
    }

    #[test]
    fn debug_masks_secrets() {
        let shown = format!("{:?}", with("data_api_key", "s3cret").unwrap());
        assert!(!shown.contains("s3cret") && !shown.contains("6379"), "{shown}");
    }
}
