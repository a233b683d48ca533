//! Data sources: the MongoDB servers that requests may name, and where they are.

use std::convert::Infallible;
use std::str::FromStr;

use super::{Config, Secret};

/// Where MongoDB is unless a setting says otherwise.
const LOCAL: &str = "mongodb://127.0.0.1:27017";

/// A name that requests give as `dataSource`, and the connection string behind it.
#[derive(Clone, Debug)]
pub struct DataSource {
    /// The name.
    pub name: String,
    /// The connection string.
    pub uri: Secret,
}

impl FromStr for DataSource {
    type Err = Infallible;

    /// Reads `NAME=URI`. Without a `=` the name is empty, and refused later: an error here would print the text, and what
    /// is a URI may hold a password.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (name, uri) = text.split_once('=').unwrap_or(("", text));
        Ok(DataSource { name: name.to_owned(), uri: uri.parse()? })
    }
}

impl Config {
    /// All data sources. `mongodb_uri` is one of them if it is given, or if nothing else is.
    pub fn sources(&self) -> Vec<DataSource> {
        let mut sources = self.data_sources.clone();
        let uri = match &self.mongodb_uri {
            None if sources.is_empty() => LOCAL.parse().ok(),
            uri => uri.clone(),
        };
        if let Some(uri) = uri {
            sources.insert(0, DataSource { name: self.data_source.clone(), uri });
        }
        sources
    }

    pub(super) fn check_sources(&self) -> Result<(), String> {
        let sources = self.sources();
        if sources.iter().any(|source| source.name.is_empty() || source.uri.reveal().is_empty()) {
            return Err(
                "a data source is not usable: write NAME=URI, or name = \"URI\" under [data-sources]".to_owned()
            );
        }
        let mut names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("the data source `{}` is given twice", pair[0])),
            None => Ok(()),
        }
    }
}
