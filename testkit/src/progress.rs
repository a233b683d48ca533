//! What the commands say while they work, on stderr, in the form of cargo's own messages.

/// Says one thing that is being done: a verb and its object.
pub fn status(verb: &str, what: &str) {
    eprintln!("{verb:>12} {what}");
}
