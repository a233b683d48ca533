//! `GET /`: describes this service.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::backend::Backend;
use crate::http::context::Context;
use crate::http::endpoint::ENDPOINTS;
use crate::http::response::{self, Response};

/// Name, version, the routes and methods that can be used here, and links; to the collections only where the caller may read
/// them, because nobody else should learn their names.
pub fn index<B: Backend>(context: &Context<'_, B>, may_read: bool) -> Response {
    let body = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "description": env!("CARGO_PKG_DESCRIPTION"),
        "routes": routes(context),
        "links": links(if may_read { &context.catalog.settings.collections } else { &[] }),
    });
    response::json(StatusCode::OK, &body)
}

fn routes<B: Backend>(context: &Context<'_, B>) -> Vec<Value> {
    let access = context.access;
    let enabled = ENDPOINTS.iter().filter(|endpoint| endpoint.role.is_none_or(|role| access.is_enabled(role)));
    let mut routes: Vec<Value> = enabled
        .flat_map(|endpoint| endpoint.operations.iter().map(move |operation| (endpoint.path, operation)))
        .map(|(path, operation)| {
            let methods = operation.methods(access.open).collect::<Vec<_>>().join(", ");
            json!({ "methods": methods, "path": path, "does": operation.does })
        })
        .collect();
    routes.push(json!({ "methods": "OPTIONS", "path": "any of these", "does": "the methods that it takes" }));
    routes
}

/// The links of the service itself win over those of collections that have their names.
fn links(collections: &[String]) -> Map<String, Value> {
    let mut links = Map::new();
    links.insert("self".to_owned(), json!("/api/"));
    for name in collections {
        links.insert(name.clone(), json!(format!("/api/showDB/{name}")));
    }
    for (name, path) in [("self", "/api/"), ("openapi", "/openapi.json"), ("health", "/health/ready")] {
        links.insert(name.to_owned(), json!(path));
    }
    links
}
