//! The project's commands, and the running system that they and the tests use.
//!
//! - [`up`] runs the whole system until it is told to stop; [`test`] runs every test there is; [`bench`] measures. [`cli`]
//!   is how they are called.
//! - [`stack`] is the running system: it puts the parts together and starts them in order. A [`part`] is one server
//!   process with its log and the question whether it answers; there are four kinds: [`redis`], [`mongodb`],
//!   [`data_api`] and [`host`].
//! - [`programs`] builds what is ours, [`install`] gets what is not.
//! - Underneath: [`process`] starts children that do not outlive us, [`command`] runs programs to their end,
//!   [`interrupt`] notes Ctrl-C, [`probe`] asks servers whether they are there.

pub mod address;
pub mod bench;
mod cargo;
pub mod cli;
pub mod command;
pub mod data_api;
pub mod host;
pub mod install;
pub mod interrupt;
pub mod log;
pub mod mongodb;
pub mod part;
pub mod port;
pub mod probe;
pub mod process;
pub mod programs;
mod progress;
pub mod project;
pub mod redis;
pub mod stack;
pub mod test;
pub mod up;
