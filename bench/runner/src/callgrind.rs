//! What callgrind has counted.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Instructions of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InstructionCount {
    /// In code that belongs to no file: what Cranelift has compiled.
    pub guest: u64,
    /// In all other.
    pub host: u64,
}

impl InstructionCount {
    /// From callgrind's file ("Callgrind Format Specification" in Valgrind's documentation).
    ///
    /// # Errors
    /// When there is none, or it has another form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let counted = Self::parse(&text);
        ensure!(counted.host > 0, "callgrind counted nothing: {}", path.display());
        Ok(counted)
    }

    fn parse(text: &str) -> Self {
        let mut counted = Self::default();
        // A name is given once, and then only its number: `ob=(3) /lib/libc.so`, later `ob=(3)`.
        let mut is_guest: HashMap<&str, bool> = HashMap::new();
        let mut in_guest = false;
        let mut is_call = false;
        for line in text.lines() {
            if let Some(object) = line.strip_prefix("ob=") {
                let (number, name) = object.split_once(' ').unwrap_or((object, ""));
                if !name.is_empty() {
                    is_guest.insert(number, name == "???");
                }
                in_guest = is_guest.get(number).copied().unwrap_or(false);
            } else if let Some(object) = line.strip_prefix("cob=") {
                if let Some((number, name)) = object.split_once(' ') {
                    is_guest.insert(number, name == "???");
                }
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                // What a call cost is counted where it was spent.
                if !std::mem::take(&mut is_call)
                    && let Some(cost) = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok())
                {
                    let sum = if in_guest { &mut counted.guest } else { &mut counted.host };
                    *sum += cost;
                }
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_count_where_they_were_spent() {
        let text = "positions: line\nevents: Ir\n\nob=(1) /bin/host\nfl=(1)\nfn=(1) main\n0 100\n+3 20\n\
            cob=(2) ???\ncfn=(2) 0x00001\ncalls=5 0\n* 4000\n\nob=(2)\nfn=(2)\n0 4000\n\nob=(1)\nfn=(3) end\n16 3\n\ntotals: 4123\n";
        assert_eq!(InstructionCount::parse(text), InstructionCount { guest: 4000, host: 123 });
    }
}
