//! The program as its clients meet it: the real binary, real sockets, a real server that speaks MongoDB's protocol.
//!
//! `MONGODB_URI` says where that server is; `cargo xtask test` starts one. Each test has a database of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

mod accounts;
mod actions;
mod attacks;
mod audit;
mod authentication;
mod away;
mod bridge;
mod browser;
mod clients;
mod cors;
mod drop_in;
mod errors;
mod folder;
mod functions;
mod hoarding;
mod http;
mod http2;
mod issuers;
mod lifecycle;
mod limits;
mod memory;
mod operations;
mod raw;
mod restricted;
mod restricted_documents;
mod restricted_functions;
mod restricted_model;
mod rules;
mod sessions;
mod sources;
mod streaming;
mod token;
mod types;
mod way;
