//! The steps of the cache protocol, as Lua scripts on a real Redis.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod notices;
mod refusals;
mod server;

use std::time::Duration;

use fenced_cache::protocol::{Acquired, Fill, Filled};
use fenced_cache::{Entry, Platform};
use redis::Value;
use server::*;

/// How long readers neither lead nor wait after a fill that was overtaken; and a bit.
const COOLDOWN: Duration = Duration::from_millis(130);
const READER: u64 = 1 << 40;
const WRITER: u64 = 2 << 40;
const OTHER: u64 = 3 << 40;

#[tokio::test]
async fn a_reader_fills_what_the_next_one_finds() {
    let mut redis = started(&[]).await;
    let entry = listing();
    assert_eq!(redis.cached(&entry).await, None);
    let lease = redis.lease(&entry, READER).await;
    assert_eq!(redis.fill(&entry, &lease, "[1]").await, Filled::Stored);
    let (key, cached) = redis.protocol.lookup(&entry).await.unwrap();
    let cached = cached.unwrap();
    assert_eq!((key.as_str(), &cached.bytes[..]), ("games:list", &b"[1]"[..]));
    assert_eq!((cached.stamp.etag.clone().unwrap().as_str(), cached.stamp.meta.as_str()), ("\"tag\"", "meta"));
    assert_eq!(cached.stamp.ttl_ms, 60_000);
    let age = redis.protocol.redis_clock_ms(redis.protocol.platform().now()).unwrap() - cached.stamp.stored_ms;
    // To a round trip.
    assert!((-1_000..5_000).contains(&age), "{age}");
    assert_eq!(redis.acquire(&entry, OTHER).await, Acquired::Cached(cached));
    assert_eq!(redis.command(&["GET", "games:list"]).await, Value::BulkString(b"[1]".to_vec()));
    assert_eq!(redis.keys_without_ttl().await, Vec::<String>::new());
}

#[tokio::test]
async fn whichever_key_is_dropped_it_is_a_miss() {
    let mut redis = started(&[]).await;
    for key in ["games:id:1", "games:~stamp:id:1", "games:~generation:id:1", "games:~generation:id"] {
        redis.store(&document(), "old").await;
        redis.command(&["DEL", key]).await;
        assert_eq!(redis.cached(&document()).await, None, "{key}");
        // And nothing brings it back but a new fill.
        redis.lease(&document(), READER).await;
        assert_eq!(redis.cached(&document()).await, None, "{key}");
        redis.command(&["DEL", "games:~lease:id:1"]).await;
    }
    redis.store(&document(), "old").await;
    redis.command(&["DEL", "games:~index:id"]).await;
    redis.begin(&[DOCUMENTS], WRITER).await;
    redis.end(&[DOCUMENTS], WRITER).await;
    assert_eq!(redis.cached(&document()).await, None);
}

#[tokio::test]
async fn a_variant_that_the_index_lost_is_not_read_after_a_write() {
    let mut redis = started(&[]).await;
    let scopes = [LISTINGS];
    let variant = Entry::new("games", "list:nintendo", &scopes);
    redis.store(&variant, "old").await;
    redis.command(&["DEL", "games:~index:list"]).await;
    redis.begin(&[LISTINGS, DOCUMENT], WRITER).await;
    redis.end(&[LISTINGS, DOCUMENT], WRITER).await;
    assert_eq!(redis.command(&["EXISTS", "games:list:nintendo"]).await, Value::Int(1));
    assert_eq!(redis.cached(&variant).await, None);
}

