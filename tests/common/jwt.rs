//! JWTs as an issuer makes them: signed here with `ring` alone, independently of what verifies them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{hmac, rsa};
use serde_json::{Value, json};

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What signs.
pub enum Key {
    Hmac(&'static str, hmac::Key),
    ES256(EcdsaKeyPair),
    RS256(RsaKeyPair),
}

impl Key {
    pub fn hs256(secret: &[u8]) -> Self {
        Key::Hmac("HS256", hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub fn hs384(secret: &[u8]) -> Self {
        Key::Hmac("HS384", hmac::Key::new(hmac::HMAC_SHA384, secret))
    }

    /// A new one.
    pub fn es256() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Key::ES256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    /// Always the same: `ring` makes none.
    pub fn rs256() -> Self {
        let pem = include_str!("../../bridge/tests/wire/rsa-for-tests-only.txt");
        let base64: String = pem.lines().filter(|line| !line.starts_with(['-', '#'])).collect();
        Key::RS256(RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap())
    }

    /// What `alg` calls it, and here also `kid`.
    pub fn name(&self) -> &'static str {
        match self {
            Key::Hmac(name, _) => name,
            Key::ES256(_) => "ES256",
            Key::RS256(_) => "RS256",
        }
    }

    /// Its public half as a JWK; a secret has none.
    pub fn jwk(&self) -> Value {
        match self {
            Key::Hmac(..) => Value::Null,
            Key::ES256(pair) => {
                // After the byte that says that both coordinates follow.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": self.name(), "x": base64(x), "y": base64(y) })
            }
            Key::RS256(pair) => {
                let rsa::PublicKeyComponents { n, e } = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "kid": self.name(), "use": "sig", "n": base64(n), "e": base64(e) })
            }
        }
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "typ": "JWT", "alg": self.name(), "kid": self.name() }), claims)
    }

    /// A token with any header.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = self.signature(text.as_bytes());
        format!("{text}.{}", base64(signature))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Key::Hmac(_, key) => hmac::sign(key, message).as_ref().to_vec(),
            Key::ES256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Key::RS256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }
}
