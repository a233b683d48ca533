//! What the program does beside serving: small things that an operator needs at hand.

use std::net::SocketAddr;

use clap::Subcommand;

/// Something else than serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make a new API key: prints the key for the client, and its hash for the access file
    NewKey,
    /// Print the hash of an API key that you have; the key is read from standard input
    HashKey,
    /// Print the hash of a user's password for the access file; the password is read from standard input
    HashPassword,
    /// Ask a running server whether it is ready; the exit code is 0 when it is. For health checks in containers
    Health {
        /// Where the server listens
        #[arg(default_value = "127.0.0.1:4000")]
        address: SocketAddr,
        /// What to ask: `/health/ready`, or `/health/live`
        #[arg(default_value = "/health/ready")]
        path: String,
    },
}
