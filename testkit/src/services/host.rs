//! The component's host, as a service of the running system: `store-host`, or `spin`, by the same flags.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::log::Log;
use crate::probe::Probe;
use crate::process::{CommandSpec, DeathSignal};
use crate::project;
use crate::runtime::Runtime;
use crate::service::Service;

/// How long a host may take until it answers: where a component is new, all that are started at once compile it, with a
/// compiler that is not optimised.
const START_LIMIT: Duration = Duration::from_secs(240);

/// What a host is started with.
#[derive(Clone, Debug)]
pub struct HostOptions<'a> {
    /// What runs the component.
    pub runtime: Runtime,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The runtime configuration; none is read without.
    pub runtime_config: Option<&'a Path>,
    /// Variables, set by `--variable`: they go before every other source.
    pub variables: &'a [(String, String)],
    /// Further flags, such as `--max-instance-reuse-count=1`.
    pub arguments: &'a [String],
}

/// The host of the store, not yet started.
pub fn host(options: &HostOptions<'_>, log: Log) -> Service {
    host_of("store-api", &project::store_host(), &project::manifest(), options, log)
}

/// The host of another application, or another build of this repository's host.
pub fn host_of(name: &'static str, program: &Path, manifest: &Path, options: &HostOptions<'_>, log: Log) -> Service {
    let spec = match options.runtime {
        Runtime::Host => CommandSpec::new(program),
        Runtime::Tuned => CommandSpec::new(program).args(["--tuned", &redis_timeout(options.variables)]),
        // It runs its trigger in a process of its own, and passes SIGTERM on to it.
        Runtime::Spin => CommandSpec::new("spin").arg("up").death_signal(DeathSignal::Terminate),
    };
    let mut spec = spec
        .arg("--from")
        .arg(manifest)
        .args(["--listen", &options.listen.to_string()])
        // Its twin of a flag that is not always given.
        .env_remove("RUNTIME_CONFIG_FILE");
    if let Some(file) = options.runtime_config {
        spec = spec.arg("--runtime-config-file").arg(file);
    }
    for (name, value) in options.variables {
        spec = spec.args(["--variable", &format!("{name}={value}")]);
    }
    let spec = spec.args(options.arguments);
    let probe = Probe::Http(format!("{}/health/live", base_url(options.listen)));
    Service::new(name, spec, probe, log).start_limit(START_LIMIT)
}

/// The flag by which `store-host` gives Redis as long as these variables of the store do.
fn redis_timeout(variables: &[(String, String)]) -> String {
    let set = variables.iter().rev().find(|(name, _)| name == "cache_timeout_ms");
    // The variable's default.
    let limit = set.map_or("250", |(_, value)| value);
    format!("--redis-timeout={limit}ms")
}

/// The URL at which this machine reaches what listens there: `0.0.0.0` is no address to connect to.
pub fn base_url(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_gives_redis_as_long_as_the_store() {
        let variable = |value: &str| ("cache_timeout_ms".to_owned(), value.to_owned());
        assert_eq!(redis_timeout(&[]), "--redis-timeout=250ms");
        assert_eq!(redis_timeout(&[variable("1000"), variable("2000")]), "--redis-timeout=2000ms");
    }

    #[test]
    fn an_unspecified_address_is_reached_at_the_loopback() {
        assert_eq!(base_url(SocketAddr::from(([0, 0, 0, 0], 80))), "http://127.0.0.1:80");
        assert_eq!(base_url(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80))), "http://[::1]:80");
        assert_eq!(base_url(SocketAddr::from(([192, 0, 2, 1], 80))), "http://192.0.2.1:80");
    }
}
