//! Errors that Redis answers, provoked on a real one: each costs what its row in `Refusal`'s table says, and none opens
//! the circuit breaker.

use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{
    CacheError, Entry, Invalidation, Loaded, ReadThrough, Refusal, Source, SourceError, Step, WritePolicy,
};

use super::server::*;

/// How a source fails: it is away, or it does not say what became of a write.
#[derive(Debug, PartialEq)]
pub enum Failure {
    Away,
    Lost,
}

impl SourceError for Failure {
    fn timed_out() -> Self {
        Failure::Away
    }

    fn outcome_unknown(&self) -> bool {
        *self == Failure::Lost
    }

    fn is_outage(&self) -> bool {
        true
    }
}

async fn read(cache: &ReadThrough<Native>, entry: &Entry<'_>) -> Source {
    let load = async { Ok::<_, Failure>(Some(Loaded::from(Bytes::from_static(b"[]")))) };
    let read = cache.read(entry, load).await.unwrap();
    assert_eq!(read.value.unwrap().bytes, "[]");
    assert!(!cache.is_circuit_open());
    read.source
}

async fn write(cache: &ReadThrough<Native>) -> Invalidation {
    let done = cache.write("games", &[LISTINGS], async { Ok::<_, Failure>(()) }).await;
    assert!(!cache.is_circuit_open());
    done.unwrap().1
}

fn is_hit(source: &Source) -> bool {
    matches!(source, Source::Hit { .. })
}

