//! The Rust test programs of all packages: built by one cargo command, run by us.
//!
//! Cargo could run them too. But selecting packages one by one gives each its own set of features, and the heavy
//! dependencies would be compiled once for each; and one `cargo test` of everything says neither which program a number
//! belongs to, nor whether it was the compiler or a test that failed.

use std::collections::HashSet;
use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::Value;
use testkit::cargo::cargo;
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::runtime::{self, Runtime};
use testkit::{command, programs};

use super::counts::Counts;

/// Features that tests require and that are off by default.
const FEATURES: &str = "fenced-cache/redis";

/// A test program.
#[derive(Debug, PartialEq, Eq)]
pub struct TestProgram {
    package: String,
    name: String,
    unit: bool,
    path: PathBuf,
    folder: PathBuf,
}

/// Builds the test programs of all packages: those of unit tests first, and whether all of them could be built.
///
/// # Errors
/// When cargo cannot be started, and on Ctrl-C.
pub fn build() -> Result<(Vec<TestProgram>, bool)> {
    status("Building", "the tests");
    let build = cargo().args(["test", "--workspace", "--features", FEATURES]);
    let build = build.args(["--message-format", "json-render-diagnostics"]);
    // What does not compile is no reason to leave the others unbuilt.
    let (exit, messages) = command::output(&build.args(["--no-run", "--no-fail-fast"]))?;
    let mut programs: Vec<TestProgram> = messages.lines().filter_map(parse).collect();
    programs.sort_by_cached_key(|program| (!program.unit, program.title()));
    if !exit.success() {
        return Ok((programs, false));
    }
    let missing = missing(&programs, &metadata()?);
    for title in &missing {
        eprintln!(
            "xtask: {title} was not built; a feature that it requires is to be named in xtask/src/test/programs.rs"
        );
    }
    Ok((programs, missing.is_empty()))
}

/// What cargo knows of the packages.
fn metadata() -> Result<Value> {
    let (exit, text) = command::output(&cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    ensure!(exit.success(), "cargo metadata failed");
    Ok(serde_json::from_str(&text)?)
}

/// The test programs that a package has and that are not among these. Cargo says nothing of one whose features are off.
fn missing(built: &[TestProgram], metadata: &Value) -> Vec<String> {
    let built: HashSet<String> = built.iter().map(TestProgram::title).collect();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let titles = list(&metadata["packages"]).into_iter().flat_map(|package| {
        let tests = list(&package["targets"]).into_iter().filter(|target| target["kind"][0] == "test");
        tests.map(|test| format!("{}: {}", text(&package["name"]), text(&test["name"]))).collect::<Vec<_>>()
    });
    titles.filter(|title| !built.contains(title)).collect()
}

/// Finds a test program in one of cargo's messages.
fn parse(message: &str) -> Option<TestProgram> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let path = PathBuf::from(message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let unit = message["target"]["kind"][0] != "test";
    let name = match (unit, message["target"]["kind"][0] == "bin") {
        (true, false) => "unit tests",
        (true, true) => "unit tests of the program",
        (false, _) => message["target"]["name"].as_str()?,
    };
    let package = package(message["package_id"].as_str()?).to_owned();
    Some(TestProgram { package, name: name.to_owned(), unit, path, folder })
}

/// The package's name: `path+file:///home/me/store/bridge#data-api@0.1.0`, or, where the folder is named like the
/// package, `path+file:///home/me/store/xtask#0.1.0`.
fn package(id: &str) -> &str {
    let (path, fragment) = id.rsplit_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

impl TestProgram {
    /// What it tests.
    pub fn title(&self) -> String {
        format!("{}: {}", self.package, self.name)
    }

    /// The package that it belongs to.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// Of a filter, what its tests are still to be filtered by: nothing where the filter names this program.
    fn filter_of_tests<'a>(&self, filter: Option<&'a str>) -> Option<&'a str> {
        filter.filter(|filter| *filter != self.name)
    }

    /// Runs its tests whose name contains the filter, or all of them where the filter is its own name; the component in
    /// `runtime`. `built`: whether the programs are up to date, so that the tests of the whole system need not build them.
    ///
    /// # Errors
    /// When it cannot be started, and on Ctrl-C.
    pub fn run(&self, runtime: Runtime, filter: Option<&str>, mongodb_uri: &str, built: bool) -> Result<Counts> {
        let mut spec = CommandSpec::new(&self.path)
            .folder(&self.folder)
            .args(self.filter_of_tests(filter))
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("MONGODB_URI", mongodb_uri)
            .env(runtime::VARIABLE, runtime.name());
        if let Some(cargo) = env::var_os("CARGO") {
            spec = spec.env("CARGO", cargo);
        }
        if built {
            spec = spec.env(programs::BUILT, "1");
        }
        if std::io::stdout().is_terminal() {
            // It writes into a pipe, and would do without.
            spec = spec.args(["--color", "always"]);
        }
        let (exit, output) = command::tee(&spec)?;
        Ok(Counts::of_rust(&output).with_exit(exit.success()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, id: &str, test: bool) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"{id}","manifest_path":"/home/me/store/bridge/Cargo.toml",
                "target":{{"kind":["{kind}"],"name":"find"}},"profile":{{"test":{test}}},"executable":"/t/find-1"}}"#
        )
    }

    #[test]
    fn a_test_program_in_cargos_messages() {
        let id = "path+file:///home/me/store/bridge#data-api@0.1.0";
        let found = parse(&message("test", id, true));
        let expected = TestProgram {
            package: "data-api".to_owned(),
            name: "find".to_owned(),
            unit: false,
            path: "/t/find-1".into(),
            folder: "/home/me/store/bridge".into(),
        };
        assert_eq!(found.as_ref().map(TestProgram::package), Some("data-api"));
        assert_eq!(found.as_ref().map(TestProgram::title).as_deref(), Some("data-api: find"));
        assert_eq!(found, Some(expected));
        let title = |kind| parse(&message(kind, id, true)).map(|program| program.title());
        assert_eq!(title("lib").as_deref(), Some("data-api: unit tests"));
        assert_eq!(title("bin").as_deref(), Some("data-api: unit tests of the program"));
    }

    #[test]
    fn a_filter_may_name_a_program() {
        let program = parse(&message("test", "path+file:///home/me/store#store-api@0.1.0", true)).unwrap();
        assert_eq!(program.title(), "store-api: find");
        assert_eq!(program.filter_of_tests(Some("find")), None);
        assert_eq!(program.filter_of_tests(Some("fin")), Some("fin"));
        assert_eq!(program.filter_of_tests(None), None);
    }

    #[test]
    fn a_test_program_that_was_not_built_is_missed() {
        let program = parse(&message("test", "path+file:///home/me/store#store-api@0.1.0", true)).unwrap();
        let target = |kind, name| serde_json::json!({"kind": [kind], "name": name});
        let targets = [target("lib", "store_api"), target("test", "find"), target("test", "gated")];
        let metadata = serde_json::json!({"packages": [{"name": "store-api", "targets": targets}]});
        assert_eq!(missing(&[program], &metadata), ["store-api: gated"]);
    }

    #[test]
    fn other_messages_are_passed_over() {
        assert_eq!(parse(&message("bin", "path+file:///x#0.1.0", false)), None);
        assert_eq!(parse(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(parse("not json"), None);
    }

    #[test]
    fn packages_by_their_id() {
        assert_eq!(package("path+file:///home/me/store#store-api@0.1.0"), "store-api");
        assert_eq!(package("path+file:///home/me/store/xtask#0.1.0"), "xtask");
    }
}
