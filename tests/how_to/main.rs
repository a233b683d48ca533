//! How-to pages do what they say, word for word.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod proxy;

use std::fs;
use std::process::Command;

use common::system::System;
use serde_json::Value;
use testkit::project;

/// A page of `docs/how-to`.
fn page(name: &str) -> String {
    fs::read_to_string(project::root().join("docs/how-to").join(name)).unwrap()
}

/// The code blocks of a page: the language of each, and its text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), text.join("\n")));
        }
    }
    blocks
}

#[test]
fn your_own_collection_in_five_minutes() {
    let page = page("your-own-collection.md");
    let mut blocks = blocks(&page).into_iter().peekable();
    // The first command runs until it is stopped; here the same system is started with its variable.
    let (_, start) = blocks.next().unwrap();
    let variable = start.strip_prefix("cargo xtask up --variable ").unwrap();
    let system = System::start(&[variable.split_once('=').unwrap()]);
    let folder = project::temporary_folder().unwrap();
    let file = folder.path().join("books.jsonl");
    let mut commands = 0;
    while let Some((language, command)) = blocks.next() {
        assert_eq!(language, "sh", "{command}");
        let command = command
            .replace("http://127.0.0.1:3000", system.base_url())
            .replace("books.jsonl", file.to_str().unwrap())
            .replace("cargo xtask import", &format!("cargo xtask import --base-url {}", system.base_url()));
        let done = Command::new("bash").args(["-ec", &command]).current_dir(project::root()).output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{command}: {out} {error}");
        commands += 1;
        match blocks.next_if(|(language, _)| language != "sh") {
            Some((language, expected)) if language == "json" => {
                let [out, expected] = [&*out, &expected].map(|text| serde_json::from_str::<Value>(text).unwrap());
                assert_eq!(out, expected, "{command}");
            }
            Some((_, expected)) => assert_eq!(out.trim(), expected, "{command}"),
            None => {}
        }
    }
    assert!(commands > 8);
    assert_eq!(system.get("/api/showDB/books").json().as_array().unwrap().len(), 1002);
}