/// The refusal that health names, and the step that it names it for.
async fn refused(cache: &ReadThrough<Native>) -> (Step, Refusal) {
    let health = cache.health().await;
    assert!(!health.is_up());
    match &health.problems[0] {
        fenced_cache::Problem { step, error: CacheError::Refused { refusal, .. }, .. } => (*step, *refusal),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_of_another_type_costs_only_itself_a_miss() {
    let mut redis = started(&[]).await;
    let cache = cache(&redis.server.url(), WritePolicy::Available);
    redis.command(&["HSET", "games:list", "f", "1"]).await;
    read(&cache, &document()).await;
    assert!(is_hit(&read(&cache, &document()).await));
    assert!(!is_hit(&read(&cache, &listing()).await));
    assert!(is_hit(&read(&cache, &listing()).await), "what was there is replaced");
    // Where the index holds another type, its scope is not cached. A reader that could not fill keeps nobody waiting.
    redis.command(&["DEL", "games:~index:list", "games:~generation:list", "games:list"]).await;
    redis.command(&["SET", "games:~index:list", "x"]).await;
    for _ in 0..3 {
        assert_eq!(read(&cache, &listing()).await, Source::Miss { stored: None });
        assert_eq!(redis.command(&["GET", "games:~lease:list"]).await, redis::Value::BulkString(b"cooldown".to_vec()));
    }
    redis.command(&["DEL", "games:~index:list", "games:~lease:list"]).await;
    read(&cache, &listing()).await;
    assert!(is_hit(&read(&cache, &listing()).await));
    // So does a fence set, which says why.
    redis.command(&["DEL", "games:~fence:list", "games:list"]).await;
    redis.command(&["SET", "games:~fence:list", "x"]).await;
    assert!(!is_hit(&read(&cache, &listing()).await));
    assert!(!is_hit(&read(&cache, &listing()).await));
    assert!(is_hit(&read(&cache, &document()).await));
    let error = redis.protocol.acquire(&listing(), 1 << 30, LEASE, TTL).await.unwrap_err();
    assert!(matches!(error, CacheError::Refused { refusal: Refusal::WrongType, .. }), "{error}");
}

#[tokio::test]
async fn a_user_who_may_not_write_is_named_by_health() {
    let mut redis = started(&[]).await;
    redis
        .command(&["ACL", "SETUSER", "reader", "on", ">secret", "~*", "+mget", "+eval", "+evalsha", "+time", "+info"])
        .await;
    let url = redis.server.url().replace("redis://", "redis://reader:secret@");
    let cache = cache(&url, WritePolicy::Available);
    assert_eq!(read(&cache, &listing()).await, Source::Bypass { detail: "refused" });
    assert_eq!(write(&cache).await, Invalidation::Failed);
    assert_eq!(refused(&cache).await, (Step::Lookup, Refusal::NoPermission));
}

/// What the README says suffices.
#[tokio::test]
async fn the_documented_permissions_suffice() {
    let mut redis = started(&[]).await;
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    redis.command(&words).await;
    let url = redis.server.url().replace("redis://", "redis://cache:secret@");
    let cache = cache(&url, WritePolicy::Consistent);
    read(&cache, &listing()).await;
    assert!(is_hit(&read(&cache, &listing()).await));
    assert_eq!(write(&cache).await, Invalidation::Done);
    assert!(!is_hit(&read(&cache, &listing()).await));
    cache.purge("games", &[LISTINGS, DOCUMENTS]).await.unwrap();
    let health = cache.health().await;
    assert!(health.is_up() && health.run_id_unchecked.is_none(), "{health:?}");
    assert_eq!(cache.count("games:~rate:me", Duration::from_secs(60)).await.unwrap().0, 1);
    let counters = cache.add_up("games:~metrics", &[("reads".to_owned(), 3)], TTL, true).await.unwrap();
    assert_eq!(counters, [(Bytes::from_static(b"reads"), 3)]);
}

#[tokio::test]
async fn without_info_everything_works_but_one_part_that_health_names() {
    let mut redis = started(&[]).await;
    redis.command(&["ACL", "SETUSER", "plain", "on", ">secret", "~*", "+@all", "-info"]).await;
    let url = redis.server.url().replace("redis://", "redis://plain:secret@");
    let cache = cache(&url, WritePolicy::Available);
    read(&cache, &listing()).await;
    assert!(is_hit(&read(&cache, &listing()).await));
    let health = cache.health().await;
    assert!(health.is_up() && health.run_id_unchecked.is_some(), "{health:?}");
}

#[tokio::test]
async fn a_full_redis_serves_hits_and_records_writes() {
    let mut redis = started(&[]).await;
    let cache = cache(&redis.server.url(), WritePolicy::Consistent);
    read(&cache, &document()).await;
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert!(is_hit(&read(&cache, &document()).await));
    assert_eq!(read(&cache, &listing()).await, Source::Miss { stored: None });
    assert_eq!(write(&cache).await, Invalidation::Done);
    assert_eq!(refused(&cache).await.1, Refusal::OutOfMemory);
}

#[tokio::test]
async fn a_write_that_may_still_come_is_fenced_as_soon_as_redis_can() {
    let mut redis = started(&[]).await;
    let cache = cache(&redis.server.url(), WritePolicy::Available);
    redis.command(&["REPLICAOF", "127.0.0.1", "9"]).await;
    let work = async {
        redis.command(&["REPLICAOF", "NO", "ONE"]).await;
        Err::<(), _>(Failure::Lost)
    };
    let written = cache.write("games", &[LISTINGS], work).await;
    assert_eq!(written, Err(fenced_cache::WriteError::Source(Failure::Lost)));
    assert_eq!(redis.keys("games:~fence:*").await, ["games:~fence:list"]);
    for _ in 0..2 {
        assert_eq!(read(&cache, &listing()).await, Source::Miss { stored: None });
    }
}

#[tokio::test]
async fn a_replica_is_not_read_from() {
    let mut redis = started(&[]).await;
    let cache = cache(&redis.server.url(), WritePolicy::Available);
    read(&cache, &listing()).await;
    // Port 9 (discard): nobody is there, so it stays a replica that holds what it held.
    redis.command(&["REPLICAOF", "127.0.0.1", "9"]).await;
    assert_eq!(write(&cache).await, Invalidation::Failed);
    assert_eq!(
        read(&cache, &listing()).await,
        Source::Bypass { detail: "refused" },
        "it has what was before the write"
    );
    assert_eq!(refused(&cache).await.1, Refusal::ReadOnly);
    redis.command(&["REPLICAOF", "NO", "ONE"]).await;
    read(&cache, &listing()).await;
    assert!(is_hit(&read(&cache, &listing()).await));
}

#[tokio::test]
async fn a_node_of_a_cluster_says_that_it_is_one() {
    // Where it keeps what it knows of the cluster.
    let folder = std::env::temp_dir().join(format!("fenced-cache-cluster-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut redis = started(&["--cluster-enabled", "yes", "--dir", folder.to_str().unwrap()]).await;
    let cache = cache(&redis.server.url(), WritePolicy::Available);
    assert_eq!(read(&cache, &listing()).await, Source::Bypass { detail: "refused" });
    assert_eq!(refused(&cache).await.1, Refusal::ClusterDown);
    // It serves one slot only, and not one of ours.
    redis.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]).await;
    redis.command(&["CLUSTER", "ADDSLOTS", "1"]).await;
    assert_eq!(write(&cache).await, Invalidation::Failed);
    assert!(matches!(refused(&cache).await.1, Refusal::ClusterDown | Refusal::OtherSlot));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_named() {
    let redis = started(&[]).await;
    let url = redis.server.url().replace("redis://", "redis://nobody:wrong@");
    let cache = cache(&url, WritePolicy::Available);
    let health = cache.health().await;
    assert!(!health.is_up());
    let text = format!("{:?}", health.problems[0].error).to_ascii_lowercase();
    assert!(text.contains("auth") || text.contains("wrongpass") || text.contains("password"), "{text}");
}

#[tokio::test]
async fn a_busy_redis_is_bypassed_until_the_script_has_ended() {
    let mut redis = started(&[]).await;
    let cache = cache(&redis.server.url(), WritePolicy::Available);
    read(&cache, &listing()).await;
    redis.command(&["CONFIG", "SET", "busy-reply-threshold", "1"]).await;
    let client = redis::Client::open(redis.server.url()).unwrap();
    let mut other = client.get_multiplexed_async_connection().await.unwrap();
    let endless = tokio::spawn(async move {
        let script = redis::cmd("EVAL").arg("while true do end").arg(0).to_owned();
        script.query_async::<redis::Value>(&mut other).await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(read(&cache, &listing()).await, Source::Bypass { detail: "refused" });
    assert_eq!(refused(&cache).await.1, Refusal::Busy);
    redis.command(&["SCRIPT", "KILL"]).await;
    assert!(endless.await.unwrap().is_err());
    assert!(is_hit(&read(&cache, &listing()).await));
}