#[tokio::test]
async fn one_reader_leads_and_the_others_wait() {
    let redis = started(&[]).await;
    let entry = listing();
    let lease = redis.lease(&entry, READER).await;
    assert_eq!(redis.acquire(&entry, OTHER).await, Acquired::Wait);
    // A reader that lost the answer asks again and still has the lease, with the same generations.
    assert_eq!(redis.lease(&entry, READER).await, lease);
    let others = fenced_cache::protocol::Lease { token: OTHER, ..lease.clone() };
    redis.protocol.release(&entry, &others, Duration::ZERO).await.unwrap();
    assert_eq!(redis.acquire(&entry, OTHER).await, Acquired::Wait, "a lease is released by its holder alone");
    redis.protocol.release(&entry, &lease, Duration::ZERO).await.unwrap();
    let lease = redis.lease(&entry, OTHER).await;
    redis.protocol.release(&entry, &lease, COOLDOWN).await.unwrap();
    assert_eq!(redis.acquire(&entry, READER).await, Acquired::Fenced);
}

#[tokio::test]
async fn a_reader_overtaken_by_a_write_does_not_fill() {
    let redis = started(&[]).await;
    let scopes = [LISTINGS, DOCUMENT];
    for entry in [document(), listing()] {
        let lease = redis.lease(&entry, READER).await;
        redis.begin(&scopes, WRITER).await;
        assert_eq!(redis.fill(&entry, &lease, "old").await, Filled::Overtaken);
        redis.end(&scopes, WRITER).await;
        assert_eq!(redis.fill(&entry, &lease, "old").await, Filled::Overtaken);
        assert_eq!(redis.cached(&entry).await, None);
        // For a moment nobody leads and nobody waits: where writes do not pause, the next fill is overtaken, too.
        assert_eq!(redis.acquire(&entry, OTHER).await, Acquired::Fenced);
        tokio::time::sleep(COOLDOWN).await;
        let lease = redis.lease(&entry, OTHER).await;
        assert_eq!(redis.fill(&entry, &lease, "new").await, Filled::Stored);
    }
}

#[tokio::test]
async fn nothing_is_cached_behind_a_fence() {
    let redis = started(&[]).await;
    let (entry, scopes) = (document(), [DOCUMENT]);
    redis.begin(&scopes, WRITER).await;
    assert_eq!(redis.acquire(&entry, READER).await, Acquired::Fenced);
    // Of two writers' fences each stands for itself.
    redis.begin(&scopes, OTHER).await;
    redis.end(&scopes, WRITER).await;
    assert_eq!(redis.acquire(&entry, READER).await, Acquired::Fenced);
    redis.end(&scopes, OTHER).await;
    redis.store(&entry, "new").await;
    // A fence that is never lifted runs out.
    redis.protocol.begin_write("games", &scopes, WRITER, Duration::from_millis(50)).await.unwrap();
    assert_eq!(redis.acquire(&entry, READER).await, Acquired::Fenced);
    tokio::time::sleep(Duration::from_millis(100)).await;
    redis.lease(&entry, READER).await;
}

#[tokio::test]
async fn that_a_value_is_absent_is_proven_like_a_value() {
    let mut redis = started(&[]).await;
    let entry = document();
    let absent = Fill { value: None, stamp: "-", ..value(b"") };
    for scopes in [&[LISTINGS, DOCUMENT][..], &[DOCUMENTS]] {
        let lease = redis.lease(&entry, READER).await;
        assert_eq!(redis.protocol.fill(&entry, &lease, absent).await.unwrap(), Filled::Stored);
        let (_, cached) = redis.protocol.lookup(&entry).await.unwrap();
        assert_eq!(cached.unwrap().stamp.etag, None);
        assert!(matches!(redis.acquire(&entry, OTHER).await, Acquired::Cached(_)));
        assert_eq!(redis.keys("games:id:*").await, Vec::<String>::new());
        redis.begin(scopes, WRITER).await;
        redis.end(scopes, WRITER).await;
        let (_, cached) = redis.protocol.lookup(&entry).await.unwrap();
        assert_eq!(cached, None);
    }
}

