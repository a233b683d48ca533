//! The flag `--variable`: a value, a file that holds a value, or a file that holds many.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};

/// One `--variable`, as given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableArg {
    /// `KEY=VALUE`
    Value(String, String),
    /// `KEY=@FILE`: the file's whole content is the value.
    FileContent(String, PathBuf),
    /// `@FILE.json`: an object of names to strings.
    Json(PathBuf),
    /// `@FILE.toml`: a table of names to strings.
    Toml(PathBuf),
}

impl FromStr for VariableArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix('@') {
            let path = PathBuf::from(path);
            return match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => Ok(Self::Json(path)),
                Some("toml") => Ok(Self::Toml(path)),
                _ => Err("a file of variables ends in .json or .toml".to_owned()),
            };
        }
        let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, KEY=@FILE, @FILE.json or @FILE.toml")?;
        Ok(match value.strip_prefix('@') {
            Some(path) => Self::FileContent(key.to_owned(), path.into()),
            None => Self::Value(key.to_owned(), value.to_owned()),
        })
    }
}

impl VariableArg {
    /// The names and values that this flag gives.
    ///
    /// # Errors
    /// Which file cannot be read or understood.
    pub fn read(&self) -> Result<BTreeMap<String, String>> {
        Ok(match self {
            Self::Value(key, value) => [(key.clone(), value.clone())].into(),
            Self::FileContent(key, path) => [(key.clone(), content(path)?)].into(),
            Self::Json(path) => serde_json::from_str(&content(path)?)
                .with_context(|| format!("{} is not a JSON object of names to strings", path.display()))?,
            Self::Toml(path) => toml::from_str(&content(path)?)
                .with_context(|| format!("{} is not a TOML table of names to strings", path.display()))?,
        })
    }
}

fn content(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}, which --variable names", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let value = |key: &str, value: &str| VariableArg::Value(key.into(), value.into());
        for (text, given) in [
            ("a=b", value("a", "b")),
            ("a=", value("a", "")),
            ("a=b=c", value("a", "b=c")),
            ("a=@f.txt", VariableArg::FileContent("a".into(), "f.txt".into())),
            ("@f.json", VariableArg::Json("f.json".into())),
            ("@f.toml", VariableArg::Toml("f.toml".into())),
        ] {
            assert_eq!(text.parse(), Ok(given), "{text}");
        }
        assert!("a".parse::<VariableArg>().is_err());
        assert!("@f.yaml".parse::<VariableArg>().is_err());
    }

    #[test]
    fn files_are_read() {
        let folder = std::env::temp_dir().join(format!("store-host-variable-arg-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("v.txt", "line\n"), ("v.json", r#"{"a":"1"}"#), ("v.toml", "a = \"1\"")] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let read = |flag: &str| flag.replace("DIR", folder.to_str().unwrap()).parse::<VariableArg>().unwrap().read();
        assert_eq!(read("a=@DIR/v.txt").unwrap()["a"], "line\n");
        assert_eq!(read("@DIR/v.json").unwrap()["a"], "1");
        assert_eq!(read("@DIR/v.toml").unwrap()["a"], "1");
        assert!(format!("{:#}", read("@DIR/none.toml").unwrap_err()).contains("none.toml"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
