//! A Redis in memory, at the level of the connection: it runs the scripts that ship, and fails as the world likes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisError, RedisValue};
use fenced_cache::{Platform, timeout};

use super::keyspace::{Answer, Keyspace};
use super::scripts::{Parts, Scripting, Surroundings};
use super::world::World;

/// How Redis and the way to it fail, in times per thousand commands.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// The command is not run, and the caller told at once.
    pub refused: u64,
    /// The command is run, and the answer lost.
    pub answer_lost: u64,
    /// The command is run or not, and the caller told nothing.
    pub hangs: u64,
    /// Everything is forgotten, before the command.
    pub emptied: u64,
    /// Any one key is dropped, before the command; but no fence, if so.
    pub evicted: u64,
    pub evicts_fences: bool,
    /// Redis comes back with what it held some time ago, before the command.
    pub restored: u64,
    /// Redis's clock steps back by up to ten seconds, before the command.
    pub clock_back: u64,
}

/// The simulated Redis.
pub struct SimRedis {
    world: Rc<World>,
    faults: Cell<Faults>,
    parts: Parts,
    pub commands: Cell<u64>,
    pub failed: Cell<u64>,
    surroundings: Rc<RefCell<Surroundings>>,
    scripting: Scripting,
    /// How far behind the world's clock Redis's is, in microseconds.
    behind_us: Cell<i64>,
    /// What it will come back with.
    snapshot: RefCell<Option<Keyspace>>,
    /// Changes whenever Redis is started again: connections from before are broken then.
    started: Cell<u64>,
}

impl SimRedis {
    pub fn new(world: &Rc<World>, parts: Parts, faults: Faults) -> Rc<Self> {
        let surroundings =
            Rc::new(RefCell::new(Surroundings { keyspace: Keyspace::default(), now_us: 0, run_id: "run0".to_owned() }));
        Rc::new(SimRedis {
            world: Rc::clone(world),
            faults: Cell::new(faults),
            parts,
            commands: Cell::new(0),
            failed: Cell::new(0),
            scripting: Scripting::new(parts, &surroundings),
            surroundings,
            behind_us: Cell::new(0),
            snapshot: RefCell::default(),
            started: Cell::new(0),
        })
    }

    /// From now on nothing fails.
    #[allow(dead_code, reason = "the component's simulation, which shares this file, has no such phase")]
    pub fn heal(&self) {
        self.faults.set(Faults::default());
    }

    /// How often Redis came back with older contents.
    #[allow(dead_code, reason = "the component's simulation, which shares this file, does not ask")]
    pub fn restores(&self) -> u64 {
        self.started.get()
    }

    fn strike(&self) {
        let (random, faults) = (&self.world.random, self.faults.get());
        let mut surroundings = self.surroundings.borrow_mut();
        if random.chance(faults.emptied) {
            surroundings.keyspace = Keyspace::default();
            self.scripting.forget();
        }
        if random.chance(faults.evicted) {
            let mut keys = surroundings.keyspace.keys(surroundings.now_us);
            keys.retain(|key| faults.evicts_fences || !key.contains(":~fence:"));
            if !keys.is_empty() {
                let key = &keys[random.below(keys.len() as u64) as usize];
                surroundings.keyspace.evict(key);
            }
        }
        if faults.restored > 0 && random.chance(20) {
            *self.snapshot.borrow_mut() = Some(surroundings.keyspace.clone());
        }
        if random.chance(faults.restored)
            && let Some(older) = self.snapshot.borrow().clone()
        {
            surroundings.keyspace = older;
            self.started.set(self.started.get() + 1);
            surroundings.run_id = format!("run{}", self.started.get());
            self.scripting.forget();
        }
        if random.chance(faults.clock_back) {
            self.behind_us.set(self.behind_us.get() + random.below(10_000_000) as i64);
        }
    }

    fn run(&self, command: &str, arguments: &[Vec<u8>]) -> Result<Answer, String> {
        let now_us = self.world.now().as_micros() as i64 + 1_000_000_000 - self.behind_us.get();
        self.surroundings.borrow_mut().now_us = now_us;
        if command.starts_with("EVAL") {
            return self.scripting.run(command, arguments);
        }
        let line: Vec<Vec<u8>> = std::iter::once(command.as_bytes().to_vec()).chain(arguments.to_vec()).collect();
        let surroundings = &mut *self.surroundings.borrow_mut();
        let answer = surroundings.keyspace.run(&line, now_us, &surroundings.run_id)?;
        Ok(if self.parts.stamps { answer } else { believed(arguments, answer) })
    }

