//! The steps of the cache protocol, as Lua scripts on a real Redis.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::redis::{TestRedis, connected};
use store_api::cache::{Cache, Entry, Fill, Permit, Scope, Taken};
use store_api::object_id::ObjectId;

const LEASE: Duration = Duration::from_secs(2);
/// How long readers do not follow one another after a fill that was overtaken; and a bit.
const APART: Duration = Duration::from_millis(130);
const AGE: Duration = Duration::from_secs(6);
const TTL: Duration = Duration::from_secs(60);
const FENCE: Duration = Duration::from_secs(20);
const READER: u64 = 1 << 40;
const WRITER: u64 = 2 << 40;
const OTHER: u64 = 3 << 40;

fn listing() -> Entry {
    Entry::listing("games")
}

fn document() -> (ObjectId, Entry) {
    let id = ObjectId::parse("5a1f00000000000000000001").unwrap();
    let entry = Entry::document("games", id.as_str());
    (id, entry)
}

async fn lead(redis: &TestRedis, entry: &Entry, token: u64) -> Permit {
    match redis.cache.take(entry, token, LEASE).await.unwrap() {
        Taken::Lead(permit) => permit,
        other => panic!("no lease: {other:?}"),
    }
}

async fn fill(redis: &TestRedis, entry: &Entry, token: u64, permit: &Permit, value: &str) -> bool {
    let value = Fill::Value(value.as_bytes());
    let filled = redis.cache.fill(entry, token, permit, AGE, value, TTL).await;
    filled.unwrap()
}

#[tokio::test]
async fn a_reader_fills_what_the_next_one_finds() {
    let redis = connected().await;
    let entry = listing();
    assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
    let permit = lead(&redis, &entry, READER).await;
    assert_eq!(permit.generations.len(), 1);
    assert!(fill(&redis, &entry, READER, &permit, "[1]").await);
    let value = Bytes::from_static(b"[1]");
    assert_eq!(redis.cache.get(&entry).await.unwrap(), Some(value.clone()));
    let taken = redis.cache.take(&entry, OTHER, LEASE).await.unwrap();
    assert_eq!(taken, Taken::Value(value));
    let left = redis.cache.ttl(&entry).await.unwrap().unwrap();
    assert!(left <= TTL && left > TTL - Duration::from_secs(5), "{left:?}");
}

#[tokio::test]
async fn one_reader_leads_and_the_others_follow() {
    let redis = connected().await;
    let entry = listing();
    let permit = lead(&redis, &entry, READER).await;
    let follow = redis.cache.take(&entry, OTHER, LEASE).await.unwrap();
    assert_eq!(follow, Taken::Follow);
    // Who lost the answer asks again and has the lease still, with the same generations.
    assert_eq!(lead(&redis, &entry, READER).await.generations, permit.generations);
    redis.cache.release(&entry, OTHER).await.unwrap();
    let follow = redis.cache.take(&entry, OTHER, LEASE).await.unwrap();
    assert_eq!(follow, Taken::Follow, "a lease is released by its holder alone");
    redis.cache.release(&entry, READER).await.unwrap();
    lead(&redis, &entry, OTHER).await;
}

#[tokio::test]
async fn a_lease_runs_out() {
    let redis = connected().await;
    let short = Duration::from_millis(50);
    let taken = redis.cache.take(&listing(), READER, short).await.unwrap();
    assert!(matches!(taken, Taken::Lead(_)));
    tokio::time::sleep(short * 2).await;
    lead(&redis, &listing(), OTHER).await;
}

#[tokio::test]
async fn a_reader_overtaken_by_a_write_does_not_fill() {
    let redis = connected().await;
    let (id, entry) = document();
    let scopes = [Scope::Listings, Scope::Document(id.to_string())];
    for entry in [entry, listing()] {
        let permit = lead(&redis, &entry, READER).await;
        redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
        redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
        assert!(!fill(&redis, &entry, READER, &permit, "old").await);
        assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
        // For a moment nobody leads and nobody follows: where writes do not pause, the next fill is overtaken, too.
        let taken = redis.cache.take(&entry, OTHER, LEASE).await.unwrap();
        assert_eq!(taken, Taken::Unfillable);
        tokio::time::sleep(APART).await;
        let permit = lead(&redis, &entry, OTHER).await;
        assert!(fill(&redis, &entry, OTHER, &permit, "new").await);
    }
}

