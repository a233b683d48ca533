//! What a client could pile up in the server: names, error texts, stages, answers that it does not read.

use serde_json::json;

use crate::bridge::Bridge;

const MIB: usize = 1 << 20;

#[test]
fn refused_logins_leave_nothing_behind() {
    let bridge = Bridge::start();
    let url = format!("{}/api/client/v2.0/app/x/auth/providers/local-userpass/login", bridge.url);
    let try_one = |number: usize| {
        let body = json!({"username": format!("{number}{}", "x".repeat(60_000)), "password": "guess"}).to_string();
        bridge.post(&url, &[("Content-Type", "application/json")], body.as_bytes()).status
    };
    // So many that the address has to wait.
    let first: Vec<_> = (0..60).map(try_one).collect();
    assert_eq!(first.last(), Some(&429), "{first:?}");
    bridge.reset_peak_memory();
    let before = bridge.peak_memory();
    for number in 100..700 {
        assert!(matches!(try_one(number), 401 | 429));
    }
    let grown = bridge.peak_memory() - before;
    assert!(grown < 24 * MIB, "600 logins that were refused took {} MiB", grown / MIB);
}
