//! The configuration: the settings of every part, read from the Spin variables once in an instance's life.

use std::time::Duration;

use fenced_cache::{Space, WritePolicy};

use crate::auth::Access;
use crate::secret::Secret;
use crate::variable::{VariableError, invalid, number, one_of, redis_url, timeout, ttl};
use crate::{catalog, database, http};

/// What the operator has set, validated. `Debug` masks what is secret.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Redis listens, `redis://[user:password@]host:port[/db]`.
    pub redis_url: Secret,
    /// How the cache behaves.
    pub cache: fenced_cache::Settings,
    /// Where the Data API is, and how long and how large its responses may be.
    pub database: database::Settings,
    /// The open collections.
    pub catalog: catalog::Settings,
    /// Who may do what.
    pub access: Access,
    /// Limits on requests, and the web pages that may send them.
    pub http: http::Settings,
}

/// The Spin variables that make up a [`Config`], each with its default, which is `spin.toml`'s.
pub const VARIABLES: [(&str, &str); 34] = [
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
    ("cache_prefix", ""),
    ("cache_ttl_overrides", ""),
    ("cache_ttl_jitter_percent", "0"),
    ("cache_keep_seconds", "0"),
    ("cache_max_value_bytes", "8388608"),
    ("cache_max_variants", "10000"),
    ("store_timeout_ms", "5000"),
    ("max_body_bytes", "1048576"),
    ("body_timeout_ms", "10000"),
    ("max_listing_bytes", "67108864"),
    ("max_in_flight_bytes", "134217728"),
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
    ("allowed_hosts", ""),
    ("trusted_proxies", ""),
    ("rate_limit_per_minute", "0"),
];

/// Spin refuses a component every Redis reply above 128 MiB; the rest is for the stamp and the generations.
const MAX_VALUE_LIMIT: u64 = 127 * 1024 * 1024;
/// A limit above this is rejected: so many keys of one collection are not a cache any more.
const MAX_VARIANTS: u64 = 10_000_000;

