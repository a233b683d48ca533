//! `allowed_outbound_hosts`: which hosts the component may reach.

use std::fmt;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use url::{Host, Url};

use crate::template;
use crate::variables::Variables;

/// The patterns of a component, with their variables filled in.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<Pattern>);

/// One entry: `scheme://host[:port]`, each part of which may be `*`.
#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    /// None: any.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Clone, Debug, PartialEq)]
enum HostPattern {
    Any,
    /// `*.example.com`, kept as `.example.com`.
    Subdomain(String),
    Exact(Host),
}

#[derive(Clone, Debug, PartialEq)]
enum PortPattern {
    Any,
    /// A single port is a range of one.
    Within(Range<u32>),
}

/// Where a request wants to go. It holds no credentials, so that it can be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

impl AllowedHosts {
    /// Fills in the templates of `allowed_outbound_hosts`, and reads the patterns.
    ///
    /// # Errors
    /// The invalid entry.
    pub fn resolve(entries: &[String], variables: &Variables) -> Result<Self> {
        let mut patterns = Vec::with_capacity(entries.len());
        for entry in entries {
            let context = || format!("allowed_outbound_hosts has {entry:?}");
            let filled = variables.fill(entry).with_context(context)?;
            // A variable that was left empty means "no such service": it allows nothing, and is not a mistake.
            let is_optional = !template::is_literal(entry);
            if is_optional && matches!(filled.as_str(), "" | "http://" | "https://") {
                continue;
            }
            patterns.push(Pattern::parse(&filled).with_context(context)?);
        }
        Ok(Self(patterns))
    }

    /// Whether the component may connect to `destination`.
    #[must_use]
    pub fn allow(&self, destination: &Destination) -> bool {
        self.0.iter().any(|pattern| pattern.matches(destination))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let (scheme, rest) = text
            .split_once("://")
            .context("it has no scheme; the form is scheme://host[:port], where each part may be *")?;
        let scheme = match scheme {
            "*" => None,
            name if name.chars().all(char::is_alphabetic) && !name.is_empty() => Some(name.to_owned()),
            other => bail!("{other:?} is not a scheme: letters only, or *"),
        };
        // As in Spin. The text is not repeated: it may be a variable's value, password and all.
        ensure!(!rest.contains('@'), "it has a user name or a password; allow the host without them");
        // The last colon, unless it is one of an IPv6 address.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (rest, ""),
        };
        let (port, path) = port.split_once('/').unwrap_or((port, ""));
        let host = host.strip_suffix('/').unwrap_or(host);
        ensure!(
            path.is_empty() && !host.contains('/'),
            "it has a path, which no pattern may have; allow scheme://host:port"
        );
        Ok(Self { port: PortPattern::parse(port, scheme.as_deref())?, host: HostPattern::parse(host)?, scheme })
    }

    fn matches(&self, to: &Destination) -> bool {
        let scheme = self.scheme.as_ref().is_none_or(|scheme| *scheme == to.scheme);
        scheme && self.host.matches(&to.host) && self.port.matches(to.port())
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self::Any);
        }
        ensure!(text != "self" && text != "self.alt", "store-host does not support requests to {text:?}");
        ensure!(!text.starts_with('{'), "lists of hosts are not supported; write one entry for each");
        if let Some(domain) = text.strip_prefix("*.") {
            let Host::Domain(domain) = Host::parse(domain).with_context(|| format!("{text:?} is not a host"))? else {
                bail!("{text:?}: a wildcard stands before a domain, not an address");
            };
            return Ok(Self::Subdomain(format!(".{domain}")));
        }
        ensure!(!text.contains('*'), "{text:?}: a wildcard is the whole host, or its first part (*.example.com)");
        Ok(Self::Exact(Host::parse(text).with_context(|| format!("{text:?} is not a host"))?))
    }

    fn matches(&self, host: &Host) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == host,
            Self::Subdomain(suffix) => {
                matches!(host, Host::Domain(domain) if domain.ends_with(suffix))
            }
        }
    }
}

impl PortPattern {
    fn parse(text: &str, scheme: Option<&str>) -> Result<Self> {
        let port = |text: &str| text.parse::<u16>().with_context(|| format!("{text:?} is not a port"));
        Ok(match text.split_once("..") {
            None if text == "*" => Self::Any,
            None if text.is_empty() => {
                let known = scheme.and_then(well_known_port);
                let port = known.context("it has no port, and its scheme has no port of its own")?;
                Self::Within(u32::from(port)..u32::from(port) + 1)
            }
            None => Self::Within(u32::from(port(text)?)..u32::from(port(text)?) + 1),
            Some((start, end)) => Self::Within(u32::from(port(start)?)..u32::from(port(end)?)),
        })
    }

    fn matches(&self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::Within(range) => port.is_some_and(|port| range.contains(&u32::from(port))),
        }
    }
}

fn well_known_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" => 80,
        "https" => 443,
        "redis" => 6379,
        "mqtt" => 1883,
        "mysql" => 3306,
        "postgres" => 5432,
        _ => return None,
    })
}

impl Destination {
    /// Reads a URL. One without a scheme (`127.0.0.1:6379`) has the scheme `scheme`.
    ///
    /// # Errors
    /// A text that is not a URL with a host. The text itself is not repeated: it may hold a password.
    pub fn parse(url: &str, scheme: &str) -> Result<Self> {
        let parsed = Url::parse(url).ok().filter(Url::has_host);
        let parsed = parsed.or_else(|| Url::parse(&format!("{scheme}://{url}")).ok());
        let parsed = parsed.context("the component asked for an invalid URL")?;
        let host = parsed.host_str().context("the component asked for a URL without a host")?;
        Ok(Self { scheme: parsed.scheme().to_owned(), host: Host::parse(host)?, port: parsed.port() })
    }

    /// Says on stderr that the component was refused this host, and what to do about it, in Spin's words.
    pub fn warn_denied(&self) {
        tracing::warn!(
            "A component tried to make an outbound network connection to disallowed destination '{self}'. To allow this \
             request, add 'allowed_outbound_hosts = [\"{self}\"]' to the manifest component section."
        );
    }

    fn port(&self) -> Option<u16> {
        self.port.or_else(|| well_known_port(&self.scheme))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
