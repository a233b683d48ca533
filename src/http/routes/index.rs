//! `GET /`: what this is.

use http::StatusCode;
use serde_json::json;

use crate::http::response;
use crate::http::response::Response;

/// Methods and path of each route, and what it does.
const ROUTES: [(&str, &str, &str); 15] = [
    ("GET", "/api/", "says what this is"),
    (
        "GET",
        "/api/showDB/{collection}",
        "the documents; all: every collection; parameters: field=value, field[op]=value, q, sort, limit, skip, after, count, fields",
    ),
    ("GET", "/api/get/{collection}/{value}", "one document by _id or by value; parameter: field"),
    ("POST", "/api/add/{collection}", "inserts a document, or an array of them"),
    ("PUT", "/api/update/{collection}/{value}", "sets fields of one document; parameter: field"),
    ("PATCH", "/api/update/{collection}/{value}", "applies a JSON Merge Patch; parameter: field"),
    ("DELETE", "/api/delete/{collection}/{value}", "deletes one document; parameter: field"),
    (
        "POST, GET",
        "/api/initDB/{collection}",
        "puts the seed data in place of every document; all: every collection that has any",
    ),
    ("POST, GET, DELETE", "/api/cleanDB/{collection}", "deletes every document; all: in every collection"),
    ("POST", "/api/purge/{collection}", "makes every cached value of the collection invalid; all: of every collection"),
    ("GET", "/openapi.json", "the description of the API"),
    ("GET", "/health/live", "whether the service runs"),
    ("GET", "/health/ready", "whether Redis and the Data API answer"),
    ("GET", "/metrics", "what was counted, for Prometheus"),
    ("OPTIONS", "any of these", "the methods that it takes"),
];

/// Name, version, routes and links.
pub fn index() -> Response {
    let routes: Vec<_> =
        ROUTES.iter().map(|(methods, path, does)| json!({ "methods": methods, "path": path, "does": does })).collect();
    let body = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "description": env!("CARGO_PKG_DESCRIPTION"),
        "routes": routes,
        "links": {
            "self": "/api/",
            "games": "/api/showDB/games",
            "clients": "/api/showDB/clients",
            "openapi": "/openapi.json",
            "health": "/health/ready",
        },
    });
    response::json(StatusCode::OK, &body)
}
