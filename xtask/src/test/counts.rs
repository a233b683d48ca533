//! How many tests passed and failed, as the programs that ran them say it.

use std::fmt;
use std::ops::Add;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// As it should be.
    pub passed: u64,
    /// Not so.
    pub failed: u64,
    /// Not run, on purpose.
    pub skipped: u64,
}

impl Counts {
    /// One failure: a step that could not run.
    pub const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// Whether nothing was run, nor even skipped.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// From what a Rust test program prints: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub fn of_rust(output: &str) -> Self {
        let mut counts = Self::default();
        for line in plain(output).lines() {
            // A test may leave an unfinished line before it.
            let Some((_, result)) = line.split_once("test result: ") else { continue };
            let Some((_, numbers)) = result.split_once(". ") else { continue };
            for part in numbers.split(';') {
                match part.trim().split_once(' ') {
                    Some((number, "passed")) => counts.passed += number.parse().unwrap_or(0),
                    Some((number, "failed")) => counts.failed += number.parse().unwrap_or(0),
                    Some((number, "ignored")) => counts.skipped += number.parse().unwrap_or(0),
                    _ => {}
                }
            }
        }
        counts
    }

    /// From Hurl's summary: `Succeeded files: 2 (66.7%)`, `Failed files: 1 (33.3%)`.
    pub fn of_hurl(output: &str) -> Self {
        let output = plain(output);
        let number = |label: &str| {
            let line = output.lines().rev().find_map(|line| line.strip_prefix(label))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Self {
            passed: number("Succeeded files:").unwrap_or(0),
            failed: number("Failed files:").unwrap_or(0),
            skipped: 0,
        }
    }

    /// The same, but with a failure at least where the program says by its exit code that something failed: one that
    /// crashed prints no summary.
    pub fn with_exit(self, success: bool) -> Self {
        if success { self } else { Self { failed: self.failed.max(1), ..self } }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(formatter, ", {skipped} skipped"),
        }
    }
}

/// Without the terminal's colours: `ESC [ … m`.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once(|end: char| end.is_ascii_alphabetic()).map_or("", |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rust_test_program_says() {
        let output = "\nrunning 4 tests\ntest a ... ok\n\ntest result: FAILED. 2 passed; 1 failed; 1 ignored; \
                      0 measured; 9 filtered out; finished in 0.00s\n";
        assert_eq!(Counts::of_rust(output), Counts { passed: 2, failed: 1, skipped: 1 });
        let coloured = "test result: \x1b[32mok\x1b[m. 5 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(Counts::of_rust(coloured), Counts { passed: 5, failed: 0, skipped: 0 });
        assert!(Counts::of_rust("error: could not compile").is_empty());
    }

    #[test]
    fn what_hurl_says() {
        let output = "Executed files:    3\nExecuted requests: 9 (100.0/s)\nSucceeded files:   2 (66.7%)\n\
                      Failed files:      1 (33.3%)\nDuration:          90 ms\n";
        assert_eq!(Counts::of_hurl(output), Counts { passed: 2, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_crash_is_a_failure() {
        assert_eq!(Counts::default().with_exit(false), Counts::FAILED);
        let counts = Counts { passed: 1, failed: 2, skipped: 0 };
        assert_eq!(counts.with_exit(false), counts);
        assert_eq!(counts.with_exit(true), counts);
    }

    #[test]
    fn the_last_line() {
        let counts = Counts { passed: 12, failed: 0, skipped: 0 };
        assert_eq!(counts.to_string(), "12 passed, 0 failed");
        assert_eq!((counts + Counts { skipped: 2, ..Counts::FAILED }).to_string(), "12 passed, 1 failed, 2 skipped");
    }
}
