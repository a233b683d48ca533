//! Rules: which databases and collections someone may touch, and how. What no rule allows is denied.

use serde::Deserialize;

use crate::error::Error;

/// What someone may do. Nothing, unless a rule says so.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

/// One permission.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// A name, or `*` for every database that is not MongoDB's own.
    database: String,
    /// Names, or `*` for every collection that is not MongoDB's own.
    collections: Vec<String>,
    access: Access,
}

/// What a rule allows, or an action needs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Queries and pipelines.
    Read,
    /// Everything.
    ReadWrite,
}

/// The databases that MongoDB keeps for itself: users and their passwords, a cluster's settings, the oplog. `*` does not
/// reach them; whoever wants to open one names it.
const OWN_DATABASES: [&str; 3] = ["admin", "config", "local"];

impl Rules {
    /// Everything that the server's own MongoDB user may do: for a key that stands alone.
    pub fn unrestricted() -> Self {
        let all = || "**".to_owned();
        Rules(vec![Rule { database: all(), collections: vec![all()], access: Access::ReadWrite }])
    }

    /// Whether the access is allowed.
    ///
    /// # Errors
    /// 403 where no rule says so.
    pub fn permit(&self, namespace: (&str, &str), needed: Access) -> Result<(), Error> {
        if self.0.iter().any(|rule| rule.access >= needed && rule.covers(namespace)) {
            return Ok(());
        }
        let (database, collection) = namespace;
        let verb = match needed {
            Access::Read => "reading",
            Access::ReadWrite => "writing",
        };
        Err(Error::NoRule(format!("no rule allows {verb} the collection `{database}.{collection}`")))
    }
}

impl Rule {
    fn covers(&self, (database, collection): (&str, &str)) -> bool {
        let own_database = OWN_DATABASES.contains(&database);
        // `system.views`, for one, decides what other collections' names mean.
        let own_collection = collection.starts_with("system.");
        matches(&self.database, database, own_database)
            && self.collections.iter().any(|pattern| matches(pattern, collection, own_collection))
    }
}

fn matches(pattern: &str, name: &str, mongodbs_own: bool) -> bool {
    match pattern {
        // Not to be written in a file: `*` there, and MongoDB's own by name.
        "**" => true,
        "*" => !mongodbs_own,
        pattern => pattern == name,
    }
}

impl Rules {
    /// Checks what a file says.
    ///
    /// # Errors
    /// A sentence that names the rule that cannot be meant so.
    pub(super) fn check(&self) -> Result<(), String> {
        for rule in &self.0 {
            if rule.database.is_empty() || rule.collections.is_empty() {
                return Err("a rule needs a database and at least one collection".to_owned());
            }
            for name in rule.collections.iter().chain([&rule.database]) {
                if name != "*" && name.contains('*') {
                    return Err(format!("`{name}` is no name: `*` stands alone and means all, there are no patterns"));
                }
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
            (("shop", "games"), Access::ReadWrite, true),
            (("shop", "other"), Access::Read, true),
            (("shop", "other"), Access::ReadWrite, false),
            (("shop", "system.views"), Access::Read, false),
            (("bank", "public"), Access::Read, true),
            (("bank", "games"), Access::Read, false),
            (("SHOP", "games"), Access::Read, false),
            (("admin", "public"), Access::Read, false),
            (("local", "startup_log"), Access::Read, true),
            (("local", "oplog.rs"), Access::Read, false),
        ] {
            assert_eq!(rules.permit(namespace, access).is_ok(), allowed, "{namespace:?} {access:?}");
        }
        assert!(Rules::default().permit(("shop", "games"), Access::Read).is_err());
        assert!(Rules::unrestricted().permit(("admin", "system.users"), Access::ReadWrite).is_ok());
    }

    #[test]
    fn patterns_are_refused() {
        for text in [
            r#"rules = [{ database = "shop*", collections = ["a"], access = "read" }]"#,
            r#"rules = [{ database = "**", collections = ["a"], access = "read" }]"#,
            r#"rules = [{ database = "a", collections = [], access = "read" }]"#,
        ] {
            assert!(rules(text).check().is_err(), "{text}");
        }
    }
}
