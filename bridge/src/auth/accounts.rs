//! Who is let in: the accounts of the access file, and the keys that stand alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::Principal;
use super::jwt::{self, Jwks, Provider};
use super::keys::{self, KeyHash};
use super::passwords;
use super::rules::Rules;
use crate::config::{Namespace, Secret, located};
use crate::watched::{Files, Watched};

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: Vec<Key>,
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    jwt: Vec<jwt::Settings>,
    anonymous: Option<Anonymous>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Key {
    name: String,
    hash: String,
    rate_limit: Option<u32>,
    #[serde(default)]
    rules: Rules,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct User {
    email: String,
    password_hash: String,
    rate_limit: Option<u32>,
    #[serde(default)]
    rules: Rules,
}

/// Those who log in without a credential. There are none unless the file has this table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Anonymous {
    rate_limit: Option<u32>,
    rules: Rules,
}

/// Everyone who is let in.
#[derive(Default)]
pub(super) struct Accounts {
    keys: Vec<(KeyHash, Arc<Principal>)>,
    users: Vec<(String, String, Arc<Principal>)>,
    pub(super) providers: Vec<(Provider, Arc<Principal>)>,
    pub(super) anonymous: Option<Arc<Principal>>,
    /// The documents that providers take their keys from.
    jwks: Vec<Arc<Jwks>>,
}

impl Accounts {
    /// Reads the access file, and follows it from then on.
    ///
    /// # Errors
    /// A sentence that says what is not usable; also, at first, where nobody would be let in.
    pub(super) fn watched(
        file: Option<&Path>,
        keys: &[Secret],
        sessions: &Namespace,
    ) -> Result<Arc<Watched<Self>>, String> {
        let (file, keys): (Option<PathBuf>, Vec<Secret>) = (file.map(Path::to_owned), keys.to_vec());
        let sessions = sessions.clone();
        Watched::new("the access file", move |files, before: Option<&Accounts>| {
            let mut accounts = Accounts::default();
            accounts.add_unrestricted(keys.iter().map(Secret::reveal));
            let shown = file.as_deref().unwrap_or(Path::new("(none)")).display();
            let unusable = |why: String| format!("the access file {shown} is not usable: {why}");
            if let Some(file) = &file {
                let text = files.read(file).map_err(|error| unusable(error.to_string()))?;
                accounts.add(&text, files, before, &sessions).map_err(&unusable)?;
            }
            // Later it may be just what the operator wants.
            if before.is_none() && accounts.is_empty() {
                return Err(unusable("it lets nobody in".to_owned()));
            }
            Ok(accounts)
        })
    }

    /// Keys that stand alone, without names or rules.
    fn add_unrestricted<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        for (place, key) in keys.enumerate() {
            let hash = KeyHash::of(key.as_bytes());
            let principal = Principal::new(format!("key:#{}", place + 1), &hash.to_string(), Rules::unrestricted());
            self.keys.push((hash, Arc::new(principal)));
        }
    }

    fn add(
        &mut self,
        text: &[u8],
        files: &mut Files,
        before: Option<&Accounts>,
        sessions: &Namespace,
    ) -> Result<(), String> {
        let checked = |rules: Rules| rules.check().map(|()| rules.without_sessions(sessions));
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        let file: File = toml::from_str(text).map_err(|error| located(text, &error))?;
        for key in file.keys {
            let named = |why| format!("the key `{}`: {why}", key.name);
            let hash = KeyHash::parse(&key.hash).map_err(named)?;
            let rules = checked(key.rules).map_err(named)?;
            let principal = Principal::new(format!("key:{}", key.name), &key.hash, rules);
            self.keys.push((hash, Arc::new(principal.limited(key.rate_limit))));
        }
        for user in file.users {
            let named = |why| format!("the user `{}`: {why}", user.email);
            passwords::check(&user.password_hash).map_err(named)?;
            let rules = checked(user.rules).map_err(named)?;
            let principal = Principal::new(format!("user:{}", user.email), &user.password_hash, rules);
            self.users.push((user.email, user.password_hash, Arc::new(principal.limited(user.rate_limit))));
        }
        for settings in file.jwt {
            let named = |why| format!("the issuer `{}`: {why}", settings.name);
            let rules = checked(settings.rules.clone()).map_err(named)?;
            let provider = Provider::new(&settings, files, |url| self.jwks(url, before)).map_err(named)?;
            // What it depends on beside its name, the provider knows: a session of one asks it.
            let principal = Principal::new(format!("jwt:{}", settings.name), "", rules);
            self.providers.push((provider, Arc::new(principal.limited(settings.rate_limit))));
        }
        if let Some(Anonymous { rate_limit, rules }) = file.anonymous {
            let rules = checked(rules).map_err(|why| format!("`anonymous`: {why}"))?;
            let principal = Principal::new(super::ANONYMOUS.to_owned(), "", rules).limited(rate_limit);
            self.anonymous = Some(Arc::new(principal));
        }
        let mut ids: Vec<&str> = self.principals().map(|principal| principal.id.as_str()).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("`{}` is defined twice", pair[0])),
            None => Ok(()),
        }
    }

    /// The document at a URL. One that is followed already goes on: another access file must not cost keys that are known.
    fn jwks(&mut self, url: &str, before: Option<&Accounts>) -> Arc<Jwks> {
        let followed = self.jwks.iter().chain(before.into_iter().flat_map(|before| &before.jwks));
        let jwks = followed.into_iter().find(|jwks| jwks.url() == url).cloned();
        let jwks = jwks.unwrap_or_else(|| Jwks::follow(url.to_owned()));
        self.jwks.push(Arc::clone(&jwks));
        jwks
    }

    fn principals(&self) -> impl Iterator<Item = &Arc<Principal>> {
        let keys = self.keys.iter().map(|(_, principal)| principal);
        let users = self.users.iter().map(|(_, _, principal)| principal);
        let issuers = self.providers.iter().map(|(_, principal)| principal);
        keys.chain(users).chain(issuers).chain(&self.anonymous)
    }

    fn is_empty(&self) -> bool {
        self.principals().next().is_none()
    }

    /// The account with this id and this credential, which is not an issuer's.
    pub(super) fn account(&self, id: &str, credential: &str) -> Option<&Arc<Principal>> {
        let issuers = id.starts_with("jwt:");
        self.principals().find(|found| !issuers && found.id == id && found.credential == credential)
    }

    /// The issuer whose account this is.
    pub(super) fn provider(&self, id: &str) -> Option<&(Provider, Arc<Principal>)> {
        self.providers.iter().find(|(_, principal)| principal.id == id)
    }

    /// The bearer of a key.
    pub(super) fn by_key(&self, presented: &[u8]) -> Option<&Arc<Principal>> {
        let place = keys::find(self.keys.iter().map(|(hash, _)| hash), presented)?;
        self.keys.get(place).map(|(_, principal)| principal)
    }

    /// A user and the hash of its password.
    pub(super) fn by_email(&self, email: &str) -> Option<(&str, &Arc<Principal>)> {
        let user = self.users.iter().find(|(known, _, _)| known == email);
        user.map(|(_, hash, principal)| (hash.as_str(), principal))
    }
}
