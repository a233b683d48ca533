//! What the store caches and what its writes invalidate: the entries and scopes of the cache are chosen here.

pub mod entries;
mod settings;

pub use settings::Settings;
