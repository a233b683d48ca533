//! `spin.toml`, manifest version 2: what this host understands of it, and a clear refusal of the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

/// An application as its manifest describes it. Templates are unresolved.
#[derive(Debug)]
pub struct Manifest {
    /// `[application] name`.
    pub name: String,
    /// `[application] version`.
    pub version: Option<String>,
    /// `[variables]`: what the application can be told from outside.
    pub variables: BTreeMap<String, Variable>,
    /// `[[trigger.http]]`, in the manifest's order. Each names one of the components.
    pub triggers: Vec<Trigger>,
    /// `[component.…]`, by id: those that a trigger names.
    pub components: BTreeMap<String, Component>,
}

/// One `[[trigger.http]]`: requests to this route go to this component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The route: exact, with named parts, or ending in `/...`.
    pub route: String,
    /// The component's id.
    pub component: String,
}

/// One `[component.…]`.
#[derive(Debug)]
pub struct Component {
    /// The Wasm file; relative paths in the manifest are relative to the manifest's folder.
    pub wasm: PathBuf,
    /// `[component.….variables]`: name to template.
    pub variables: BTreeMap<String, String>,
    /// `allowed_outbound_hosts`: templates of patterns.
    pub allowed_outbound_hosts: Vec<String>,
}

/// One entry of `[variables]`. It is `required` or has a `default`, never both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The value when nothing else gives one.
    pub default: Option<String>,
    /// No default: something must give a value.
    #[serde(default)]
    pub required: bool,
    /// Not to be shown. (This host never shows a variable's value.)
    #[serde(default)]
    pub secret: bool,
    /// For readers of the manifest.
    pub description: Option<String>,
}

/// Keys of a component that Spin knows, that change what the component can do, and that this host does not offer.
const UNSUPPORTED: [&str; 10] = [
    "ai_models",
    "allowed_http_hosts",
    "dependencies",
    "dependencies_inherit_configuration",
    "environment",
    "exclude_files",
    "files",
    "key_value_stores",
    "mount",
    "sqlite_databases",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "spin_manifest_version")]
    _version: Value,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: BTreeMap<String, Vec<Table>>,
    #[serde(default)]
    component: BTreeMap<String, ComponentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    version: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "authors")]
    _authors: Option<Vec<String>>,
    #[serde(rename = "targets")]
    _targets: Option<Value>,
    #[serde(rename = "trigger")]
    _trigger: Option<Value>,
    #[serde(rename = "tool")]
    _tool: Option<Value>,
}

#[derive(Deserialize)]
struct ComponentTable {
    source: Value,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "build")]
    _build: Option<Value>,
    #[serde(rename = "targets")]
    _targets: Option<Value>,
    #[serde(rename = "tool")]
    _tool: Option<Value>,
    #[serde(rename = "profile")]
    _profile: Option<Value>,
    #[serde(flatten)]
    rest: Table,
}

impl Manifest {
    /// Reads the manifest at `path`, which is the file or the folder that holds a `spin.toml`.
    ///
    /// # Errors
    /// One sentence that names the file and the key.
    pub fn load(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join("spin.toml") } else { path.to_owned() };
        let shown = file.display();
        let text = std::fs::read_to_string(&file).with_context(|| {
            format!("cannot read the manifest {shown} (--from says where it is, a file or its folder)")
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| format!("the manifest {shown} cannot be used"))
    }

