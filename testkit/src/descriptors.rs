//! Enough file descriptors for a test with many connections, also where the shell allows few.

use anyhow::{Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Allows this process, and those that it starts from now on, `count` descriptors at least.
///
/// # Errors
/// Where the system does not let it.
pub fn allow(count: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(hard >= count, "the system allows {hard} file descriptors, too few: raise `ulimit -Hn`");
    if soft < count {
        setrlimit(Resource::RLIMIT_NOFILE, count, hard)?;
    }
    Ok(())
}
