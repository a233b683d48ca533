//! What a request presents, in the protocol's order.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::error::Error;

/// The credentials that count among those presented.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'h> {
    /// `Authorization: Bearer`: an access token.
    Bearer,
    /// `apiKey`, or `api-key`.
    ApiKey(&'h [u8]),
    /// `email` with `password`.
    EmailPassword,
    /// `jwtTokenString`.
    CustomJwt,
}

impl<'h> Credentials<'h> {
    /// Picks the credentials that count: an access token wins, whatever else there is.
    ///
    /// # Errors
    /// Where there are none, or half of a pair.
    pub(super) fn of(headers: &'h HeaderMap) -> Result<Self, Error> {
        if headers.get(AUTHORIZATION).is_some_and(|value| is_bearer(value.as_bytes())) {
            return Ok(Credentials::Bearer);
        }
        if let Some(key) = headers.get("apikey").or_else(|| headers.get("api-key")) {
            return Ok(Credentials::ApiKey(key.as_bytes()));
        }
        match (headers.contains_key("email"), headers.contains_key("password")) {
            (true, true) => return Ok(Credentials::EmailPassword),
            (false, false) => {}
            _ => return Err(Error::HalfAuthentication),
        }
        if headers.contains_key("jwttokenstring") {
            return Ok(Credentials::CustomJwt);
        }
        Err(Error::NoAuthentication)
    }
}

/// Other schemes, such as a proxy's `Basic`, are not the protocol's and count as nothing.
fn is_bearer(value: &[u8]) -> bool {
    value.split(|&b| b == b' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer"))
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
        assert_eq!(of(&[("Authorization", "bearer x"), ("apiKey", "k")]), Ok("Bearer".to_owned()));
        assert_eq!(of(&[("email", "e"), ("password", "p")]), Ok("EmailPassword".to_owned()));
        assert_eq!(of(&[("jwtTokenString", "j")]), Ok("CustomJwt".to_owned()));
        assert_eq!(of(&[("email", "e")]), Err("MissingParameter".to_owned()));
        assert_eq!(of(&[("password", "p"), ("jwtTokenString", "j")]), Err("MissingParameter".to_owned()));
        assert_eq!(of(&[]), Err("InvalidParameter".to_owned()));
        assert_eq!(of(&[("Authorization", "Basic eA==")]), Err("InvalidParameter".to_owned()));
    }
}
