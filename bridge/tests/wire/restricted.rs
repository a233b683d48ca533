//! Rules with filters and hidden fields: attempts to see or change another user's document, or a hidden field.
//!
//! `attempts.txt` has them. Each is made twice: by ann, for whom none may succeed, and by a key without restrictions, to
//! know that it would succeed without them.

use serde_json::{Value, json};

use crate::bridge::{Bridge, Reply, hash};
use crate::folder::Folder;
use crate::restricted_documents::{COLLECTIONS, documents, hidden, is_anns};
use crate::token;

const ADMIN: &str = "admin-key-admin-key-admin-key";
const SECRET: [u8; 40] = [b'k'; 40];

const RULES: &str = r#"
[[keys]]
name = "admin"
hash = "HASH"
rules = [{ database = "*", collections = ["*"], access = "read-write" }]

[[jwt]]
name = "identity"
algorithm = "HS256"
audience = "shop"
key-file = "KEY"
rules = [
  { database = "*", collections = ["orders"], access = "read-write", filter = { owner = "%%user.data.sub" }, fields = { deny = ["secret", "card.number"] } },
  { database = "*", collections = ["notes"], access = "read-write", filter = '{"owner":"%%user.data.sub"}' },
  { database = "*", collections = ["people"], access = ["read", "update"], fields = { allow = ["name", "address.city"] } },
  { database = "*", collections = ["profiles"], access = "read-write", filter = { _id = "%%user.data.sub" } },
  { database = "*", collections = ["teams"], access = "read-write", filter = { team = { "$in" = "%%user.data.teams" } } },
  { database = "*", collections = ["shared"], access = "read-write", filter = '{"$or":[{"owner":"%%user.data.sub"},{"readers":"%%user.data.sub"}]}' },
  { database = "*", collections = ["exprs"], access = "read-write", filter = '{"$expr":{"$eq":["$owner","%%user.data.sub"]}}' },
  { database = "*", collections = ["lacking"], access = "read-write", filter = { owner = "%%user.data.missing" } },
  { database = "*", collections = ["ids"], access = "read-write", filter = { owner = "%%user.id" } },
  { database = "*", collections = ["single"], access = "read-write", filter = '{"owner":"%%user.data.sub","$nor":[{"owner":{"$type":"array"}}]}' },
  { database = "*", collections = ["mails"], access = "read", filter = { to = "%%user.email" } },
  { database = "*", collections = ["log"], access = ["insert"], filter = { by = "%%user.data.sub" } },
  { database = "*", collections = ["open"], access = "read-write" },
]
"#;

/// A bridge with these rules; the token is ann's.
pub struct Restricted {
    pub bridge: Bridge,
    token: String,
    _folder: Folder,
}

/// A token of the issuer's.
pub fn token_of(claims: Value) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut all = json!({"aud": "shop", "exp": now + 3600});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    token::hs256(&SECRET, &all)
}

/// Whether it can be called as a function only.
fn is_function(action: &str) -> bool {
    action.starts_with("findOneAnd")
}

impl Restricted {
    pub fn start() -> Self {
        let folder = Folder::new();
        let rules = RULES.replace("HASH", &hash(ADMIN)).replace("KEY", &folder.write("secret", SECRET));
        let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", rules)]);
        Restricted { bridge, token: token_of(json!({"sub": "ann", "teams": ["red"]})), _folder: folder }
    }

    pub fn post(&self, who: (&str, &str), database: &str, action: &str, collection: &str, mut fields: Value) -> Reply {
        if is_function(action) {
            return self.function(who, database, action, collection, fields);
        }
        fields["dataSource"] = json!("mongodb-atlas");
        fields["database"] = json!(database);
        fields["collection"] = json!(collection);
        let headers = [who, ("Content-Type", "application/json")];
        self.bridge.post(&self.bridge.action_url(action), &headers, fields.to_string().as_bytes())
    }

    pub fn function(&self, who: (&str, &str), database: &str, name: &str, collection: &str, argument: Value) -> Reply {
        let mut argument = argument;
        argument["database"] = json!(database);
        argument["collection"] = json!(collection);
        let body = json!({"name": name, "service": "mongodb-atlas", "arguments": [argument]});
        let url = format!("{}/api/client/v2.0/app/any-app/functions/call", self.bridge.url);
        let headers = [who, ("Content-Type", "application/json")];
        self.bridge.post(&url, &headers, body.to_string().as_bytes())
    }

