//! All settings, as one struct: from flags, the environment, or a file; read once and checked once.

mod command;
mod consistency;
mod file;
mod limits;
mod namespace;
mod origins;
mod secret;
mod sources;
mod span;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderName;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};

pub use command::Command;
pub use consistency::{Concern, Reads, Writes};
pub(crate) use file::located;
pub use limits::Limits;
pub use namespace::Namespace;
pub use origins::Origin;
pub use secret::Secret;
pub use sources::DataSource;

use crate::ejson::Format;

/// MongoDB over plain HTTP: a self-hosted server for the protocol of the retired MongoDB Atlas Data API.
///
/// Clients POST JSON or Extended JSON to
///   http://HOST:PORT/app/APP_ID/endpoint/data/v1/action/ACTION
/// where ACTION is findOne, find, insertOne, insertMany, updateOne, updateMany, replaceOne, deleteOne, deleteMany or
/// aggregate, and APP_ID is anything. They authenticate with the header `apiKey`, or as the access file says.
#[derive(Clone, Debug, Parser)]
#[command(name = "data-api", version, verbatim_doc_comment, after_help = AFTER_HELP, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Config {
    /// Something else than serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// A TOML file with settings, by the names of these flags
    #[arg(long, env = "DATA_API_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes any free one. The first line on stdout says which
    #[arg(long, env = "DATA_API_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,

    /// Where MongoDB is: a connection string, `mongodb://` or `mongodb+srv://`. Options in it win over the settings here
    /// [default: mongodb://127.0.0.1:27017]
    #[arg(long, env = "MONGODB_URI", value_name = "URI", hide_env_values = true)]
    pub mongodb_uri: Option<Secret>,

    /// A TOML file that says who is let in, and what they may do. It is read again when it changes
    #[arg(long, env = "DATA_API_ACCESS_FILE", value_name = "FILE")]
    pub access_file: Option<PathBuf>,

    /// A key that may do everything. Repeat it, or separate keys by commas, for several
    #[arg(long = "api-key", env = "DATA_API_KEYS", value_name = "KEY", value_delimiter = ',', hide_env_values = true)]
    #[arg(hide_default_value = true)]
    pub api_keys: Vec<Secret>,

    /// Answer everyone, without credentials. Only allowed on a loopback address
    #[arg(long, env = "DATA_API_NO_AUTH")]
    pub no_auth: bool,

    /// A name by which this server may be called where it answers everyone, beside IP addresses and localhost. Repeat it, or
    /// separate by commas
    #[arg(long = "allowed-host", env = "DATA_API_ALLOWED_HOSTS", value_name = "NAME", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// A file with 32 secret bytes or more, to sign the login's tokens with. Without it they end with the process
    #[arg(long, env = "DATA_API_TOKEN_SECRET_FILE", value_name = "FILE")]
    pub token_secret_file: Option<PathBuf>,

    /// Where it is recorded which of the login's sessions have ended: a collection that MongoDB's user may read and write. Only
    /// where there is a file with the secret; without it sessions end with the process. Rules with `*` do not reach it
    #[arg(long, env = "DATA_API_SESSIONS", value_name = "DATABASE.COLLECTION", default_value = "data_api.sessions")]
    pub sessions: Namespace,

    /// The name that requests must give as `dataSource`
    #[arg(long, env = "DATA_API_DATA_SOURCE", value_name = "NAME", default_value = "mongodb-atlas")]
    pub data_source: String,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become the help's heading")]
    pub limits: Limits,

    /// Another data source: the name that requests give, and its connection string. Repeat it, or separate by spaces. In a file
    /// they are the table [data-sources]. Where there are some, --mongodb-uri has no default
    #[arg(long, env = "DATA_API_DATA_SOURCES", value_name = "NAME=URI", value_delimiter = ' ', hide_env_values = true)]
    #[arg(hide_default_value = true)]
    pub data_sources: Vec<DataSource>,

    /// How to answer requests whose Accept header names neither: json, or ejson for canonical Extended JSON
    #[arg(long, env = "DATA_API_RETURN_TYPE", value_name = "FORMAT", default_value = "json")]
    pub return_type: Format,

    /// The most documents in one answer; a query that finds more is refused, not cut off
    #[arg(long, env = "DATA_API_MAX_DOCUMENTS", value_name = "COUNT", default_value_t = 50_000)]
    pub max_documents: usize,

    /// The largest answer, in bytes; a larger one is refused, not cut off
    #[arg(long, env = "DATA_API_MAX_ANSWER_BYTES", value_name = "BYTES", default_value_t = 350 * 1024 * 1024)]
    pub max_answer_bytes: usize,

    /// How many connections to keep to each MongoDB server at most
    #[arg(long, env = "DATA_API_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// How long to look for a MongoDB server, or to wait for one that does not answer, before a request is answered 503
    #[arg(long, env = "DATA_API_SERVER_SELECTION_TIMEOUT", value_name = "TIME", default_value = "2s", value_parser = span::parse)]
    pub server_selection_timeout: Duration,

    /// How long an operation may run before it is stopped and answered 504; sent to MongoDB as maxTimeMS with every read
    #[arg(long, env = "DATA_API_OPERATION_TIMEOUT", value_name = "TIME", default_value = "300s", value_parser = span::parse)]
    pub operation_timeout: Duration,

    /// How long requests in flight may go on after SIGTERM
    #[arg(long, env = "DATA_API_DRAIN_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = span::parse)]
    pub drain_timeout: Duration,

    /// Where reads go: primary, primaryPreferred, secondary, secondaryPreferred or nearest
    #[arg(long, env = "DATA_API_READ_PREFERENCE", value_name = "MODE", default_value = "primary")]
    pub read_preference: Reads,

    /// What a read may see: local, available, majority, linearizable or snapshot. Left out, MongoDB decides (local)
    #[arg(long, env = "DATA_API_READ_CONCERN", value_name = "LEVEL")]
    pub read_concern: Option<Concern>,

    /// What acknowledges a write: majority, or a number of servers
    #[arg(long, env = "DATA_API_WRITE_CONCERN", value_name = "W", default_value = "majority")]
    pub write_concern: Writes,

    /// A file with the PEM certificate chain for TLS. It is read again when it changes, with its key
    #[arg(long, env = "DATA_API_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,

    /// A file with the certificate's PEM private key
    #[arg(long, env = "DATA_API_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,

    /// An origin whose pages may call this server (CORS): https://shop.example, a pattern such as https://*.shop.example, null for
    /// pages that have none, or * for every page. Repeat it, or separate by commas
    #[arg(long = "cors-origin", env = "DATA_API_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,

    /// A header that those pages may send, beside those that browsers always allow; any, unless some are given. Repeat it, or
    /// separate by commas
    #[arg(long = "cors-header", env = "DATA_API_CORS_HEADERS", value_name = "NAME", value_delimiter = ',')]
    pub cors_headers: Vec<HeaderName>,

    /// Where clients reach this server, if not where it listens: https://data.shop.example. Client libraries ask for it
    /// before they log in
    #[arg(long, env = "DATA_API_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Where to send OpenTelemetry traces, by OTLP over HTTP: the full address, such as http://127.0.0.1:4318/v1/traces
    #[arg(long, env = "DATA_API_TRACES_ENDPOINT", value_name = "URL")]
    pub traces_endpoint: Option<String>,

    /// How log lines look on stderr
    #[arg(long, env = "DATA_API_LOG_FORMAT", value_name = "FORMAT", default_value = "human")]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug (every request) or trace
    #[arg(long, env = "DATA_API_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: tracing::Level,
}

