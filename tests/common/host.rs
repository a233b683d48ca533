//! A host of the component, beside or without a whole stack.

use std::ops::Deref;

use xtask::host::{HostOptions, Runtime, base_url, host};
use xtask::log::Log;
use xtask::part::Part;
use xtask::port;
use xtask::stack::Scratch;

use super::client::Client;

/// A running host, stopped when dropped; it derefs to a client of it.
pub struct Host {
    client: Client,
    pub part: Part,
    _scratch: Scratch,
}

impl Host {
    /// A host with these variables and no runtime configuration, open to all unless they say otherwise. The programs must
    /// be built.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let open = [("access", "open")];
        // Of two values of a variable the last one counts.
        let variables: Vec<_> =
            open.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let listen = ([127, 0, 0, 1], port::free().unwrap()).into();
        let options =
            HostOptions { runtime: Runtime::Host, listen, runtime_config: None, variables: &variables, arguments: &[] };
        let scratch = Scratch::new().unwrap();
        let mut part = host(&options, Log::create(scratch.path().join("host.log")).unwrap());
        part.start().expect("a host starts");
        Host { client: Client::new(&base_url(listen)), part, _scratch: scratch }
    }
}

impl Deref for Host {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
