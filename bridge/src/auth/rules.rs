//! Rules: which databases and collections someone may touch, and how. What no rule allows is denied.
//!
//! The first rule that covers a collection and grants what is asked decides, with its filter and its fields.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::config::Namespace;
use crate::error::Error;
use crate::quoted::shortened;
use crate::restriction::Restriction;
use crate::restriction::fields::Fields;
use crate::restriction::template::{Template, Unresolved};
use crate::user::User;

/// What someone may do. Nothing, unless a rule says so.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(transparent)]
pub struct Rules {
    list: Vec<Rule>,
    /// The collection that records which sessions have ended. Like MongoDB's own, `*` does not reach it: an account that can
    /// write there could bring an ended session back.
    #[serde(skip)]
    sessions: Option<Namespace>,
}

/// One permission.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// A name, or `*` for every database that is not MongoDB's own.
    database: String,
    /// Names, or `*` for every collection that is not MongoDB's own.
    collections: Vec<String>,
    access: Access,
    /// Which documents: those that match. All of them, where it is left out.
    filter: Option<Template>,
    /// Which fields of them may be read.
    #[serde(default)]
    fields: Fields,
}

/// What a rule allows, and an action needs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Queries and pipelines.
    Read,
    /// New documents, by inserts and upserts.
    Insert,
    /// Changes and replacements.
    Update,
    /// Deletes.
    Delete,
}

/// The operations that a rule allows: `"read"`, `"read-write"` for all of them, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Access(Vec<Operation>);

/// The databases that MongoDB keeps for itself: users and their passwords, a cluster's settings, the oplog; and ours, which
/// says what sessions have ended. `*` does not reach them; a rule must name them.
const OWN_DATABASES: [&str; 4] = ["admin", "config", "local", "data_api"];

impl Access {
    const ALL: [Operation; 4] = [Operation::Read, Operation::Insert, Operation::Update, Operation::Delete];

