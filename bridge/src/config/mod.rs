//! All settings, as one struct: from flags, or from the environment, read once and checked once.

mod secret;
mod span;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

pub use secret::Secret;

/// MongoDB over plain HTTP: a self-hosted server for the protocol of the retired MongoDB Atlas Data API.
///
/// Clients POST JSON or Extended JSON to
///   http://HOST:PORT/app/APP_ID/endpoint/data/v1/action/ACTION
/// where ACTION is findOne, find, insertOne, insertMany, updateOne, updateMany, replaceOne, deleteOne, deleteMany or
/// aggregate, and APP_ID is anything. They authenticate with the header `apiKey`.
#[derive(Clone, Debug, Parser)]
#[command(name = "data-api", version, verbatim_doc_comment, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Config {
    /// Address and port to listen on; port 0 takes any free one. The first line on stdout says which
    #[arg(long, env = "DATA_API_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,

    /// Where MongoDB is: a connection string, `mongodb://` or `mongodb+srv://`. Options in it win over the defaults here
    #[arg(long, env = "MONGODB_URI", value_name = "URI", default_value = "mongodb://127.0.0.1:27017")]
    #[arg(hide_env_values = true)]
    pub mongodb_uri: Secret,

    /// A key that clients may authenticate with. Repeat it, or separate keys by commas, for several
    #[arg(long = "api-key", env = "DATA_API_KEYS", value_name = "KEY", value_delimiter = ',', hide_env_values = true)]
    pub api_keys: Vec<Secret>,

    /// Answer everyone, without credentials. Only allowed on a loopback address
    #[arg(long, env = "DATA_API_NO_AUTH")]
    pub no_auth: bool,

    /// The name that requests must give as `dataSource`
    #[arg(long, env = "DATA_API_DATA_SOURCE", value_name = "NAME", default_value = "mongodb-atlas")]
    pub data_source: String,

    /// The largest request body, in bytes; a larger one is answered 413
    #[arg(long, env = "DATA_API_MAX_BODY_BYTES", value_name = "BYTES", default_value_t = 16 * 1024 * 1024)]
    pub max_body_bytes: usize,

    /// The most documents in one answer; a query that finds more is answered 400, not cut off
    #[arg(long, env = "DATA_API_MAX_DOCUMENTS", value_name = "COUNT", default_value_t = 50_000)]
    pub max_documents: usize,

    /// The largest answer, in bytes; a larger one is answered 400
    #[arg(long, env = "DATA_API_MAX_ANSWER_BYTES", value_name = "BYTES", default_value_t = 350 * 1024 * 1024)]
    pub max_answer_bytes: usize,

    /// How long to look for a MongoDB server before a request is answered 503
    #[arg(long, env = "DATA_API_SERVER_SELECTION_TIMEOUT", value_name = "TIME", default_value = "2s", value_parser = span::parse)]
    pub server_selection_timeout: Duration,

    /// How long an operation may run before it is answered 504; also sent to MongoDB as maxTimeMS with every read
    #[arg(long, env = "DATA_API_OPERATION_TIMEOUT", value_name = "TIME", default_value = "300s", value_parser = span::parse)]
    pub operation_timeout: Duration,

    /// How log lines look on stderr
    #[arg(long, env = "DATA_API_LOG_FORMAT", value_name = "FORMAT", default_value = "human")]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug (every request) or trace
    #[arg(long, env = "DATA_API_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: tracing::Level,
}

const AFTER_HELP: &str = "\
Times are written as 500ms, 2s or 5m. A flag wins over its environment variable.

Try it:
  data-api --no-auth --mongodb-uri mongodb://127.0.0.1:27017
  curl http://127.0.0.1:4000/app/local/endpoint/data/v1/action/find -H 'Content-Type: application/json' \\
    -d '{\"dataSource\":\"mongodb-atlas\",\"database\":\"test\",\"collection\":\"items\",\"filter\":{}}'";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Checks what no single setting can know by itself.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to do.
    pub fn check(&self) -> Result<(), String> {
        let unusable = |key: &Secret| key.reveal().trim().is_empty() || key.reveal().trim() != key.reveal();
        if self.api_keys.iter().any(unusable) {
            return Err("an API key is empty or has spaces around it; separate keys by commas only".to_owned());
        }
        match (self.no_auth, self.api_keys.is_empty()) {
            (false, true) => {
                Err("no credentials are configured, so nobody could use this server; give it a key with --api-key \
                (or DATA_API_KEYS in the environment), or --no-auth to answer everyone on this machine"
                    .to_owned())
            }
            (true, false) => Err("--no-auth and --api-key contradict each other; give one of them".to_owned()),
            (true, true) if !self.listen.ip().is_loopback() => Err(format!(
                "--no-auth is only allowed on a loopback address such as 127.0.0.1, not on {}; configure a key with \
                 --api-key to listen there",
                self.listen.ip()
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn checked(flags: &[&str]) -> Result<(), String> {
        Config::try_parse_from(["data-api"].iter().chain(flags)).map_err(|error| error.to_string())?.check()
    }

    #[test]
    fn credentials_or_none_on_loopback() {
        assert!(checked(&["--api-key", "k"]).is_ok());
        assert!(checked(&["--no-auth"]).is_ok());
        assert!(checked(&["--no-auth", "--listen", "[::1]:0"]).is_ok());
        assert!(checked(&["--api-key", "k", "--listen", "0.0.0.0:4000"]).is_ok());
        for refused in [
            &[][..],
            &["--no-auth", "--listen", "0.0.0.0:4000"],
            &["--no-auth", "--api-key", "k"],
            &["--api-key", ""],
            &["--api-key", "a, b"],
        ] {
            assert!(checked(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let flags = ["data-api", "--api-key", "s3cret", "--api-key", "a,b", "--mongodb-uri", "mongodb://u:s3cret@h"];
        let config = Config::try_parse_from(flags).unwrap();
        assert_eq!(config.api_keys.len(), 3);
        assert!(!format!("{config:?}").contains("s3cret"));
        Config::command().debug_assert();
    }
}
