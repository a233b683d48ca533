//! The configuration file: TOML, with the flags' names. Its values take the place of the defaults, so that a flag wins over
//! the environment, and both win over the file; and they are read and checked as the flags' are.

use std::path::Path;

use clap::Command;
use toml::{Table, Value};

/// Settings that only make sense outside of the file.
const NOT_HERE: [&str; 3] = ["config", "help", "version"];

/// The command with the file's values for its defaults.
///
/// # Errors
/// A sentence if the file cannot be read, or has an unknown setting.
pub(super) fn apply(mut command: Command, path: &Path) -> Result<Command, String> {
    let unusable = |why: String| format!("the configuration file {} is not usable: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let table: Table = text.parse().map_err(|error| unusable(located(&text, &error)))?;
    for (name, value) in table {
        let known = command.get_arguments().find(|argument| argument.get_long() == Some(name.as_str()));
        let Some(argument) = known.filter(|_| !NOT_HERE.contains(&name.as_str())) else {
            return Err(unusable(format!("the setting `{name}` is unknown")));
        };
        let (id, several) = (argument.get_id().clone(), argument.get_value_delimiter().is_some());
        let values = match value {
            Value::Array(values) if several => values.into_iter().map(scalar).collect(),
            Value::Array(_) => None,
            Value::Table(pairs) if name == "data-sources" => {
                pairs.into_iter().map(|(name, uri)| Some(format!("{name}={}", uri.as_str()?))).collect()
            }
            value => scalar(value).map(|value| vec![value]),
        };
        let values: Vec<String> = values.ok_or_else(|| unusable(format!("`{name}` has a value of the wrong type")))?;
        command = command.mut_arg(id, |argument| argument.default_values(values));
    }
    Ok(command)
}

/// What is wrong, and in which line; not the line itself, as the library would show it: it may hold a password.
pub(crate) fn located(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}