    pub fn ann(&self) -> (&str, &str) {
        ("jwtTokenString", &self.token)
    }

    pub fn admin(&self) -> (&str, &str) {
        ("apiKey", ADMIN)
    }

    fn ok(&self, who: (&str, &str), action: &str, collection: &str, fields: Value) -> Value {
        let reply = self.post(who, &self.bridge.database, action, collection, fields);
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
        reply.json()
    }

    /// Puts a collection's documents in place of what it has.
    pub fn fill(&self, database: &str, collection: &str, documents: &Value) {
        let reply = self.post(self.admin(), database, "deleteMany", collection, json!({"filter": {}}));
        assert_eq!(reply.status, 200, "{reply:?}");
        if documents.as_array().is_some_and(|documents| !documents.is_empty()) {
            let reply = self.post(self.admin(), database, "insertMany", collection, json!({"documents": documents}));
            assert_eq!(reply.status, 201, "{reply:?}");
        }
    }

    pub fn all(&self, database: &str, collection: &str) -> Vec<Value> {
        let reply = self.post(self.admin(), database, "find", collection, json!({"sort": {"_id": 1}}));
        reply.json()["documents"].as_array().unwrap().clone()
    }
}

struct Attempt<'a> {
    line: &'a str,
    action: &'a str,
    collection: &'a str,
    /// The fields, and what was guessed in them.
    tries: Vec<(Value, String)>,
}

impl<'a> Attempt<'a> {
    fn parse(line: &'a str, database: &str) -> Self {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("{line}"));
        let (action, collection, text) = (word(), word(), word().replace("DATABASE", database));
        let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{line}: {error}"));
        let tries = match text.split_once("{{") {
            None => vec![(read(&text), String::new())],
            Some((before, rest)) => {
                let (right, rest) = rest.split_once('|').unwrap();
                let (wrong, after) = rest.split_once("}}").unwrap();
                [right, wrong].map(|guess| (read(&format!("{before}{guess}{after}")), guess.to_owned())).into()
            }
        };
        Attempt { line, action, collection, tries }
    }

    fn writes(&self) -> bool {
        !matches!(self.action, "find" | "findOne" | "aggregate")
    }

    /// Whether it shows or changes something that is not ann's.
    fn succeeds(&self, restricted: &Restricted, who: (&str, &str)) -> Option<String> {
        let database = &restricted.bridge.database;
        let mut answers = Vec::new();
        for (fields, guess) in &self.tries {
            let reply = restricted.post(who, database, self.action, self.collection, fields.clone());
            assert!(reply.status < 500, "{}: {reply:?}", self.line);
            let mut body = reply.json();
            if let Some(fields) = body.as_object_mut() {
                fields.remove("link");
            }
            let mut text = body.to_string();
            if reply.status >= 400 && !guess.is_empty() {
                text = text.replace(guess.as_str(), "?");
            }
            let shows = text.contains("BOB") || text.contains("HIDDEN");
            let harm = self.writes().then(|| {
                let harm = self.harm(restricted);
                restricted.fill(database, self.collection, &documents(self.collection));
                harm
            });
            if shows {
                return Some(text);
            }
            if let Some(harm) = harm.flatten() {
                return Some(harm);
            }
            answers.push((reply.status, text));
        }
        (answers.windows(2).any(|pair| pair[0] != pair[1])).then(|| format!("{answers:?}"))
    }

    fn harm(&self, restricted: &Restricted) -> Option<String> {
        let before = documents(self.collection);
        let before = before.as_array().unwrap();
        let after = restricted.all(&restricted.bridge.database, self.collection);
        let lost = before.iter().find(|document| !is_anns(self.collection, document) && !after.contains(document));
        let made = after.iter().filter(|document| !before.contains(document)).find(|document| {
            let was = before.iter().find(|was| was["_id"] == document["_id"]).unwrap_or(&Value::Null);
            !is_anns(self.collection, document) || hidden(self.collection, document) != hidden(self.collection, was)
        });
        // Nobody but bob may delete people.
        let fewer = matches!(self.collection, "people" | "closed" | "log") && after.len() < before.len();
        (lost.is_some() || made.is_some() || fewer).then(|| format!("lost {lost:?}, made {made:?}"))
    }
}

