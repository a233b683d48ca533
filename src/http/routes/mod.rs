//! One file per route (or pair of routes): it parses the request, makes one call, and responds.

pub mod add;
pub mod clean;
pub mod delete;
pub mod get;
pub mod health;
pub mod index;
pub mod init;
pub mod list;
pub mod metrics;
pub mod openapi;
pub mod purge;
pub mod update;
