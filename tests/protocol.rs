//! The steps of the cache protocol, as Lua scripts on a real Redis.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::redis::{TestRedis, connected};
use fenced_cache::{Acquired, Cache, Entry, Fill, Lease, Scope};

const LEASE: Duration = Duration::from_secs(2);
/// How long readers do not follow one another after a fill that was overtaken; and a bit.
const COOLDOWN: Duration = Duration::from_millis(130);
const AGE: Duration = Duration::from_secs(6);
const TTL: Duration = Duration::from_secs(60);
const FENCE: Duration = Duration::from_secs(20);
const READER: u64 = 1 << 40;
const WRITER: u64 = 2 << 40;
const OTHER: u64 = 3 << 40;

const LISTINGS: Scope = Scope::group("list");
const DOCUMENT: Scope = Scope::single("id:5a1f00000000000000000001");
const DOCUMENTS: Scope = Scope::group("id");

fn listing() -> Entry<'static> {
    Entry::new("games", "list", &[LISTINGS])
}

fn document() -> Entry<'static> {
    Entry::new("games", DOCUMENT.name, &[DOCUMENT, DOCUMENTS])
}

async fn lead(redis: &TestRedis, entry: &Entry<'_>, token: u64) -> Lease {
    match redis.cache.acquire(entry, token, LEASE).await.unwrap() {
        Acquired::Leased(lease) => lease,
        other => panic!("no lease: {other:?}"),
    }
}

async fn fill(redis: &TestRedis, entry: &Entry<'_>, token: u64, lease: &Lease, value: &str) -> bool {
    let value = Fill::Value(value.as_bytes());
    let filled = redis.cache.fill(entry, token, lease, AGE, value, TTL).await;
    filled.unwrap()
}

#[tokio::test]
async fn a_reader_fills_what_the_next_one_finds() {
    let redis = connected().await;
    let entry = listing();
    assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
    let lease = lead(&redis, &entry, READER).await;
    assert_eq!(lease.generations.len(), 1);
    assert!(fill(&redis, &entry, READER, &lease, "[1]").await);
    let value = Bytes::from_static(b"[1]");
    assert_eq!(redis.cache.get(&entry).await.unwrap(), Some(value.clone()));
    let taken = redis.cache.acquire(&entry, OTHER, LEASE).await.unwrap();
    assert_eq!(taken, Acquired::Value(value));
    let left = redis.cache.ttl(&entry).await.unwrap().unwrap();
    assert!(left <= TTL && left > TTL - Duration::from_secs(5), "{left:?}");
}

#[tokio::test]
async fn one_reader_leads_and_the_others_follow() {
    let redis = connected().await;
    let entry = listing();
    let lease = lead(&redis, &entry, READER).await;
    let follow = redis.cache.acquire(&entry, OTHER, LEASE).await.unwrap();
    assert_eq!(follow, Acquired::Wait);
    // Who lost the answer asks again and has the lease still, with the same generations.
    assert_eq!(lead(&redis, &entry, READER).await.generations, lease.generations);
    redis.cache.release(&entry, OTHER).await.unwrap();
    let follow = redis.cache.acquire(&entry, OTHER, LEASE).await.unwrap();
    assert_eq!(follow, Acquired::Wait, "a lease is released by its holder alone");
    redis.cache.release(&entry, READER).await.unwrap();
    lead(&redis, &entry, OTHER).await;
}

#[tokio::test]
async fn a_lease_runs_out() {
    let redis = connected().await;
    let short = Duration::from_millis(50);
    let taken = redis.cache.acquire(&listing(), READER, short).await.unwrap();
    assert!(matches!(taken, Acquired::Leased(_)));
    tokio::time::sleep(short * 2).await;
    lead(&redis, &listing(), OTHER).await;
}

#[tokio::test]
async fn a_reader_overtaken_by_a_write_does_not_fill() {
    let redis = connected().await;
    let entry = document();
    let scopes = [LISTINGS, DOCUMENT];
    for entry in [entry, listing()] {
        let lease = lead(&redis, &entry, READER).await;
        redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
        redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
        assert!(!fill(&redis, &entry, READER, &lease, "old").await);
        assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
        // For a moment nobody leads and nobody follows: where writes do not pause, the next fill is overtaken, too.
        let taken = redis.cache.acquire(&entry, OTHER, LEASE).await.unwrap();
        assert_eq!(taken, Acquired::Fenced);
        tokio::time::sleep(COOLDOWN).await;
        let lease = lead(&redis, &entry, OTHER).await;
        assert!(fill(&redis, &entry, OTHER, &lease, "new").await);
    }
}

