//! What a Redis holds, and the commands that the cache and its scripts use.

use std::collections::BTreeMap;

/// An answer of Redis.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Nil,
    Status(&'static str),
    Number(i64),
    Bytes(Vec<u8>),
    Array(Vec<Answer>),
}

#[derive(Clone, Debug)]
enum Content {
    Text(Vec<u8>),
    /// A sorted set: members and their scores.
    Sorted(BTreeMap<Vec<u8>, f64>),
}

#[derive(Clone, Debug)]
struct Item {
    content: Content,
    /// On Redis's clock, in milliseconds.
    expires_ms: i64,
}

/// The keys of a Redis, all of which have a TTL.
#[derive(Clone, Default)]
pub struct Keyspace {
    items: BTreeMap<Vec<u8>, Item>,
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

type Outcome = Result<Answer, String>;

impl Keyspace {
    /// The keys that have not expired.
    pub fn keys(&self, now_us: i64) -> Vec<String> {
        let live = self.items.iter().filter(|(_, item)| item.expires_ms > now_us / 1000);
        live.map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect()
    }

    /// Drops a key, as an eviction does.
    pub fn evict(&mut self, key: &str) {
        self.items.remove(key.as_bytes());
    }

    /// Runs a command at this time on Redis's clock.
    pub fn run(&mut self, command: &[Vec<u8>], now_us: i64, run_id: &str) -> Outcome {
        let now_ms = now_us / 1000;
        self.items.retain(|_, item| item.expires_ms > now_ms);
        let name = String::from_utf8_lossy(&command[0]).to_ascii_uppercase();
        let arguments = &command[1..];
        let texts: Vec<String> = arguments.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        match (name.as_str(), texts.as_slice()) {
            ("PING", []) => Ok(Answer::Status("PONG")),
            ("TIME", []) => Ok(Answer::Array(
                [now_us / 1_000_000, now_us % 1_000_000].map(|part| Answer::Bytes(part.to_string().into())).into(),
            )),
            ("INFO", ["server"]) => Ok(Answer::Bytes(format!("# Server\r\nrun_id:{run_id}\r\n").into())),
            ("MGET", _) => Ok(Answer::Array(arguments.iter().map(|key| self.text(key)).collect())),
            ("SET", [_, _, "PX", ttl]) => {
                let content = Content::Text(arguments[1].clone());
                self.items.insert(arguments[0].clone(), Item { content, expires_ms: now_ms + number(ttl)? as i64 });
                Ok(Answer::Status("OK"))
            }
            ("DEL" | "UNLINK", _) => {
                let gone = arguments.iter().filter(|key| self.items.remove(*key).is_some()).count();
                Ok(Answer::Number(gone as i64))
            }
            ("PEXPIRE", [_, ttl]) => Ok(self.expire(&arguments[0], now_ms + number(ttl)? as i64)),
            ("PEXPIREAT", [_, at]) => Ok(self.expire(&arguments[0], number(at)? as i64)),
            ("PTTL", [_]) => {
                let item = self.items.get(&arguments[0]);
                Ok(Answer::Number(item.map_or(-2, |item| item.expires_ms - now_ms)))
            }
            ("INCR", [_]) => {
                let count = match self.text(&arguments[0]) {
                    Answer::Bytes(count) => number(&String::from_utf8_lossy(&count))? as i64 + 1,
                    _ => 1,
                };
                let content = Content::Text(count.to_string().into());
                self.items.insert(arguments[0].clone(), Item { content, expires_ms: i64::MAX });
                Ok(Answer::Number(count))
            }
            _ => self.run_sorted(&name, arguments, &texts),
        }
    }

