//! Who is let in, and the three errors of the contract.

use serde_json::json;

use crate::bridge::{Bridge, KEY, Reply};

fn find(bridge: &Bridge, headers: &[(&str, &str)]) -> Reply {
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "filter": {}});
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    bridge.post(&bridge.action_url("find"), &all, body.to_string().as_bytes())
}

#[test]
fn keys_under_either_name() {
    let bridge = Bridge::start_with(&["--api-key", "first,second", "--api-key", KEY]);
    for header in ["apiKey", "apikey", "APIKEY", "api-key", "Api-Key"] {
        for key in ["first", "second", KEY] {
            assert_eq!(find(&bridge, &[(header, key)]).status, 200, "{header}: {key}");
        }
    }
}

#[test]
fn the_three_errors() {
    let bridge = Bridge::start();
    let none = "no authentication methods were specified";
    let half = "must specify some form of authentication (either email+password, api-key, or jwt) in the request header \
                or body";
    let nobody = "invalid session: error finding user for endpoint";
    for (headers, status, code, text) in [
        (&[][..], 400, "InvalidParameter", none),
        (&[("Authorization", "Basic eDp5")], 400, "InvalidParameter", none),
        (&[("email", "a@b.c")], 400, "MissingParameter", half),
        (&[("password", "p")], 400, "MissingParameter", half),
        (&[("apiKey", "wrong")], 401, "InvalidSession", nobody),
        (&[("apiKey", "")], 401, "InvalidSession", nobody),
        (&[("email", "a@b.c"), ("password", "p")], 401, "InvalidSession", nobody),
        (&[("jwtTokenString", "e30.e30.e30")], 401, "InvalidSession", nobody),
        (&[("Authorization", "Bearer x"), ("apiKey", KEY)], 401, "InvalidSession", nobody),
    ] {
        assert_eq!(find(&bridge, headers).error(status, code), text, "{headers:?}");
    }
}

#[test]
fn who_is_asking_comes_before_what() {
    let bridge = Bridge::start();
    let reply = bridge.post(&bridge.action_url("find"), &[("apiKey", "wrong")], b"{");
    reply.error(401, "InvalidSession");
}

#[test]
fn everyone_where_the_operator_wants_it() {
    let bridge = Bridge::start_with(&["--no-auth"]);
    assert_eq!(find(&bridge, &[]).status, 200);
    assert_eq!(find(&bridge, &[("apiKey", "whatever")]).status, 200);
}
