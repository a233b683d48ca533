//! Puts the site together: the pages with their header, the documentation from the OpenAPI file, and a table of all files
//! that the component includes.

mod docs;
mod openapi;

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use openapi::OpenApi;

/// Where the API's description is, from this package's folder: the first that is there.
const OPENAPI: [&str; 2] = ["../docs/reference/openapi.yaml", "../docs/openapi.yaml"];

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let openapi = OPENAPI.into_iter().find(|path| root.join(path).exists()).context("there is no OpenAPI file")?;
    for input in [openapi, "static", "build"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let text = read(&root.join(openapi))?;
    let description: serde_json::Value =
        serde_norway::from_str(&text).with_context(|| format!("{openapi} is not YAML as JSON has it"))?;
    let api = OpenApi::new(description)?;

    let header = read(&root.join("static/header.html"))?;
    let mut files = Vec::new();
    for (path, page) in [
        ("/", read(&root.join("static/index.html"))?),
        ("/console", read(&root.join("static/console.html"))?),
        ("/docs", docs::page(&api)?),
    ] {
        let current = format!("href=\"{path}\">");
        let marked = format!("href=\"{path}\" aria-current=\"page\">");
        // The brand links to the start page, too; the navigation is after it.
        let (brand, navigation) = header.split_once("<nav").context("the header has no navigation")?;
        let header = format!("{brand}<nav{}", navigation.replace(&current, &marked));
        files.push((path.to_owned(), "text/html; charset=utf-8", page.replace("<!--header-->", &header).into_bytes()));
    }
    files.push(("index.json".to_owned(), "application/json", docs::index(&api)?));
    for entry in fs::read_dir(root.join("static/assets"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a file's name is not UTF-8")?;
        files.push((format!("/assets/{name}"), content_type(name)?, fs::read(&path)?));
    }
    files.sort();
    write_table(&out, &files)
}

/// Writes each file, and `files.rs`, which includes them.
fn write_table(out: &Path, files: &[(String, &str, Vec<u8>)]) -> Result<()> {
    let mut table = "&[\n".to_owned();
    for (number, (path, content_type, bytes)) in files.iter().enumerate() {
        let file = out.join(format!("{number}"));
        fs::write(&file, bytes)?;
        let etag = format!("\"{:016x}\"", fnv(bytes));
        writeln!(
            table,
            "    File {{ path: {path:?}, content_type: {content_type:?}, etag: {etag:?}, bytes: include_bytes!({file:?}) }},"
        )?;
    }
    table.push(']');
    fs::write(out.join("files.rs"), table).context("cannot write files.rs")
}

fn content_type(name: &str) -> Result<&'static str> {
    Ok(match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => bail!("static/assets/{name}: a file with this ending has no content type yet"),
    })
}

/// FNV-1a: it tells one version of a file from another, and guards nothing.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