    /// The way there, the command, and the way back, any of which may fail.
    async fn exchange(
        &self,
        started: u64,
        command: &str,
        arguments: &[Vec<u8>],
    ) -> Result<Vec<RedisValue>, RedisError> {
        let (random, faults) = (&self.world.random, self.faults.get());
        let broken = || Err(RedisError::Broken("simulated".to_owned()));
        self.commands.set(self.commands.get() + 1);
        self.world.delay(Duration::from_millis(40)).await;
        self.strike();
        if started != self.started.get() || random.chance(faults.refused) {
            self.failed.set(self.failed.get() + 1);
            return broken();
        }
        let hangs = random.chance(faults.hangs);
        if hangs && random.chance(500) {
            self.failed.set(self.failed.get() + 1);
            self.world.sleep(Duration::from_secs(3600)).await;
            return broken();
        }
        let answer = self.run(command, arguments);
        if hangs {
            self.failed.set(self.failed.get() + 1);
            self.world.sleep(Duration::from_secs(3600)).await;
        }
        self.world.delay(Duration::from_millis(40)).await;
        if random.chance(faults.answer_lost) {
            self.failed.set(self.failed.get() + 1);
            return broken();
        }
        let mut values = Vec::new();
        flatten(answer.map_err(RedisError::from_text)?, &mut values);
        Ok(values)
    }
}

/// What `MGET` answers where nobody checks the stamp: the generations are those that it names.
fn believed(keys: &[Vec<u8>], answer: Answer) -> Answer {
    let Answer::Array(mut answers) = answer else { return answer };
    let stamp = match answers.get(1) {
        Some(Answer::Bytes(stamp)) => String::from_utf8_lossy(stamp).into_owned(),
        _ => return Answer::Array(answers),
    };
    let named = stamp.split(' ').next().unwrap_or_default().split(',');
    let generations =
        keys.iter().zip(&mut answers).filter(|(key, _)| key.windows(13).any(|part| part == b":~generation:"));
    for ((_, answer), generation) in generations.zip(named) {
        *answer = Answer::Bytes(generation.as_bytes().to_vec());
    }
    Answer::Array(answers)
}

fn flatten(answer: Answer, into: &mut Vec<RedisValue>) {
    match answer {
        Answer::Nil => into.push(RedisValue::Nil),
        Answer::Number(number) => into.push(RedisValue::Number(number)),
        Answer::Bytes(bytes) => into.push(RedisValue::Bytes(Bytes::from(bytes))),
        Answer::Status(status) => into.push(RedisValue::Bytes(Bytes::from_static(status.as_bytes()))),
        Answer::Array(answers) => answers.into_iter().for_each(|answer| flatten(answer, into)),
    }
}

/// Leads to the one Redis of all instances, by connections that have this limit of their own.
#[derive(Clone)]
pub struct SimConnector {
    pub redis: Rc<SimRedis>,
    pub limit: Option<Duration>,
}

pub struct SimConnection {
    redis: Rc<SimRedis>,
    limit: Option<Duration>,
    started: u64,
}

impl Connector for SimConnector {
    type Connection = SimConnection;

    async fn open(&self) -> Result<SimConnection, RedisError> {
        self.redis.world.delay(Duration::from_millis(5)).await;
        Ok(SimConnection { redis: Rc::clone(&self.redis), limit: self.limit, started: self.redis.started.get() })
    }
}

impl Connection for SimConnection {
    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, RedisError> {
        let arguments: Vec<Vec<u8>> = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Number(number) => number.to_string().into_bytes(),
                Argument::Bytes(bytes) => bytes.to_vec(),
            })
            .collect();
        let exchange = self.redis.exchange(self.started, command, &arguments);
        match self.limit {
            None => exchange.await,
            Some(limit) => {
                timeout(&*self.redis.world, limit, exchange).await.unwrap_or(Err(RedisError::TimedOut(limit)))
            }
        }
    }

    fn time_limit(&self) -> Option<Duration> {
        self.limit
    }
}
