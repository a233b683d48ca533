//! Signatures of others, verified by ring: for programs, which have it anyway.
//!
//! ring looks at a key when it verifies with it. So a key that is none, or none of a length that is safe, is no error here:
//! it verifies nothing.

use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use signature::{Error, Verifier};

use crate::without_leading_zeros;

/// What verifies with this key.
///
/// # Errors
/// Another algorithm than RS256 and ES256.
pub(crate) fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let key = match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            // ring refuses leading zeros.
            let [n, e] = [n, e].map(|number| without_leading_zeros(number).to_vec());
            Key::Numbers(RsaPublicKeyComponents { n, e })
        }
        // As RFC 8017, appendix A.1.1, encodes it.
        (Algorithm::RS256, DecodingKeyKind::SecretOrDer(der)) => {
            Key::Encoded(UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der.clone()))
        }
        // A point, as SEC 1 encodes it.
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
            Key::Encoded(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.clone()))
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    Ok(Box::new(PublicKey { algorithm: *algorithm, key }))
}

struct PublicKey {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Encoded(UnparsedPublicKey<Vec<u8>>),
    Numbers(RsaPublicKeyComponents<Vec<u8>>),
}

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], presented: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = match &self.key {
            Key::Encoded(key) => key.verify(message, presented),
            Key::Numbers(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, presented),
        };
        verified.map_err(|_| Error::new())
    }
}

impl JwtVerifier for PublicKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
