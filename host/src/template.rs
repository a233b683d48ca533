//! Spin's templates: text with `{{ name }}` in it.

use anyhow::{Context, Result};

/// Replaces each `{{ name }}` of `template` by what `value` says of the name. There is no escape for `{{`.
///
/// # Errors
/// A `{{` without `}}`, or what `value` has against a name.
pub fn fill(template: &str, mut value: impl FnMut(&str) -> Result<String>) -> Result<String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, expression)) = rest.split_once("{{") {
        let (name, after) =
            expression.split_once("}}").with_context(|| format!("{template:?} has a {{{{ without }}}}"))?;
        filled.push_str(literal);
        filled.push_str(&value(name.trim())?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Whether `text` refers to a variable at all.
#[must_use]
pub fn is_literal(text: &str) -> bool {
    !text.contains("{{")
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn names_are_replaced_and_the_rest_is_kept() {
        let shout = |name: &str| Ok(name.to_uppercase());
        for (template, filled) in [
            ("", ""),
            ("plain }} text", "plain }} text"),
            ("{{ a }}", "A"),
            ("{{a}}{{  b  }}", "AB"),
            ("http://{{ host }}:{{ port }}/x", "http://HOST:PORT/x"),
        ] {
            assert_eq!(fill(template, shout).unwrap(), filled);
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_as_a_template() {
        assert_eq!(fill("{{ a }}", |_| Ok("{{ b }}".to_owned())).unwrap(), "{{ b }}");
    }

    #[test]
    fn mistakes_are_errors() {
        assert!(fill("{{ open", |_| Ok(String::new())).is_err());
        assert!(fill("{{ x }}", |name| bail!("no {name}")).is_err());
    }
}