    /// Reads a manifest whose relative paths start in `folder`.
    ///
    /// # Errors
    /// What is wrong with it, or which key this host does not support.
    pub fn parse(text: &str, folder: &Path) -> Result<Self> {
        // The version decides how everything else is read, so it is looked at first.
        let table: Table = text.parse()?;
        let version = table.get("spin_manifest_version");
        ensure!(
            matches!(version, Some(Value::Integer(2))),
            "spin_manifest_version must be 2; this file has {}",
            version.map_or("none".to_owned(), Value::to_string)
        );
        let file: File = toml::from_str(text)?;

        for (name, variable) in &file.variables {
            check_name(name).with_context(|| format!("[variables] {name:?}"))?;
            ensure!(
                variable.required != variable.default.is_some(),
                "[variables] {name}: either `required = true` or a `default`, one of them"
            );
        }
        let triggers = http_triggers(file.trigger)?;
        let mut components = BTreeMap::new();
        for (id, table) in file.component {
            // Checked in any case: a mistake is a mistake.
            let component = component(&id, table, folder)?;
            match triggers.iter().any(|trigger| trigger.component == id) {
                true => _ = components.insert(id, component),
                false => tracing::warn!("no [[trigger.http]] names [component.{id}], which is not loaded"),
            }
        }
        if let Some(Trigger { component: id, .. }) = triggers.iter().find(|it| !components.contains_key(&it.component))
        {
            bail!("a trigger names the component {id:?}, and there is no [component.{id}]");
        }
        Ok(Self {
            name: file.application.name,
            version: file.application.version,
            variables: file.variables,
            triggers,
            components,
        })
    }
}

fn component(id: &str, table: ComponentTable, folder: &Path) -> Result<Component> {
    let place = format!("[component.{id}]");
    refuse(&table.rest, &place)?;
    for name in table.variables.keys() {
        check_name(name).with_context(|| format!("[component.{id}.variables] {name:?}"))?;
    }
    let Value::String(source) = table.source else {
        bail!("{place} source: store-host runs a Wasm file; a url or a registry package is not supported");
    };
    Ok(Component {
        wasm: folder.join(source),
        variables: table.variables,
        allowed_outbound_hosts: table.allowed_outbound_hosts,
    })
}

fn http_triggers(mut triggers: BTreeMap<String, Vec<Table>>) -> Result<Vec<Trigger>> {
    let http = triggers.remove("http").unwrap_or_default();
    if let Some(other) = triggers.keys().next() {
        bail!("[[trigger.{other}]]: store-host supports HTTP triggers only");
    }
    ensure!(!http.is_empty(), "there is no [[trigger.http]]");
    http.into_iter().map(http_trigger).collect()
}

fn http_trigger(mut trigger: Table) -> Result<Trigger> {
    let route = match trigger.remove("route") {
        Some(Value::String(route)) => route,
        Some(route) => bail!("[[trigger.http]] route = {route}: store-host supports routes in quotes only"),
        None => bail!("[[trigger.http]] has no route"),
    };
    let component = match trigger.remove("component") {
        Some(Value::String(component)) => component,
        Some(_) => bail!("[[trigger.http]] component: store-host wants a component's id here, in quotes"),
        None => bail!("[[trigger.http]] route = {route:?} names no component"),
    };
    trigger.remove("id");
    if let Some(key) = trigger.keys().next() {
        bail!("[[trigger.http]] {key}: not supported by store-host");
    }
    Ok(Trigger { route, component })
}

/// Tells what Spin would do, and this host does not, from what is a mistake. An empty list asks for nothing.
fn refuse(rest: &Table, place: &str) -> Result<()> {
    for (key, value) in rest {
        let asks_nothing = match value {
            Value::Array(list) => list.is_empty(),
            Value::Table(table) => table.is_empty(),
            _ => false,
        };
        match UNSUPPORTED.contains(&key.as_str()) {
            true if asks_nothing => {}
            true => bail!("{place} {key}: not supported by store-host (Spin has it)"),
            false => bail!("{place} {key}: unknown key"),
        }
    }
    Ok(())
}

/// Spin's rule for variable names, which lets every name become an environment variable and back.
///
/// # Errors
/// The rule that `name` breaks, in Spin's words: components get to see it.
pub fn check_name(name: &str) -> Result<()> {
    let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
    ensure!(!name.is_empty(), "must not be empty");
    if let Some(invalid) = name.chars().find(|c| !allowed(c)) {
        bail!(
            "invalid character {invalid:?}. Variable names may contain only lower-case letters, numbers, and underscores."
        );
    }
    ensure!(name.starts_with(|c: char| c.is_ascii_lowercase()), "must start with a lowercase ASCII letter");
    ensure!(!name.ends_with('_'), "must end with a lowercase ASCII letter or digit");
    ensure!(!name.contains("__"), "must not contain multiple consecutive underscores");
    Ok(())
}

#[cfg(test)]
mod tests;
