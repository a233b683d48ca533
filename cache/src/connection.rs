//! One connection to Redis, kept for as long as the instance lives, greeted before it is used, and replaced when it
//! breaks.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::keys::run_id_key;
use crate::redis::{Argument, Connection, Connector, RedisError, RedisValue, is_unknown_script};
use crate::scripts::{Call, HELLO};
use crate::{CacheError, Platform, Ports, Refusal, Scope, Space};

/// How long Redis's run id stays noted beside the keys of a space that nobody connects for.
const RUN_ID_TTL_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// A connection, and whether its Redis is known to hold nothing older than what was written last.
struct Kept<C> {
    connection: C,
    greeted: AtomicBool,
}

/// What the greeting of a connection has found out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Greeting {
    /// Redis is the one that it was.
    Known,
    /// Redis is another one than before, or new: whatever it held is invalid.
    Changed,
    /// Whether Redis came back with older contents is not known, for this reason.
    Unchecked(String),
}

/// The kept connection, and what is remembered of Redis.
pub(crate) struct Connections<P: Ports> {
    connector: P::Connector,
    kept: Mutex<Option<Shared<P>>>,
    /// By how many milliseconds Redis's clock is ahead of the platform's; `i64::MIN` while that is unknown.
    clock_offset_ms: AtomicI64,
    greeting: Mutex<Option<Greeting>>,
}

type Shared<P> = Arc<Kept<<<P as Ports>::Connector as Connector>::Connection>>;

/// A connection that ends every command in time by itself.
pub(crate) struct Limited<P: Ports>(Shared<P>);

/// Forgets the connection when a command on it is dropped before its end: a command that ran out of time may have run on
/// a connection whose peer is gone, and the next one would wait on it again.
struct ForgetUnlessDone<'a, P: Ports> {
    connections: &'a Connections<P>,
    done: bool,
}

impl<P: Ports> Drop for ForgetUnlessDone<'_, P> {
    fn drop(&mut self) {
        if !self.done {
            lock(&self.connections.kept).take();
        }
    }
}

impl<P: Ports> Connections<P> {
    /// Opens its connection when it is first asked for.
    pub fn new(connector: P::Connector) -> Self {
        Connections {
            connector,
            kept: Mutex::new(None),
            clock_offset_ms: AtomicI64::new(i64::MIN),
            greeting: Mutex::new(None),
        }
    }

    /// Redis's clock at a time of the platform's, in milliseconds, where it is known: to a round trip, and to how far Redis's
    /// clock was set since.
    pub fn redis_clock_ms(&self, now: Duration) -> Option<i64> {
        let offset = self.clock_offset_ms.load(Ordering::Relaxed);
        (offset != i64::MIN).then(|| milliseconds(now).saturating_add(offset))
    }

    /// Notes what Redis's clock showed a moment ago.
    pub fn set_redis_clock(&self, platform: &P::Platform, redis_ms: i64) {
        let offset = redis_ms.saturating_sub(milliseconds(platform.now()));
        self.clock_offset_ms.store(offset, Ordering::Relaxed);
    }

    /// What the last greeting has found out, and forgets it: it is reported once.
    pub fn take_greeting(&self) -> Option<Greeting> {
        lock(&self.greeting).take()
    }

