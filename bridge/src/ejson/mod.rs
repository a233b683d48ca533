//! Extended JSON v2, both ways, without a tree in between.
//!
//! - [`read`]: a body's text becomes BSON bytes in one pass. Canonical and relaxed forms are understood at once; plain
//!   JSON is the relaxed form without types.
//! - [`write`]: BSON bytes become text, as canonical Extended JSON or as the plain JSON that loses types.
//! - `date`: ISO 8601, which both need.

mod date;
pub mod read;
pub mod write;

/// How deep values may be nested, in and out. MongoDB itself refuses documents beyond 200 levels; the bound also keeps
/// the recursion within a thread's stack.
pub const MAX_DEPTH: usize = 200;

/// How an answer spells values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Plain JSON: readable, and most BSON types become strings, numbers or small objects.
    Json,
    /// Canonical Extended JSON v2: every type survives.
    Ejson,
}

impl Format {
    /// The media type of a body in this format.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ejson => "application/ejson",
        }
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