    fn run_sorted(&mut self, name: &str, arguments: &[Vec<u8>], texts: &[&str]) -> Outcome {
        match (name, texts) {
            ("ZADD", [_, score, _]) => {
                let score = number(score)?;
                let fresh = || Item { content: Content::Sorted(BTreeMap::new()), expires_ms: i64::MAX };
                let item = self.items.entry(arguments[0].clone()).or_insert_with(fresh);
                let Content::Sorted(members) = &mut item.content else { return Err(WRONG_TYPE.to_owned()) };
                Ok(Answer::Number(i64::from(members.insert(arguments[2].clone(), score).is_none())))
            }
            ("ZREM", [_, ..]) => self.remove(&arguments[0], |member, _| arguments[1..].contains(member)),
            ("ZREMRANGEBYSCORE", [_, "-inf", most]) => {
                let most = number(most)?;
                self.remove(&arguments[0], |_, score| score <= most)
            }
            ("ZREMRANGEBYRANK", [_, first, "-1"]) => {
                let ranked = self.ranked(&arguments[0])?;
                let first = ranked.len().saturating_sub(number(first)?.abs() as usize);
                let last: Vec<_> = ranked[first..].iter().map(|(member, _)| member.clone()).collect();
                self.remove(&arguments[0], |member, _| last.contains(member))
            }
            ("ZCARD", [_]) => Ok(Answer::Number(self.ranked(&arguments[0])?.len() as i64)),
            ("ZCOUNT", [_, least, "+inf"]) => {
                let least = number(least.trim_start_matches('('))?;
                let count = self.ranked(&arguments[0])?.iter().filter(|(_, score)| *score > least).count();
                Ok(Answer::Number(count as i64))
            }
            ("ZSCORE", [_, _]) => {
                let ranked = self.ranked(&arguments[0])?;
                let found = ranked.iter().find(|(member, _)| *member == arguments[1]);
                Ok(found.map_or(Answer::Nil, |(_, score)| Answer::Bytes(score.to_string().into())))
            }
            ("ZRANGEBYSCORE", [_, "-inf", most, "LIMIT", "0", limit]) => {
                let (most, limit) = (number(most)?, number(limit)? as usize);
                let ranked = self.ranked(&arguments[0])?;
                let found = ranked.into_iter().filter(|(_, score)| *score <= most).take(limit);
                Ok(Answer::Array(found.map(|(member, _)| Answer::Bytes(member)).collect()))
            }
            ("ZREVRANGE", [_, "0", last, with_scores @ ..]) => {
                let ranked = self.ranked(&arguments[0])?;
                let found = ranked.into_iter().rev().take(number(last)? as usize + 1);
                Ok(Answer::Array(
                    found
                        .flat_map(|(member, score)| {
                            let score = (!with_scores.is_empty()).then(|| Answer::Bytes(score.to_string().into()));
                            std::iter::once(Answer::Bytes(member)).chain(score)
                        })
                        .collect(),
                ))
            }
            _ => Err(format!("ERR the simulation does not know {name} {texts:?}")),
        }
    }

    fn text(&self, key: &[u8]) -> Answer {
        match self.items.get(key) {
            Some(Item { content: Content::Text(text), .. }) => Answer::Bytes(text.clone()),
            _ => Answer::Nil,
        }
    }

    fn expire(&mut self, key: &[u8], at_ms: i64) -> Answer {
        let item = self.items.get_mut(key);
        Answer::Number(i64::from(item.map(|item| item.expires_ms = at_ms).is_some()))
    }

    /// The members of a sorted set by their scores.
    fn ranked(&self, key: &[u8]) -> Result<Vec<(Vec<u8>, f64)>, String> {
        let mut ranked: Vec<_> = match self.items.get(key) {
            None => Vec::new(),
            Some(Item { content: Content::Sorted(members), .. }) => {
                members.iter().map(|(member, score)| (member.clone(), *score)).collect()
            }
            Some(_) => return Err(WRONG_TYPE.to_owned()),
        };
        ranked.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        Ok(ranked)
    }

    fn remove(&mut self, key: &[u8], gone: impl Fn(&Vec<u8>, f64) -> bool) -> Outcome {
        let Some(item) = self.items.get_mut(key) else { return Ok(Answer::Number(0)) };
        let Content::Sorted(members) = &mut item.content else { return Err(WRONG_TYPE.to_owned()) };
        let before = members.len();
        members.retain(|member, score| !gone(member, *score));
        let left = members.len();
        if left == 0 {
            self.items.remove(key);
        }
        Ok(Answer::Number((before - left) as i64))
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("ERR {text:?} is not a number"))
}
