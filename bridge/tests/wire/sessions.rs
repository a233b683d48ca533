//! Sessions: how they go on, and all that ends them.

use serde_json::{Value, json};

use crate::accounts::{RULES, eventually, find, key, log_in};
use crate::bridge::{Bridge, Reply, hash};
use crate::folder::Folder;
use crate::token;

const SECRET: &str = "a secret of forty bytes, for tests only..";

fn bearer(reply: &Reply, name: &str) -> String {
    format!("Bearer {}", reply.json()[name].as_str().unwrap_or_else(|| panic!("{reply:?}")))
}

fn session(bridge: &Bridge, key: &str) -> Reply {
    let reply = log_in(bridge, "api-key", json!({"key": key}));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

fn session_url(bridge: &Bridge) -> String {
    format!("{}/api/client/v2.0/auth/session", bridge.url)
}

fn refresh(bridge: &Bridge, token: &str) -> Reply {
    bridge.post(&session_url(bridge), &[("Authorization", token)], b"")
}

fn status(bridge: &Bridge, token: &str) -> u16 {
    find(bridge, &[("Authorization", token)]).status
}

#[test]
fn the_last_account_can_be_revoked() {
    for emptied in ["", "# nobody\n"] {
        let folder = Folder::new();
        let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", key("a", "key-a"))]);
        let token = bearer(&session(&bridge, "key-a"), "access_token");
        assert_eq!((status(&bridge, &token), find(&bridge, &[("apiKey", "key-a")]).status), (200, 200));
        folder.write("access.toml", emptied);
        eventually("nobody is let in", || find(&bridge, &[("apiKey", "key-a")]).status == 401);
        assert_eq!(status(&bridge, &token), 401);
    }
}

/// Whose key was leaked changes it: in the file that the access file names, or what else makes the issuer.
#[test]
fn an_issuer_that_changes_ends_its_sessions() {
    let claims = json!({"sub": "ann", "aud": "shop", "exp": 4_000_000_000_u64});
    let issuer = |file: &str, audience: &str| {
        format!(
            "[[jwt]]\nname = \"i\"\nalgorithm = \"HS256\"\naudience = \"{audience}\"\nkey-file = {file:?}\n{RULES}\n"
        )
    };
    for change in ["key", "audience", "file"] {
        let folder = Folder::new();
        let old = folder.write("old", SECRET);
        let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", issuer(&old, "shop"))]);
        let jwt = token::hs256(SECRET.as_bytes(), &claims);
        let session = log_in(&bridge, "custom-token", json!({"token": jwt}));
        let (access, renewal) = (bearer(&session, "access_token"), bearer(&session, "refresh_token"));
        assert_eq!(status(&bridge, &access), 200);
        match change {
            "key" => drop(folder.write("old", SECRET.replace("forty", "FORTY"))),
            "audience" => drop(folder.write("access.toml", issuer(&old, "other"))),
            _ => {
                let new = folder.write("new", SECRET.replace("tests", "TESTS"));
                folder.write("access.toml", issuer(&new, "shop"));
            }
        }
        eventually("the token is refused", || find(&bridge, &[("jwtTokenString", &jwt)]).status == 401);
        assert_eq!(status(&bridge, &access), 401, "after a change of the {change}");
        refresh(&bridge, &renewal).error(401, "InvalidSession");
    }
}

#[test]
fn a_refresh_token_that_is_used_again_ends_its_session() {
    let folder = Folder::new();
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", key("a", "key-a"))]);
    let first = bearer(&session(&bridge, "key-a"), "refresh_token");
    // The retired service's libraries go on with their first one.
    for _ in 0..3 {
        assert_eq!(refresh(&bridge, &first).status, 201);
    }
    let second = bearer(&refresh(&bridge, &first), "refresh_token");
    let renewed = refresh(&bridge, &second);
    assert_eq!(renewed.status, 201);
    let (third, access) = (bearer(&renewed, "refresh_token"), bearer(&renewed, "access_token"));
    assert_eq!(status(&bridge, &access), 200);
    // A copy of the first that was stolen, or the one that it was stolen from.
    refresh(&bridge, &first).error(401, "InvalidSession");
    refresh(&bridge, &third).error(401, "InvalidSession");
    assert_eq!(status(&bridge, &access), 401);
}

#[test]
fn a_logout_holds_for_every_bridge_and_after_a_restart() {
    let folder = Folder::new();
    let access_file = folder.write("access.toml", key("a", "key-a"));
    let secret = folder.write("secret", [7; 32]);
    let namespace = format!("sessions_{}.ended", std::process::id());
    let flags = ["--access-file", &access_file, "--token-secret-file", &secret, "--sessions", &namespace];
    let (one, other) = (Bridge::start_with(&flags), Bridge::start_with(&flags));
    let (ended, kept) = (session(&one, "key-a"), session(&one, "key-a"));
    let (access, renewal) = (bearer(&ended, "access_token"), bearer(&ended, "refresh_token"));
    assert_eq!((status(&one, &access), status(&other, &access)), (200, 200));
    assert_eq!(one.delete(&session_url(&one), &[("Authorization", &renewal)]).status, 204);
    assert_eq!(status(&one, &access), 401);
    refresh(&other, &renewal).error(401, "InvalidSession");
    eventually("the other bridge knows", || status(&other, &access) == 401);
    drop((one, other));
    let again = Bridge::start_with(&flags);
    assert_eq!(status(&again, &access), 401, "after a restart");
    refresh(&again, &renewal).error(401, "InvalidSession");
    assert_eq!(status(&again, &bearer(&kept, "access_token")), 200, "another session goes on");
}

#[test]
fn sessions_that_cannot_be_looked_up_are_not_taken() {
    // Nobody listens there, so it is not known which have ended.
    let folder = Folder::new();
    let access_file = folder.write("access.toml", key("a", "key-a"));
    let secret = folder.write("secret", [7; 32]);
    let flags = ["--access-file", &access_file, "--token-secret-file", &secret];
    let bridge = Bridge::start_at("mongodb://127.0.0.1:9/?directConnection=true", &flags);
    let session = session(&bridge, "key-a");
    find(&bridge, &[("Authorization", &bearer(&session, "access_token"))]).error(503, "ServiceUnavailable");
    assert_eq!(
        bridge.delete(&session_url(&bridge), &[("Authorization", &bearer(&session, "refresh_token"))]).status,
        503
    );
}

#[test]
fn anonymous_users_where_there_are_rules_for_them() {
    let folder = Folder::new();
    let file = folder.write("access.toml", key("a", "key-a"));
    let bridge = Bridge::start_with(&["--access-file", &file]);
    log_in(&bridge, "anon-user", json!({})).error(404, "NotFound");
    let anonymous = "[anonymous]\nrules = [{ database = \"*\", collections = [\"c\"], access = \"read\" }]\n";
    folder.write("access.toml", key("a", "key-a") + anonymous);
    eventually("anonymous users are let in", || log_in(&bridge, "anon-user", json!({})).status == 200);

    let (one, other) = (log_in(&bridge, "anon-user", json!({})), log_in(&bridge, "anon-user", json!({})));
    assert_ne!(one.json()["user_id"], other.json()["user_id"], "each is a user");
    let token = bearer(&one, "access_token");
    let insert = |token: &str| {
        let body =
            json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "document": {}});
        let headers = [("Authorization", token), ("Content-Type", "application/json")];
        bridge.post(&bridge.action_url("insertOne"), &headers, body.to_string().as_bytes()).status
    };
    assert_eq!((status(&bridge, &token), insert(&token)), (200, 403));
    assert_eq!(refresh(&bridge, &bearer(&one, "refresh_token")).status, 201);
    let profile: Value = {
        let url = format!("{}/api/client/v2.0/auth/profile", bridge.url);
        serde_json::from_str(&bridge.get_with(&url, &[("Authorization", &token)]).text).unwrap()
    };
    assert_eq!(profile["user_id"], one.json()["user_id"]);
    assert_eq!(profile["identities"][0]["provider_type"], "anon-user");
    folder.write("access.toml", key("a", "key-a"));
    eventually("and not any more", || status(&bridge, &token) == 401);
}

