//! Signatures of others, verified by ring: for programs, which have it anyway.
//!
//! ring looks at a key only when it verifies with it. So [`verifier`] takes what is no key, and a key whose length is not safe:
//! these verify nothing. [`check`] tells.

use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use signature::{Error, Verifier};
use simple_asn1::ASN1Block;

use crate::{bits, check_modulus, without_leading_zeros};

/// A point of P-256 as ring takes it: this, and two numbers of 32 bytes (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// Whether a key of the algorithm's kind can verify anything.
///
/// # Errors
/// Why it cannot.
pub(crate) fn check(algorithm: Algorithm, key: &DecodingKey) -> std::result::Result<(), String> {
    match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, .. }) => {
            check_modulus(bits(without_leading_zeros(n)))
        }
        (Algorithm::RS256, DecodingKeyKind::SecretOrDer(der)) => {
            check_modulus(modulus(der).ok_or("is not one of RSA")?)
        }
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) if point.first() == Some(&UNCOMPRESSED) => {
            if point.len() == 65 { Ok(()) } else { Err("is on another curve than P-256".to_owned()) }
        }
        (Algorithm::ES256, _) => Err("is not an uncompressed point of P-256".to_owned()),
        _ => Err(format!("is not one for {algorithm:?}")),
    }
}

/// How many bits the modulus has, in the encoding of RFC 8017, appendix A.1.1.
fn modulus(der: &[u8]) -> Option<usize> {
    let blocks = simple_asn1::from_der(der).ok()?;
    let [ASN1Block::Sequence(_, numbers)] = blocks.as_slice() else { return None };
    let [ASN1Block::Integer(_, n), ASN1Block::Integer(..)] = numbers.as_slice() else { return None };
    usize::try_from(n.bits()).ok()
}

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
