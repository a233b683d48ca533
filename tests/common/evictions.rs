//! What a Redis at its memory limit says of itself.

use std::time::Duration;

use redis::{Connection, RedisResult};

/// A number of `INFO`.
pub fn info(redis: &mut Connection, section: &str, name: &str) -> RedisResult<u64> {
    let info: String = redis::cmd("INFO").arg(section).query(redis)?;
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    Ok(value.parse().unwrap())
}

/// Calls `evicted` with each key of the games that Redis evicts, without its `games:`, for as long as `running` says so.
/// Redis must have `notify-keyspace-events` at `Ee`.
pub fn listen(redis: &mut Connection, running: impl Fn() -> bool, mut evicted: impl FnMut(&str)) -> RedisResult<()> {
    redis.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut evictions = redis.as_pubsub();
    evictions.subscribe("__keyevent@0__:evicted")?;
    while running() {
        let key: String = match evictions.get_message() {
            Ok(message) => message.get_payload()?,
            Err(error) if error.is_timeout() => continue,
            Err(error) => return Err(error),
        };
        if let Some(name) = key.strip_prefix("games:") {
            evicted(name);
        }
    }
    Ok(())
}
