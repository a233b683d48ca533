//! data-api: MongoDB over plain HTTP, with the protocol of the retired Atlas Data API.
//!
//! How a request flows: [`routes`] finds the action → [`auth`] settles who is asking → [`media`] and [`body`] take the
//! body in → [`ejson`] makes it BSON → [`arguments`] checks its fields → [`actions`] runs it on [`mongo`], after
//! [`auth`]'s rules allow it and [`operator_denylist`] has looked at what MongoDB will interpret → [`answer`], or [`error`], makes
//! the response. [`metrics`] counts it, [`traces`] follows it.
//!
//! - [`config`]: all settings, from flags, the environment or a file.
//! - [`routes`]: one route for each action; the login; health.
//! - [`auth`]: credentials, who they belong to, and what those may do.
//! - [`user`]: whom a request speaks for, as the filters of rules may ask.
//! - [`media`]: `Content-Type` and `Accept`.
//! - [`body`]: the bytes of a request, up to a limit.
//! - [`ejson`]: JSON and Extended JSON to BSON and back, without a tree in between.
//! - [`arguments`]: the fields of a body, by name and type.
//! - [`operator_denylist`]: operators that no client may use.
//! - [`call`]: what an action is given, and the fields that several actions have.
//! - [`actions`]: one file for each kind of action.
//! - [`restriction`]: what a rule with a filter or hidden fields makes of an action.
//! - [`mongo`]: the driver, and what its failures mean.
//! - [`answer`]: bodies of answers that went well.
//! - [`error`]: everything else, with its status and code; [`quoted`], how long the names in it may be.
//! - [`metrics`], [`traces`], [`logs`], [`audit`]: what an operator sees.
//! - [`server`]: the socket, its connections, and the orderly end; [`tls`] on it. [`client`]: who is at the other end.
//! - [`shares`], [`budget`] with [`weight`], [`rate_limit`]: what one client may take, so that others have something too.
//! - [`watched`]: values that are read again when their files change.
//! - [`commands`]: what the program does beside serving.

pub mod actions;
pub mod answer;
pub mod arguments;
pub mod audit;
pub mod auth;
pub mod body;
pub mod budget;
pub mod call;
pub mod client;
pub mod commands;
pub mod config;
pub mod ejson;
pub mod error;
pub mod logs;
pub mod media;
pub mod metrics;
pub mod mongo;
pub mod operator_denylist;
pub mod quoted;
pub mod rate_limit;
pub mod restriction;
pub mod routes;
pub mod server;
pub mod shares;
pub mod tls;
pub mod traces;
pub mod user;
pub mod watched;
pub mod weight;
