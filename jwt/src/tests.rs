//! The examples of RFC 7515, appendices A.1 to A.3, through the library, and what verifies signatures of public keys in
//! WebAssembly beside what verifies them elsewhere.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto};
use serde_json::{Value, json};

use super::in_rust;

const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const HS256: [&str; 2] = ["eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"];

const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-\
    SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2\
    CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4F\
    RWyuXpoQ";
const E: &str = "AQAB";
const RS256: [&str; 2] = [
    "eyJhbGciOiJSUzI1NiJ9",
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ\
     cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e\
     OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
];

const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const ES256: [&str; 2] =
    ["eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"];

/// What all three sign.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn decoded(base64: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64).unwrap()
}

fn examples() -> [(Algorithm, DecodingKey, [&'static str; 2]); 3] {
    super::install();
    [
        (Algorithm::HS256, DecodingKey::from_secret(&decoded(SECRET)), HS256),
        (Algorithm::RS256, DecodingKey::from_rsa_components(N, E).unwrap(), RS256),
        (Algorithm::ES256, DecodingKey::from_ec_components(X, Y).unwrap(), ES256),
    ]
}

fn verified(algorithm: Algorithm, key: &DecodingKey, head: &str, signature: &str) -> bool {
    let message = format!("{head}.{PAYLOAD}");
    let verified = crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap();
    if algorithm != Algorithm::HS256 {
        let in_rust = in_rust::verifier(&algorithm, key).unwrap().verify(message.as_bytes(), &decoded(signature));
        assert_eq!(in_rust.is_ok(), verified, "{algorithm:?} {head}.{PAYLOAD}.{signature}");
    }
    verified
}

/// Of a key that is none: what is said in WebAssembly. Elsewhere it verifies nothing.
fn refused(algorithm: Algorithm, key: &DecodingKey, signature: &str) -> ErrorKind {
    super::install();
    let verified = crypto::verify(signature, PAYLOAD.as_bytes(), key, algorithm);
    assert!(!verified.unwrap_or(false), "{algorithm:?}");
    in_rust::verifier(&algorithm, key).map(drop).unwrap_err().into_kind()
}

/// DER: a tag, a length, the contents.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], contents].concat()
}

#[test]
fn the_examples_are_verified() {
    for (algorithm, key, [head, signature]) in examples() {
        assert!(verified(algorithm, &key, head, signature), "{algorithm:?}");
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        let token = format!("{head}.{PAYLOAD}.{signature}");
        let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims, json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true}));
    }
}

#[test]
fn a_changed_message_or_signature_is_not() {
    for (algorithm, key, [head, signature]) in examples() {
        assert!(!verified(algorithm, &key, &head[1..], signature), "{algorithm:?}");
        let signature = decoded(signature);
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!verified(algorithm, &key, head, &URL_SAFE_NO_PAD.encode(changed)), "{algorithm:?}, byte {at}");
        }
        let longer = [&signature[..], &[0]].concat();
        for other in [&[][..], &signature[1..], &longer, &vec![0; signature.len()], &vec![0xff; signature.len()]] {
            assert!(!verified(algorithm, &key, head, &URL_SAFE_NO_PAD.encode(other)), "{algorithm:?}: {other:?}");
        }
    }
}

#[test]
fn a_key_of_one_kind_verifies_no_other_kind() {
    for (algorithm, _, [head, signature]) in examples() {
        for (other, key, _) in examples().into_iter().filter(|(other, ..)| *other != algorithm) {
            let error = crypto::verify(signature, head.as_bytes(), &key, algorithm).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidAlgorithm), "{algorithm:?} with a key of {other:?}");
        }
    }
    let secret = DecodingKey::from_secret(&decoded(SECRET));
    assert!(crypto::verify(HS256[1], PAYLOAD.as_bytes(), &secret, Algorithm::HS384).is_err());
}

#[test]
fn only_a_secret_signs() {
    super::install();
    let key = EncodingKey::from_secret(&decoded(SECRET));
    let message = format!("{}.{PAYLOAD}", HS256[0]);
    assert_eq!(crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap(), HS256[1]);
    assert!(jsonwebtoken::encode(&Header::new(Algorithm::HS384), &json!({}), &key).is_err());
    let private = EncodingKey::from_rsa_der(&decoded(SECRET));
    assert!(jsonwebtoken::encode(&Header::new(Algorithm::RS256), &json!({}), &private).is_err());
}

