//! The keys that an issuer's tokens are verified with.

use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

use super::jwks::Jwks;
use crate::error::Error;
use crate::watched::Files;

/// Where they come from.
pub(super) enum Keys {
    /// A file: one key, whatever id a token names.
    Fixed(Box<DecodingKey>),
    /// The document at a URL.
    Url(Arc<Jwks>),
}

impl Keys {
    /// Reads a file: PEM with a public key; for HS256 the secret itself, without the line break at its end.
    pub(super) fn from_file(path: &Path, algorithm: Algorithm, files: &mut Files) -> Result<Self, String> {
        let unusable = |why: String| format!("the key file {} is not usable: {why}", path.display());
        let text = files.read(path).map_err(|error| unusable(error.to_string()))?;
        let key = match algorithm {
            Algorithm::HS256 => {
                let secret = text.strip_suffix(b"\n").unwrap_or(&text);
                if secret.len() < jwt_crypto::MIN_SECRET {
                    return Err(unusable(format!(
                        "a secret for HS256 needs at least {} bytes",
                        jwt_crypto::MIN_SECRET
                    )));
                }
                if jwt_crypto::is_pem(secret) {
                    return Err(unusable("it is a PEM file, and HS256 needs a secret".to_owned()));
                }
                Ok(DecodingKey::from_secret(secret))
            }
            Algorithm::RS256 => DecodingKey::from_rsa_pem(&text),
            _ => DecodingKey::from_ec_pem(&text),
        };
        let key = key.map_err(|_| unusable(format!("it holds no PEM public key for {algorithm:?}")))?;
        if algorithm != Algorithm::HS256 {
            jwt_crypto::check(algorithm, &key).map_err(|why| unusable(format!("the key {why}")))?;
        }
        Ok(Keys::Fixed(Box::new(key)))
    }

    /// The keys that a token with this key id may be signed with.
    pub(super) async fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>, Error> {
        match self {
            Keys::Fixed(key) => Ok(vec![key.as_ref().clone()]),
            Keys::Url(jwks) => jwks.candidates(id, algorithm).await,
        }
    }

    /// All keys.
    pub(super) async fn all(&self, algorithm: Algorithm) -> Result<Vec<DecodingKey>, Error> {
        self.candidates(None, algorithm).await
    }
}

/// What makes a key this key.
pub(super) fn bytes(key: &DecodingKey) -> impl Iterator<Item = &[u8]> {
    let (first, second) = match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => (bytes.as_slice(), [].as_slice()),
        DecodingKeyKind::RsaModulusExponent { n, e } => (n.as_slice(), e.as_slice()),
    };
    [first, second].into_iter()
}