    /// Runs a command; once more, on a new connection, where the first one turns out to be broken. So that a Redis that was
    /// restarted costs no request its cache.
    pub async fn execute(
        &self,
        platform: &P::Platform,
        spaces: &[Space],
        command: &str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<RedisValue>, CacheError> {
        self.forgetting_unless_done(self.try_twice(platform, spaces, Request::Command(command, arguments))).await
    }

    /// Calls a script, likewise: by `EVALSHA`, and by `EVAL` where Redis does not know it yet.
    pub async fn call(
        &self,
        platform: &P::Platform,
        spaces: &[Space],
        call: &Call<'_>,
    ) -> Result<Vec<RedisValue>, CacheError> {
        self.forgetting_unless_done(self.try_twice(platform, spaces, Request::Script(call))).await
    }

    /// The connection that is kept, where it can be used as it is and ends every command within `limit` by itself.
    pub fn limited(&self, limit: Duration) -> Option<Limited<P>> {
        let kept = lock(&self.kept).clone()?;
        let usable = kept.greeted.load(Ordering::Relaxed);
        (usable && kept.connection.time_limit().is_some_and(|own| own <= limit)).then_some(Limited(kept))
    }

    /// Runs a command on that connection, without a timer. `None` where the connection turns out to be broken; it is
    /// forgotten then.
    pub async fn execute_on(
        &self,
        limited: &Limited<P>,
        command: &str,
        arguments: &[Argument<'_>],
    ) -> Option<Result<Vec<RedisValue>, CacheError>> {
        let answer = self.forgetting_unless_done(limited.0.connection.execute(command, arguments)).await;
        self.conclude(&limited.0, answer).ok()
    }

    /// Runs what sends a command: see [`ForgetUnlessDone`].
    async fn forgetting_unless_done<T>(&self, command: impl Future<Output = T>) -> T {
        let mut guard = ForgetUnlessDone { connections: self, done: false };
        let result = command.await;
        guard.done = true;
        result
    }

    async fn try_twice(
        &self,
        platform: &P::Platform,
        spaces: &[Space],
        request: Request<'_>,
    ) -> Result<Vec<RedisValue>, CacheError> {
        let mut failure = String::new();
        for _ in 0..2 {
            let kept = self.connection().await?;
            let result = match self.greet(platform, spaces, &kept).await {
                Ok(()) => request.send(&kept.connection).await,
                Err(error) => Err(error),
            };
            match self.conclude(&kept, result) {
                Ok(outcome) => return outcome,
                Err(why) => failure = why,
            }
        }
        Err(CacheError::Unreachable(failure))
    }

    /// What a command came to on a connection, which is forgotten if it is no good any more; or why the connection is broken.
    fn conclude(
        &self,
        kept: &Shared<P>,
        answer: Result<Vec<RedisValue>, RedisError>,
    ) -> Result<Result<Vec<RedisValue>, CacheError>, String> {
        match answer {
            Ok(values) => Ok(Ok(values)),
            Err(RedisError::Answered(refusal, reason)) => {
                if refusal.replaces_connection() {
                    self.forget(kept);
                }
                Ok(Err(CacheError::Refused { refusal, reason }))
            }
            Err(RedisError::TimedOut(limit)) => {
                self.forget(kept);
                Ok(Err(CacheError::TimedOut(limit)))
            }
            Err(RedisError::Broken(why)) => {
                self.forget(kept);
                Err(why)
            }
        }
    }

    /// The connection. Requests that find none each open one, and the last is kept: none ever waits for another.
    async fn connection(&self) -> Result<Shared<P>, CacheError> {
        if let Some(kept) = lock(&self.kept).clone() {
            return Ok(kept);
        }
        let connection = self.connector.open().await.map_err(|error| match error {
            RedisError::TimedOut(limit) => CacheError::TimedOut(limit),
            // Without a connection Redis is as good as away: to try for every request would open one for each.
            RedisError::Broken(why) | RedisError::Answered(_, why) => CacheError::Unreachable(why),
        })?;
        let kept = Arc::new(Kept { connection, greeted: AtomicBool::new(false) });
        lock(&self.kept).replace(Arc::clone(&kept));
        Ok(kept)
    }

    /// Forgets a connection that failed, unless another request has replaced it already.
    fn forget(&self, failed: &Shared<P>) {
        let mut kept = lock(&self.kept);
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, failed)) {
            *kept = None;
        }
    }

    /// The first step on a new connection, before anything is read or written on it: see `hello.lua`. Where it is refused
    /// it is tried again with the next command.
    async fn greet(
        &self,
        platform: &P::Platform,
        spaces: &[Space],
        kept: &Kept<<P::Connector as Connector>::Connection>,
    ) -> Result<(), RedisError> {
        if kept.greeted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let greetings = try_join_all(spaces.iter().map(|space| hello(&kept.connection, space))).await?;
        if let Some((now_ms, _)) = greetings.last() {
            self.set_redis_clock(platform, *now_ms);
        }
        // What the operator should know of the most.
        if let Some(greeting) = greetings.into_iter().map(|(_, greeting)| greeting).max() {
            lock(&self.greeting).replace(greeting);
        }
        kept.greeted.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// What is sent over a connection.
#[derive(Clone, Copy)]
enum Request<'a> {
    Command(&'a str, &'a [Argument<'a>]),
    Script(&'a Call<'a>),
}

impl Request<'_> {
    async fn send(self, connection: &impl Connection) -> Result<Vec<RedisValue>, RedisError> {
        match self {
            Request::Command(command, arguments) => connection.execute(command, arguments).await,
            Request::Script(call) => call_script(connection, call).await,
        }
    }
}

async fn call_script(connection: &impl Connection, call: &Call<'_>) -> Result<Vec<RedisValue>, RedisError> {
    match connection.execute("EVALSHA", &call.command_line(&call.script.sha1)).await {
        Err(RedisError::Answered(_, why)) if is_unknown_script(&why) => {
            connection.execute("EVAL", &call.command_line(call.script.source)).await
        }
        answer => answer,
    }
}

async fn hello(connection: &impl Connection, space: &Space) -> Result<(i64, Greeting), RedisError> {
    let mut keys = vec![run_id_key(&space.key)];
    keys.extend(space.groups.iter().map(|group| Scope::group(group).generation_key(&space.key)));
    let call = Call { script: &HELLO, keys, arguments: vec![Argument::Number(RUN_ID_TTL_MS)] };
    let answer = call_script(connection, &call).await?;
    let greeting = match answer.as_slice() {
        [RedisValue::Number(now), RedisValue::Number(1), _] => (*now, Greeting::Known),
        [RedisValue::Number(now), RedisValue::Number(2), _] => (*now, Greeting::Changed),
        [RedisValue::Number(now), RedisValue::Number(3), RedisValue::Bytes(why)] => {
            (*now, Greeting::Unchecked(String::from_utf8_lossy(why).into_owned()))
        }
        other => {
            return Err(RedisError::Answered(Refusal::Other, format!("hello.lua cannot answer {other:?}")));
        }
    };
    Ok(greeting)
}

/// Nothing panics while it holds one of these locks, so what they guard is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
