//! Paths of fields, as text with points.

/// The names in a path that are names of fields: what may be a position in an array (`0`, `$`, `$[]`, `$[x]`) is left out,
/// because MongoDB reaches into arrays with and without it. A path begins with a name, whatever that looks like.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> + Clone {
    path.split('.').enumerate().filter(|(place, name)| *place == 0 || !is_position(name)).map(|(_, name)| name)
}

/// A path without `$[]` and `$[x]`. MongoDB takes them for positions in arrays and for nothing else, whereas a number, and
/// the one that it puts in the place of `$`, is a field's name in a document.
pub(super) fn without_array_operators(path: &str) -> String {
    path.split('.').filter(|name| !name.starts_with("$[")).collect::<Vec<_>>().join(".")
}

/// Whether a path names positions in arrays.
pub(super) fn has_positions(path: &str) -> bool {
    path.split('.').any(is_position)
}

fn is_position(name: &str) -> bool {
    name.starts_with('$') || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `path` is `outer`, or within it, if all that may be a position in an array is one.
pub(super) fn is_within(path: &str, outer: &str) -> bool {
    let mut path = names(path);
    names(outer).all(|name| path.next() == Some(name))
}

/// Whether `path` is `outer`, or within it, in every document.
pub(super) fn is_surely_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether one of them may be within the other, so that the values at both are not independent.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// The path of a field of the object at `parent`, or of the document itself. A name may be empty.
pub(super) fn field_of(parent: Option<&str>, name: &str) -> String {
    parent.map_or_else(|| name.to_owned(), |parent| format!("{parent}.{name}"))
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
            ("0", "a", false),
            ("0.a", "a", false),
        ] {
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} {other}");
        }
        assert!(is_within("a.0.b", "a") && !is_within("a", "a.b"));
        assert!(is_surely_within("a.0", "a") && !is_surely_within("a.0.b", "a.b") && !is_surely_within("ab", "a"));
        assert_eq!(without_array_operators("a.$[].b.$[x].$.0"), "a.b.$.0");
        assert_eq!((root("a.b"), root("a")), ("a", "a"));
        assert!(has_positions("a.$[].b") && has_positions("a.0") && !has_positions("a.b1"));
    }
}
