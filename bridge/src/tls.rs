//! TLS: the certificate and its key, read anew when the files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The certificate that is in force.
#[derive(Debug)]
pub struct Certificate {
    files: (PathBuf, PathBuf),
    now: RwLock<(Pem, Arc<CertifiedKey>)>,
}

/// The texts of the two files.
type Pem = (Vec<u8>, Vec<u8>);

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence where a file cannot be used, or the two do not belong together.
    pub fn new(certificate: &Path, key: &Path) -> Result<Arc<Self>, String> {
        let files = (certificate.to_owned(), key.to_owned());
        let pem = read(&files)?;
        let parsed = parse(&pem).map_err(|why| unusable(&files, &why))?;
        Ok(Arc::new(Certificate { files, now: RwLock::new((pem, Arc::new(parsed))) }))
    }

    /// What accepts connections with whatever certificate is in force.
    ///
    /// # Errors
    /// Where the cryptography cannot do TLS at all.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, String> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| format!("TLS: {error}"))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Follows the files for as long as the program runs. What cannot be used is said, and changes nothing: while the two
    /// are being replaced, one after the other, they do not belong together.
    pub async fn follow(self: Arc<Self>) {
        let mut last = String::new();
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look() {
                Ok(true) => {
                    last.clear();
                    tracing::info!("the TLS certificate has changed and is in force");
                }
                Ok(false) => {}
                Err(why) if why != last => {
                    tracing::warn!("{why}; the certificate from before stays in force");
                    last = why;
                }
                Err(_) => {}
            }
        }
    }

    fn look(&self) -> Result<bool, String> {
        let pem = read(&self.files)?;
        if self.now.read().is_ok_and(|now| now.0 == pem) {
            return Ok(false);
        }
        let parsed = parse(&pem).map_err(|why| unusable(&self.files, &why))?;
        if let Ok(mut now) = self.now.write() {
            *now = (pem, Arc::new(parsed));
        }
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.now.read().ok().map(|now| Arc::clone(&now.1))
    }
}

fn read(files: &(PathBuf, PathBuf)) -> Result<Pem, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| unusable(files, &error.to_string()));
    Ok((read(&files.0)?, read(&files.1)?))
}

fn parse((certificate, key): &Pem) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
    // Checks that the two belong together.
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| error.to_string())
}

fn unusable((certificate, key): &(PathBuf, PathBuf), why: &str) -> String {
    format!("the certificate {} with the key {} is not usable: {why}", certificate.display(), key.display())
}
