//! Redis, as a component uses it: one connection for as long as the instance lives, opened again when it broke.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, join_all, select};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};
use spin_sdk::time::sleep;
use spin_sdk::variables;

use crate::{Answer, answer_with, text};

thread_local! {
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

async fn connection() -> Result<Rc<Connection>, Error> {
    if let Some(connection) = CONNECTION.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let url = variables::get("redis_url").await.map_err(|error| Error::Other(format!("{error:?}")))?;
    let connection = Rc::new(Connection::open(url).await?);
    CONNECTION.set(Some(connection.clone()));
    Ok(connection)
}

fn failed(error: &Error) -> Answer {
    CONNECTION.set(None);
    answer_with(503, format!("{error:?}"))
}

/// Opens a connection and drops it.
pub(crate) async fn open(url: String) -> Answer {
    match Connection::open(url).await {
        Ok(_) => text("open"),
        Err(error) => answer_with(502, format!("{error:?}")),
    }
}

/// The value of a key; 503 where Redis fails, and the next request opens a new connection.
pub(crate) async fn get(key: String) -> Answer {
    let value = match connection().await {
        Ok(connection) => connection.get(key).await,
        Err(error) => Err(error),
    };
    match value {
        Ok(Some(value)) => text(Bytes::from(value)),
        Ok(None) => answer_with(404, "nil".to_owned()),
        Err(error) => failed(&error),
    }
}

/// Every function of the interface, on keys of its own; what they gave, one a line.
pub(crate) async fn all_functions() -> Answer {
    async fn run() -> Result<String, Error> {
        let redis = connection().await?;
        redis.del(["t:a", "t:n", "t:s", "t:none"]).await?;
        redis.set("t:a", b"\x00binary\xff").await?;
        let lines = [
            format!("get {:?}", redis.get("t:a").await?),
            format!("get {:?}", redis.get("t:none").await?),
            format!("incr {} {}", redis.incr("t:n").await?, redis.incr("t:n").await?),
            format!("sadd {}", redis.sadd("t:s", ["x", "y", "x"]).await?),
            format!("srem {}", redis.srem("t:s", ["x", "z"]).await?),
            format!("smembers {:?}", redis.smembers("t:s").await?),
            format!("publish {:?}", redis.publish("t:channel", b"message").await),
            format!("del {}", redis.del(["t:a", "t:n", "t:none"]).await?),
            format!("wrong type {:?}", redis.incr("t:s").await),
        ];
        Ok(lines.join("\n"))
    }
    run().await.map_or_else(|error| failed(&error), text)
}

/// A command with its arguments, separated by commas. An argument `int:7` is the integer 7.
pub(crate) async fn execute(line: String) -> Answer {
    async fn run(line: String) -> Result<String, Error> {
        let mut words = line.split(',');
        let command = words.next().unwrap_or_default();
        let arguments = words.map(|word| match word.strip_prefix("int:").and_then(|digits| digits.parse().ok()) {
            Some(number) => RedisParameter::Int64(number),
            None => RedisParameter::Binary(word.as_bytes().to_vec()),
        });
        let arguments: Vec<_> = arguments.collect();
        let results = connection().await?.execute(command, arguments).await?;
        let shown = results.into_iter().map(|result| match result {
            RedisResult::Nil => "nil".to_owned(),
            RedisResult::Status(text) => format!("status {text}"),
            RedisResult::Int64(number) => format!("int {number}"),
            RedisResult::Binary(bytes) => format!("binary {}", String::from_utf8_lossy(&bytes)),
        });
        Ok(shown.collect::<Vec<_>>().join("\n"))
    }
    match run(line).await {
        Ok(results) => text(results),
        // Not `failed`: an error that Redis itself answers leaves the connection as it is.
        Err(error) => answer_with(502, format!("{error:?}")),
    }
}

/// Gives up on many commands in flight, then asks for something else on the same connection.
pub(crate) async fn cancel(commands: u64) -> Answer {
    let redis = match connection().await {
        Ok(redis) => redis,
        Err(error) => return failed(&error),
    };
    let given_up = (0..commands).map(|n| {
        let redis = redis.clone();
        async move {
            let slow = std::pin::pin!(redis.execute("ECHO", [RedisParameter::Int64(n as i64)]));
            let alarm = std::pin::pin!(sleep(Duration::from_nanos(1)));
            matches!(select(slow, alarm).await, Either::Right(_))
        }
    });
    let given_up = join_all(given_up).await.into_iter().filter(|given_up| *given_up).count();
    match redis.execute("ECHO", [RedisParameter::Binary(b"in step".to_vec())]).await {
        Ok(results) => text(format!("{given_up} given up, then {results:?}")),
        Err(error) => failed(&error),
    }
}
