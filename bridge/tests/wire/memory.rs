//! Many large requests at a time: some are refused, and the process lives on.

use std::thread;

use serde_json::json;

use crate::bridge::{Bridge, KEY, Reply, mongodb_uri, program};

const MIB: usize = 1024 * 1024;

fn at_a_time(bridge: &Bridge, action: &str, count: usize, body: &str) -> Vec<Reply> {
    let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
    thread::scope(|scope| {
        let call = || bridge.post(&bridge.action_url(action), &headers, body.as_bytes());
        let calls: Vec<_> = (0..count).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

fn body(bridge: &Bridge, rest: &str) -> String {
    format!(r#"{{"dataSource":"mongodb-atlas","database":"{}","collection":"c",{rest}}}"#, bridge.database)
}

/// A list of zeros takes two bytes each in JSON, thirteen in BSON, and a hundred and fifty in the form that the driver wants.
fn zeros(bridge: &Bridge, bytes: usize) -> String {
    body(bridge, &format!(r#""filter":{{"a":{{"$in":[{}0]}}}}"#, "0,".repeat(bytes / 2 - 80)))
}

#[test]
fn large_filters_within_a_quarter_of_a_gibibyte() {
    let bridge = Bridge::start();
    for (size, fits) in [(16 * MIB, false), (4 * MIB, false), (MIB / 32, true)] {
        let replies = at_a_time(&bridge, "find", 64, &zeros(&bridge, size));
        let refused = replies.iter().filter(|reply| matches!(reply.status, 413 | 503)).count();
        let served = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(refused + served, 64, "{size}: {:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
        assert_eq!(served > 0, fits, "{size}: {refused} refused, {served} served");
    }
    let peak = bridge.peak_memory() / MIB;
    assert!(peak < 256, "{peak} MiB");
    assert_eq!(bridge.call("find", json!({})).status, 200);
}

#[test]
fn large_documents_within_a_quarter_of_a_gibibyte() {
    let bridge = Bridge::start();
    let documents = vec![format!(r#"{{"text":"{}"}}"#, "x".repeat(MIB)); 12].join(",");
    let replies = at_a_time(&bridge, "insertMany", 16, &body(&bridge, &format!(r#""documents":[{documents}]"#)));
    let served = replies.iter().filter(|reply| reply.status == 201).count();
    let refused = replies.iter().filter(|reply| reply.status == 503).count();
    assert!(served > 0 && served + refused == 16, "{served} served, {refused} refused");
    let peak = bridge.peak_memory() / MIB;
    assert!(peak < 256, "{peak} MiB");
}

/// What the systemd unit sets for the allocator.
fn variables_of_the_unit() -> Vec<(&'static str, &'static str)> {
    let unit = include_str!("../../../deploy/data-api.service");
    let variables = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    variables.filter(|(name, _)| !name.starts_with("DATA_API_")).collect()
}

/// What one kind of request leaves behind must not be missing for the next.
#[test]
fn large_requests_of_all_kinds_one_after_another_within_a_quarter_of_a_gibibyte() {
    let mut command = program();
    command.envs(variables_of_the_unit());
    let bridge = Bridge::spawn(command, &["--api-key", KEY, "--mongodb-uri", &mongodb_uri()]);
    let documents = vec![format!(r#"{{"text":"{}"}}"#, "x".repeat(MIB)); 12].join(",");
    let documents = body(&bridge, &format!(r#""documents":[{documents}]"#));
    let objects = body(&bridge, &format!(r#""filter":{{"a":{{"$in":[{}{{}}]}}}}"#, "{},".repeat(16 * MIB / 3 - 80)));
    for _ in 0..2 {
        let zeros = zeros(&bridge, 16 * MIB);
        for (action, count, text) in [("find", 64, &zeros), ("insertMany", 16, &documents), ("find", 64, &objects)] {
            let replies = at_a_time(&bridge, action, count, text);
            let answered = |reply: &Reply| matches!(reply.status, 201 | 413 | 503);
            assert!(replies.iter().all(answered), "{:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
        }
    }
    let peak = bridge.peak_memory() / MIB;
    assert!(peak < 256, "{peak} MiB");
    assert_eq!(bridge.get("/health/live").status, 200);
}
