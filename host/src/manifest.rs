//! `spin.toml`, manifest version 2: what this host understands of it, and a clear refusal of the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

/// An application of one component behind the route `/...`, as its manifest describes it. Templates are unresolved.
#[derive(Debug)]
pub struct Manifest {
    /// `[application] name`.
    pub name: String,
    /// `[variables]`: what the application can be told from outside.
    pub variables: BTreeMap<String, Variable>,
    /// The component's id, the key of its `[component.…]` table.
    pub component_id: String,
    /// The component's Wasm file; relative paths in the manifest are relative to the manifest's folder.
    pub wasm: PathBuf,
    /// `[component.….variables]`: name to template.
    pub component_variables: BTreeMap<String, String>,
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
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(rename = "version")]
    _version: Option<String>,
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
struct Component {
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
        let component_id = http_trigger(file.trigger)?;
        let mut components = file.component;
        let Some(component) = components.remove(&component_id) else {
            bail!("the trigger names the component {component_id:?}, and there is no [component.{component_id}]");
        };
        if let Some(other) = components.keys().next() {
            bail!("[component.{other}]: store-host runs applications of one component, here {component_id:?}");
        }
        let place = format!("[component.{component_id}]");
        refuse(&component.rest, &place)?;
        for name in component.variables.keys() {
            check_name(name).with_context(|| format!("[component.{component_id}.variables] {name:?}"))?;
        }
        let Value::String(source) = component.source else {
            bail!("{place} source: store-host runs a Wasm file; a url or a registry package is not supported");
        };
        Ok(Self {
            name: file.application.name,
            variables: file.variables,
            wasm: folder.join(source),
            component_id,
            component_variables: component.variables,
            allowed_outbound_hosts: component.allowed_outbound_hosts,
        })
    }
}

/// The component of the only trigger, which must be HTTP on the route `/...`.
fn http_trigger(mut triggers: BTreeMap<String, Vec<Table>>) -> Result<String> {
    let http = triggers.remove("http").unwrap_or_default();
    if let Some(other) = triggers.keys().next() {
        bail!("[[trigger.{other}]]: store-host supports HTTP triggers only");
    }
    let mut http = http.into_iter();
    let (Some(mut trigger), None) = (http.next(), http.next()) else {
        bail!("[[trigger.http]]: store-host supports exactly one of them");
    };
    match trigger.remove("route") {
        Some(Value::String(route)) if route == "/..." => {}
        Some(route) => {
            bail!("[[trigger.http]] route = {route}: store-host supports the route \"/...\" only")
        }
        None => bail!("[[trigger.http]] has no route"),
    }
    let component = match trigger.remove("component") {
        Some(Value::String(component)) => component,
        Some(_) => {
            bail!("[[trigger.http]] component: store-host wants a component's id here, in quotes")
        }
        None => bail!("[[trigger.http]] names no component"),
    };
    trigger.remove("id");
    if let Some(key) = trigger.keys().next() {
        bail!("[[trigger.http]] {key}: not supported by store-host");
    }
    Ok(component)
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
            false => bail!("{place} {key}: no such key"),
        }
    }
    Ok(())
}

/// Spin's rule for variable names, which lets every name become an environment variable and back: lower-case letters,
/// digits and single underscores, a letter first, no underscore last.
///
/// # Errors
/// The rule that `name` breaks.
pub fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(allowed)
            && !name.ends_with('_')
            && !name.contains("__"),
        "a variable's name is made of lower-case letters, digits and single underscores, starts with a letter and \
         does not end with an underscore"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
