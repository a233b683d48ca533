//! The cryptography that the JWT library asks for, in the component and in the bridge: HS256, RS256 and ES256 (RFC 7518,
//! section 3.1). Signatures with public keys are verified in Rust alone where this is compiled for WebAssembly, and by ring
//! elsewhere: the bridge has it anyway, for TLS. Tests hold both to the same.
//!
//! The library can bring cryptography of its own, with a version of RSA whose private keys leak through timing. Here no
//! private key is handled at all: RS256 and ES256 are verified, HS256 is also signed.

#[cfg(not(target_arch = "wasm32"))]
mod by_ring;
mod hs256;
#[cfg(any(target_arch = "wasm32", test))]
mod in_rust;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

#[cfg(not(target_arch = "wasm32"))]
use by_ring as public_key;
use hs256::Hs256;
#[cfg(target_arch = "wasm32")]
use in_rust as public_key;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// How many bits an RSA modulus may have: no fewer than RFC 7518, section 3.3, requires, and no more than is quick.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// The fewest bytes of a secret for HS256: as many as its hash has (RFC 7518, section 3.2).
pub const MIN_SECRET: usize = 32;

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

/// Makes it known to the library; any number of times.
pub fn install() {
    // It fails where it is installed already.
    let _ = PROVIDER.install_default();
}

/// Whether a public key can verify anything: to be asked when keys are read, for a token that was presented says only that no
/// key verifies it.
///
/// # Errors
/// Why it cannot, in words that go on from "the key": it is of another kind than the algorithm's, of a length that is not
/// safe, or no key at all.
pub fn check(algorithm: Algorithm, key: &DecodingKey) -> std::result::Result<(), String> {
    if key.family() != algorithm.family() {
        return Err(format!("is not one for {algorithm:?}"));
    }
    public_key::check(algorithm, key)
}

/// Whether what is given as a secret for HS256 is a PEM file. It may hold a public key, and who knows that could sign tokens
/// with it.
pub fn is_pem(secret: &[u8]) -> bool {
    secret.trim_ascii_start().starts_with(b"-----BEGIN")
}

/// Whether an RSA modulus is as long as it should be.
fn check_modulus(bits: usize) -> std::result::Result<(), String> {
    if RSA_BITS.contains(&bits) {
        return Ok(());
    }
    let (least, most) = RSA_BITS.into_inner();
    Err(format!("is RSA of {bits} bits, and must have {least} to {most} (RFC 7518, section 3.3)"))
}

/// How many bits a number has, which must have no leading zeros.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len() * 8 - unused
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if *algorithm != Algorithm::HS256 || key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Hs256::new(key.as_bytes())?))
}

/// A number's bytes, most significant first, without the leading zeros that some issuers write.
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    // A key of one kind must never verify another kind's signature: a public key is not an HMAC secret.
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?)),
        _ => public_key::verifier(algorithm, key),
    }
}
