//! Types that survive plain JSON: a value that is sent as it was shown keeps the type that it is stored with.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::{Format, show};

/// What to store for `sent` where `stored` is the value so far: the stored value where `sent` is how it is shown; member
/// by member and element by element where both are objects or arrays; else `sent` itself.
///
/// An element of an array may have moved: it takes the type of an element that is shown like it, its own place first.
pub fn restore(stored: Option<&Value>, sent: &Value) -> Value {
    let Some(stored) = stored else { return sent.clone() };
    match (Kind::of(stored), sent) {
        (Kind::Document(stored), Value::Object(sent)) => {
            let restored = sent.iter().map(|(name, value)| (name.clone(), restore(stored.get(name), value)));
            Value::Object(restored.collect())
        }
        (Kind::Array(stored), Value::Array(sent)) => {
            let shown: Vec<Value> = stored.iter().map(show::value).collect();
            sent.iter().enumerate().map(|(at, value)| element(stored, &shown, at, value)).collect()
        }
        (_, sent) if is_shown_as(stored, sent) => stored.clone(),
        _ => sent.clone(),
    }
}

fn element(stored: &[Value], shown: &[Value], at: usize, sent: &Value) -> Value {
    if shown.get(at).is_some_and(|shown| same(shown, sent)) {
        return stored[at].clone();
    }
    // Scalars without a type to lose are not looked for, so that a long array costs no more than its length.
    let typed = !matches!(sent, Value::Bool(_) | Value::Null);
    match shown.iter().take(MAX_SEARCHED).position(|shown| typed && same(shown, sent)) {
        Some(place) => stored[place].clone(),
        None => restore(stored.get(at), sent),
    }
}

/// How many elements are searched for one that has moved: a bound on the work of two long arrays.
const MAX_SEARCHED: usize = 100;

/// Whether the plain form of `stored` is `sent`.
pub fn is_shown_as(stored: &Value, sent: &Value) -> bool {
    same(&show::value(stored), sent)
}

/// Whether two plain values are the same. Numbers are compared by value: JavaScript writes `30.0` as `30`.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

/// The value after a merge patch (RFC 7396): a `null` removes a member, objects merge, anything else replaces. In plain
/// JSON, what replaces a value that is shown like it keeps its type.
pub fn merge(stored: Option<&Value>, patch: &Value, format: Format) -> Value {
    let plain = format == Format::Json;
    let (Kind::Document(changes), kind) = (Kind::of(patch), stored.map(Kind::of)) else {
        return if plain { restore(stored, patch) } else { patch.clone() };
    };
    let mut merged = match kind {
        Some(Kind::Document(stored)) => stored.clone(),
        // A small object that a typed value is shown as is that value, not a patch of its members.
        Some(_) if plain && stored.is_some_and(|stored| is_shown_as(stored, patch)) => {
            return stored.cloned().unwrap_or_default();
        }
        _ => Map::new(),
    };
    for (name, value) in changes {
        if value.is_null() {
            merged.shift_remove(name);
        } else {
            let value = merge(merged.get(name), value, format);
            merged.insert(name.clone(), value);
        }
    }
    Value::Object(merged)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored() -> Value {
        json!({
            "when": {"$date": {"$numberLong": "1614834367089"}},
            "price": {"$numberDecimal": "29.99"},
            "count": {"$numberLong": "7"},
            "ratio": {"$numberDouble": "30.0"},
            "raw": {"$binary": {"base64": "AQID", "subType": "00"}},
            "tags": [{"$oid": "5a1f00000000000000000001"}, "x", {"n": {"$numberLong": "1"}}],
            "inner": {"at": {"$date": {"$numberLong": "0"}}, "kept": "k"},
        })
    }

    #[test]
    fn a_document_that_is_sent_as_it_was_shown_keeps_every_type() {
        let stored = stored();
        assert_eq!(restore(Some(&stored), &show::value(&stored)), stored);
    }

    #[test]
    fn what_changed_is_stored_as_it_was_sent() {
        let mut sent = show::value(&stored());
        sent["price"] = json!("30.00");
        sent["ratio"] = json!(30);
        sent["inner"]["at"] = json!("soon");
        sent["tags"] = json!([{"n": 1}, "5a1f00000000000000000001", "y"]);
        let restored = restore(Some(&stored()), &sent);
        assert_eq!(restored["price"], "30.00");
        assert_eq!(restored["ratio"], stored()["ratio"], "the same number");
        assert_eq!(restored["inner"], json!({"at": "soon", "kept": "k"}));
        assert_eq!(restored["tags"], json!([{"n": {"$numberLong": "1"}}, {"$oid": "5a1f00000000000000000001"}, "y"]));
        assert_eq!(restored["when"], stored()["when"]);
    }

    /// The examples of RFC 7396, appendix A, whose documents are objects.
    #[test]
    fn merge_patch_follows_its_rfc() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            assert_eq!(merge(Some(&target), &patch, Format::Json), result, "{target} with {patch}");
        }
    }

    #[test]
    fn a_merge_keeps_the_types_beside_what_it_changes() {
        let patch = json!({"inner": {"kept": null}, "raw": {"Subtype": 0, "Data": "AQID"}});
        let merged = merge(Some(&stored()), &patch, Format::Json);
        assert_eq!(merged["inner"], json!({"at": {"$date": {"$numberLong": "0"}}}));
        assert_eq!(merged["raw"], stored()["raw"]);
    }
}
