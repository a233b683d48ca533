//! Where the application's variables get their values, in Spin's order, and what the component sees of them.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};

use crate::manifest::{Component, Variable};
use crate::template;

/// Something that knows the values of some variables.
#[derive(Clone, Debug)]
pub enum Provider {
    /// A fixed table: `--variable`, or `type = "static"` in the runtime configuration.
    Table(BTreeMap<String, String>),
    /// Environment variables named `<prefix>_<NAME>`.
    Environment {
        /// Without the underscore.
        prefix: String,
        /// The environment; entries of a dotenv file stand behind those of the process.
        values: HashMap<String, String>,
    },
}

/// The prefix of environment variables where none is configured.
pub const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE";

impl Provider {
    fn get(&self, name: &str) -> Option<&str> {
        match self {
            Self::Table(values) => values.get(name),
            Self::Environment { prefix, values } => values.get(&format!("{prefix}_{}", name.to_ascii_uppercase())),
        }
        .map(String::as_str)
    }
}

/// The values of the application's variables, all known before the first request.
///
/// Spin asks its providers again each time, because some of them (Vault) may change their mind. The ones here cannot.
#[derive(Debug)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Asks `providers`, in this order, for each declared variable; then takes its default.
    ///
    /// # Errors
    /// Every required variable that nobody knows, by name.
    pub fn resolve(declared: &BTreeMap<String, Variable>, providers: &[Provider]) -> Result<Self> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            let found = providers.iter().find_map(|provider| provider.get(name));
            match found.or(variable.default.as_deref()) {
                Some(value) => _ = values.insert(name.clone(), value.to_owned()),
                None => missing.push(name.as_str()),
            }
        }
        if let Some(first) = missing.first() {
            bail!(
                "no value for the required variable{} {}: give --variable {first}=VALUE, set {ENVIRONMENT_PREFIX}_{}, \
                 or let a provider of the runtime configuration give one",
                if missing.len() == 1 { "" } else { "s" },
                missing.join(", "),
                first.to_ascii_uppercase(),
            );
        }
        Ok(Self(values))
    }

    /// Fills in a template.
    ///
    /// # Errors
    /// A broken template, or one that names a variable that is not declared.
    pub fn fill(&self, template: &str) -> Result<String> {
        template::fill(template, |name| {
            self.0.get(name).cloned().with_context(|| format!("{name:?} is not declared in [variables]"))
        })
    }

    /// What the component `id` sees: its own variables, filled in.
    ///
    /// # Errors
    /// The variable whose template cannot be filled in.
    pub fn of_component(&self, id: &str, component: &Component) -> Result<HashMap<String, String>> {
        component
            .variables
            .iter()
            .map(|(name, template)| {
                let value = self.fill(template).with_context(|| format!("[component.{id}.variables] {name}"))?;
                Ok((name.clone(), value))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> BTreeMap<String, Variable> {
        let required = Variable { required: true, ..Variable::default() };
        let default = Variable { default: Some("manifest".into()), ..Variable::default() };
        [("needed".to_owned(), required), ("url".to_owned(), default)].into()
    }

    fn table(values: &[(&str, &str)]) -> Provider {
        Provider::Table(values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    fn environment(prefix: &str, values: &[(&str, &str)]) -> Provider {
        let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Provider::Environment { prefix: prefix.into(), values }
    }

    #[test]
    fn the_first_provider_that_knows_a_variable_wins_and_the_default_is_last() {
        let flags = table(&[("url", "flag"), ("needed", "x")]);
        let runtime = table(&[("url", "runtime"), ("needed", "x")]);
        let process = environment("SPIN_VARIABLE", &[("SPIN_VARIABLE_URL", "env"), ("SPIN_VARIABLE_NEEDED", "x")]);
        let nothing = table(&[("needed", "x")]);
        let url =
            |providers: &[Provider]| Variables::resolve(&declared(), providers).unwrap().fill("{{ url }}").unwrap();
        assert_eq!(url(&[flags.clone(), runtime.clone(), process.clone()]), "flag");
        assert_eq!(url(&[nothing.clone(), runtime, process.clone()]), "runtime");
        assert_eq!(url(&[nothing.clone(), process]), "env");
        assert_eq!(url(&[nothing]), "manifest");
    }

    #[test]
    fn an_environment_provider_has_its_own_prefix() {
        let provider = environment("SHOP", &[("SHOP_NEEDED", "mine"), ("SPIN_VARIABLE_NEEDED", "other")]);
        let variables = Variables::resolve(&declared(), &[provider]).unwrap();
        assert_eq!(variables.fill("<{{ needed }}>").unwrap(), "<mine>");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let variables = Variables::resolve(&declared(), &[table(&[("needed", ""), ("url", "")])]).unwrap();
        assert_eq!(variables.fill("[{{ needed }}{{ url }}]").unwrap(), "[]");
    }

    #[test]
    fn a_missing_variable_is_named_with_the_ways_to_give_it() {
        let message = Variables::resolve(&declared(), &[]).unwrap_err().to_string();
        for part in ["variable needed:", "--variable needed=VALUE", "SPIN_VARIABLE_NEEDED"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn an_undeclared_variable_is_named() {
        let variables = Variables::resolve(&BTreeMap::new(), &[]).unwrap();
        assert!(variables.fill("{{ nope }}").unwrap_err().to_string().contains("nope"));
    }
}
