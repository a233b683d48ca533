//! How many file descriptors the process may have, and how many connections that makes.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are not clients' connections: files, pipes, the listener, a request to an issuer, the collector.
const RESERVED: u64 = 64;

/// As many of the connections that are wanted as there are descriptors for, beside `others` that the program needs. Raises the
/// limit of the process where the system lets it.
///
/// # Errors
/// A sentence where not even one is left.
pub(super) fn connections(wanted: usize, others: u64) -> Result<usize, String> {
    let unknown = |error: nix::Error| format!("the limit of file descriptors is unknown: {error}");
    let (mut soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(unknown)?;
    let needed = (wanted as u64).saturating_add(others).saturating_add(RESERVED);
    if soft < needed && setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard).is_ok() {
        soft = needed.min(hard);
    }
    let possible = possible(soft, others);
    if possible == 0 {
        return Err(format!("the system allows {soft} file descriptors, too few to serve anyone; raise `ulimit -n`"));
    }
    if possible < wanted {
        tracing::warn!(
            "the system allows {soft} file descriptors: {possible} clients' connections at a time instead of {wanted}"
        );
    }
    Ok(possible.min(wanted))
}

fn possible(descriptors: u64, others: u64) -> usize {
    usize::try_from(descriptors.saturating_sub(others.saturating_add(RESERVED))).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_descriptors() {
        assert_eq!(possible(1024, 200), 760);
        assert_eq!(possible(200, 200), 0);
        assert!(connections(1, 1).is_ok_and(|count| count == 1));
        assert!(connections(usize::MAX, 1).is_ok_and(|count| count < usize::MAX));
    }
}