#[test]
fn rsa_keys_in_either_form_and_of_a_length_that_is_safe() {
    super::install();
    // As PEM has it: a sequence of two numbers, whose leading zero says that they are not negative (RFC 8017, A.1.1).
    let numbers = [der(2, &[&[0], &decoded(N)[..]].concat()), vec![2, 3, 1, 0, 1]].concat();
    let key = DecodingKey::from_rsa_der(&der(0x30, &numbers));
    let message = format!("{}.{PAYLOAD}", RS256[0]);
    assert!(crypto::verify(RS256[1], message.as_bytes(), &key, Algorithm::RS256).unwrap());
    let padded = DecodingKey::from_rsa_raw_components(&[&[0], &decoded(N)[..]].concat(), &decoded(E));
    assert!(verified(Algorithm::RS256, &padded, RS256[0], RS256[1]));

    let (short, long, even) = (vec![0xff; 255], vec![0xff; 1025], [&[0xff; 255][..], &[0xfe]].concat());
    for (n, e) in
        [(&short, decoded(E)), (&long, decoded(E)), (&even, decoded(E)), (&decoded(N), vec![]), (&vec![], vec![])]
    {
        let key = DecodingKey::from_rsa_raw_components(n, &e);
        let error = refused(Algorithm::RS256, &key, RS256[1]);
        assert!(matches!(error, ErrorKind::InvalidRsaKey(_)), "{n:?}, {e:?}: {error:?}");
    }
    let error = refused(Algorithm::RS256, &DecodingKey::from_rsa_der(b"0"), RS256[1]);
    // WebAssembly takes them as numbers only.
    assert!(matches!(error, ErrorKind::InvalidKeyFormat), "{error:?}");
}

#[test]
fn points_that_are_not_on_the_curve_are_refused() {
    let key = DecodingKey::from_ec_components(Y, X).unwrap();
    assert!(matches!(refused(Algorithm::ES256, &key, ES256[1]), ErrorKind::InvalidEcdsaKey));
}

#[test]
fn a_key_that_verifies_nothing_is_told_apart_when_it_is_read() {
    for (algorithm, key, _) in examples().into_iter().skip(1) {
        assert_eq!(super::check(algorithm, &key), Ok(()));
        assert_eq!(in_rust::check(algorithm, &key), Ok(()));
        assert!(super::check(Algorithm::HS256, &key).is_err(), "{algorithm:?}");
    }
    let encoded = |n: &[u8]| DecodingKey::from_rsa_der(&der(0x30, &[der(2, n), vec![2, 3, 1, 0, 1]].concat()));
    assert_eq!(super::check(Algorithm::RS256, &encoded(&[&[0], &decoded(N)[..]].concat())), Ok(()));

    let said = "is RSA of 1024 bits, and must have 2048 to 8192 (RFC 7518, section 3.3)";
    let short = [0xff; 128];
    let numbers = DecodingKey::from_rsa_raw_components(&[&[0], &short[..]].concat(), &decoded(E));
    assert_eq!(super::check(Algorithm::RS256, &numbers).unwrap_err(), said);
    assert_eq!(in_rust::check(Algorithm::RS256, &numbers).unwrap_err(), said);
    assert_eq!(super::check(Algorithm::RS256, &encoded(&[&[0], &short[..]].concat())).unwrap_err(), said);
    assert_eq!(super::check(Algorithm::RS256, &DecodingKey::from_rsa_der(b"0")).unwrap_err(), "is not one of RSA");

    // A point of P-384, where P-256 has 64 bytes; and two numbers that are not a point.
    let other_curve = DecodingKey::from_ec_der(&[&[4][..], &[1; 96]].concat());
    assert_eq!(super::check(Algorithm::ES256, &other_curve).unwrap_err(), "is on another curve than P-256");
    assert!(in_rust::check(Algorithm::ES256, &other_curve).is_err());
    assert!(in_rust::check(Algorithm::ES256, &DecodingKey::from_ec_components(Y, X).unwrap()).is_err());
}