const AFTER_HELP: &str = "\
Times are written as 500ms, 2s or 5m. A flag wins over its environment variable, and both over the file.

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
    /// Reads the settings from flags, the environment and, where one of these names it, the file.
    ///
    /// # Errors
    /// What clap has to say: help that was asked for, and everything that is wrong.
    pub fn read(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let config = Self::try_parse_from(&arguments)?;
        let Some(path) = &config.config else { return Ok(config) };
        let mut command = file::apply(Self::command(), path)
            .map_err(|why| Self::command().error(clap::error::ErrorKind::InvalidValue, why))?;
        let matches = command.try_get_matches_from_mut(&arguments)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// Checks what no single setting can know by itself.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to do.
    pub fn check(&self) -> Result<(), String> {
        let unusable = |key: &Secret| key.reveal().trim().is_empty() || key.reveal().trim() != key.reveal();
        if self.api_keys.iter().any(unusable) {
            return Err("an API key is empty or has spaces around it; separate keys by commas only".to_owned());
        }
        self.check_sources()?;
        if let Some(url) = self.public_url.as_ref().filter(|url| !is_public_url(url)) {
            return Err(format!("`{url}` is not a public URL: write https://data.shop.example, without a query"));
        }
        if !self.no_auth && !self.allowed_hosts.is_empty() {
            return Err("--allowed-host is for --no-auth; with credentials every name is allowed".to_owned());
        }
        self.check_concern()?;
        match (self.no_auth, self.api_keys.is_empty() && self.access_file.is_none()) {
            (false, true) => Err("no credentials are configured, so nobody could use this server; give it an \
                --access-file, or a key with --api-key (or DATA_API_KEYS in the environment), or --no-auth to answer \
                everyone on this machine"
                .to_owned()),
            (true, false) => Err("--no-auth contradicts --api-key and --access-file; give one of them".to_owned()),
            (true, true) if !self.listen.ip().is_loopback() => Err(format!(
                "--no-auth is only allowed on a loopback address such as 127.0.0.1, not on {}; configure a key with \
                 --api-key to listen there",
                self.listen.ip()
            )),
            (true, true) if self.cors_origins.iter().any(Origin::is_everyones) => Err(
                "--no-auth lets in every page that --cors-origin names, so name them: neither `*` nor `null`, which \
                    any page can be"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

impl Config {
    /// MongoDB would refuse every single read.
    fn check_concern(&self) -> Result<(), String> {
        match &self.read_concern {
            Some(concern) if concern.is_linearizable() && !self.read_preference.is_primary() => {
                Err("--read-concern linearizable needs --read-preference primary".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A scheme and a host; a path where a proxy serves this server below one.
fn is_public_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\".contains(&b))
    })
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a number from 1 on".to_owned())
}

#[cfg(test)]
mod tests;
