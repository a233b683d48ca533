//! Runs the scripts that ship, in the Lua that Redis has (5.1).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use fenced_cache::scripts::{ACQUIRE, BEGIN_WRITE, COUNT, END_WRITE, FILL, HELLO, RELEASE, Script};
use mlua::{Error, Function, Lua, Table, Value, Variadic};

use super::keyspace::{Answer, Keyspace};

/// Which of the protocol's parts work: a test takes one out to see that the checker notices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// A hit counts only if its stamp names the generations that stand.
    pub stamps: bool,
    /// A fill checks the generations.
    pub generations: bool,
    /// The beginning of a write deletes the generations.
    pub begin_invalidates: bool,
    /// The end of a write deletes the generations.
    pub end_invalidates: bool,
    /// A write puts up a fence.
    pub fences: bool,
    /// A new connection checks the run id.
    pub run_id: bool,
}

impl Parts {
    pub const ALL: Parts = Parts {
        stamps: true,
        generations: true,
        begin_invalidates: true,
        end_invalidates: true,
        fences: true,
        run_id: true,
    };

    /// The script, without the parts that are taken out.
    fn of(self, script: &Script) -> String {
        let mut source = script.source.to_owned();
        let mut cut = |kept: bool, script_with: &Script, from: &str, to: &str| {
            if !kept && std::ptr::eq(script, script_with) {
                assert!(source.contains(from), "{from} is not in the script any more");
                source = source.replace(from, to);
            }
        };
        cut(self.stamps, &ACQUIRE, "string.sub(stamp, 1, #prefix) == prefix", "true");
        cut(self.generations, &FILL, "table.concat(found, ',') ~= ARGV[2]", "false");
        cut(self.begin_invalidates, &BEGIN_WRITE, "if i % 5 ~= 2 then", "if i % 5 ~= 2 and i % 5 ~= 1 then");
        cut(self.end_invalidates, &END_WRITE, "if i % 5 ~= 2 then", "if i % 5 ~= 2 and i % 5 ~= 1 then");
        cut(self.fences, &BEGIN_WRITE, "KEYS[i], deadline, ARGV[1]", "KEYS[i], now_ms + 1, ARGV[1]");
        cut(self.run_id, &HELLO, "redis.call('MGET', KEYS[1])[1] ~= run_id", "false");
        source
    }
}

/// What a script sees of the world.
pub struct Surroundings {
    pub keyspace: Keyspace,
    /// Redis's clock, in microseconds.
    pub now_us: i64,
    pub run_id: String,
}

/// Redis's Lua.
pub struct Scripting {
    lua: Lua,
    /// By SHA-1, for those that Redis has been taught.
    known: RefCell<BTreeMap<String, Function>>,
    parts: Parts,
}

impl Scripting {
    pub fn new(parts: Parts, surroundings: &Rc<RefCell<Surroundings>>) -> Self {
        let lua = Lua::new();
        let redis = lua.create_table().unwrap();
        for (name, protected) in [("call", false), ("pcall", true)] {
            let surroundings = Rc::clone(surroundings);
            let call = move |lua: &Lua, arguments: Variadic<Value>| {
                let command: Vec<Vec<u8>> = arguments.iter().map(argument).collect();
                let surroundings = &mut *surroundings.borrow_mut();
                match surroundings.keyspace.run(&command, surroundings.now_us, &surroundings.run_id) {
                    Ok(answer) => to_lua(lua, answer),
                    Err(why) if protected => {
                        let table = lua.create_table()?;
                        table.set("err", why)?;
                        Ok(Value::Table(table))
                    }
                    Err(why) => Err(Error::RuntimeError(why)),
                }
            };
            redis.set(name, lua.create_function(call).unwrap()).unwrap();
        }
        lua.globals().set("redis", redis).unwrap();
        Scripting { lua, known: RefCell::default(), parts }
    }

    /// `SCRIPT FLUSH`.
    pub fn forget(&self) {
        self.known.borrow_mut().clear();
    }

    /// `EVALSHA` and `EVAL`.
    pub fn run(&self, command: &str, arguments: &[Vec<u8>]) -> Result<Answer, String> {
        let script = match command {
            "EVALSHA" => {
                let sha1 = String::from_utf8_lossy(&arguments[0]).into_owned();
                let known = self.known.borrow().get(&sha1).cloned();
                known.ok_or("NOSCRIPT No matching script. Please use EVAL.")?
            }
            _ => self.teach(&String::from_utf8_lossy(&arguments[0])),
        };
        let count: usize = String::from_utf8_lossy(&arguments[1]).parse().unwrap();
        let (keys, values) = arguments[2..].split_at(count);
        for (name, list) in [("KEYS", keys), ("ARGV", values)] {
            let texts = list.iter().map(|bytes| self.lua.create_string(bytes).unwrap());
            self.lua.globals().set(name, self.lua.create_sequence_from(texts).unwrap()).unwrap();
        }
        match script.call::<Value>(()) {
            Ok(value) => from_lua(value),
            Err(error) => Err(error.to_string().replace("runtime error: ", "")),
        }
    }

    fn teach(&self, source: &str) -> Function {
        let all = [&ACQUIRE, &FILL, &RELEASE, &BEGIN_WRITE, &END_WRITE, &HELLO, &COUNT];
        let script = all.into_iter().find(|script| script.source == source).expect("one of the scripts that ship");
        let function = self.lua.load(self.parts.of(script)).into_function().unwrap();
        self.known.borrow_mut().insert(script.sha1.clone(), function.clone());
        function
    }
}

/// As Redis takes arguments from Lua: strings, and numbers as their text.
fn argument(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Integer(number) => number.to_string().into(),
        Value::Number(number) if number.fract() == 0.0 => format!("{number:.0}").into(),
        Value::Number(number) => number.to_string().into(),
        other => panic!("Redis takes no {} as an argument", other.type_name()),
    }
}

fn to_lua(lua: &Lua, answer: Answer) -> mlua::Result<Value> {
    Ok(match answer {
        Answer::Nil => Value::Boolean(false),
        Answer::Number(number) => Value::Number(number as f64),
        Answer::Bytes(bytes) => Value::String(lua.create_string(bytes)?),
        Answer::Status(status) => {
            let table = lua.create_table()?;
            table.set("ok", status)?;
            Value::Table(table)
        }
        Answer::Array(answers) => {
            let values: Vec<Value> = answers.into_iter().map(|answer| to_lua(lua, answer)).collect::<Result<_, _>>()?;
            Value::Table(lua.create_sequence_from(values)?)
        }
    })
}

fn from_lua(value: Value) -> Result<Answer, String> {
    Ok(match value {
        Value::Nil | Value::Boolean(false) => Answer::Nil,
        Value::Boolean(true) => Answer::Number(1),
        Value::Integer(number) => Answer::Number(number),
        Value::Number(number) => Answer::Number(number as i64),
        Value::String(text) => Answer::Bytes(text.as_bytes().to_vec()),
        Value::Table(table) => return from_table(&table),
        other => return Err(format!("ERR a script answers a {}", other.type_name())),
    })
}

/// A table with `err` is an error; any other is an array up to its first nil.
fn from_table(table: &Table) -> Result<Answer, String> {
    if let Ok(Some(why)) = table.get::<Option<String>>("err") {
        return Err(why);
    }
    let mut answers = Vec::new();
    for at in 1.. {
        match table.get::<Value>(at).unwrap() {
            Value::Nil => break,
            value => answers.push(from_lua(value)?),
        }
    }
    Ok(Answer::Array(answers))
}
