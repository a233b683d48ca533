//! store-api: a video-game store over HTTP. Redis caches, MongoDB, behind a Data API, is the truth.
//!
//! How a request flows: `spin` takes it from the host → [`http`] finds the route, asks [`auth`] whether the caller may use it,
//! and checks what was sent → the route calls [`cache`], which answers or asks the [`database`] → `spin` returns head and body
//! at once.
//!
//! - [`http`]: a request in, a response out; one file per route.
//! - [`cache`]: cache-aside, and the protocol that never lets a read be older than an acknowledged write.
//! - [`database`]: the port to the documents, and the Data API client behind it.
//! - [`auth`]: who may do what.
//! - [`platform`]: the port to time and randomness.
//! - [`hex`], [`object_id`]: small values of their own.
//! - [`config`]: the Spin variables, validated.
//! - [`seed`]: the data that `initDB` inserts.
//! - `spin`: the adapters over spin-sdk, and the entry. Compiled for WebAssembly only, so that everything else builds and is
//!   tested natively.

pub mod auth;
pub mod cache;
pub mod config;
pub mod database;
pub mod hex;
pub mod http;
pub mod object_id;
pub mod platform;
pub mod seed;

#[cfg(target_arch = "wasm32")]
mod spin;
