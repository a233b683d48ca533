//! Who is let in: the access file, read anew whenever it changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde::Deserialize;

use super::Principal;
use super::jwt::{self, Provider};
use super::keys::{self, KeyHash};
use super::passwords;
use super::rules::Rules;

/// How often the file is looked at. Looking, and not being told: that works with every file system, and with the symbolic
/// links by which Kubernetes changes mounted secrets.
const LOOK: Duration = Duration::from_secs(1);

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

/// Those who log in without credentials. Nobody may, unless this is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Anonymous {
    rules: Rules,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    name: String,
    hash: String,
    #[serde(default)]
    rules: Rules,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct User {
    email: String,
    password_hash: String,
    #[serde(default)]
    rules: Rules,
}

/// Everyone who is let in.
#[derive(Default)]
pub(super) struct Accounts {
    keys: Vec<(KeyHash, Arc<Principal>)>,
    users: Vec<(String, String, Arc<Principal>)>,
    pub(super) providers: Vec<(Provider, Arc<Principal>)>,
    pub(super) anonymous: Option<Arc<Principal>>,
}

impl Accounts {
    /// Keys that stand alone, without names or rules.
    pub(super) fn add_unrestricted<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        for (place, key) in keys.enumerate() {
            let hash = KeyHash::of(key.as_bytes());
            let principal = Principal::new(format!("key:#{}", place + 1), &hash.spelled(), Rules::unrestricted());
            self.keys.push((hash, Arc::new(principal)));
        }
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| crate::config::located(text, &error))?;
        for key in file.keys {
            let named = |why| format!("the key `{}`: {why}", key.name);
            let hash = KeyHash::parse(&key.hash).map_err(named)?;
            key.rules.check().map_err(named)?;
            let principal = Principal::new(format!("key:{}", key.name), &key.hash, key.rules);
            self.keys.push((hash, Arc::new(principal)));
        }
        for user in file.users {
            let named = |why| format!("the user `{}`: {why}", user.email);
            passwords::check(&user.password_hash).map_err(named)?;
            user.rules.check().map_err(named)?;
            let principal = Principal::new(format!("user:{}", user.email), &user.password_hash, user.rules);
            self.users.push((user.email, user.password_hash, Arc::new(principal)));
        }
        for settings in file.jwt {
            let named = |why| format!("the issuer `{}`: {why}", settings.name);
            settings.rules.check().map_err(named)?;
            let provider = Provider::new(&settings).map_err(named)?;
            let principal = Principal::new(format!("jwt:{}", settings.name), "", settings.rules);
            self.providers.push((provider, Arc::new(principal)));
        }
        if let Some(Anonymous { rules }) = file.anonymous {
            rules.check().map_err(|why| format!("the anonymous users: {why}"))?;
            self.anonymous = Some(Arc::new(Principal::new(super::ANONYMOUS.to_owned(), "", rules)));
        }
        let mut ids: Vec<&str> = self.principals().map(|principal| principal.id.as_str()).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("`{}` stands there twice", pair[0])),
            None => Ok(()),
        }
    }

    fn principals(&self) -> impl Iterator<Item = &Arc<Principal>> {
        let keys = self.keys.iter().map(|(_, principal)| principal);
        let users = self.users.iter().map(|(_, _, principal)| principal);
        keys.chain(users).chain(self.providers.iter().map(|(_, principal)| principal)).chain(&self.anonymous)
    }

    /// The account with this id and this credential.
    pub(super) fn account(&self, id: &str, credential: &str) -> Option<&Arc<Principal>> {
        self.principals().find(|principal| principal.id == id && principal.credential == credential)
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

/// The accounts of now.
pub(super) struct Current {
    file: Option<PathBuf>,
    /// Keys that stand alone.
    keys: Vec<crate::config::Secret>,
    now: RwLock<(Vec<u8>, Arc<Accounts>)>,
}

impl Current {
    pub(super) fn new(file: Option<&Path>, keys: &[crate::config::Secret]) -> Result<Arc<Self>, String> {
        let current = Current { file: file.map(Path::to_owned), keys: keys.to_vec(), now: RwLock::default() };
        let text = current.read().map_err(|error| current.unusable(&error))?;
        let accounts = current.accounts(&text).map_err(|error| current.unusable(&error))?;
        current.replace(text, accounts);
        Ok(Arc::new(current))
    }

    pub(super) fn get(&self) -> Arc<Accounts> {
        match self.now.read() {
            Ok(now) => Arc::clone(&now.1),
            // A writer that panicked left the old accounts in place.
            Err(poisoned) => Arc::clone(&poisoned.into_inner().1),
        }
    }

    /// Follows the file for as long as the program runs. What cannot be used is said, and changes nothing.
    pub(super) async fn follow(self: Arc<Self>) {
        if self.file.is_none() {
            return;
        }
        let mut last = String::new();
        loop {
            tokio::time::sleep(LOOK).await;
            let this = Arc::clone(&self);
            // Hashes are checked and key files read: not on a thread that serves.
            let looked = tokio::task::spawn_blocking(move || this.look()).await;
            match looked.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(true) => {
                    last.clear();
                    tracing::info!("the access file has changed and is in force");
                }
                Ok(false) => last.clear(),
                Err(why) if why != last => {
                    tracing::error!("{}; the accounts from before stay in force", self.unusable(&why));
                    last = why;
                }
                Err(_) => {}
            }
        }
    }

    fn look(&self) -> Result<bool, String> {
        let text = self.read()?;
        if self.now.read().is_ok_and(|now| now.0 == text) {
            return Ok(false);
        }
        let accounts = self.accounts(&text)?;
        self.replace(text, accounts);
        Ok(true)
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        self.file.as_ref().map_or(Ok(Vec::new()), |file| std::fs::read(file).map_err(|error| error.to_string()))
    }

    fn accounts(&self, text: &[u8]) -> Result<Accounts, String> {
        let mut accounts = Accounts::default();
        accounts.add_unrestricted(self.keys.iter().map(|key| key.reveal()));
        accounts.add(std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?)?;
        if accounts.principals().next().is_none() {
            return Err("it lets nobody in".to_owned());
        }
        Ok(accounts)
    }

    fn replace(&self, text: Vec<u8>, accounts: Accounts) {
        if let Ok(mut now) = self.now.write() {
            *now = (text, Arc::new(accounts));
        }
    }

    fn unusable(&self, why: &str) -> String {
        let file = self.file.as_deref().unwrap_or(Path::new("(none)"));
        format!("the access file {} is not usable: {why}", file.display())
    }
}
