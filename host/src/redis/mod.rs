//! Outbound Redis: `spin:redis`.
//!
//! Spin opens a connection to Redis for each `open` of a component. Here all instances share one multiplexed connection
//! per address ([`connections`]), so that an instance's `open` costs nothing, and commands of many instances leave in
//! one write. [`interface`] is what the component calls; [`reply`] translates values and errors.

mod connections;
mod interface;
mod reply;

pub use connections::{Connection, Connections};
