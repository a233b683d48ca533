//! The port `Cache` on Redis: one connection, kept for as long as the instance lives, and replaced when it breaks.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::scripts::{self, Call};
use super::{Acquired, Cache, CacheError, Entry, Fill, Lease, Scope};

pub use super::scripts::{Argument, RedisValue};

/// Opens connections to one Redis. `spin::redis` is the adapter. Errors are Redis's or the client's own words.
pub trait Connector {
    /// A connection that carries many commands at once.
    type Connection: Connection;

    /// Opens a connection.
    fn open(&self) -> impl Future<Output = Result<Self::Connection, String>>;
}

/// A connection to Redis.
pub trait Connection {
    /// `GET key`.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, String>>;

    /// Any other command. Arrays in its answer come flattened.
    fn execute(
        &self,
        command: &str,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Vec<RedisValue>, String>>;
}

/// The cache on Redis.
pub struct RedisCache<C: Connector> {
    connector: C,
    connection: RefCell<Option<Rc<C::Connection>>>,
}

/// Forgets the connection when a step on it is dropped before its end: a step that ran out of time may have run on a
/// connection whose peer is gone, and the next one would wait on it again.
struct ForgetUnlessDone<'a, C: Connector> {
    cache: &'a RedisCache<C>,
    done: bool,
}

impl<C: Connector> Drop for ForgetUnlessDone<'_, C> {
    fn drop(&mut self) {
        if !self.done {
            self.cache.connection.take();
        }
    }
}

impl<C: Connector> RedisCache<C> {
    /// A cache that will open its connection when it is first asked.
    pub fn new(connector: C) -> Self {
        RedisCache { connector, connection: RefCell::new(None) }
    }

    /// The connection. Requests that find none each open one and the last is kept: none ever waits for another.
    async fn connected(&self) -> Result<Rc<C::Connection>, String> {
        if let Some(connection) = &*self.connection.borrow() {
            return Ok(Rc::clone(connection));
        }
        let connection = Rc::new(self.connector.open().await?);
        self.connection.replace(Some(Rc::clone(&connection)));
        Ok(connection)
    }

    /// Forgets a connection that failed, unless another request has replaced it already.
    fn forget(&self, failed: &Rc<C::Connection>) {
        let mut kept = self.connection.borrow_mut();
        if kept.as_ref().is_some_and(|kept| Rc::ptr_eq(kept, failed)) {
            *kept = None;
        }
    }

    /// Takes a step; once more, on a new connection, where the first one turns out to be broken. So that a Redis that
    /// was restarted costs no request its cache.
    async fn step<T>(&self, step: impl AsyncFn(&C::Connection) -> Result<T, String>) -> Result<T, CacheError> {
        let mut on_drop = ForgetUnlessDone { cache: self, done: false };
        let result = self.try_twice(step).await;
        on_drop.done = true;
        result
    }

    async fn try_twice<T>(&self, step: impl AsyncFn(&C::Connection) -> Result<T, String>) -> Result<T, CacheError> {
        let mut failure = String::new();
        for _ in 0..2 {
            let connection = self.connected().await.map_err(CacheError::Unreachable)?;
            match step(&connection).await {
                Ok(done) => return Ok(done),
                Err(why) if is_refusal(&why) => return Err(CacheError::Refused(why)),
                Err(why) => failure = why,
            }
            self.forget(&connection);
        }
        Err(CacheError::Unreachable(failure))
    }

    /// Calls a script: by `EVALSHA`, and by `EVAL` where Redis does not know it yet.
    async fn call(&self, call: Call<'_>) -> Result<Vec<RedisValue>, CacheError> {
        let sha1: &str = &call.script.sha1;
        let mut arguments = Vec::with_capacity(2 + call.keys.len() + call.arguments.len());
        arguments.push(Argument::Bytes(sha1.as_bytes()));
        arguments.push(Argument::Number(call.keys.len() as i64));
        arguments.extend(call.keys.iter().map(|key| Argument::Bytes(key.as_bytes())));
        arguments.extend(&call.arguments);
        let with_source = || {
            let mut arguments = arguments.clone();
            arguments[0] = Argument::Bytes(call.script.source.as_bytes());
            arguments
        };
        self.step(async |connection: &C::Connection| match connection.execute("EVALSHA", &arguments).await {
            Err(why) if is_unknown_script(&why) => connection.execute("EVAL", &with_source()).await,
            answer => answer,
        })
        .await
    }
}

