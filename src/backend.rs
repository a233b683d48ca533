//! What the store stands on, as one type: the three ports.

use crate::database::Database;
use crate::platform::Platform;

/// The ports that the logic is written against: `spin` has the real ones, the simulation its own.
pub trait Backend {
    /// What the cache stands on: Redis.
    type Ports: fenced_cache::Ports;
    /// The source of truth.
    type Database: Database;
    /// Time and randomness.
    type Platform: Platform;
}
