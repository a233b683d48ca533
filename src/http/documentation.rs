//! The documentation has the routes that the table has, with their methods and roles.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::endpoint::ENDPOINTS;
use super::router;
use crate::auth::Role;

/// A route's path, as the table has it, and a method.
type Use = (String, String);

fn page(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn table() -> BTreeSet<Use> {
    let uses = ENDPOINTS.iter().flat_map(|endpoint| {
        let methods = endpoint.operations.iter().flat_map(|operation| operation.methods(false));
        methods.map(|method| (endpoint.path.to_owned(), method.to_owned()))
    });
    uses.collect()
}

/// The row of a path that the documentation writes.
fn row(path: &str) -> String {
    let found = router::find(path);
    found.unwrap_or_else(|problem| panic!("{path}: {problem}")).0.path.to_owned()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The first segment of a path: what the documentation calls the route.
fn name(path: &str) -> &str {
    path.trim_start_matches("/api").trim_start_matches('/').split('/').next().unwrap()
}

#[test]
fn openapi_yaml_has_the_tables_routes() {
    let description: Value = serde_norway::from_str(&page("docs/reference/openapi.yaml")).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let (endpoint, _) = router::find(path).unwrap_or_else(|problem| panic!("{path}: {problem}"));
            described.insert((endpoint.path.to_owned(), method.to_uppercase()));
            let needs_none = operation["security"].as_array().is_some_and(Vec::is_empty);
            assert_eq!(needs_none, endpoint.role.is_none(), "{method} {path}: security");
        }
    }
    assert_eq!(described, table());
}

#[test]
fn api_md_has_the_tables_routes_and_roles() {
    let page = page("docs/reference/api.md");
    let mut described = BTreeSet::new();
    let rows = page.lines().skip_while(|line| !line.starts_with("| method and path")).skip(2);
    for line in rows.take_while(|line| line.starts_with('|')) {
        let cell = line.split('|').nth(1).unwrap();
        // The last row is the site's: its paths have no method of their own.
        if quoted(cell).any(|text| text.starts_with('/')) {
            continue;
        }
        let words: Vec<&str> = quoted(cell).flat_map(str::split_whitespace).collect();
        let (path, methods) = words.split_last().unwrap();
        described.extend(methods.iter().map(|method| (row(path), (*method).to_owned())));
    }
    assert_eq!(described, table());

    let open = page.lines().find(|line| line.contains("also take `GET`")).unwrap();
    let open = open.rsplit_once("`open`,").unwrap().1;
    let named: BTreeSet<&str> = quoted(open).filter(|name| *name != "GET").collect();
    let opened = ENDPOINTS.iter().filter(|endpoint| endpoint.takes("GET", true) && !endpoint.takes("GET", false));
    let opened: BTreeSet<&str> = opened.map(|endpoint| name(endpoint.path)).collect();
    assert_eq!(named, opened);

    for (role, start) in [(Role::Read, "| read |"), (Role::Write, "| write |"), (Role::Admin, "| admin |")] {
        let line = page.lines().find(|line| line.starts_with(start)).unwrap();
        let named: BTreeSet<&str> = quoted(line.split('|').nth(2).unwrap()).collect();
        let of_role = ENDPOINTS.iter().filter(|endpoint| endpoint.role == Some(role));
        let of_role: BTreeSet<&str> = of_role.map(|endpoint| name(endpoint.path)).collect();
        assert_eq!(named, of_role, "{start}");
    }
}

#[test]
fn what_readme_md_and_the_tutorial_call_exists() {
    let mut calls = 0;
    for page in [page("README.md"), page("docs/tutorial.md")] {
        for line in page.lines().filter(|line| line.contains("curl ")) {
            let Some((_, rest)) = line.split_once("http://127.0.0.1:3000") else { continue };
            let path = rest.split(['?', '\'', '"', ' ']).next().unwrap();
            let method = line.split_once("-X ").map_or("GET", |(_, rest)| rest.split(' ').next().unwrap());
            let (endpoint, _) = router::find(path).unwrap_or_else(|problem| panic!("{line}: {problem}"));
            assert!(endpoint.takes(method, false), "{line}");
            calls += 1;
        }
    }
    assert!(calls >= 2, "only {calls} calls were found");
}