#[tokio::test]
async fn a_kept_copy_outlives_the_value_but_no_write() {
    let mut redis = started(&[]).await;
    let entry = listing();
    let kept = Fill { keep: TTL, ..value(b"[1]") };
    for _ in 0..2 {
        let lease = redis.lease(&entry, READER).await;
        assert_eq!(redis.protocol.fill(&entry, &lease, kept).await.unwrap(), Filled::Stored);
        redis.command(&["DEL", "games:list", "games:~stamp:list"]).await;
        assert_eq!(redis.cached(&entry).await, None);
        let copy = redis.protocol.lookup_kept(&entry).await.unwrap().unwrap();
        assert_eq!(copy.bytes, "[1]");
        // Put back after a write, as if that had not found it.
        let bytes = redis.command(&["GET", "games:~kept:list"]).await;
        redis.begin(&[LISTINGS], WRITER).await;
        redis.end(&[LISTINGS], WRITER).await;
        let Value::BulkString(bytes) = bytes else { panic!("{bytes:?}") };
        redis.command(&["SET", "games:~kept:list", std::str::from_utf8(&bytes).unwrap(), "EX", "60"]).await;
        redis.lease(&entry, OTHER).await;
        assert_eq!(redis.protocol.lookup_kept(&entry).await.unwrap(), None);
        redis.command(&["FLUSHALL"]).await;
    }
}

#[tokio::test]
async fn a_group_has_as_many_entries_as_it_may() {
    let mut redis = started(&[]).await;
    let scopes = [LISTINGS];
    let filled = async |redis: &TestRedis, name: &str| {
        let entry = Entry::new("games", name, &scopes);
        let lease = redis.lease(&entry, READER).await;
        let fill = Fill { max_entries: 2, ..value(b"[]") };
        redis.protocol.fill(&entry, &lease, fill).await.unwrap()
    };
    assert_eq!(filled(&redis, "list:1").await, Filled::Stored);
    assert_eq!(filled(&redis, "list:2").await, Filled::Stored);
    assert_eq!(filled(&redis, "list:3").await, Filled::Full);
    // One that is in it already may be stored again, and what has expired gives way.
    redis.command(&["DEL", "games:list:1"]).await;
    assert_eq!(filled(&redis, "list:1").await, Filled::Stored);
    redis.command(&["ZADD", "games:~index:list", "1", "list:2"]).await;
    assert_eq!(filled(&redis, "list:4").await, Filled::Stored);
}

