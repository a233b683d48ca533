//! What runs the component: this repository's host, as Spin does it or better, or Spin.

use std::env;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;

use crate::install;

/// The environment variable that says what runs the component in every test over sockets: `host`, `tuned` or `spin`.
pub const VARIABLE: &str = "STORE_RUNTIME";

/// What runs the component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Runtime {
    /// This repository's `store-host`, which does what Spin does.
    #[default]
    Host,
    /// The same, with all that it can do beyond Spin.
    Tuned,
    /// The program `spin` on the PATH.
    Spin,
}

impl Runtime {
    /// What [`VARIABLE`] says; this repository's host where it is not set.
    ///
    /// # Errors
    /// When the variable names something else.
    pub fn from_environment() -> Result<Self> {
        match env::var_os(VARIABLE) {
            None => Ok(Self::default()),
            Some(name) => Self::named(&name.to_string_lossy()),
        }
    }

    /// Its name on the command line and in the environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Tuned => "tuned",
            Self::Spin => "spin",
        }
    }

    fn named(name: &str) -> Result<Self> {
        Self::from_str(name, true).map_err(|_| anyhow!("{VARIABLE}={name}: expected host, tuned or spin"))
    }

    /// Checks that it can run here, before minutes of compiling.
    ///
    /// # Errors
    /// When its program is missing and cannot be built.
    pub fn check(self) -> Result<()> {
        if self == Self::Spin && !install::on_path("spin") {
            bail!(
                "spin is not on the PATH: install Spin 4.1 or later (https://spinframework.dev), or use --runtime host"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_name_in_the_environment() -> Result<()> {
        assert_eq!(Runtime::named("spin")?, Runtime::Spin);
        assert_eq!(Runtime::named("Host")?, Runtime::Host);
        for &runtime in Runtime::value_variants() {
            assert_eq!(Runtime::named(runtime.name())?, runtime);
        }
        let error = Runtime::named("wasmtime").map_err(|error| error.to_string());
        assert_eq!(error, Err("STORE_RUNTIME=wasmtime: expected host, tuned or spin".to_owned()));
        Ok(())
    }
}
