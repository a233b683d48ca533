//! store-api: a video-game store over HTTP. Redis is the cache; MongoDB, behind a Data API, is the source of truth.
//!
//! How a request flows: `spin` takes its head from the host → [`http`] finds the route and asks [`auth`] whether the caller
//! may use it, then reads and checks the body → the route calls one operation of the [`catalog`] → that asks the cache
//! ([`fenced_cache`]), which answers or asks the [`database`] → `spin` returns head and body at once.
//!
//! - [`http`]: a request in, a response out; one file per route.
//! - [`catalog`]: what can be done with the documents, what of it is cached, and what a write invalidates; one file per
//!   operation.
//! - [`backend`]: the ports that all this is written against, as one type.
//! - [`database`]: the port to the documents, and the Data API client behind it.
//! - [`auth`]: who may do what; knows no routes.
//! - [`config`]: puts the settings of these parts together.
//! - [`seed`]: the data that `initDB` inserts.
//! - [`platform`]: the port to time and randomness.
//! - [`budget`], [`trace_context`], [`variable`], [`secret`], [`hex`]: small things that the others share.
//! - `spin`: the adapters over spin-sdk, and the entry. Compiled for WebAssembly only, so that everything else builds and is
//!   tested natively.

pub mod auth;
pub mod backend;
pub mod budget;
pub mod catalog;
pub mod config;
pub mod database;
pub mod hex;
pub mod http;
pub mod platform;
pub mod secret;
pub mod seed;
pub mod trace_context;
pub mod variable;

#[cfg(target_arch = "wasm32")]
mod spin;
