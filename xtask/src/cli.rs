//! The command line.

use clap::{Parser, Subcommand};

use crate::bench::BenchOptions;
use crate::import::ImportOptions;
use crate::test::TestOptions;
use crate::up::UpOptions;

/// Runs and tests the store.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the store and everything it needs, until Ctrl-C
    ///
    /// Builds what is not built and starts what is not given: a Redis, a MongoDB server with its data in a folder, the
    /// Data API bridge, and the host that runs the component. When all of it answers, it prints where each service is,
    /// then `ready`. Ctrl-C, SIGTERM or the end of one service stops everything that it started. Logs: target/log.
    Up(UpOptions),
    /// Runs every test: unit tests, then the whole system over sockets
    ///
    /// The last line is `N passed, N failed`, and the exit code is 1 when anything failed.
    Test(TestOptions),
    /// Measures how fast the store and the bridge are; `bench --help` lists its own options
    Bench(BenchOptions),
    /// Adds the documents of a file to a collection of a running store
    ///
    /// The file is JSON Lines: a document a line, such as mongoexport writes. A request takes up to 1,000 of them. The
    /// first that is refused ends the import; what was imported before stays.
    Import(ImportOptions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn up(arguments: &[&str]) -> Result<UpOptions, clap::Error> {
        let cli = Cli::try_parse_from(["xtask", "up"].iter().chain(arguments))?;
        match cli.command {
            Command::Up(options) => Ok(options),
            _ => Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_given_is_taken() -> Result<(), clap::Error> {
        let options =
            up(&["--redis-url", "redis://r", "--variable", "a=b=c", "--variable", "d=", "--runtime", "spin"])?;
        assert_eq!(options.redis_url.as_deref(), Some("redis://r"));
        assert_eq!(options.variables, [("a".to_owned(), "b=c".to_owned()), ("d".to_owned(), String::new())]);
        assert_eq!(options.runtime, testkit::runtime::Runtime::Spin);
        assert_eq!(up(&[])?.listen.to_string(), "127.0.0.1:3000");
        Ok(())
    }

    #[test]
    fn what_contradicts_is_refused() {
        for arguments in [
            &["--mongodb-uri", "mongodb://m", "--data-api-url", "http://d"][..],
            &["--mongodb-uri", "mongodb://m", "--data-dir", "data"],
            &["--data-api-url", "http://d", "--data-dir", "data"],
            &["--variable", "no-equals-sign"],
            &["--variable", "redis_url=redis://elsewhere"],
            &["--variable", "data_api_url=http://elsewhere"],
            &["--listen", "3000"],
        ] {
            assert!(up(arguments).is_err(), "{arguments:?}");
        }
    }
}
