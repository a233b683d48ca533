//! What the tests over sockets share.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

pub mod backends;
pub mod evictions;
pub mod exchange;
pub mod faulty;
pub mod host;
pub mod jwt;
pub mod mongodb;
pub mod recorder;
pub mod shop;
pub mod strict;
pub mod system;
