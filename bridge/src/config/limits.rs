//! The settings that keep one client from taking the server away from the others.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;

use super::{positive, span};

/// Limits on what clients may take.
#[derive(Clone, Debug, Args)]
pub struct Limits {
    /// The largest request body, in bytes; a larger one is answered 413
    #[arg(long, env = "DATA_API_MAX_BODY_BYTES", value_name = "BYTES", default_value_t = 16 * 1024 * 1024)]
    pub max_body_bytes: usize,

    /// How many requests may be worked on at a time, or have answers that are being read; one more is answered 503. One client
    /// address has half of them at most
    #[arg(long, env = "DATA_API_MAX_REQUESTS", value_name = "COUNT", default_value_t = 512, value_parser = positive)]
    pub max_requests: usize,

    /// How many bytes of memory the bodies of all requests may take, with what they become before MongoDB has them. A request
    /// that finds no room is answered 503, one that can never have enough 413
    #[arg(long, env = "DATA_API_MEMORY_BUDGET", value_name = "BYTES", default_value_t = 128 * 1024 * 1024)]
    #[arg(value_parser = positive)]
    pub memory_budget: usize,

    /// How many requests a minute one account may make; further ones are answered 429. 0: unlimited. The access file can say
    /// something else for an account
    #[arg(long, env = "DATA_API_RATE_LIMIT", value_name = "COUNT", default_value_t = 0)]
    pub rate_limit: u32,

    /// How many clients' connections may be open at a time. It is lowered where the system allows fewer file descriptors
    #[arg(long, env = "DATA_API_MAX_CLIENT_CONNECTIONS", value_name = "COUNT", default_value_t = 10_000)]
    #[arg(value_parser = positive)]
    pub max_client_connections: usize,

    /// How many connections one client address may have open; half of all at most. Trusted proxies are not counted
    #[arg(long, env = "DATA_API_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = 1_000)]
    #[arg(value_parser = positive)]
    pub max_connections_per_address: usize,

    /// How long a client may take for the TLS handshake, and then for the head of its first request
    #[arg(long, env = "DATA_API_HEAD_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = span::parse)]
    pub head_timeout: Duration,

    /// How long a client may take to send a body
    #[arg(long, env = "DATA_API_BODY_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = span::parse)]
    pub body_timeout: Duration,

    /// How long a connection may stay open between an answer and the end of the next request's head
    #[arg(long, env = "DATA_API_IDLE_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = span::parse)]
    pub idle_timeout: Duration,

    /// How long a client may read nothing of an answer before its connection is closed
    #[arg(long, env = "DATA_API_WRITE_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = span::parse)]
    pub write_timeout: Duration,

    /// A proxy whose `X-Forwarded-For` says who the client is: an address, or a network such as 10.0.0.0/8. Repeat it, or
    /// separate by commas
    #[arg(long = "trusted-proxy", env = "DATA_API_TRUSTED_PROXIES", value_name = "NETWORK", value_delimiter = ',')]
    #[arg(value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "expected an IP address, or a network such as 10.0.0.0/8".to_owned())
}
