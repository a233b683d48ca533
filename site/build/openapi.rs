//! The OpenAPI file as the documentation needs it: operations with their references resolved.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// Examples of parameters for which the file has none of their own: a document of the seed data.
const SEED: [(&str, &str); 3] = [("collection", "games"), ("value", "Celeste"), ("field", "item")];
/// Fields for a body for which the file has no example.
const FIELDS: &str = r#"{"price":14.99}"#;
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The description of the API.
pub struct OpenApi {
    root: Value,
}

/// A method of a path.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub tag: String,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub responses: Vec<Response>,
}

pub struct Parameter {
    pub name: String,
    /// `path`, `query` or `header`.
    pub place: String,
    pub required: bool,
    pub kind: String,
    pub description: String,
    /// The parameter's own example. One that is not required is part of the curl line only if it has one.
    example: Option<String>,
    /// An example of its schema.
    sample: Option<String>,
}

pub struct Body {
    pub content_types: Vec<String>,
    pub kind: String,
    pub description: String,
    /// As JSON.
    example: String,
}

pub struct Response {
    /// `200`, or `default`.
    pub status: String,
    pub description: String,
    pub content_types: Vec<String>,
    pub headers: Vec<String>,
}

impl OpenApi {
    pub fn new(root: Value) -> Result<Self> {
        if !root["paths"].is_object() {
            bail!("the OpenAPI file has no paths");
        }
        Ok(OpenApi { root })
    }

    /// A text of `info`.
    pub fn info(&self, name: &str) -> &str {
        text(&self.root["info"][name])
    }

    /// The first server's URL.
    pub fn server(&self) -> &str {
        text(&self.root["servers"][0]["url"]).trim_end_matches('/')
    }

    /// All operations, in the file's order.
    pub fn operations(&self) -> Result<Vec<Operation>> {
        let mut operations = Vec::new();
        for (path, item) in self.root["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    let read = self.operation(method, path, item, operation);
                    operations.push(read.with_context(|| format!("{method} {path}"))?);
                }
            }
        }
        Ok(operations)
    }

    fn operation(&self, method: &str, path: &str, item: &Value, operation: &Value) -> Result<Operation> {
        let mut parameters = Vec::new();
        for parameter in list(&item["parameters"]).iter().chain(list(&operation["parameters"])) {
            parameters.push(self.parameter(parameter)?);
        }
        let body = match operation.get("requestBody") {
            Some(body) => Some(self.body(body)?),
            None => None,
        };
        let mut responses = Vec::new();
        for (status, response) in operation["responses"].as_object().context("no responses")? {
            responses.push(self.response(status, response)?);
        }
        Ok(Operation {
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]).to_owned(),
            description: text(&operation["description"]).to_owned(),
            tag: text(&operation["tags"][0]).to_owned(),
            parameters,
            body,
            responses,
        })
    }

    fn parameter(&self, parameter: &Value) -> Result<Parameter> {
        let parameter = self.resolve(parameter)?;
        let schema = self.resolve(&parameter["schema"])?;
        let own = parameter.get("example").or_else(|| first(&parameter["examples"])?.get("value"));
        let sample = schema.get("example").or_else(|| first(&schema["examples"])).or_else(|| first(&schema["enum"]));
        let name = text(&parameter["name"]);
        let seed = SEED.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Ok(Parameter {
            name: name.to_owned(),
            place: text(&parameter["in"]).to_owned(),
            required: parameter["required"] == true,
            kind: self.kind(schema)?,
            description: text(&parameter["description"]).to_owned(),
            example: own.map(shown).or(seed),
            sample: sample.map(shown),
        })
    }

    fn body(&self, body: &Value) -> Result<Body> {
        let body = self.resolve(body)?;
        let content = body["content"].as_object().context("a request body without content")?;
        let media = content.values().next().context("a request body without a content type")?;
        let schema = self.resolve(&media["schema"])?;
        let example = media.get("example").or_else(|| first(&media["examples"])?.get("value"));
        let example = example.or_else(|| schema.get("example")).or_else(|| first(&schema["examples"]));
        Ok(Body {
            content_types: content.keys().cloned().collect(),
            kind: self.kind(schema)?,
            description: text(&body["description"]).to_owned(),
            example: example.map_or_else(|| FIELDS.to_owned(), Value::to_string),
        })
    }

    fn response(&self, status: &str, response: &Value) -> Result<Response> {
        let response = self.resolve(response)?;
        let keys =
            |value: &Value| -> Vec<String> { value.as_object().into_iter().flat_map(Map::keys).cloned().collect() };
        Ok(Response {
            status: status.to_owned(),
            description: text(&response["description"]).to_owned(),
            content_types: keys(&response["content"]),
            headers: keys(&response["headers"]),
        })
    }

    /// What a schema asks for, in a few words: `integer, 1 to 1000`.
    fn kind(&self, schema: &Value) -> Result<String> {
        let schema = self.resolve(schema)?;
        let mut kind = match &schema["type"] {
            Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
            other => text(other).to_owned(),
        };
        for name in ["oneOf", "anyOf"] {
            let mut kinds = Vec::new();
            for each in list(&schema[name]) {
                kinds.push(self.kind(each)?);
            }
            kind.push_str(&kinds.join(" or "));
        }
        if let Some(values) = schema["enum"].as_array() {
            write!(kind, ": {}", values.iter().map(shown).collect::<Vec<_>>().join(", "))?;
        }
        match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => write!(kind, ", {least} to {most}")?,
            (Some(least), None) => write!(kind, ", {least} or more")?,
            (None, Some(most)) => write!(kind, ", {most} at most")?,
            (None, None) => {}
        }
        Ok(kind)
    }

    /// What `#/components/…` stands for.
    fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value> {
        match value.get("$ref").and_then(Value::as_str) {
            None => Ok(value),
            Some(reference) => {
                let found = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
                self.resolve(found.with_context(|| format!("nothing is at {reference}"))?)
            }
        }
    }
}

