//! TLS: the certificate and its key, read again when the files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::watched::{Files, Watched};

/// Reads the certificate and its key, to be followed.
///
/// # Errors
/// A sentence where a file cannot be used, or the two do not belong together.
pub fn certificate(certificate: &Path, key: &Path) -> Result<Arc<Watched<CertifiedKey>>, String> {
    let (certificate, key): (PathBuf, PathBuf) = (certificate.to_owned(), key.to_owned());
    Watched::new("the TLS certificate", move |files, _| {
        read(&certificate, &key, files).map_err(|why| {
            format!("the certificate {} with the key {} is not usable: {why}", certificate.display(), key.display())
        })
    })
}

/// What accepts connections with whatever certificate is in force.
///
/// # Errors
/// Where the cryptography cannot do TLS at all.
pub fn acceptor(certificate: &Arc<Watched<CertifiedKey>>) -> Result<TlsAcceptor, String> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| format!("TLS: {error}"))?;
    let resolver = Arc::new(InForce(Arc::clone(certificate)));
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificate that is in force, for every client.
struct InForce(Arc<Watched<CertifiedKey>>);

impl std::fmt::Debug for InForce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InForce")
    }
}

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.get())
    }
}

fn read(certificate: &Path, key: &Path, files: &mut Files) -> Result<CertifiedKey, String> {
    // Both, also where the first is not usable: the second may be the one that changes.
    let (certificate, key) = (files.read(certificate), files.read(key));
    let (certificate, key) = certificate.and_then(|certificate| Ok((certificate, key?))).map_err(|e| e.to_string())?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
    let chain = chain.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| error.to_string())?;
    // Checks that the two belong together.
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| error.to_string())
}
