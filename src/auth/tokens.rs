//! The operator's own tokens: long secrets, several for a role, so that one can be replaced while the other still counts.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

use super::Role;
use crate::variable::{VariableError, invalid};

/// The shortest token that is taken: 32 characters, as of 192 random bits in Base64.
pub const MIN_LENGTH: usize = 32;

/// Tokens by role. `Debug` says how many.
#[derive(Clone, Default)]
pub struct Tokens(Vec<(Role, Vec<u8>)>);

impl Tokens {
    /// Reads the variables `read_token`, `write_token` and `admin_token`: tokens separated by commas.
    ///
    /// # Errors
    /// A token that is short, or that no header could carry.
    pub fn parse(read: String, write: String, admin: String) -> Result<Self, VariableError> {
        let mut tokens = Vec::new();
        for (variable, role, list) in
            [("read_token", Role::Read, read), ("write_token", Role::Write, write), ("admin_token", Role::Admin, admin)]
        {
            for token in list.split(',').map(str::trim).filter(|token| !token.is_empty()) {
                if token.len() < MIN_LENGTH {
                    return invalid(variable, format!("contains a token of fewer than {MIN_LENGTH} characters"));
                }
                if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return invalid(variable, "contains a token with a character that is not printable ASCII");
                }
                tokens.push((role, token.as_bytes().to_vec()));
            }
        }
        Ok(Tokens(tokens))
    }

    /// The highest role that this token has. Every token is compared, each in a time that does not depend on where they
    /// differ, so that nobody finds one letter by letter.
    pub fn role(&self, shown: &[u8]) -> Option<Role> {
        let mut role = None;
        for (of, token) in &self.0 {
            let same: Choice = token.as_slice().ct_eq(shown);
            if bool::from(same) {
                role = role.max(Some(*of));
            }
        }
        role
    }

    /// Whether there is a token that reaches this role.
    pub fn reach(&self, role: Role) -> bool {
        self.0.iter().any(|(of, _)| *of >= role)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} masked)", self.0.len())
    }
}