impl Operation {
    /// The success that a request without conditions gets.
    pub fn success(&self) -> Option<&str> {
        self.responses.iter().map(|response| response.status.as_str()).find(|status| status.starts_with('2'))
    }

    /// A name for links: `get-api-showdb-collection`.
    pub fn slug(&self) -> String {
        let words = format!("{} {}", self.method, self.path).to_lowercase();
        words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// A line for a shell that calls it with its examples.
    pub fn curl(&self, server: &str) -> Result<String> {
        let mut path = self.path.clone();
        let mut query = Vec::new();
        for parameter in &self.parameters {
            let example = parameter.example.as_ref();
            match parameter.place.as_str() {
                "path" => {
                    let example = example.or(parameter.sample.as_ref());
                    let example =
                        example.with_context(|| format!("the parameter {} has no example", parameter.name))?;
                    path = path.replace(&format!("{{{}}}", parameter.name), &encode(example));
                }
                "query" => query.extend(example.map(|value| format!("{}={}", parameter.name, encode(value)))),
                _ => {}
            }
        }
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let mut line = "curl".to_owned();
        if self.method != "GET" {
            write!(line, " -X {}", self.method)?;
        }
        write!(line, " {}", quoted(&format!("{server}{path}{query}")))?;
        if let Some(body) = &self.body {
            let content_type = body.content_types.first().context("no content type")?;
            write!(line, " \\\n  -H 'Content-Type: {content_type}' -d {}", quoted(&body.example))?;
        }
        Ok(line)
    }
}

/// A shell's word.
fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_alphanumeric() || ":/.-_%".contains(c)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The first of an array's items or of an object's values.
fn first(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(items) => items.first(),
        Value::Object(members) => members.values().next(),
        _ => None,
    }
}
