//! store-host as a process, over real sockets, with a real component (`tests/guest`) and a real Redis.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod instances;
mod outbound;
mod redis;
mod requests;
mod start;
mod stop;
mod support;
mod variables;
