//! store-api: a video-game store over HTTP. Redis caches, MongoDB, behind a Data API, is the truth.
//!
//! How a request flows: `spin` takes it from the host and reads its body → [`routes`] finds the route, asks [`access`]
//! whether the client may, and checks what it sent → [`fenced_cache`] answers it, or asks the [`store`] and keeps the answer → the route makes the reply →
//! `spin` hands it back, head and body at once.
//!
//! - [`routes`]: one file per route; each knows HTTP and the two ports, nothing else.
//! - [`catalog`]: what is cached, and what a write invalidates.
//! - [`access`]: who may do what, and how often.
//! - [`store`]: the port `Store`, and the Data API client behind it.
//! - [`platform`]: the port to time and randomness.
//! - [`etag`], [`hex`], [`object_id`], [`request_id`]: small values of their own.
//! - [`config`]: the Spin variables, validated.
//! - [`problem`]: all that can go wrong, and what the client gets for it.
//! - [`seed`]: the data that `initDB` puts in.
//! - `spin`: the ports over spin-sdk, and the entry. Compiled for WebAssembly only, so that all the rest builds and is
//!   tested natively.

pub mod access;
pub mod catalog;
pub mod config;
pub mod etag;
pub mod hex;
pub mod object_id;
pub mod platform;
pub mod problem;
pub mod request_id;
pub mod routes;
pub mod seed;
pub mod store;

#[cfg(target_arch = "wasm32")]
mod spin;
