//! store-host as a process, over real sockets, with a real component (`tests/guest`) and a real Redis.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod instances;
mod outbound;
mod pieces;
mod redis;
mod requests;
mod routes;
mod start;
mod stop;
mod support;
mod tuned;
mod variables;
