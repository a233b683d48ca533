//! A server before the bridge that passes everything on, and notes the heads of requests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::exchange::{Request, listen};

/// The server, on a port of its own; it ends with the test's process.
pub struct Recorder {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// A server before the bridge at `upstream`.
    pub fn before(upstream: SocketAddr) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        let address = listen(move |mut client| {
            let Some(request) = Request::read(&client)? else { return Ok(()) };
            noted.lock().unwrap().push(request.head.clone());
            request.forward(upstream, &mut client)
        });
        Recorder { address, heads }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The values of a header in each request since this was asked last.
    pub fn take(&self, header: &str) -> Vec<Vec<String>> {
        let values = |head: &String| {
            let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            let of_header = fields.filter(|(name, _)| name.eq_ignore_ascii_case(header));
            of_header.map(|(_, value)| value.trim().to_owned()).collect()
        };
        let mut heads = self.heads.lock().unwrap();
        let taken = heads.iter().map(values).collect();
        heads.clear();
        taken
    }
}
