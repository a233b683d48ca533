//! Errors that Redis answers. None of them means that Redis is away, so none opens the circuit breaker; each concerns the
//! key or the command that it answers, and is said once per change of state.

use std::fmt;

/// What Redis says when it does not take a step.
///
/// | refusal | reads | writes | the connection |
/// |---|---|---|---|
/// | `WrongType` | what needs the key is loaded from the source, uncached, until the foreign key goes: one entry, or all of a scope where it is its fence or its index | as if not recorded | stays |
/// | `NoPermission` | as if not cached | as if not recorded | stays |
/// | `NotAuthenticated` | as if not cached | as if not recorded | replaced: a new one may have the right password |
/// | `OtherSlot` | as if not cached: a cluster that is talked to directly is not supported | as if not recorded | stays |
/// | `ClusterDown` | as if not cached | as if not recorded | stays |
/// | `Loading` | as if not cached, until Redis has loaded its data | as if not recorded | stays |
/// | `Busy` | as if not cached, until the script of somebody else has ended | as if not recorded | stays |
/// | `OutOfMemory` | hits are served, misses are not stored | recorded: deletes need no memory | stays |
/// | `Misconfigured` | hits are served, misses are not stored | as if not recorded | stays |
/// | `ReadOnly` | as if not cached: a replica is behind its primary | as if not recorded | replaced: the address may lead to the new primary |
/// | `Aborted` | as if not cached | as if not recorded | stays |
/// | `Other` | as if not cached | as if not recorded | stays |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `WRONGTYPE`: a key of ours holds what somebody else put there.
    WrongType,
    /// `NOPERM`: the ACL user may not run the command, or not on this key.
    NoPermission,
    /// `NOAUTH`, `WRONGPASS`: the connection is not authenticated.
    NotAuthenticated,
    /// `MOVED`, `ASK`, `CROSSSLOT`, `TRYAGAIN`: a node of a Redis Cluster that does not serve the key.
    OtherSlot,
    /// `CLUSTERDOWN`, `MASTERDOWN`: the cluster or the primary does not serve.
    ClusterDown,
    /// `LOADING`: Redis has just started and loads its data.
    Loading,
    /// `BUSY`: a script runs for too long.
    Busy,
    /// `OOM`: `maxmemory` is reached, and the policy evicts nothing.
    OutOfMemory,
    /// `MISCONF`, `NOREPLICAS`: Redis takes no writes, since it cannot persist or replicate them.
    Misconfigured,
    /// `READONLY`: it is a replica.
    ReadOnly,
    /// `EXECABORT`: a proxy put the command into a transaction, which failed.
    Aborted,
    /// Any other error.
    Other,
}

impl Refusal {
    /// The refusal that an error's text names, or `None` where it names none: then the connection failed. Clients word
    /// errors differently, but keep Redis's own code or put the name of a kind in its place.
    pub fn find(text: &str) -> Option<Self> {
        // Within a script Redis 7.0 leaves the code out.
        if text.contains("user executing the script can't") {
            return Some(Refusal::NoPermission);
        }
        let found = text.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| {
            Some(match word {
                "WRONGTYPE" => Refusal::WrongType,
                "NOPERM" => Refusal::NoPermission,
                "NOAUTH" | "WRONGPASS" | "AuthenticationFailed" => Refusal::NotAuthenticated,
                "MOVED" | "ASK" | "CROSSSLOT" | "TRYAGAIN" | "Moved" | "Ask" | "CrossSlot" | "TryAgain" => {
                    Refusal::OtherSlot
                }
                "CLUSTERDOWN" | "MASTERDOWN" | "ClusterDown" | "MasterDown" => Refusal::ClusterDown,
                "LOADING" | "BusyLoadingError" | "BusyLoading" => Refusal::Loading,
                "BUSY" => Refusal::Busy,
                "OOM" => Refusal::OutOfMemory,
                "MISCONF" | "NOREPLICAS" => Refusal::Misconfigured,
                "READONLY" | "ReadOnly" => Refusal::ReadOnly,
                "EXECABORT" | "ExecAbortError" | "ExecAbort" => Refusal::Aborted,
                _ => return None,
            })
        });
        let is_error = |word| matches!(word, "ERR" | "ResponseError");
        found.or_else(|| text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_error).then_some(Refusal::Other))
    }

    /// Whether a new connection may fare better.
    pub fn replaces_connection(self) -> bool {
        matches!(self, Refusal::NotAuthenticated | Refusal::ReadOnly)
    }
}

/// What the operator can do about it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::WrongType => "a key of the cache holds another type of value",
            Refusal::NoPermission => "the Redis user lacks a permission that the cache needs",
            Refusal::NotAuthenticated => "Redis does not accept the credentials",
            Refusal::OtherSlot => "this is a node of a Redis Cluster, which the cache supports only behind a proxy",
            Refusal::ClusterDown => "the Redis Cluster does not serve",
            Refusal::Loading => "Redis is loading its data",
            Refusal::Busy => "Redis is busy with a script",
            Refusal::OutOfMemory => "Redis is full and evicts nothing",
            Refusal::Misconfigured => "Redis takes no writes, since it cannot persist or replicate them",
            Refusal::ReadOnly => "this Redis is a read-only replica",
            Refusal::Aborted => "a transaction was aborted",
            Refusal::Other => "Redis answered an error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clients_wording_is_understood() {
        for (text, refusal) in [
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Refusal::WrongType),
            ("WRONGTYPE: Operation against a key holding the wrong kind of value", Refusal::WrongType),
            ("\"NOPERM\": this user has no permissions", Refusal::NoPermission),
            ("NOAUTH Authentication required.", Refusal::NotAuthenticated),
            ("Password authentication failed - AuthenticationFailed", Refusal::NotAuthenticated),
            ("An error was signalled by the server - Moved: 5798 127.0.0.1:7001", Refusal::OtherSlot),
            ("CrossSlot: Keys in request don't hash to the same slot", Refusal::OtherSlot),
            ("An error was signalled by the server - BusyLoadingError: Redis is loading", Refusal::Loading),
            ("BUSY Redis is busy running a script", Refusal::Busy),
            ("OOM command not allowed when used memory > 'maxmemory'. script: 1f", Refusal::OutOfMemory),
            ("MISCONF: Redis is configured to save RDB snapshots", Refusal::Misconfigured),
            ("READONLY You can't write against a read only replica.", Refusal::ReadOnly),
            ("EXECABORT Transaction discarded because of previous errors.", Refusal::Aborted),
            ("An error was signalled by the server - ResponseError: unknown command 'X'", Refusal::Other),
            ("ERR Error running script (call to f_1): @user_script:1: WRONGTYPE Operation", Refusal::WrongType),
            ("ERR The user executing the script can't run this command or subcommand", Refusal::NoPermission),
        ] {
            assert_eq!(Refusal::find(text), Some(refusal), "{text}");
        }
    }

    #[test]
    fn a_broken_connection_is_not_a_refusal() {
        for text in ["Connection refused (os error 111)", "broken pipe", "unexpected end of file", "Resource busy"] {
            assert_eq!(Refusal::find(text), None, "{text}");
        }
    }
}
