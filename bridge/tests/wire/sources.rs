//! Several data sources in one bridge.

use serde_json::json;

use crate::bridge::{Bridge, KEY, mongodb_uri, program};
use crate::folder::Folder;

#[test]
fn requests_name_one_of_several() {
    let folder = Folder::new();
    // The second is unreachable: a request that is answered 503 was sent to it.
    let text = format!(
        "server-selection-timeout = \"200ms\"\n[data-sources]\nCluster0 = \"{}\"\nother = \"mongodb://127.0.0.1:9/?directConnection=true\"\n",
        mongodb_uri()
    );
    let file = folder.write("data-api.toml", text);
    let bridge = Bridge::start_bare(&["--api-key", KEY, "--config", &file]);
    let find = |source: &str| {
        let body = json!({"dataSource": source, "database": bridge.database, "collection": "c", "filter": {}});
        let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
        bridge.post(&bridge.action_url("find"), &headers, body.to_string().as_bytes())
    };
    assert_eq!(find("Cluster0").text, r#"{"documents":[]}"#);
    find("other").error(503, "ServiceUnavailable");
    for unknown in ["mongodb-atlas", "cluster0", "Other"] {
        let error = find(unknown).error(400, "InvalidParameter");
        assert_eq!(error, format!("the dataSource `{unknown}` is unknown"));
    }
    bridge.get("/health/ready").error(503, "ServiceUnavailable");
}

#[test]
fn they_stand_beside_the_one_that_is_given_as_ever() {
    let more = format!("shop={}", mongodb_uri());
    let bridge = Bridge::start_with(&["--api-key", KEY, "--data-sources", &more]);
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    let body = json!({"dataSource": "shop", "database": bridge.database, "collection": "c"});
    let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
    let reply = bridge.post(&bridge.action_url("find"), &headers, body.to_string().as_bytes());
    assert_eq!(reply.text, r#"{"documents":[{"_id":1}]}"#, "the same server by another name");
    assert_eq!(bridge.get("/health/ready").status, 200);
}

#[test]
fn an_address_that_is_not_usable_is_named_without_its_password() {
    let flags = ["--no-auth", "--listen", "127.0.0.1:0", "--data-sources", "shop=mongodb://u:s3cret@h:port"];
    let output = program().args(flags).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("shop: the MongoDB URI is not usable"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}
