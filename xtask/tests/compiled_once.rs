//! What `cargo xtask up` compiles, `cargo xtask test` and the static build do not compile again.
//!
//! Cargo unites the features of all that one command builds. A dependency of a test alone that switches on a feature deep
//! below Wasmtime doubles minutes of compiling, and nothing else would tell.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeSet, HashSet};
use std::process::Command;

use serde_json::Value;

const PROGRAMS: [&str; 6] = ["build", "--workspace", "--bin", "data-api", "--bin", "store-host"];

/// What a command would compile, each with its features, its profile and, likewise, its dependencies. Cargo shares what is
/// equal.
struct Units(Vec<(Value, String)>);

impl Units {
    fn of(arguments: &[&str]) -> Self {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--offline", "--unit-graph", "-Zunstable-options"])
            // A stable cargo prints the graph only so.
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(testkit::project::root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let graph: Value = serde_json::from_slice(&output.stdout).unwrap();
        let units = graph["units"].as_array().unwrap();
        let mut identities = vec![None; units.len()];
        for index in 0..units.len() {
            identify(units, index, &mut identities);
        }
        Units(units.iter().cloned().zip(identities.into_iter().map(Option::unwrap)).collect())
    }

    /// The packages of which others have no equal.
    fn not_among(&self, others: &Units, wanted: impl Fn(&Value) -> bool) -> Vec<&str> {
        let known: HashSet<&str> = others.0.iter().map(|(_, identity)| identity.as_str()).collect();
        let missing = self.0.iter().filter(|(unit, identity)| wanted(unit) && !known.contains(identity.as_str()));
        missing.map(|(unit, _)| name(unit)).collect()
    }

    fn names(&self) -> HashSet<&str> {
        self.0.iter().map(|(unit, _)| name(unit)).collect()
    }
}

/// Writes down what a unit is, as a hash: the text of the whole graph below it would be long.
fn identify(units: &[Value], index: usize, identities: &mut [Option<String>]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};

    if let Some(identity) = &identities[index] {
        return identity.clone();
    }
    let unit = &units[index];
    let mut below: Vec<String> = Vec::new();
    for dependency in unit["dependencies"].as_array().unwrap() {
        let index = usize::try_from(dependency["index"].as_u64().unwrap()).unwrap();
        below.push(identify(units, index, identities));
    }
    below.sort();
    let mut profile = unit["profile"].clone();
    // `dev` and `test` are one, if nothing else differs.
    profile.as_object_mut().unwrap().remove("name");
    let mut hasher = DefaultHasher::new();
    for part in ["pkg_id", "target", "mode", "platform", "features"] {
        unit[part].to_string().hash(&mut hasher);
    }
    (profile.to_string(), below).hash(&mut hasher);
    let identity = format!("{:016x}", hasher.finish());
    identities[index] = Some(identity.clone());
    identity
}

#[test]
fn the_tests_share_what_the_programs_are_made_of() {
    let programs = Units::of(&PROGRAMS);
    assert!(programs.0.len() > 300);
    let tests = Units::of(&["test", "--workspace", "--features", "fenced-cache/redis", "--no-run"]);
    let again = programs.not_among(&tests, |_| true);
    assert_eq!(again, [""; 0], "name the features that tests switch on in host/Cargo.toml or bridge/Cargo.toml");
}

#[test]
fn the_static_build_shares_macros_and_build_scripts() {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let programs = Units::of(&PROGRAMS);
    let linked = Units::of(&[&PROGRAMS[..], &["--target", &target]].concat());
    let again = linked.not_among(&programs, |unit| unit["platform"].is_null());
    assert_eq!(again, [""; 0]);
}

/// `cargo xtask` compiles the command itself first, and alone.
#[test]
fn the_command_shares_what_it_is_made_of() {
    let command = Units::of(&["build", "--package", "xtask"]);
    let programs = Units::of(&PROGRAMS);
    let names = programs.names();
    let again = command.not_among(&programs, |unit| names.contains(name(unit)) && unit["mode"] == "build");
    let again: BTreeSet<&str> = again.into_iter().filter_map(package_name).collect();
    // Small ones, and the client, which has no TLS here: with it, the command would take twice as long.
    let known = ["base64", "getrandom", "once_cell", "ureq", "ureq-proto"];
    assert_eq!(again, BTreeSet::from(known), "name the features in xtask/Cargo.toml");
}

/// Build scripts and macros use libraries that the programs use, too.
#[test]
fn macros_share_what_the_programs_are_made_of() {
    let programs = Units::of(&PROGRAMS);
    let mut libraries: Vec<&str> =
        programs.0.iter().map(|(unit, _)| unit).filter(|unit| unit["target"]["kind"][0] == "lib").map(name).collect();
    libraries.sort_unstable();
    let twice: BTreeSet<&str> =
        libraries.windows(2).filter(|pair| pair[0] == pair[1]).filter_map(|pair| package_name(pair[0])).collect();
    // A tenth of a second each.
    assert_eq!(twice, BTreeSet::from(["macro_magic", "once_cell"]), "name the features in host/Cargo.toml");
}

/// The package of a unit: its source, name and version.
fn name(unit: &Value) -> &str {
    unit["pkg_id"].as_str().unwrap()
}

/// Without source and version.
fn package_name(id: &str) -> Option<&str> {
    id.rsplit('#').next()?.split('@').next()
}
