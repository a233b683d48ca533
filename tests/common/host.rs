//! A host of the component, beside or without a whole stack.

use std::ops::Deref;

use tempfile::TempDir;
use testkit::client::Client;
use testkit::log::Log;
use testkit::port;
use testkit::runtime::Runtime;
use testkit::service::Service;
use testkit::services::host::{HostOptions, base_url, host};

/// A running host, stopped when dropped; it derefs to a client of it.
pub struct Host {
    client: Client,
    pub service: Service,
    _folder: TempDir,
}

impl Host {
    /// A host with these variables and no runtime configuration, open to all unless they say otherwise. The programs must
    /// be built.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_on(Runtime::from_environment().unwrap(), variables)
    }

    /// The same on this runtime.
    pub fn start_on(runtime: Runtime, variables: &[(&str, &str)]) -> Self {
        let open = [("access", "open")];
        // Of two values of a variable the last one counts.
        let variables: Vec<_> =
            open.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let listen = ([127, 0, 0, 1], port::free().unwrap()).into();
        let options = HostOptions { runtime, listen, runtime_config: None, variables: &variables, arguments: &[] };
        let folder = testkit::project::temporary_folder().unwrap();
        let mut service = host(&options, Log::create(folder.path().join("host.log")).unwrap());
        service.start().expect("a host starts");
        Host { client: Client::new(&base_url(listen)), service, _folder: folder }
    }
}

impl Deref for Host {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