#[tokio::test]
async fn nothing_is_cached_behind_a_fence() {
    let redis = connected().await;
    let entry = document();
    let lease = lead(&redis, &entry, READER).await;
    let scopes = [DOCUMENT];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    assert!(!fill(&redis, &entry, READER, &lease, "old").await);
    let taken = redis.cache.acquire(&entry, READER, LEASE).await.unwrap();
    assert_eq!(taken, Acquired::Fenced);
    // Of two writers' fences each stands for itself.
    redis.cache.begin_write("games", &scopes, OTHER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    let taken = redis.cache.acquire(&entry, READER, LEASE).await.unwrap();
    assert_eq!(taken, Acquired::Fenced);
    redis.cache.end_write("games", &scopes, OTHER).await.unwrap();
    tokio::time::sleep(COOLDOWN).await;
    let lease = lead(&redis, &entry, READER).await;
    assert!(fill(&redis, &entry, READER, &lease, "new").await);
}

#[tokio::test]
async fn a_fence_that_is_never_lifted_runs_out() {
    let redis = connected().await;
    let scopes = [LISTINGS];
    let short = Duration::from_millis(50);
    redis.cache.begin_write("games", &scopes, WRITER, short).await.unwrap();
    let taken = redis.cache.acquire(&listing(), READER, LEASE).await.unwrap();
    assert_eq!(taken, Acquired::Fenced);
    tokio::time::sleep(short * 2).await;
    lead(&redis, &listing(), READER).await;
}

#[tokio::test]
async fn a_fill_that_comes_too_late_is_refused() {
    let redis = connected().await;
    let entry = listing();
    let lease = lead(&redis, &entry, READER).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let value = Fill::Value(b"[]");
    let age = Duration::from_millis(10);
    assert!(!redis.cache.fill(&entry, READER, &lease, age, value, TTL).await.unwrap());
    // It has given its lease back all the same.
    tokio::time::sleep(COOLDOWN).await;
    lead(&redis, &entry, OTHER).await;
}

#[tokio::test]
async fn a_fill_does_not_match_a_redis_that_was_emptied() {
    let mut redis = connected().await;
    let entry = listing();
    let lease = lead(&redis, &entry, READER).await;
    redis.command(&["FLUSHALL"]).await;
    assert!(!fill(&redis, &entry, READER, &lease, "[]").await);
    let lease_before = lease;
    let lease = lead(&redis, &entry, READER).await;
    assert!(lease.generations[0] > lease_before.generations[0]);
    assert!(fill(&redis, &entry, READER, &lease, "[]").await);
}

#[tokio::test]
async fn a_write_deletes_every_variant_and_nothing_else() {
    let mut redis = connected().await;
    let one = document();
    let mut gone = vec![listing(), one, Entry::new("games", "list:celeste", &[LISTINGS])];
    // More than one chunk of the script's deletes.
    let names: Vec<String> = (0..1100).map(|n| format!("list:{n}")).collect();
    gone.extend(names.iter().map(|name| Entry::new("games", name, &[LISTINGS])));
    let other = [Scope::single("id:5a1f00000000000000000002"), DOCUMENTS];
    let stays = [
        Entry::new("games", "id:5a1f00000000000000000002", &other),
        Entry::new("clients", "list", &[LISTINGS]),
        Entry::new("clients", "list:1", &[LISTINGS]),
    ];
    for entry in gone.iter().chain(&stays) {
        let lease = lead(&redis, entry, READER).await;
        assert!(fill(&redis, entry, READER, &lease, "[]").await);
    }
    let scopes = [LISTINGS, DOCUMENT];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    for entry in &gone {
        assert_eq!(redis.cache.get(entry).await.unwrap(), None, "{entry:?}");
    }
    for entry in &stays {
        assert!(redis.cache.get(entry).await.unwrap().is_some(), "{entry:?}");
    }
    // The whole collection: documents by id, too.
    let scopes = [LISTINGS, DOCUMENTS];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    assert_eq!(redis.cache.get(&stays[0]).await.unwrap(), None);
    assert!(redis.cache.get(&stays[1]).await.unwrap().is_some());
    assert_eq!(redis.keys_without_ttl().await, Vec::<String>::new());
}

#[tokio::test]
async fn that_a_document_is_absent_is_cached_and_undone_by_its_write() {
    let redis = connected().await;
    let entry = document();
    let lease = lead(&redis, &entry, READER).await;
    let filled = redis.cache.fill(&entry, READER, &lease, AGE, Fill::Absent, TTL).await;
    assert!(filled.unwrap());
    assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
    let taken = redis.cache.acquire(&entry, READER, LEASE).await.unwrap();
    assert_eq!(taken, Acquired::Absent);
    let scopes = [LISTINGS, DOCUMENT];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    let lease = lead(&redis, &entry, READER).await;
    // And by the whole collection's.
    let filled = redis.cache.fill(&entry, READER, &lease, AGE, Fill::Absent, TTL).await;
    assert!(filled.unwrap());
    let scopes = [DOCUMENTS];
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    lead(&redis, &entry, READER).await;
}

#[tokio::test]
async fn a_redis_that_forgot_its_scripts_is_taught_them_again() {
    let mut redis = connected().await;
    lead(&redis, &listing(), READER).await;
    redis.command(&["SCRIPT", "FLUSH"]).await;
    lead(&redis, &listing(), READER).await;
}

#[tokio::test]
async fn a_full_redis_fills_nothing_but_still_ends_writes() {
    let mut redis = connected().await;
    let entry = document();
    let lease = lead(&redis, &entry, READER).await;
    assert!(fill(&redis, &entry, READER, &lease, "old").await);
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let listing = listing();
    assert!(redis.cache.acquire(&listing, READER, LEASE).await.is_err());
    let scopes = [LISTINGS, DOCUMENT];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
}

#[tokio::test]
async fn a_connection_that_was_cut_is_replaced_at_once() {
    let mut redis = connected().await;
    lead(&redis, &listing(), READER).await;
    redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    assert_eq!(redis.cache.get(&listing()).await.unwrap(), None);
    redis.cache.ping().await.unwrap();
}
