//! Text that must not be seen.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A credential, or something that may hold one. It is formatted as `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself; not to be printed.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Secret(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
