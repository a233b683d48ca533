//! Whom a request speaks for, as rules may ask: `%%user.id`, `%%user.email`, `%%user.data.<claim>`.

use mongodb::bson::Bson;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

/// A user, as the filters of rules know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// 24 hex digits, the `user_id` of the login's answer. It stays the same for a user, however it authenticates.
    pub id: String,
    /// The address of a `[[users]]` account; for a JWT its claim `email`, where the issuer says that it verified it.
    pub email: Option<String>,
    /// The claims of a JWT.
    pub claims: Map<String, Value>,
}

impl User {
    /// The user of an account of the access file, named by its id: `user:ann@shop.example`.
    pub(crate) fn of_account(account: &str) -> Self {
        let email = account.strip_prefix("user:").map(str::to_owned);
        User { id: id(account, None), email, claims: Map::new() }
    }

    /// The user whom an issuer means by `subject`, with what its token claims.
    pub(crate) fn of_issuer(account: &str, subject: &str, claims: Map<String, Value>) -> Self {
        // An address that anyone could have typed into a profile must not open its real owner's documents.
        let verified = claims.get("email_verified") == Some(&Value::Bool(true));
        let email = claims.get("email").and_then(Value::as_str).filter(|_| verified).map(str::to_owned);
        User { id: id(account, Some(subject)), email, claims }
    }

    /// The value of what follows `%%user.` in a placeholder. `None` where this user has no such value, or has one that is
    /// neither a scalar nor a list of scalars: an object could be read as operators.
    pub fn value(&self, name: &str) -> Option<Bson> {
        match name {
            "id" => Some(Bson::String(self.id.clone())),
            "email" => self.email.clone().map(Bson::String),
            _ => self.claim(name.strip_prefix("data.")?).and_then(bson),
        }
    }

    /// A claim by its name, which may have points in it, or by a path of names.
    fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name).or_else(|| {
            let mut names = name.split('.');
            let first = self.claims.get(names.next()?)?;
            names.try_fold(first, |claim, name| claim.get(name))
        })
    }
}

/// 24 hex digits that stay the same for a user.
pub(crate) fn id(account: &str, subject: Option<&str>) -> String {
    let hash = digest(&SHA256, format!("{account}\0{}", subject.unwrap_or_default()).as_bytes());
    hex::encode(&hash.as_ref()[..12])
}

fn bson(claim: &Value) -> Option<Bson> {
    match claim {
        Value::Array(elements) => elements.iter().map(scalar).collect::<Option<_>>().map(Bson::Array),
        claim => scalar(claim),
    }
}

/// Null is not a value: a filter for null would match every document that lacks the field.
fn scalar(claim: &Value) -> Option<Bson> {
    match claim {
        Value::String(text) => Some(Bson::String(text.clone())),
        Value::Bool(flag) => Some(Bson::Boolean(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32)),
            None => number.as_f64().map(Bson::Double),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::bson;
    use serde_json::json;

    fn user(claims: Value) -> User {
        User::of_issuer("jwt:id", "ann", claims.as_object().unwrap().clone())
    }

    #[test]
    fn values_are_scalars_and_lists_of_them() {
        let ann = user(json!({
            "team": "a", "n": 7, "big": 5_000_000_000_i64, "half": 0.5, "on": true, "teams": ["a", "$b", 1], "none": [],
            "null": null, "object": {"$ne": 1, "deep": {"x": "y"}}, "objects": [{"$ne": 1}], "nulls": [null],
            "https://id/role": "admin", "lists": [["a"]],
        }));
        for (name, expected) in [
            ("data.team", Some(bson!("a"))),
            ("data.n", Some(bson!(7))),
            ("data.big", Some(bson!(5_000_000_000_i64))),
            ("data.half", Some(bson!(0.5))),
            ("data.on", Some(bson!(true))),
            ("data.teams", Some(bson!(["a", "$b", 1]))),
            ("data.none", Some(bson!([]))),
            ("data.object.deep.x", Some(bson!("y"))),
            ("data.https://id/role", Some(bson!("admin"))),
            ("data.null", None),
            ("data.object", None),
            ("data.object.deep", None),
            ("data.objects", None),
            ("data.nulls", None),
            ("data.lists", None),
            ("data.missing", None),
            ("data.team.x", None),
            ("data", None),
            ("claims", None),
        ] {
            assert_eq!(ann.value(name), expected, "{name}");
        }
        assert_eq!(ann.value("id"), Some(Bson::String(id("jwt:id", Some("ann")))));
    }

    #[test]
    fn an_address_counts_once_it_is_verified() {
        for (claims, email) in [
            (json!({"email": "a@b.c", "email_verified": true}), Some("a@b.c")),
            (json!({"email": "a@b.c", "email_verified": false}), None),
            (json!({"email": "a@b.c", "email_verified": "true"}), None),
            (json!({"email": "a@b.c"}), None),
            (json!({"email": ["a@b.c"], "email_verified": true}), None),
        ] {
            assert_eq!(user(claims.clone()).email.as_deref(), email, "{claims}");
        }
        assert_eq!(User::of_account("user:a@b.c").email.as_deref(), Some("a@b.c"));
        assert_eq!(User::of_account("key:a@b.c").email, None);
    }
}
