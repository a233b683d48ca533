//! The start page, the console and the documentation, beside the store in one Spin application.
//!
//! - `static/` has the pages, scripts and styles as they are sent; `build/` makes the documentation from the OpenAPI file
//!   and a table of all files.
//! - [`pages`] answers a request from that table. It compiles and is tested natively.
//! - `spin` is the entry, compiled for Wasm only. It asks nobody and keeps nothing.
//!
//! The site has a few exact routes and `/assets/...`; every other path is the store's. At `/`, a client that does not ask
//! for HTML gets the JSON index of the routes, as it gets it from the store at `/api/`.

pub mod pages;
#[cfg(target_arch = "wasm32")]
mod spin;
