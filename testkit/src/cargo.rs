//! Cargo, called from a program that cargo started.

use std::env;

use crate::process::CommandSpec;
use crate::project;

/// A cargo command in this repository.
pub fn cargo() -> CommandSpec {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut spec = CommandSpec::new(program)
        .folder(project::root())
        .env("CARGO_TARGET_DIR", project::target())
        // A default target would put the native programs into another folder.
        .env_remove("CARGO_BUILD_TARGET");
    // What `cargo run` tells the program about its package. Build scripts that watch these variables (ring's) would
    // run again, and all that depends on them be compiled again, whenever xtask and a plain cargo take turns.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            spec = spec.env_remove(name);
        }
    }
    spec
}

fn describes_a_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "CARGO_TARGET_TMPDIR" | "OUT_DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_set_stays() {
        assert!(describes_a_package("CARGO_PKG_NAME"));
        assert!(describes_a_package("CARGO_MANIFEST_DIR"));
        assert!(!describes_a_package("CARGO_HOME"));
        assert!(!describes_a_package("CARGO_NET_OFFLINE"));
    }
}
