//! JWTs as other issuers make them: signed here with `ring` alone, independently of what verifies them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unfinished(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

pub fn unsigned(claims: &Value) -> String {
    unfinished(&json!({"alg": "none", "typ": "JWT"}), claims) + "."
}

pub fn hs256(secret: &[u8], claims: &Value) -> String {
    hs256_with(&json!({"alg": "HS256", "typ": "JWT"}), secret, claims)
}

pub fn hs256_with(header: &Value, secret: &[u8], claims: &Value) -> String {
    let text = unfinished(header, claims);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let signature = ring::hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", encode(signature))
}

pub struct Es256(EcdsaKeyPair);

impl Es256 {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    /// SubjectPublicKeyInfo: what says "a point on P-256", and the point.
    pub fn public_pem(&self) -> String {
        const P256: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        let der = [P256.as_slice(), self.0.public_key().as_ref()].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    pub fn sign(&self, claims: &Value) -> String {
        let text = unfinished(&json!({"alg": "ES256", "typ": "JWT"}), claims);
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", encode(signature))
    }
}

/// A key for tests only: making one takes seconds, and `ring` cannot.
pub struct Rs256(RsaKeyPair);

impl Rs256 {
    pub fn new() -> Self {
        let pem = include_str!("rsa-for-tests-only.txt");
        let base64: String = pem.lines().filter(|line| !line.starts_with(['-', '#'])).collect();
        Rs256(RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap())
    }

    pub fn jwks(&self) -> String {
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(self.0.public());
        let key = json!({
            "kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256",
            "n": encode(public.n), "e": encode(public.e),
        });
        // One of a kind that is not known must not hide the other.
        json!({"keys": [{"kty": "X", "kid": "k0"}, key]}).to_string()
    }

    pub fn sign(&self, claims: &Value) -> String {
        let text = unfinished(&json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}), claims);
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", encode(signature))
    }
}
