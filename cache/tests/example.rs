//! The example runs, on a real Redis, and finds what it should in the cache.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[allow(dead_code, reason = "its `main` is for the command line")]
#[path = "../examples/counter.rs"]
mod counter;

use testkit::services::redis::Redis;

#[tokio::test]
async fn the_example_reads_through_the_cache_and_never_an_old_number() {
    let redis = Redis::temporary().unwrap();
    let lines = counter::run(&redis.url()).await.unwrap();
    let expected: Vec<String> =
        (0..3).flat_map(|n| [format!("{n} from the source"), format!("{n} from the cache")]).collect();
    assert_eq!(lines, expected);
}
