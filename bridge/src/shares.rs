//! Shares of something limited: so many to all clients together, and so many to each address.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a client is, as far as limits are concerned: an IPv4 address, or the /64 network of an IPv6 address, because a
/// single client can have all of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Origin(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
            address => address,
        })
    }
}

/// What is shared out.
pub struct Shares {
    all: usize,
    each: usize,
    acquired: Mutex<Acquired>,
}

#[derive(Default)]
struct Acquired {
    all: usize,
    by: HashMap<Origin, usize>,
}

/// One share. Given back when it is dropped.
pub struct Share {
    shares: Arc<Shares>,
    /// `None` where it only counts among all.
    origin: Option<Origin>,
}

/// Why a share was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All shares are taken.
    All,
    /// This origin has its part already.
    Origin,
}

impl Shares {
    /// `all` shares, of which an origin can have `each`.
    pub fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Shares { all, each, acquired: Mutex::default() })
    }

    /// A share; one without an origin counts among all only.
    ///
    /// # Errors
    /// If no share is left. It never waits.
    pub fn acquire(self: &Arc<Self>, origin: Option<Origin>) -> Result<Share, Full> {
        let mut acquired = self.acquired.lock().unwrap_or_else(PoisonError::into_inner);
        if acquired.all >= self.all {
            return Err(Full::All);
        }
        if let Some(origin) = origin {
            let count = acquired.by.entry(origin).or_default();
            if *count >= self.each {
                return Err(Full::Origin);
            }
            *count += 1;
        }
        acquired.all += 1;
        Ok(Share { shares: Arc::clone(self), origin })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut acquired = self.shares.acquired.lock().unwrap_or_else(PoisonError::into_inner);
        acquired.all = acquired.all.saturating_sub(1);
        let Some(origin) = self.origin else { return };
        if let Some(count) = acquired.by.get_mut(&origin) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                acquired.by.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Option<Origin> {
        Some(Origin::from(address.parse::<IpAddr>().unwrap()))
    }

    #[test]
    fn so_many_in_all_and_to_each() {
        let shares = Shares::new(3, 2);
        let first = shares.acquire(origin("192.0.2.1")).unwrap();
        let _second = shares.acquire(origin("::ffff:192.0.2.1")).unwrap();
        assert_eq!(shares.acquire(origin("192.0.2.1")).err(), Some(Full::Origin));
        let _third = shares.acquire(origin("2001:db8::1")).unwrap();
        assert_eq!(shares.acquire(origin("192.0.2.2")).err(), Some(Full::All));
        drop(first);
        let _fourth = shares.acquire(None).unwrap();
        assert_eq!(shares.acquire(None).err(), Some(Full::All));
        assert_eq!(shares.acquired.lock().unwrap().by.len(), 2);
    }

    #[test]
    fn a_client_has_a_whole_ipv6_network() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:1"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
    }
}