impl Config {
    /// Validates the values of [`VARIABLES`], as `value` gives them by name.
    ///
    /// # Errors
    /// The first variable whose value is invalid.
    pub fn parse(mut value: impl FnMut(&'static str) -> String) -> Result<Self, VariableError> {
        let value = &mut value;
        let database = database::Settings::parse(value)?;
        let catalog = catalog::Settings::parse(value)?;
        let http = http::Settings::parse(value)?;
        if http.max_in_flight_bytes < database.max_response_bytes.max(http.max_body_bytes) {
            return invalid("max_in_flight_bytes", "must not be less than max_listing_bytes and max_body_bytes");
        }
        Ok(Config {
            redis_url: Secret::new(redis_url("redis_url", value("redis_url"))?),
            cache: cache(value, catalog.spaces(), database.timeout)?,
            database,
            catalog,
            access: Access::parse(value)?,
            http,
        })
    }
}

/// The crate `fenced-cache` knows nothing of variables.
fn cache(
    value: &mut impl FnMut(&'static str) -> String,
    spaces: Vec<Space>,
    source_timeout: Duration,
) -> Result<fenced_cache::Settings, VariableError> {
    let keep = ttl("cache_keep_seconds", &value("cache_keep_seconds"))?;
    let write_policy = one_of(
        "cache_write_policy",
        &value("cache_write_policy"),
        [("available", WritePolicy::Available), ("consistent", WritePolicy::Consistent)],
    )?;
    if !keep.is_zero() && write_policy == WritePolicy::Available {
        return invalid("cache_keep_seconds", "requires cache_write_policy = consistent");
    }
    let jitter = number("cache_ttl_jitter_percent", &value("cache_ttl_jitter_percent"), 0, 90)?;
    let max_value_bytes = number("cache_max_value_bytes", &value("cache_max_value_bytes"), 1, MAX_VALUE_LIMIT)?;
    Ok(fenced_cache::Settings {
        spaces,
        ttl: ttl("cache_ttl_seconds", &value("cache_ttl_seconds"))?,
        ttl_jitter_percent: jitter as u8,
        keep,
        max_value_bytes: max_value_bytes as usize,
        max_entries: number("cache_max_variants", &value("cache_max_variants"), 0, MAX_VARIANTS)?,
        timeout: timeout("cache_timeout_ms", &value("cache_timeout_ms"))?,
        source_timeout,
        write_policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The defaults, but for what is set.
    fn with(set: &[(&str, &str)]) -> Result<Config, VariableError> {
        Config::parse(|name| {
            let default = VARIABLES.iter().find(|(known, _)| *known == name).unwrap().1;
            set.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value).to_owned()
        })
    }

    /// The two that Spin itself reads: the hosts to which the component may connect.
    const ORIGINS: [&str; 2] = ["redis_origin", "data_api_origin"];

    #[test]
    fn the_manifest_has_the_variables_with_their_defaults() {
        let manifest = include_str!("../spin.toml");
        for (name, default) in VARIABLES {
            let line = format!("{name} = {{ default = {default:?}");
            assert!(manifest.contains(&line), "{line}");
            assert!(
                manifest.contains(&format!("{name} = \"{{{{ {name} }}}}\"")),
                "{name} is not handed to the component"
            );
        }
        let section = |title: &str| {
            let lines = manifest.lines().skip_while(move |line| *line != title).skip(1);
            let lines = lines.take_while(|line| !line.starts_with('['));
            lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect::<Vec<_>>()
        };
        let known = |name: &str| VARIABLES.iter().any(|(known, _)| *known == name);
        let declared = section("[variables]");
        assert_eq!(declared.len(), VARIABLES.len() + ORIGINS.len());
        assert!(declared.iter().all(|name| known(name) || ORIGINS.contains(name)), "{declared:?}");
        let handed = section("[component.store-api.variables]");
        assert_eq!(handed.len(), VARIABLES.len());
        assert!(handed.iter().all(|name| known(name)), "{handed:?}");
    }

    #[test]
    fn the_reference_page_has_the_variables_with_their_defaults() {
        let page = include_str!("../docs/reference/configuration.md");
        let cells = page.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').collect::<Vec<_>>());
        let rows: Vec<(&str, &str)> = cells
            .flat_map(|cells| {
                let (names, default) = (cells[1], cells[2].trim().trim_matches('`'));
                names.split('`').skip(1).step_by(2).map(move |name| (name, default)).collect::<Vec<_>>()
            })
            .collect();
        let described = |name: &str| -> Vec<&str> {
            rows.iter().filter(|(row, _)| *row == name).map(|(_, default)| *default).collect()
        };
        for (name, default) in VARIABLES {
            assert_eq!(described(name), [default], "{name}");
        }
        for (name, _) in &rows {
            assert!(VARIABLES.iter().any(|(known, _)| known == name) || ORIGINS.contains(name), "{name}");
        }
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = with(&[]).unwrap();
        assert_eq!(config.catalog.collections, ["games", "clients"]);
        assert_eq!(config.cache.ttl, Duration::from_secs(120));
        assert!(config.cache.caching());
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        for (variable, value) in [
            ("redis_url", "127.0.0.1:6379"),
            ("redis_url", ""),
            ("redis_url", "http://127.0.0.1:6379"),
            ("redis_url", "redis://"),
            ("redis_url", "redis://:6379"),
            ("redis_url", "redis://user:secret@"),
            ("redis_url", "redis://user:secret@:6379"),
            ("redis_url", "redis://127.0.0.1:"),
            ("redis_url", "redis://127.0.0.1:0"),
            ("redis_url", "redis://127.0.0.1:65536"),
            ("redis_url", "redis://127.0.0.1:63x9"),
            ("redis_url", "redis://127.0.0.1:+6379"),
            ("redis_url", "redis://::1:6379"),
            ("redis_url", "redis://a host:6379"),
            ("redis_url", "redis://:pa#ss@127.0.0.1"),
            ("redis_url", "redis://127.0.0.1/games"),
            ("redis_url", "redis://127.0.0.1/0/1"),
            ("redis_url", "rediss://127.0.0.1/-1"),
            ("redis_url", "redis-sentinel://127.0.0.1:26379"),
            ("data_api_url", "ftp://x"),
            ("data_api_url", "http://"),
            ("data_api_url", "http:///app"),
            ("data_api_url", "http://user:password@127.0.0.1:4000/app"),
            ("data_api_url", "https://127.0.0.1:port/app"),
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
            ("cache_prefix", "my shop:"),
            ("cache_ttl_overrides", "games"),
            ("cache_ttl_overrides", "orders=5"),
            ("cache_ttl_overrides", "games=5,games=6"),
            ("cache_ttl_jitter_percent", "91"),
            ("cache_keep_seconds", "60"),
            ("cache_max_value_bytes", "0"),
            ("cache_max_variants", "-1"),
            ("store_timeout_ms", "soon"),
            ("max_body_bytes", "0"),
            ("body_timeout_ms", "0"),
            ("max_listing_bytes", "133169153"),
            ("max_in_flight_bytes", "0"),
            // A listing that is not too large would never fit.
            ("max_in_flight_bytes", "67108863"),
            ("access", "ajar"),
            ("public_read", "1"),
            ("read_token", "too-short"),
            ("write_token", "a-token-that-is-long-enough-to-be-good,short"),
            ("admin_token", "a token with spaces that is long enough"),
            ("jwt_secret", "too-short"),
            ("jwt_secret", "-----BEGIN PUBLIC KEY----- MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"),
            ("jwt_jwks", "{}"),
            ("jwt_jwks", r#"{"keys":[]}"#),
            ("jwt_jwks", r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#),
            // Much too short.
            ("jwt_jwks", r#"{"keys":[{"kty":"RSA","n":"____","e":"AQAB"}]}"#),
            ("cors_origins", "*"),
            ("cors_origins", "https://shop.example/"),
            ("cors_origins", "shop.example"),
            ("allowed_hosts", "https://shop.example"),
            ("allowed_hosts", "shop.example:80"),
            ("trusted_proxies", "proxy.example"),
            ("trusted_proxies", "10.0.0.0/33"),
            ("rate_limit_per_minute", "-1"),
        ] {
            let error = with(&[(variable, value)]).unwrap_err();
            assert_eq!(error.variable, variable, "{value:?}");
        }
    }

    #[test]
    fn a_url_of_redis_may_have_credentials_and_a_database() {
        for url in [
            "redis://127.0.0.1",
            "redis://cache.internal:6379",
            "rediss://user:p%40ss@cache.internal:6380/3",
            "redis://:p^ss@w@10.0.0.1:6379/0",
            "redis://[::1]:6379/15",
            "redis://127.0.0.1:6379?protocol=resp3",
        ] {
            let config = with(&[("redis_url", &format!(" {url}/ "))]).unwrap();
            assert_eq!(config.redis_url.reveal(), url);
        }
    }

    #[test]
    fn a_ttl_of_zero_turns_caching_off() {
        assert!(!with(&[("cache_ttl_seconds", "0")]).unwrap().cache.caching());
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
