//! Signatures of others, verified in Rust alone: for WebAssembly, where keys come from a JWK set, RSA's as two numbers.

use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use p256::ecdsa::signature::Verifier as _;
use rsa::{BoxedUint, PublicKey, pkcs1v15};
use sha2::Sha256;
use signature::{Error, Verifier};

use crate::{RSA_BITS, bits, check_modulus, without_leading_zeros};

/// Whether a key of the algorithm's kind can verify anything.
///
/// # Errors
/// Why it cannot.
pub(crate) fn check(algorithm: Algorithm, key: &DecodingKey) -> std::result::Result<(), String> {
    if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind() {
        check_modulus(bits(without_leading_zeros(n)))?;
    }
    verifier(&algorithm, key).map(drop).map_err(|error| format!("is not usable: {error}"))
}

/// What verifies with this key.
///
/// # Errors
/// Another algorithm than RS256 and ES256, and a key that is none, or none of a length that is safe; and RSA's in DER.
pub(crate) fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::RS256 => Ok(Box::new(Rs256::new(key.kind())?)),
        Algorithm::ES256 => Ok(Box::new(Es256::new(key.try_get_as_bytes()?)?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
struct Rs256(pkcs1v15::VerifyingKey<Sha256>);

impl Rs256 {
    fn new(key: &DecodingKeyKind) -> Result<Self> {
        let DecodingKeyKind::RsaModulusExponent { n, e } = key else {
            return Err(ErrorKind::InvalidKeyFormat.into());
        };
        let key = PublicKey::new_with_size_limits(number(n)?, number(e)?, RSA_BITS);
        let key = key.map_err(|error| ErrorKind::InvalidRsaKey(error.to_string()))?;
        Ok(Rs256(pkcs1v15::VerifyingKey::new(key)))
    }
}

/// A number, most significant byte first.
fn number(bytes: &[u8]) -> Result<BoxedUint> {
    let bytes = without_leading_zeros(bytes);
    let bits = u32::try_from(bytes.len() * 8).map_err(|_| ErrorKind::InvalidKeyFormat)?;
    Ok(BoxedUint::from_be_slice(bytes, bits).map_err(|_| ErrorKind::InvalidKeyFormat)?)
}

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], presented: &Vec<u8>) -> std::result::Result<(), Error> {
        let presented = pkcs1v15::Signature::try_from(presented.as_slice()).map_err(|_| Error::new())?;
        self.0.verify(message, &presented).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

/// ECDSA on the curve P-256 with SHA-256 (RFC 7518, section 3.4).
struct Es256(p256::ecdsa::VerifyingKey);

impl Es256 {
    /// The key is a point, as SEC 1 encodes it.
    fn new(point: &[u8]) -> Result<Self> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| ErrorKind::InvalidEcdsaKey)?;
        Ok(Es256(key))
    }
}

impl Verifier<Vec<u8>> for Es256 {
    fn verify(&self, message: &[u8], presented: &Vec<u8>) -> std::result::Result<(), Error> {
        let presented = p256::ecdsa::Signature::from_slice(presented).map_err(|_| Error::new())?;
        self.0.verify(message, &presented).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Es256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}
