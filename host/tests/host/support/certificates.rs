//! A certificate for 127.0.0.1 and the authority that signed it, in a folder that is removed in the end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

pub struct TestCertificates {
    folder: PathBuf,
}

impl TestCertificates {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("store-host-certificates-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();

        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();

        let certificates = Self { folder };
        let [authority_path, certificate_path, key_path] = certificates.paths();
        std::fs::write(authority_path, authority_certificate.pem()).unwrap();
        std::fs::write(certificate_path, certificate.pem()).unwrap();
        std::fs::write(key_path, key.serialize_pem()).unwrap();
        certificates
    }

    /// The files: the authority, the certificate, its key.
    pub fn paths(&self) -> [String; 3] {
        ["authority.pem", "certificate.pem", "key.pem"].map(|name| self.folder.join(name).display().to_string())
    }
}

impl Drop for TestCertificates {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.folder);
    }
}