    fn grants(&self, needed: &[Operation]) -> bool {
        needed.iter().all(|operation| self.0.contains(operation))
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Access;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"read\", \"read-write\", or a list of \"read\", \"insert\", \"update\", \"delete\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Access, E> {
                match text {
                    "read" => Ok(Access(vec![Operation::Read])),
                    "read-write" => Ok(Access(Access::ALL.to_vec())),
                    other => Err(E::unknown_variant(other, &["read", "read-write"])),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Access, A::Error> {
                let mut operations = Vec::new();
                while let Some(operation) = list.next_element()? {
                    operations.push(operation);
                }
                Ok(Access(operations))
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl Rules {
    /// Everything that the server's own MongoDB user may do: for a key that stands alone.
    pub fn unrestricted() -> Self {
        let all = || "**".to_owned();
        let rule = Rule {
            database: all(),
            collections: vec![all()],
            access: Access(Access::ALL.to_vec()),
            filter: None,
            fields: Fields::default(),
        };
        Rules { list: vec![rule], sessions: None }
    }

    /// The same rules, without a way for `*` to the collection of ended sessions.
    pub(super) fn without_sessions(mut self, sessions: &Namespace) -> Self {
        self.sessions = Some(sessions.clone());
        self
    }

    /// Whether some rule has a filter, or hides fields.
    pub fn are_restricted(&self) -> bool {
        self.list.iter().any(|rule| rule.filter.is_some() || !rule.fields.is_all())
    }

    /// What the user may see of a collection, where a rule grants all of these operations on it.
    ///
    /// # Errors
    /// 403 where no rule does, or its filter asks for a value that the user lacks.
    #[must_use = "the restriction has to be enforced"]
    pub fn restriction(
        &self,
        namespace: (&str, &str),
        needed: &[Operation],
        user: &User,
    ) -> Result<Restriction<'_>, Error> {
        let (database, collection) = (shortened(namespace.0), shortened(namespace.1));
        let rule =
            self.list.iter().find(|rule| rule.access.grants(needed) && self.covers(rule, namespace)).ok_or_else(
                || {
                    let verb = if needed == [Operation::Read] { "reading" } else { "writing" };
                    Error::NoRule(format!("no rule allows {verb} the collection `{database}.{collection}`"))
                },
            )?;
        let filter = rule.filter.as_ref().map(|filter| filter.resolve(user)).transpose();
        let filter = filter.map_err(|why| match why {
            Unresolved::Missing(name) => Error::NoRule(format!(
                "the rule for the collection `{database}.{collection}` asks for %%{name}, which this user does not have"
            )),
            Unresolved::Invalid(why) => Error::Internal(format!("a rule's filter: {why}")),
        })?;
        Ok(Restriction::new(filter, &rule.fields))
    }

    fn covers(&self, rule: &Rule, (database, collection): (&str, &str)) -> bool {
        let is_sessions = self.sessions.as_ref().is_some_and(|sessions| sessions.parts() == (database, collection));
        let reserved_database = is_sessions || OWN_DATABASES.contains(&database);
        // `system.views`, for one, decides what other collections' names mean.
        let reserved_collection = is_sessions || collection.starts_with("system.");
        matches(&rule.database, database, reserved_database)
            && rule.collections.iter().any(|pattern| matches(pattern, collection, reserved_collection))
    }
}

fn matches(pattern: &str, name: &str, reserved: bool) -> bool {
    match pattern {
        // Not to be written in a file: `*` there, and what is reserved by name.
        "**" => true,
        "*" => !reserved,
        pattern => pattern == name,
    }
}

impl Rules {
    /// Checks what a file says.
    ///
    /// # Errors
    /// A sentence that names the rule that cannot be meant so.
    pub(super) fn check(&self) -> Result<(), String> {
        for rule in &self.list {
            if rule.database.is_empty() || rule.collections.is_empty() {
                return Err("a rule needs a database and at least one collection".to_owned());
            }
            for name in rule.collections.iter().chain([&rule.database]) {
                if name != "*" && name.contains('*') {
                    return Err(format!(
                        "`{name}` is not a name: write `*` alone for all, or one name; patterns are not supported"
                    ));
                }
            }
            let grants = |operation| rule.access.grants(&[operation]);
            if rule.access.0.is_empty() {
                return Err("the `access` of a rule is an empty list".to_owned());
            }
            if !grants(Operation::Read) && (grants(Operation::Update) || grants(Operation::Delete)) {
                // Their filters and counts tell what documents hold.
                return Err("`access` with \"update\" or \"delete\" needs \"read\" too".to_owned());
            }
            if !rule.fields.is_all() {
                rule.fields.check()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Rules {
        #[derive(Deserialize)]
        struct File {
            rules: Rules,
        }
        toml::from_str::<File>(text).unwrap().rules
    }

    #[test]
    fn deny_unless_allowed() {
        let rules = rules(
            r#"rules = [
                { database = "shop", collections = ["games", "clients"], access = "read-write" },
                { database = "shop", collections = ["*"], access = "read" },
                { database = "*", collections = ["public"], access = "read" },
                { database = "local", collections = ["startup_log"], access = "read" },
            ]"#,
        );
        rules.check().unwrap();
        for (namespace, access, allowed) in [
            (("shop", "games"), &Access::ALL[..], true),
            (("shop", "other"), &[Operation::Read], true),
            (("shop", "other"), &[Operation::Delete], false),
            (("shop", "system.views"), &[Operation::Read], false),
            (("bank", "public"), &[Operation::Read], true),
            (("bank", "games"), &[Operation::Read], false),
            (("SHOP", "games"), &[Operation::Read], false),
            (("admin", "public"), &[Operation::Read], false),
            (("data_api", "public"), &[Operation::Read], false),
            (("local", "startup_log"), &[Operation::Read], true),
            (("local", "oplog.rs"), &[Operation::Read], false),
        ] {
            assert_eq!(allows(&rules, namespace, access), allowed, "{namespace:?} {access:?}");
        }
        assert!(!allows(&Rules::default(), ("shop", "games"), &[Operation::Read]));
        assert!(allows(&Rules::unrestricted(), ("admin", "system.users"), &Access::ALL));
        assert!(!rules.are_restricted());
    }

    #[test]
    fn a_pattern_does_not_reach_the_sessions() {
        let rules = rules(
            r#"rules = [
                { database = "*", collections = ["*"], access = "read-write" },
                { database = "shop", collections = ["*"], access = "read-write" },
                { database = "*", collections = ["ended"], access = "read-write" },
            ]"#,
        );
        let reaches = |rules: &Rules| allows(rules, ("shop", "ended"), &[Operation::Read]);
        assert!(reaches(&rules), "as long as no sessions are there");
        let sessions: Namespace = "shop.ended".parse().unwrap();
        let rules = rules.without_sessions(&sessions);
        assert!(!reaches(&rules));
        for other in [("shop", "games"), ("bank", "ended")] {
            assert!(allows(&rules, other, &Access::ALL), "{other:?}");
        }
        let named = r#"rules = [{ database = "shop", collections = ["ended"], access = "read" }]"#;
        assert!(reaches(&self::rules(named).without_sessions(&sessions)), "what is named is meant");
    }

    #[test]
    fn operations_apart() {
        let rules = rules(
            r#"rules = [
                { database = "shop", collections = ["log"], access = ["insert"] },
                { database = "shop", collections = ["games"], access = ["read", "update"] },
                { database = "shop", collections = ["games"], access = ["insert"] },
            ]"#,
        );
        rules.check().unwrap();
        for (collection, access, allowed) in [
            ("log", &[Operation::Insert][..], true),
            ("log", &[Operation::Read], false),
            ("log", &[Operation::Delete], false),
            ("games", &[Operation::Update], true),
            ("games", &[Operation::Insert], true),
            ("games", &[Operation::Delete], false),
            // An upsert: one rule must allow both.
            ("games", &[Operation::Update, Operation::Insert], false),
        ] {
            assert_eq!(allows(&rules, ("shop", collection), access), allowed, "{collection} {access:?}");
        }
    }

    #[test]
    fn the_first_rule_that_grants_it_decides() {
        let rules = rules(
            r#"rules = [
                { database = "shop", collections = ["orders"], access = "read", filter = { owner = "%%user.id" } },
                { database = "shop", collections = ["orders"], access = "read-write", filter = '{"n":1}' },
                { database = "shop", collections = ["notes"], access = "read", filter = { a = "%%user.email" } },
                { database = "shop", collections = ["*"], access = "read-write" },
            ]"#,
        );
        rules.check().unwrap();
        assert!(rules.are_restricted());
        let user = User::of_account("key:a");
        let of = |collection, operation| rules.restriction(("shop", collection), &[operation], &user);
        let shown = |restriction: Result<Restriction<'_>, Error>| format!("{restriction:?}");
        assert!(shown(of("orders", Operation::Read)).contains(&format!("\"owner\": String(\"{}\")", user.id)));
        assert!(shown(of("orders", Operation::Delete)).contains("\"n\": Int32(1)"));
        assert!(of("games", Operation::Read).unwrap().is_none());
        let error = of("notes", Operation::Read).unwrap_err();
        assert_eq!(error.code(), "NoMatchingRuleFound", "a later rule does not stand in for a value that is missing");
        assert!(error.to_string().contains("%%user.email"), "{error}");
    }

    fn allows(rules: &Rules, namespace: (&str, &str), needed: &[Operation]) -> bool {
        rules.restriction(namespace, needed, &User::default()).is_ok()
    }

    #[test]
    fn access_that_cannot_be_meant_so() {
        for (access, why) in [
            (r#""write""#, "unknown variant `write`"),
            (r#"["write"]"#, "unknown variant `write`"),
            ("[]", "an empty list"),
            (r#"["update"]"#, "needs \"read\" too"),
            (r#"["insert", "delete"]"#, "needs \"read\" too"),
            ("1", "expected \"read\""),
        ] {
            let text = format!("database = \"d\"\ncollections = [\"c\"]\naccess = {access}");
            let checked = toml::from_str::<Rule>(&text).map_err(|error| error.to_string());
            let error = checked.and_then(|rule| Rules { list: vec![rule], sessions: None }.check()).unwrap_err();
            assert!(error.contains(why), "{access}: {error}");
        }
    }

    #[test]
    fn patterns_are_refused() {
        for text in [
            r#"rules = [{ database = "shop*", collections = ["a"], access = "read" }]"#,
            r#"rules = [{ database = "**", collections = ["a"], access = "read" }]"#,
            r#"rules = [{ database = "a", collections = [], access = "read" }]"#,
            r#"rules = [{ database = "a", collections = ["a"], access = "read", fields = { deny = [] } }]"#,
        ] {
            assert!(rules(text).check().is_err(), "{text}");
        }
    }
}
