//! Outbound Redis: `spin:redis`.
//!
//! A connection is opened for each `open` of a component, as in Spin, and closed when the component drops it or its
//! instance ends; with `--tuned` all instances share one per address ([`connections`]). [`interface`] is what the component
//! calls; [`reply`] translates values and errors. redis-rs is the version that Spin has, so that its errors have the words
//! that components know them by.

mod connections;
mod interface;
mod reply;

pub use connections::{Connection, Connections, Limits};