#[test]
fn anonymous_logins_and_refreshes_count_as_requests() {
    let folder = Folder::new();
    let anonymous =
        "[anonymous]\nrate-limit = 5\nrules = [{ database = \"*\", collections = [\"c\"], access = \"read\" }]\n";
    let file = folder.write("access.toml", key("a", "key-a") + "rate-limit = 5\n" + anonymous);
    let bridge = Bridge::start_with(&["--access-file", &file]);
    let logins: Vec<_> = (0..7).map(|_| log_in(&bridge, "anon-user", json!({})).status).collect();
    assert_eq!(logins, [200, 200, 200, 200, 200, 429, 429]);
    let renewal = bearer(&session(&bridge, "key-a"), "refresh_token");
    let refreshed: Vec<_> = (0..7).map(|_| refresh(&bridge, &renewal).status).collect();
    assert_eq!(refreshed, [201, 201, 201, 201, 429, 429, 429], "the login was one of five");
    assert_eq!(status(&bridge, "Bearer wrong"), 401);
}

/// Who could read or write the record of ended sessions could bring one back. In whatever database it is, `*` does not reach it.
#[test]
fn the_record_of_ended_sessions_is_not_reached_by_a_pattern() {
    let folder = Folder::new();
    let namespace = (format!("shop_{}", std::process::id()), "ended");
    let rules = |database: &str, collection: &str| {
        format!("rules = [{{ database = \"{database}\", collections = [\"{collection}\"], access = \"read-write\" }}]")
    };
    let accounts = [
        ("all", rules("*", "*")),
        ("database", rules(&namespace.0, "*")),
        ("collection", rules("*", namespace.1)),
        ("named", rules(&namespace.0, namespace.1)),
    ];
    let file: String = accounts
        .iter()
        .map(|(name, rules)| format!("[[keys]]\nname = \"{name}\"\nhash = \"{}\"\n{rules}\n", hash(name)))
        .collect();
    let sessions = format!("{}.{}", namespace.0, namespace.1);
    let bridge = Bridge::start_with(&[
        "--access-file",
        &folder.write("access.toml", file),
        "--token-secret-file",
        &folder.write("secret", [7; 32]),
        "--sessions",
        &sessions,
    ]);
    let renewal = bearer(&session(&bridge, "all"), "refresh_token");
    assert_eq!(bridge.delete(&session_url(&bridge), &[("Authorization", &renewal)]).status, 204);

    let call = |key: &str, action: &str, collection: &str, mut fields: Value| {
        fields["dataSource"] = json!("mongodb-atlas");
        fields["database"] = json!(namespace.0);
        fields["collection"] = json!(collection);
        let headers = [("apiKey", key), ("Content-Type", "application/json")];
        bridge.post(&bridge.action_url(action), &headers, fields.to_string().as_bytes())
    };
    let lookup = json!({"from": namespace.1, "pipeline": [], "as": "sessions"});
    for key in ["all", "database", "collection"] {
        for (action, fields) in [
            ("find", json!({})),
            ("aggregate", json!({"pipeline": []})),
            ("updateMany", json!({"filter": {}, "update": {"$unset": {"ended": 1}}})),
            ("deleteMany", json!({"filter": {}})),
        ] {
            call(key, action, namespace.1, fields).error(403, "NoMatchingRuleFound");
        }
    }
    for key in ["all", "database"] {
        for stage in [json!({"$unionWith": namespace.1}), json!({"$lookup": lookup})] {
            call(key, "aggregate", "games", json!({"pipeline": [stage]})).error(403, "NoMatchingRuleFound");
        }
        assert_eq!(call(key, "find", "games", json!({})).status, 200, "the database's other collections");
    }
    let found = call("named", "find", namespace.1, json!({})).json();
    assert_eq!(found["documents"][0]["ended"], json!(true), "{found}");
}
