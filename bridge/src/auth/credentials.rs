//! What a request presents, in the protocol's order.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::error::Error;

/// The credentials that count among those presented.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'h> {
    /// `Authorization: Bearer`: an access token.
    Bearer(&'h [u8]),
    /// `apiKey`, or `api-key`.
    ApiKey(&'h [u8]),
    /// `email` with `password`.
    EmailPassword(&'h [u8], &'h [u8]),
    /// `jwtTokenString`.
    CustomJwt(&'h [u8]),
}

impl<'h> Credentials<'h> {
    /// Picks the credentials that count: an access token wins, whatever else there is.
    ///
    /// # Errors
    /// Where there are none, or half of a pair.
    pub(super) fn of(headers: &'h HeaderMap) -> Result<Self, Error> {
        if let Some(token) = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())) {
            return Ok(Credentials::Bearer(token));
        }
        if let Some(key) = headers.get("apikey").or_else(|| headers.get("api-key")) {
            return Ok(Credentials::ApiKey(key.as_bytes()));
        }
        match (headers.get("email"), headers.get("password")) {
            (Some(email), Some(password)) => {
                return Ok(Credentials::EmailPassword(email.as_bytes(), password.as_bytes()));
            }
            (None, None) => {}
            _ => return Err(Error::HalfAuthentication),
        }
        if let Some(token) = headers.get("jwttokenstring") {
            return Ok(Credentials::CustomJwt(token.as_bytes()));
        }
        Err(Error::NoAuthentication)
    }
}

/// The token. Other schemes, such as a proxy's `Basic`, are not the protocol's and count as nothing.
pub(super) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let scheme = value.split(|&b| b == b' ').next()?;
    scheme.eq_ignore_ascii_case(b"Bearer").then(|| value[scheme.len()..].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn of(pairs: &[(&str, &'static str)]) -> Result<String, String> {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value)))
            .collect();
        Credentials::of(&headers).map(|found| format!("{found:?}")).map_err(|error| error.code().to_owned())
    }

    #[test]
    fn the_order_of_the_protocol() {
        let key = Ok(format!("{:?}", Credentials::ApiKey(b"k")));
        assert_eq!(of(&[("APIKEY", "k")]), key);
        assert_eq!(of(&[("api-key", "k")]), key);
        assert_eq!(of(&[("apiKey", "k"), ("email", "e")]), key);
        assert_eq!(of(&[("Authorization", "Basic eA=="), ("apiKey", "k")]), key);
        assert_eq!(
            of(&[("Authorization", "bearer x"), ("apiKey", "k")]),
            Ok(format!("{:?}", Credentials::Bearer(b"x")))
        );
        assert_eq!(
            of(&[("email", "e"), ("password", "p")]),
            Ok(format!("{:?}", Credentials::EmailPassword(b"e", b"p")))
        );
        assert_eq!(of(&[("jwtTokenString", "j")]), Ok(format!("{:?}", Credentials::CustomJwt(b"j"))));
        assert_eq!(of(&[("email", "e")]), Err("MissingParameter".to_owned()));
        assert_eq!(of(&[("password", "p"), ("jwtTokenString", "j")]), Err("MissingParameter".to_owned()));
        assert_eq!(of(&[]), Err("InvalidParameter".to_owned()));
        assert_eq!(of(&[("Authorization", "Basic eA==")]), Err("InvalidParameter".to_owned()));
    }
}
