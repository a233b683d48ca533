//! The documentation as a page that needs no scripts, and as the JSON index of the routes.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::openapi::{OpenApi, Operation, Response};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Documentation · store-api</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/site.css">
</head>
<body>
<!--header-->
"#;

/// The page.
pub fn page(api: &OpenApi) -> Result<String> {
    let operations = api.operations()?;
    let mut page = HEAD.to_owned();
    page.push_str("<main id=\"main\" class=\"docs\">\n<nav aria-label=\"Routes\">\n");
    for (tag, members) in groups(&operations) {
        writeln!(page, "<h2>{}</h2>\n<ul>", escape(tag))?;
        for operation in members {
            let (slug, method, path) = (operation.slug(), &operation.method, escape(&operation.path));
            let kind = kind_of(method);
            writeln!(page, "<li><a href=\"#{slug}\"><span class=\"method {kind}\">{method}</span> {path}</a></li>")?;
        }
        page.push_str("</ul>\n");
    }
    writeln!(
        page,
        "</nav>\n<div>\n<h1>{} {}</h1>\n{}",
        escape(api.info("title")),
        escape(api.info("version")),
        markdown(api.info("description"))
    )?;
    page.push_str(
        "<p>The same as a machine reads it: <a href=\"/openapi.json\">openapi.json</a>. Where access is closed, add\n\
         <code>-H \"Authorization: Bearer $TOKEN\"</code> to the lines below. Or try it in <a href=\"/console\">the \
         console</a>.</p>\n",
    );
    for (tag, members) in groups(&operations) {
        writeln!(page, "<h2>{}</h2>", escape(tag))?;
        for operation in members {
            section(&mut page, operation, api.server())?;
        }
    }
    page.push_str("</div>\n</main>\n</body>\n</html>\n");
    Ok(page)
}

/// Operations by their first tag, in the order in which the tags appear.
fn groups(operations: &[Operation]) -> Vec<(&str, Vec<&Operation>)> {
    let mut groups: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for operation in operations {
        let tag = if operation.tag.is_empty() { "Routes" } else { &operation.tag };
        match groups.iter_mut().find(|(name, _)| *name == tag) {
            Some((_, members)) => members.push(operation),
            None => groups.push((tag, vec![operation])),
        }
    }
    groups
}

fn section(page: &mut String, operation: &Operation, server: &str) -> Result<()> {
    let (slug, method, path) = (operation.slug(), &operation.method, escape(&operation.path));
    writeln!(
        page,
        "<section class=\"panel\" id=\"{slug}\" aria-labelledby=\"{slug}-title\">\n\
         <h3 id=\"{slug}-title\"><span class=\"method {}\">{method}</span> {path}</h3>\n{}{}",
        kind_of(method),
        markdown(&operation.summary),
        markdown(&operation.description)
    )?;
    if !operation.parameters.is_empty() {
        let rows = operation.parameters.iter().map(|parameter| {
            let required = if parameter.required { ", required" } else { "" };
            let what = format!("{}{required}; {}", parameter.place, parameter.kind);
            [format!("<code>{}</code>", escape(&parameter.name)), escape(&what), inline(&parameter.description)]
        });
        table(page, "Parameters", ["Name", "Where; what", "Meaning"], rows)?;
    }
    if let Some(body) = &operation.body {
        let types = body.content_types.iter().map(|name| format!("<code>{}</code>", escape(name)));
        writeln!(
            page,
            "<h4>Body</h4>\n<p>{}: {}. {}</p>",
            escape(&body.kind),
            types.collect::<Vec<_>>().join(", "),
            inline(&body.description)
        )?;
    }
    let failed = |response: &&Response| response.status.as_str() >= "400";
    let (errors, answers): (Vec<_>, Vec<_>) = operation.responses.iter().partition(failed);
    for (title, responses) in [("Answers", answers), ("Errors", errors)] {
        if !responses.is_empty() {
            table(page, title, ["Status", "Type and headers", "Meaning"], responses.into_iter().map(row))?;
        }
    }
    let success = operation.success().context("an operation without a success")?;
    writeln!(
        page,
        "<h4>With curl</h4>\n<pre tabindex=\"0\"><code data-success=\"{success}\">{}</code></pre>\n</section>",
        escape(&operation.curl(server)?)
    )?;
    Ok(())
}

fn row(response: &Response) -> [String; 3] {
    let status = if response.status == "default" { "other" } else { &response.status };
    let named = response.content_types.iter().chain(&response.headers);
    let named = named.map(|name| format!("<code>{}</code>", escape(name))).collect::<Vec<_>>().join(", ");
    [escape(status), named, inline(&response.description)]
}

fn table(page: &mut String, title: &str, headings: [&str; 3], rows: impl Iterator<Item = [String; 3]>) -> Result<()> {
    let headings = headings.map(|heading| format!("<th scope=\"col\">{heading}</th>")).concat();
    writeln!(page, "<h4>{title}</h4>\n<table><thead><tr>{headings}</tr></thead><tbody>")?;
    for cells in rows {
        writeln!(page, "<tr>{}</tr>", cells.map(|cell| format!("<td>{cell}</td>")).concat())?;
    }
    page.push_str("</tbody></table>\n");
    Ok(())
}

/// The colour of a method: what reads is as a hit is, what writes as a write, what deletes as an error.
fn kind_of(method: &str) -> &'static str {
    match method {
        "GET" => "hit",
        "DELETE" => "error",
        _ => "write",
    }
}

/// The routes, for clients that ask for no HTML at `/`.
pub fn index(api: &OpenApi) -> Result<Vec<u8>> {
    let mut routes: Map<String, Value> = Map::new();
    for operation in api.operations()? {
        let route = routes.entry(operation.path.clone());
        let route =
            route.or_insert_with(|| json!({ "methods": "", "path": operation.path, "does": operation.summary }));
        let methods = route["methods"].as_str().filter(|methods| !methods.is_empty());
        route["methods"] =
            methods.map_or(operation.method.clone(), |known| format!("{known}, {}", operation.method)).into();
    }
    let index = json!({
        "name": api.info("title"),
        "version": api.info("version"),
        "description": api.info("description"),
        "routes": routes.values().collect::<Vec<_>>(),
        "links": {
            "self": "/",
            "api": "/api/",
            "console": "/console",
            "docs": "/docs",
            "openapi": "/openapi.json",
            "health": "/health/ready",
        },
    });
    Ok(serde_json::to_vec(&index)?)
}

/// Paragraphs, with what [`inline`] knows.
fn markdown(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", inline(paragraph))).collect()
}

/// Of Markdown: code between backticks.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = escape(part);
        html.push_str(&if number % 2 == 1 { format!("<code>{part}</code>") } else { part });
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
