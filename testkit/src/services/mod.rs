//! The four kinds of service that the system is made of.

pub mod data_api;
pub mod host;
pub mod mongodb;
pub mod redis;
