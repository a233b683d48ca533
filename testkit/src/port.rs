//! TCP ports: a free one, and whether one is taken.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};

/// Below the ports that the system gives to outgoing connections (Linux: 32768 and up): one of those may be taken again
/// between our look and our service's start.
const PORTS: std::ops::Range<u16> = 10_240..32_768;

/// A port of 127.0.0.1 that nobody listens on, another one with each call. It is free when this returns; a stranger may
/// take it before our service does, which then says so.
///
/// # Errors
/// When there is none.
pub fn free() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Processes that run side by side begin at different places.
    let begin = process::id().wrapping_mul(977);
    for _ in 0..count {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(offset)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on 127.0.0.1")
}

/// An error when nothing new can listen on this address.
///
/// # Errors
/// One sentence that says what to do.
pub fn check_free(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("{address} is taken: stop the program that listens there, or choose another address with --listen")
        }
        Err(error) => bail!("cannot listen on {address}: {error}"),
    }
}

/// Reads `127.0.0.1:3000` or `localhost:3000`. IPv4 is preferred, as by Spin.
///
/// # Errors
/// When it names no address.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("expected ADDRESS:PORT, such as 127.0.0.1:3000 ({error})"))?
        .collect();
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().ok_or_else(|| "this name has no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() -> Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let error = check_free(address).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.starts_with(&format!("{address} is taken"))));
        drop(listener);
        check_free(address)
    }

    #[test]
    fn addresses_to_listen_on() {
        assert_eq!(parse_listen("localhost:81"), Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 81))));
        assert_eq!(parse_listen("127.0.0.1:0"), Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
        assert!(parse_listen("3000").is_err());
    }
}