#[test]
fn no_attempt_succeeds() {
    let restricted = Restricted::start();
    for collection in COLLECTIONS {
        restricted.fill(&restricted.bridge.database, collection, &documents(collection));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/attempts.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let (mut succeeded, mut harmless) = (Vec::new(), Vec::new());
    for line in &lines {
        let attempt = Attempt::parse(line, &restricted.bridge.database);
        if let Some(how) = attempt.succeeds(&restricted, restricted.ann()) {
            succeeded.push(format!("{line}\n    {how}"));
        }
        if attempt.succeeds(&restricted, restricted.admin()).is_none() {
            harmless.push(*line);
        }
    }
    assert!(succeeded.is_empty(), "{} of {}:\n{}", succeeded.len(), lines.len(), succeeded.join("\n"));
    let dangerous = lines.len() - harmless.len();
    assert!(
        dangerous >= 200,
        "{dangerous} of {} would succeed without rules, not:\n{}",
        lines.len(),
        harmless.join("\n")
    );
}

#[test]
fn what_is_anns_is_hers() {
    let restricted = Restricted::start();
    for collection in COLLECTIONS {
        restricted.fill(&restricted.bridge.database, collection, &documents(collection));
    }
    let ann =
        |action: &str, collection: &str, fields: Value| restricted.ok(restricted.ann(), action, collection, fields);
    for (action, collection, fields, answer) in [
        ("find", "notes", json!({"projection": {"_id": 1}}), json!({"documents": [{"_id": 1}, {"_id": 3}]})),
        (
            "find",
            "orders",
            json!({"filter": {"card.brand": "m"}}),
            json!({"documents": [{"_id": 3, "owner": "ann", "n": 3, "note": "x", "card": [{"brand": "m"}, {"brand": "n"}]}]}),
        ),
        (
            "find",
            "people",
            json!({"sort": {"name": -1}}),
            json!({"documents": [
                {"_id": 3, "name": "c", "address": {"city": "z"}},
                {"_id": 2, "name": "b", "address": [{"city": "y"}]},
                {"_id": 1, "name": "a", "address": {"city": "x"}},
            ]}),
        ),
        (
            "findOne",
            "notes",
            json!({"filter": {"text": {"$regex": "^[3-9]"}}, "projection": {"n": 1}}),
            json!({"document": {"_id": 3, "n": 3}}),
        ),
        (
            "find",
            "shared",
            json!({"projection": {"_id": 1}, "sort": {"_id": -1}, "limit": 1}),
            json!({"documents": [{"_id": 2}]}),
        ),
        ("find", "exprs", json!({}), json!({"documents": [{"_id": 1, "owner": "ann"}]})),
        ("findOne", "profiles", json!({}), json!({"document": {"_id": "ann", "about": "me"}})),
        (
            "aggregate",
            "open",
            json!({"pipeline": [
                {"$lookup": {"from": "notes", "localField": "k", "foreignField": "n", "as": "x"}},
                {"$project": {"x._id": 1}},
            ]}),
            json!({"documents": [{"_id": 1, "x": [{"_id": 1}]}, {"_id": 2, "x": []}]}),
        ),
        (
            "updateMany",
            "notes",
            json!({"filter": {}, "update": {"$set": {"seen": true, "owner": "ann"}}}),
            json!({"matchedCount": 2, "modifiedCount": 2}),
        ),
        (
            "updateOne",
            "notes",
            json!({"filter": {"_id": 1}, "update": [{"$set": {"n": {"$add": ["$n", 1]}}}]}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "updateOne",
            "notes",
            json!({"filter": {"_id": 70}, "update": {"$set": {"n": 1}}, "upsert": true}),
            json!({"matchedCount": 0, "modifiedCount": 0, "upsertedId": 70}),
        ),
        (
            "updateOne",
            "orders",
            json!({"filter": {"card.brand": "v"}, "update": {"$set": {"card.brand": "w"}}}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "replaceOne",
            "notes",
            json!({"filter": {"_id": 3}, "replacement": {"owner": "ann", "n": 30}}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "replaceOne",
            "shared",
            json!({"filter": {"_id": 2}, "replacement": {"owner": "carl", "readers": ["ann", "bob"]}}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        ("insertOne", "notes", json!({"document": {"_id": 71, "owner": "ann"}}), json!({"insertedId": 71})),
        (
            "insertMany",
            "teams",
            json!({"documents": [{"_id": 3, "team": "red"}, {"_id": 4, "team": ["blue", "red"]}]}),
            json!({"insertedIds": [3, 4]}),
        ),
        ("insertOne", "log", json!({"document": {"_id": 2, "by": "ann"}}), json!({"insertedId": 2})),
        (
            "insertOne",
            "orders",
            json!({"document": {"_id": 9, "owner": "ann", "card": {"brand": "x"}}}),
            json!({"insertedId": 9}),
        ),
        ("deleteMany", "notes", json!({"filter": {"n": {"$gte": 0}}}), json!({"deletedCount": 3})),
    ] {
        assert_eq!(ann(action, collection, fields.clone()), answer, "{action} {collection} {fields}");
    }
    let notes = restricted.all(&restricted.bridge.database, "notes");
    let ids: Vec<_> = notes.iter().map(|note| note["_id"].clone()).collect();
    assert_eq!(ids, [2, 4, 5, 6, 71], "of ann's only the one without a number is left");
}

#[test]
fn users_are_known_by_id_and_verified_address() {
    let restricted = Restricted::start();
    let (bridge, database) = (&restricted.bridge, &restricted.bridge.database);
    let token = token_of(json!({"sub": "ann", "email": "ann@shop.example", "email_verified": true}));
    let login = format!("{}/api/client/v2.0/app/any/auth/providers/custom-token/login", bridge.url);
    let session = bridge.post(&login, &[], json!({"token": token}).to_string().as_bytes()).json();
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    restricted.fill(database, "ids", &json!([{"_id": 1, "owner": session["user_id"]}, {"_id": 2, "owner": "ann"}]));
    restricted.fill(database, "mails", &json!([{"_id": 1, "to": "ann@shop.example"}, {"_id": 2, "to": null}]));
    restricted.fill(database, "notes", &documents("notes"));
    // By the issuer's token and by the login's, which remembers what the rules ask for.
    for who in [("jwtTokenString", token.as_str()), ("Authorization", bearer.as_str())] {
        for (collection, ids) in [("ids", vec![1]), ("mails", vec![1]), ("notes", vec![1, 3])] {
            let reply = restricted.post(who, database, "find", collection, json!({}));
            let documents = reply.json()["documents"].as_array().cloned().unwrap_or_else(|| panic!("{reply:?}"));
            let found: Vec<_> = documents.iter().map(|document| document["_id"].clone()).collect();
            assert_eq!(found, ids, "{collection}");
        }
    }
    let unverified = token_of(json!({"sub": "eve", "email": "ann@shop.example"}));
    let reply = restricted.post(("jwtTokenString", &unverified), database, "find", "mails", json!({}));
    assert!(reply.error(403, "NoMatchingRuleFound").contains("%%user.email"), "{reply:?}");
    // What a claim says is a value, whatever it looks like.
    for sub in ["$owner", "$$ROOT", ".*", "%%user.id", "{\"$ne\":1}"] {
        let token = token_of(json!({"sub": sub, "teams": ["red"]}));
        for collection in ["notes", "exprs", "shared", "profiles"] {
            restricted.fill(database, collection, &documents(collection));
            let reply = restricted.post(("jwtTokenString", &token), database, "find", collection, json!({}));
            assert_eq!(reply.text, r#"{"documents":[]}"#, "{sub} {collection}");
        }
    }
    for teams in [json!(null), json!({"$ne": 1}), json!([null]), json!([{"$exists": true}])] {
        let token = token_of(json!({"sub": "ann", "teams": teams}));
        restricted
            .post(("jwtTokenString", &token), database, "find", "teams", json!({}))
            .error(403, "NoMatchingRuleFound");
    }
}

/// What the README shows.
#[test]
fn a_rule_may_ask_for_one_owner() {
    let restricted = Restricted::start();
    let database = &restricted.bridge.database;
    let insert = |collection: &str, owner: Value| {
        restricted
            .post(restricted.ann(), database, "insertOne", collection, json!({"document": {"owner": owner}}))
            .status
    };
    assert_eq!((insert("notes", json!("ann")), insert("notes", json!(["ann", "bob"]))), (201, 201));
    assert_eq!((insert("single", json!("ann")), insert("single", json!(["ann", "bob"]))), (201, 403));
    assert_eq!(insert("single", json!("bob")), 403);
}
