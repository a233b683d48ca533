//! The bridge, as a service of the running system.

use std::path::Path;

use anyhow::Result;

use crate::log::Log;
use crate::port;
use crate::probe::Probe;
use crate::process::CommandSpec;
use crate::service::Service;

/// The path of the Data API that the store uses: an app's id is part of every address of the protocol.
const BASE_PATH: &str = "/app/store/endpoint/data/v1";

/// The bridge's process on 127.0.0.1.
#[derive(Debug)]
pub struct DataApi {
    /// The process.
    pub service: Service,
    port: u16,
}

impl DataApi {
    /// A bridge on a free port before this MongoDB, open to this key, under this `dataSource`; not yet started. `program`
    /// is [`crate::project::data_api`], or one that was compiled otherwise.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(program: &Path, mongodb_uri: &str, key: &str, data_source: &str, log: Log) -> Result<Self> {
        let port = port::free()?;
        let spec = CommandSpec::new(program)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--data-source", data_source])
            // A listing is the whole collection; how much of it is too much, the store says in bytes.
            .args(["--max-documents", "10000000"])
            // Secrets both.
            .env("MONGODB_URI", mongodb_uri)
            .env("DATA_API_KEYS", key)
            .env_remove("DATA_API_NO_AUTH");
        let service = Service::new("data-api", spec, Probe::Http(format!("http://127.0.0.1:{port}/health")), log);
        Ok(Self { service, port })
    }

    /// `http://127.0.0.1:PORT/app/store/endpoint/data/v1`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{BASE_PATH}", self.port)
    }
}
