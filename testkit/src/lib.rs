//! Starts, breaks and asks the parts of a running system: for the tests over sockets, for `cargo xtask` and for the
//! benchmark.
//!
//! - A [`service`] is one server process with its log and the question whether it answers. [`services`] has the four
//!   kinds: Redis, MongoDB, the bridge and the component's host, for which [`runtime`] chooses the program. [`stack`]
//!   puts them together and starts them in order.
//! - [`client`] asks them over HTTP, [`probe`] whether they are there, and a [`proxy`] between two of them misbehaves on
//!   demand.
//! - [`programs`] builds what is ours, [`install`] gets what is not.
//! - Underneath: [`process`] starts children that do not outlive us, [`command`] runs programs to their end,
//!   [`descriptors`] allows many connections, [`interrupt`] notes Ctrl-C, [`progress`] says what is being done.

pub mod address;
pub mod cargo;
pub mod client;
pub mod command;
pub mod descriptors;
pub mod install;
pub mod interrupt;
pub mod log;
pub mod port;
pub mod probe;
pub mod process;
pub mod programs;
pub mod progress;
pub mod project;
pub mod proxy;
pub mod runtime;
pub mod service;
pub mod services;
pub mod stack;