#[tokio::test]
async fn a_write_deletes_what_is_known_and_nothing_else() {
    let mut redis = started(&[]).await;
    let names: Vec<String> = (0..300).map(|n| format!("list:{n}")).collect();
    let (listings, other) = ([LISTINGS], [fenced_cache::Scope::single("id:2"), DOCUMENTS]);
    let mut gone = vec![listing(), document()];
    gone.extend(names.iter().map(|name| Entry::new("games", name, &listings)));
    let stays = [Entry::new("games", "id:2", &other), Entry::new("clients", "list", &listings)];
    for entry in gone.iter().chain(&stays) {
        redis.store(entry, "[]").await;
    }
    redis.begin(&[LISTINGS, DOCUMENT], WRITER).await;
    assert_eq!(redis.end(&[LISTINGS, DOCUMENT], WRITER).await, 0);
    assert_eq!(redis.keys("games:list*").await, Vec::<String>::new());
    assert_eq!(redis.keys("games:~stamp:*").await, ["games:~stamp:id:2"]);
    for entry in &stays {
        assert_eq!(redis.cached(entry).await.as_deref(), Some("[]"), "{entry:?}");
    }
    // The whole collection: documents by id, too.
    redis.begin(&[LISTINGS, DOCUMENTS], WRITER).await;
    redis.end(&[LISTINGS, DOCUMENTS], WRITER).await;
    assert_eq!(redis.cached(&stays[0]).await, None);
    assert_eq!(redis.cached(&stays[1]).await.as_deref(), Some("[]"));
    assert_eq!(redis.keys_without_ttl().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_write_deletes_all_that_its_two_calls_can() {
    let mut redis = started(&[]).await;
    fill_index(&mut redis, 650).await;
    redis.begin(&[LISTINGS, DOCUMENT], WRITER).await;
    assert_eq!(redis.keys("games:list:*").await.len(), 320, "a call deletes 330 of an index");
    assert_eq!(redis.end(&[LISTINGS, DOCUMENT], WRITER).await, 0);
    assert_eq!(redis.keys("games:list:*").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_write_to_many_documents_deletes_the_listings_too() {
    let mut redis = started(&[]).await;
    fill_index(&mut redis, 3).await;
    let names: Vec<String> = (0..1000).map(|n| format!("id:{n}")).collect();
    let documents = names.iter().map(|name| fenced_cache::Scope::single(name));
    let scopes: Vec<_> = [LISTINGS].into_iter().chain(documents).collect();
    redis.begin(&scopes, WRITER).await;
    assert_eq!(redis.end(&scopes, WRITER).await, 0);
    assert_eq!(redis.keys("games:list:*").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_write_leaves_most_of_a_great_many_to_their_ttl_and_a_purge_nothing() {
    let mut redis = started(&[]).await;
    fill_index(&mut redis, 5000).await;
    redis.begin(&[LISTINGS, DOCUMENT], WRITER).await;
    // The number that the documentation has.
    assert_eq!(redis.end(&[LISTINGS, DOCUMENT], WRITER).await, 5000 - 16);
    assert_eq!(redis.keys("games:list:*").await.len(), 5000 - 16);
    let mut left = 5000 - 16;
    while left > 0 {
        let before = left;
        left = redis.protocol.purge("games", &[LISTINGS, DOCUMENTS], WRITER).await.unwrap();
        assert!(before - left == 330 || left == 0, "{before} values, then {left}");
    }
    assert_eq!(redis.keys("games:list:*").await, Vec::<String>::new());
}

/// Has Redis hold `count` listings, as fills leave them.
async fn fill_index(redis: &mut TestRedis, count: usize) {
    let fill = "for i = 1, ARGV[1] do
        redis.call('SET', 'games:list:' .. i, '[]', 'EX', 60)
        redis.call('ZADD', KEYS[1], 9e12, 'list:' .. i)
    end";
    redis.command(&["EVAL", fill, "1", "games:~index:list", &count.to_string()]).await;
}

#[tokio::test]
async fn a_fill_does_not_match_a_redis_that_was_emptied() {
    let mut redis = started(&[]).await;
    let entry = listing();
    let lease = redis.lease(&entry, READER).await;
    redis.command(&["FLUSHALL"]).await;
    assert_eq!(redis.fill(&entry, &lease, "[]").await, Filled::Overtaken);
    let again = redis.lease(&entry, READER).await;
    assert_ne!(again.generations, lease.generations);
    assert_eq!(redis.fill(&entry, &again, "[]").await, Filled::Stored);
}

#[tokio::test]
async fn a_redis_that_comes_back_with_older_contents_is_noticed() {
    let mut redis = started(&[]).await;
    redis.store(&document(), "old").await;
    let copy = redis.command(&["DUMP", "games:id:1"]).await;
    assert!(matches!(copy, Value::BulkString(_)));
    // The run id that is noted is another one, and every key of ours is as it was.
    redis.command(&["SET", "games:~run-id", "0123456789abcdef", "EX", "60"]).await;
    redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    assert_eq!(redis.cached(&document()).await, None);
    assert_eq!(redis.command(&["EXISTS", "games:id:1"]).await, Value::Int(1));
    redis.store(&document(), "new").await;
    // The same Redis, a new connection: nothing is lost.
    redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    assert_eq!(redis.cached(&document()).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_redis_that_forgot_its_scripts_is_taught_them_again() {
    let mut redis = started(&[]).await;
    redis.lease(&listing(), READER).await;
    redis.command(&["SCRIPT", "FLUSH"]).await;
    redis.lease(&listing(), READER).await;
}