/// Whether Redis says that it does not know the script. Its clients word this differently; all keep Redis's own word or
/// its first sentence.
fn is_unknown_script(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    why.contains("noscript") || why.contains("no matching script")
}

/// Whether the error is Redis's answer to this command, on a connection that works: full (`OOM`), a replica or a server
/// whose disk is full.
fn is_refusal(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    ["oom", "readonly", "misconf", "noperm"].iter().any(|word| why.contains(word))
}

fn not_understood<T>() -> Result<T, CacheError> {
    Err(CacheError::Unreachable("it answered what the step does not answer".to_owned()))
}

impl<C: Connector> Cache for RedisCache<C> {
    async fn get(&self, entry: &Entry<'_>) -> Result<Option<Bytes>, CacheError> {
        let key = entry.value_key();
        self.step(async |connection: &C::Connection| connection.get(&key).await).await
    }

    async fn ttl(&self, entry: &Entry<'_>) -> Result<Option<Duration>, CacheError> {
        let key = entry.value_key();
        let arguments = [Argument::Bytes(key.as_bytes())];
        let reply = self.step(async |connection: &C::Connection| connection.execute("PTTL", &arguments).await).await?;
        match reply.as_slice() {
            [RedisValue::Number(left)] => Ok(u64::try_from(*left).ok().map(Duration::from_millis)),
            _ => not_understood(),
        }
    }

    async fn acquire(&self, entry: &Entry<'_>, token: u64, duration: Duration) -> Result<Acquired, CacheError> {
        let reply = self.call(scripts::acquire(entry, token, duration)).await?;
        scripts::acquired(reply).map_or_else(not_understood, Ok)
    }

    async fn fill(
        &self,
        entry: &Entry<'_>,
        token: u64,
        lease: &Lease,
        max_age: Duration,
        fill: Fill<'_>,
        ttl: Duration,
    ) -> Result<bool, CacheError> {
        let generations: Vec<_> = lease.generations.iter().map(i64::to_string).collect();
        let call = scripts::fill(entry, token, lease, &generations, max_age, fill, ttl);
        match self.call(call).await?.as_slice() {
            [RedisValue::Number(stored @ (0 | 1))] => Ok(*stored == 1),
            _ => not_understood(),
        }
    }

    async fn release(&self, entry: &Entry<'_>, token: u64) -> Result<(), CacheError> {
        self.call(scripts::release(entry, token)).await.map(|_| ())
    }

    async fn begin_write(
        &self,
        space: &str,
        scopes: &[Scope<'_>],
        token: u64,
        deadline: Duration,
    ) -> Result<(), CacheError> {
        let call = scripts::begin_write(space, scopes, token, deadline);
        match self.call(call).await?.as_slice() {
            [RedisValue::Number(1)] => Ok(()),
            _ => not_understood(),
        }
    }

    async fn end_write(&self, space: &str, scopes: &[Scope<'_>], token: u64) -> Result<(), CacheError> {
        let call = scripts::end_write(space, scopes, token);
        match self.call(call).await?.as_slice() {
            [RedisValue::Number(1)] => Ok(()),
            _ => not_understood(),
        }
    }

    async fn count(&self, key: &str, window: Duration) -> Result<(u64, Duration), CacheError> {
        match self.call(scripts::count(key, window)).await?.as_slice() {
            [RedisValue::Number(count), RedisValue::Number(left)] => {
                let number = |number: i64| u64::try_from(number).unwrap_or(0);
                Ok((number(*count), Duration::from_millis(number(*left))))
            }
            _ => not_understood(),
        }
    }

    async fn ping(&self) -> Result<(), CacheError> {
        self.step(async |connection: &C::Connection| connection.execute("PING", &[]).await).await.map(|_| ())
    }
}
