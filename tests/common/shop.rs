//! A collection that another program filled: ids and values of many types, a unique index, a validator.

use std::ops::Deref;

use serde_json::{Value, json};
use testkit::client::{Client, Response};

use super::backends::Backends;
use super::faulty::Node;
use super::mongodb::run_command;

/// A node that serves the collection `shop`, and its servers; it derefs to a client of it.
pub struct Shop {
    // Dropped first: it has connections to the others.
    pub node: Node,
    pub backends: Backends,
}

impl Shop {
    /// The collection is empty, the field `sku` is unique, and `name` must be a string.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let backends = Backends::start();
        let uri = backends.mongodb.uri();
        let schema = json!({"bsonType": "object", "properties": {"name": {"bsonType": "string"}}});
        run_command(&uri, &json!({"create": "shop", "validator": {"$jsonSchema": schema}}));
        let index = json!({"key": {"sku": 1}, "name": "sku_1", "unique": true, "sparse": true});
        run_command(&uri, &json!({"createIndexes": "shop", "indexes": [index]}));
        let mut all = vec![("collections", "shop,games"), ("store_timeout_ms", "20000"), ("cache_timeout_ms", "2000")];
        all.extend(variables);
        let node = Node::start(&backends, &all);
        Shop { node, backends }
    }

    /// Inserts documents in Extended JSON, past the component.
    pub fn insert(&self, documents: &[Value]) {
        let response = self.data_api("insertMany", json!({ "documents": documents }));
        assert_eq!(response.status, 201, "{response:?}");
    }

    /// The document with this `_id` as MongoDB has it, in Extended JSON.
    pub fn stored(&self, id: &Value) -> Value {
        self.data_api("findOne", json!({"filter": {"_id": {"$eq": id}}})).json()["document"].take()
    }

    /// How many documents match.
    pub fn count(&self, filter: &Value) -> usize {
        self.data_api("find", json!({ "filter": filter })).json()["documents"].as_array().unwrap().len()
    }

    fn data_api(&self, action: &str, mut arguments: Value) -> Response {
        arguments["dataSource"] = Value::from("mongodb-atlas");
        arguments["database"] = Value::from("storeDB");
        arguments["collection"] = Value::from("shop");
        let headers =
            [("Content-Type", "application/ejson"), ("Accept", "application/ejson"), ("apiKey", "local-dev-key")];
        let client = Client::new(&self.backends.bridge.url());
        client.with("POST", &format!("/action/{action}"), &headers, arguments.to_string().as_bytes())
    }
}

impl Deref for Shop {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.node
    }
}

/// A text as a segment of a path or a part of a query.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
