//! The cryptography that the JWT library asks for, by `ring`, which is here anyway for TLS.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use ring::{hmac, signature as ring_signature};
use signature::{Error, Signer, Verifier};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(HmacSigner(key.clone())) as Box<dyn JwtSigner>),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes it known to the library; any number of times.
pub(in crate::auth) fn install() {
    // It fails where it is installed already.
    let _ = PROVIDER.install_default();
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    // A key of one kind must never verify another kind's signature: a public key is not an HMAC secret.
    match algorithm {
        Algorithm::HS256 | Algorithm::RS256 | Algorithm::ES256 if key.family() == algorithm.family() => {
            Ok(Box::new(KeyVerifier { algorithm: *algorithm, key: key.clone() }))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

/// HMAC with SHA-256: for the tokens that we make ourselves.
struct HmacSigner(EncodingKey);

impl Signer<Vec<u8>> for HmacSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        Ok(hmac::sign(&key, message).as_ref().to_vec())
    }
}

impl JwtSigner for HmacSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct KeyVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for KeyVerifier {
    fn verify(&self, message: &[u8], presented: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = match (self.algorithm, self.key.kind()) {
            (Algorithm::HS256, DecodingKeyKind::SecretOrDer(secret)) => {
                // In constant time.
                hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), message, presented)
            }
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, presented)
            }
            (Algorithm::RS256, DecodingKeyKind::SecretOrDer(key)) => {
                with(&RSA_PKCS1_2048_8192_SHA256, key, message, presented)
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(key)) => {
                with(&ECDSA_P256_SHA256_FIXED, key, message, presented)
            }
            _ => Err(ring::error::Unspecified),
        };
        verified.map_err(|_| Error::new())
    }
}

impl JwtVerifier for KeyVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn with(
    algorithm: &'static dyn ring_signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    presented: &[u8],
) -> std::result::Result<(), ring::error::Unspecified> {
    UnparsedPublicKey::new(algorithm, key).verify(message, presented)
}
