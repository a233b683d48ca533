//! Commands for MongoDB that the Data API does not have: indexes and validators, over MongoDB's wire protocol.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// Runs a command on the database `storeDB`, where the server must accept it.
pub fn run_command(uri: &str, command: &Value) {
    let mut command = command.clone();
    command["$db"] = Value::from("storeDB");
    // OP_MSG: flags, then one section of kind 0.
    let mut body = vec![0, 0, 0, 0, 0];
    body.extend(document(&command));
    let length = i32::try_from(body.len() + 16).unwrap();
    let mut message = Vec::new();
    for part in [length, 1, 0, 2013] {
        message.extend(part.to_le_bytes());
    }
    message.extend(body);
    let address = uri.split("://").nth(1).unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&message).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut response = vec![0; usize::try_from(i32::from_le_bytes(length)).unwrap() - 4];
    stream.read_exact(&mut response).unwrap();
    // A double named `ok`: 1.0 where the command was done.
    let ok = [&[1][..], b"ok\0", &1.0_f64.to_le_bytes()].concat();
    let done = response.windows(ok.len()).any(|part| part == ok);
    assert!(done, "{command}: {}", String::from_utf8_lossy(&response));
}

/// BSON of what JSON has.
fn document(value: &Value) -> Vec<u8> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        other => panic!("{other} is not a document"),
    };
    let mut content = Vec::new();
    for (name, value) in members {
        let (kind, bytes) = match value {
            Value::Object(_) => (3, document(value)),
            Value::Array(_) => (4, document(value)),
            Value::Bool(boolean) => (8, vec![u8::from(*boolean)]),
            Value::Number(number) => (16, i32::try_from(number.as_i64().unwrap()).unwrap().to_le_bytes().to_vec()),
            Value::String(text) => {
                let length = i32::try_from(text.len() + 1).unwrap();
                (2, [&length.to_le_bytes()[..], text.as_bytes(), &[0]].concat())
            }
            Value::Null => (10, vec![]),
        };
        content.push(kind);
        content.extend(name.as_bytes());
        content.push(0);
        content.extend(bytes);
    }
    content.push(0);
    let length = i32::try_from(content.len() + 4).unwrap();
    [&length.to_le_bytes()[..], &content].concat()
}
