//! The URLs of servers: which host and port they name, and how to show them without their password.

/// A server's URL, of any scheme: `redis://`, `mongodb://` with several hosts, `http://`.
///
/// No general URL type knows MongoDB's list of hosts, and a probe needs no more than the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    hosts: &'a str,
    rest: &'a str,
}

impl<'a> Address<'a> {
    /// Takes a URL apart; `None` where it is none.
    pub fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        // The last @, as drivers do it: passwords with an @ that nobody encoded are common.
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        (!scheme.is_empty() && !hosts.is_empty()).then_some(Self { scheme, user, hosts, rest })
    }

    /// What stands before `://`.
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// The first host and its port, or the scheme's own port; `host` for `[host]`.
    pub fn host_and_port(&self) -> Option<(&'a str, u16)> {
        let first = self.hosts.split(',').next()?;
        if let Some(inner) = first.strip_prefix('[') {
            let (host, after) = inner.split_once(']')?;
            return match after.strip_prefix(':') {
                Some(port) => Some((host, port.parse().ok()?)),
                None => Some((host, self.default_port()?)),
            };
        }
        match first.split_once(':') {
            Some((host, port)) => Some((host, port.parse().ok()?)),
            None => Some((first, self.default_port()?)),
        }
    }

    /// Scheme, host and port and nothing else: what a Spin manifest allows a component to connect to.
    pub fn origin(&self) -> Option<String> {
        let (host, port) = self.host_and_port()?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Some(format!("{}://{host}:{port}", self.scheme))
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme {
            "http" => Some(80),
            "https" => Some(443),
            "redis" | "rediss" => Some(6379),
            "mongodb" => Some(27017),
            _ => None,
        }
    }
}

/// The URL with `***` in the place of its password.
pub fn masked(url: &str) -> String {
    let Some(Address { scheme, user, hosts, rest }) = Address::parse(url) else {
        return url.to_owned();
    };
    match user {
        None => url.to_owned(),
        Some(user) => match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:***@{hosts}{rest}"),
            None => format!("{scheme}://{user}@{hosts}{rest}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_and_port(url: &str) -> Option<(&str, u16)> {
        Address::parse(url).and_then(|address| address.host_and_port())
    }

    #[test]
    fn an_origin_has_neither_credentials_nor_path() {
        for (url, origin) in [
            ("redis://joe:p@ss@cache:6380/1", "redis://cache:6380"),
            ("http://[::1]:4000/app/store", "http://[::1]:4000"),
            ("https://data.example/app", "https://data.example:443"),
        ] {
            assert_eq!(Address::parse(url).and_then(|address| address.origin()).as_deref(), Some(origin));
        }
    }

    #[test]
    fn a_password_is_masked_and_nothing_else() {
        for (url, shown) in [
            ("redis://:pass@127.0.0.1:6379/1", "redis://:***@127.0.0.1:6379/1"),
            ("mongodb://joe:p@ss@a:1,b:2/?replicaSet=x", "mongodb://joe:***@a:1,b:2/?replicaSet=x"),
            ("mongodb+srv://joe:secret@cluster0.example.net", "mongodb+srv://joe:***@cluster0.example.net"),
            ("mongodb://joe@host", "mongodb://joe@host"),
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("http://127.0.0.1:4000/path?mail=a:b@c", "http://127.0.0.1:4000/path?mail=a:b@c"),
            ("not a url", "not a url"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }

    #[test]
    fn the_first_host_and_its_port() {
        assert_eq!(host_and_port("redis://localhost"), Some(("localhost", 6379)));
        assert_eq!(host_and_port("redis://u:p@cache:7000/0"), Some(("cache", 7000)));
        assert_eq!(host_and_port("mongodb://u:p@a:1,b:2/db"), Some(("a", 1)));
        assert_eq!(host_and_port("mongodb://[::1]:27018"), Some(("::1", 27018)));
        assert_eq!(host_and_port("mongodb://[::1]"), Some(("::1", 27017)));
        assert_eq!(host_and_port("https://example.net/app"), Some(("example.net", 443)));
    }

    #[test]
    fn what_names_no_host_and_port() {
        for url in ["", "localhost:6379", "redis://", "redis://host:port", "mongodb+srv://cluster0.example.net"] {
            assert_eq!(host_and_port(url), None, "{url}");
        }
    }
}
