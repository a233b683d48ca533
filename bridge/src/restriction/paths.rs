//! Paths of fields, as text with points.

/// The names in a path that are names of fields: positions in arrays (`0`, `$`, `$[]`, `$[x]`) are left out, because
/// MongoDB reaches into arrays with and without them.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> + Clone {
    path.split('.').filter(|name| !is_position(name))
}

/// Whether a path names positions in arrays.
pub(super) fn has_positions(path: &str) -> bool {
    path.split('.').any(is_position)
}

fn is_position(name: &str) -> bool {
    name.starts_with('$') || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `path` is `outer`, or within it.
pub(super) fn is_within(path: &str, outer: &str) -> bool {
    let mut path = names(path);
    names(outer).all(|name| path.next() == Some(name))
}

/// Whether one of them is within the other, so that the values at both are not independent.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// The field of the document itself that a path begins with.
pub(super) fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_overlap() {
        for (one, other, expected) in [
            ("a", "a", true),
            ("a", "a.b", true),
            ("a.b.c", "a.b", true),
            ("a.0.b", "a.b", true),
            ("a.$[x].b", "a.3.b.c", true),
            ("a.$", "a", true),
            ("a", "ab", false),
            ("a.b", "a.c", false),
            ("a.0.b", "a.1.c", false),
            ("b.a", "a", false),
        ] {
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} {other}");
        }
        assert!(is_within("a.0.b", "a") && !is_within("a", "a.b"));
        assert_eq!((root("a.b"), root("a")), ("a", "a"));
        assert!(has_positions("a.$[].b") && has_positions("a.0") && !has_positions("a.b1"));
    }
}
