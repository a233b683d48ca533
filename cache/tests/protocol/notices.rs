//! What the operator hears, on a real Redis that fails: each change of state once, however many requests meet it.

use std::cell::RefCell;

use bytes::Bytes;
use fenced_cache::native::{RedisRs, TokioPlatform};
use fenced_cache::{
    FillRefused, Loaded, Notice, OPEN_FOR, Observer, Ports, ReadThrough, Settings, Source, WritePolicy,
};

use super::refusals::Failure;
use super::server::*;

/// Notes what it hears.
#[derive(Default)]
struct Heard {
    notices: RefCell<Vec<String>>,
    fills_refused: RefCell<Vec<FillRefused>>,
    circuit: RefCell<Vec<bool>>,
}

impl Observer for Heard {
    fn notice(&self, notice: &Notice<'_>) {
        self.notices.borrow_mut().push(notice.to_string());
    }

    fn fill_refused(&self, _: &str, reason: FillRefused) {
        self.fills_refused.borrow_mut().push(reason);
    }

    fn circuit_open(&self, open: bool) {
        self.circuit.borrow_mut().push(open);
    }
}

struct Noted;

impl Ports for Noted {
    type Connector = RedisRs;
    type Platform = TokioPlatform;
    type Observer = Heard;
}

fn noted(url: &str) -> ReadThrough<Noted> {
    let settings = Settings { spaces: spaces(), write_policy: WritePolicy::Available, ..Settings::default() };
    ReadThrough::new(settings, RedisRs::new(url).unwrap(), TokioPlatform::default(), Heard::default())
}

async fn read(cache: &ReadThrough<Noted>) -> Source {
    let load = async { Ok::<_, Failure>(Some(Loaded::from(Bytes::from_static(b"[]")))) };
    cache.read(&listing(), load).await.unwrap().source
}

/// What was heard since this was asked last.
fn heard(cache: &ReadThrough<Noted>) -> Vec<String> {
    cache.observer().notices.take()
}

#[tokio::test]
async fn a_redis_that_is_away_and_comes_back_is_said_once_each() {
    let mut redis = started(&[]).await;
    let cache = noted(&redis.server.url());
    read(&cache).await;
    // Its keys were made by nobody: it is a new one.
    assert_eq!(heard(&cache).len(), 1);
    redis.server.service.kill().unwrap();
    for _ in 0..3 {
        for _ in 0..20 {
            assert!(matches!(read(&cache).await, Source::Bypass { .. }));
            cache.write("games", &[LISTINGS], async { Ok::<_, Failure>(()) }).await.unwrap();
        }
        // One reader tries again, and finds it as it was.
        tokio::time::sleep(OPEN_FOR).await;
    }
    let away = heard(&cache);
    assert!(away.len() == 1 && away[0].starts_with("Redis is unreachable"), "{away:?}");
    redis.server.service.start().unwrap();
    tokio::time::sleep(OPEN_FOR).await;
    for _ in 0..20 {
        read(&cache).await;
    }
    let back = heard(&cache);
    assert!(back.len() == 2 && back.contains(&"Redis answers again".to_owned()), "{back:?}");
    assert_eq!(cache.observer().circuit.take(), [true, false]);
}

#[tokio::test]
async fn a_refusal_is_said_once_for_each_step() {
    let mut redis = started(&[]).await;
    redis.command(&["ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-zcount"]).await;
    let url = redis.server.url().replace("redis://", "redis://reader:secret@");
    let cache = noted(&url);
    for _ in 0..20 {
        assert_eq!(read(&cache).await, Source::Miss { stored: None });
        cache.write("games", &[LISTINGS], async { Ok::<_, Failure>(()) }).await.unwrap();
    }
    let notices = heard(&cache);
    let refused: Vec<&String> = notices.iter().filter(|notice| notice.contains("refuses")).collect();
    assert!(refused.len() == 1 && refused[0].contains("\"acquire\""), "{notices:?}");
    assert!(cache.observer().circuit.take().is_empty());
}

#[tokio::test]
async fn a_fill_that_times_out_leaves_the_readers_circuit_closed() {
    let mut redis = started(&[]).await;
    let cache = noted(&redis.server.url());
    // From the read of the source on, Redis holds back whatever may write.
    let load = async {
        redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"]).await;
        Ok::<_, Failure>(Some(Loaded::from(Bytes::from_static(b"[]"))))
    };
    let source = cache.read(&listing(), load).await.unwrap().source;
    assert_eq!(source, Source::Miss { stored: None });
    assert_eq!(cache.observer().fills_refused.take(), [FillRefused::Redis]);
    assert!(!cache.is_circuit_open());
    redis.command(&["CLIENT", "UNPAUSE"]).await;
    // It came after all, or its lease has to run out; readers ask Redis in any case.
    assert!(!matches!(read(&cache).await, Source::Bypass { .. }));
    assert!(cache.observer().circuit.take().is_empty());
    assert!(heard(&cache).iter().all(|notice| !notice.contains("unreachable")));

    // A lookup that times out does open it.
    redis.command(&["CLIENT", "PAUSE", "60000", "ALL"]).await;
    assert!(matches!(read(&cache).await, Source::Bypass { .. }));
    assert!(cache.is_circuit_open());
    assert_eq!(cache.observer().circuit.take(), [true]);
}
