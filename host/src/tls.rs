//! TLS to servers that the component connects to: certificates are checked against the machine's own authorities.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The configuration of TLS clients. Authorities are those of the operating system, or of the file that `SSL_CERT_FILE`
/// names; HTTP/2 is offered, as in Spin.
#[must_use]
pub fn client_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::debug!("a certificate of this machine cannot be read: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}
