//! Log lines on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::LevelFilter;

use crate::config::{Config, LogFormat};

/// Starts logging, for the whole process.
pub fn start(config: &Config) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(config.log_level))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second subscriber is refused; the first then goes on, which is what a test wants.
    let _ = match config.log_format {
        LogFormat::Human => tracing::subscriber::set_global_default(lines.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
    };
}