#[tokio::test]
async fn nothing_is_cached_behind_a_fence() {
    let redis = connected().await;
    let (id, entry) = document();
    let permit = lead(&redis, &entry, READER).await;
    let scopes = [Scope::Document(id.to_string())];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    assert!(!fill(&redis, &entry, READER, &permit, "old").await);
    let taken = redis.cache.take(&entry, READER, LEASE).await.unwrap();
    assert_eq!(taken, Taken::Unfillable);
    // Of two writers' fences each stands for itself.
    redis.cache.begin_write("games", &scopes, OTHER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    let taken = redis.cache.take(&entry, READER, LEASE).await.unwrap();
    assert_eq!(taken, Taken::Unfillable);
    redis.cache.end_write("games", &scopes, OTHER).await.unwrap();
    tokio::time::sleep(APART).await;
    let permit = lead(&redis, &entry, READER).await;
    assert!(fill(&redis, &entry, READER, &permit, "new").await);
}

#[tokio::test]
async fn a_fence_that_is_never_lifted_runs_out() {
    let redis = connected().await;
    let scopes = [Scope::Listings];
    let short = Duration::from_millis(50);
    redis.cache.begin_write("games", &scopes, WRITER, short).await.unwrap();
    let taken = redis.cache.take(&listing(), READER, LEASE).await.unwrap();
    assert_eq!(taken, Taken::Unfillable);
    tokio::time::sleep(short * 2).await;
    lead(&redis, &listing(), READER).await;
}

#[tokio::test]
async fn a_fill_that_comes_too_late_is_refused() {
    let redis = connected().await;
    let entry = listing();
    let permit = lead(&redis, &entry, READER).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let value = Fill::Value(b"[]");
    let age = Duration::from_millis(10);
    assert!(!redis.cache.fill(&entry, READER, &permit, age, value, TTL).await.unwrap());
    // It has given its lease back all the same.
    tokio::time::sleep(APART).await;
    lead(&redis, &entry, OTHER).await;
}

#[tokio::test]
async fn a_fill_does_not_match_a_redis_that_was_emptied() {
    let mut redis = connected().await;
    let entry = listing();
    let permit = lead(&redis, &entry, READER).await;
    redis.command(&["FLUSHALL"]).await;
    assert!(!fill(&redis, &entry, READER, &permit, "[]").await);
    let permit_before = permit;
    let permit = lead(&redis, &entry, READER).await;
    assert!(permit.generations[0] > permit_before.generations[0]);
    assert!(fill(&redis, &entry, READER, &permit, "[]").await);
}

#[tokio::test]
async fn a_write_deletes_every_variant_and_nothing_else() {
    let mut redis = connected().await;
    let (id, one) = document();
    let other_id = ObjectId::parse("5a1f00000000000000000002").unwrap();
    let parameters = |n: u32| vec![("limit".to_owned(), n.to_string())];
    let mut gone = vec![listing(), one, Entry::lookup("games", Some("item"), "Celeste", false)];
    // More than one chunk of the script's deletes.
    gone.extend((0..1100).map(|n| Entry::filtered_listing("games", &parameters(n))));
    let stays = [
        Entry::document("games", other_id.as_str()),
        Entry::listing("clients"),
        Entry::filtered_listing("clients", &parameters(1)),
    ];
    for entry in gone.iter().chain(&stays) {
        let permit = lead(&redis, entry, READER).await;
        assert!(fill(&redis, entry, READER, &permit, "[]").await);
    }
    let scopes = [Scope::Listings, Scope::Document(id.to_string())];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    for entry in &gone {
        assert_eq!(redis.cache.get(entry).await.unwrap(), None, "{entry:?}");
    }
    for entry in &stays {
        assert!(redis.cache.get(entry).await.unwrap().is_some(), "{entry:?}");
    }
    // The whole collection: documents by id, too.
    let scopes = [Scope::Listings, Scope::Documents];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    assert_eq!(redis.cache.get(&stays[0]).await.unwrap(), None);
    assert!(redis.cache.get(&stays[1]).await.unwrap().is_some());
    assert_eq!(redis.keys_without_ttl().await, Vec::<String>::new());
}

#[tokio::test]
async fn that_a_document_is_absent_is_cached_and_undone_by_its_write() {
    let redis = connected().await;
    let (id, entry) = document();
    let permit = lead(&redis, &entry, READER).await;
    let filled = redis.cache.fill(&entry, READER, &permit, AGE, Fill::Absent, TTL).await;
    assert!(filled.unwrap());
    assert_eq!(redis.cache.get(&entry).await.unwrap(), None);
    let taken = redis.cache.take(&entry, READER, LEASE).await.unwrap();
    assert_eq!(taken, Taken::Absent);
    let scopes = [Scope::Listings, Scope::Document(id.to_string())];
    redis.cache.begin_write("games", &scopes, WRITER, FENCE).await.unwrap();
    redis.cache.end_write("games", &scopes, WRITER).await.unwrap();
    let permit = lead(&redis, &entry, READER).await;
    // And by the whole collection's.
    let filled = redis.cache.fill(&entry, READER, &permit, AGE, Fill::Absent, TTL).await;
    assert!(filled.unwrap());
    let scopes = [Scope::Documents];
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
    let (id, entry) = document();
    let permit = lead(&redis, &entry, READER).await;
    assert!(fill(&redis, &entry, READER, &permit, "old").await);
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let listing = listing();
    assert!(redis.cache.take(&listing, READER, LEASE).await.is_err());
    let scopes = [Scope::Listings, Scope::Document(id.to_string())];
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
