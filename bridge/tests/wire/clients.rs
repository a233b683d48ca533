//! Clients of the retired service, unchanged but for the address: `conformance/` says which, and what they call.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::bridge::{Bridge, hash, hash_password};
use crate::folder::Folder;
use crate::token;

/// The version of PyMongo that `requirements.txt` names.
const PYMONGO: &str = "pymongo==4.20.1";

pub fn conformance() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; these tests need Node.js 18 or later with npm, and Python 3 with venv")
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{text}\n{errors}");
    text
}

/// Installs once what `marker` stands for, also where several tests or programs come here at a time.
fn once(marker: &str, wanted: &str, there: &Path, install: impl FnOnce()) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).unwrap();
    let lock = File::create(folder.join(format!("{marker}.lock"))).unwrap();
    lock.lock().unwrap();
    let marker = folder.join(marker);
    if there.exists() && std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return;
    }
    install();
    std::fs::write(marker, wanted).unwrap();
}

/// The packages that the lock file names, in `conformance/node_modules`.
pub fn install_packages() {
    let lock = std::fs::read_to_string(conformance().join("package-lock.json")).unwrap();
    let wanted = format!("{}\n{lock}", conformance().display());
    once("npm", &wanted, &conformance().join("node_modules"), || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(conformance()));
    });
}

fn python() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pymongo");
    let python = environment.join("bin/python");
    once("pip", &format!("{PYMONGO} in {}", environment.display()), &python, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PYMONGO]));
    });
    python
}

#[test]
fn every_client_in_the_table() {
    install_packages();
    let python = python();
    let requirements = std::fs::read_to_string(conformance().join("requirements.txt")).unwrap();
    assert!(requirements.lines().any(|line| line == PYMONGO), "{requirements}");

    let folder = Folder::new();
    let secret = [b'k'; 40];
    let rules = r#"rules = [{ database = "*", collections = ["*"], access = "read-write" }]"#;
    let access = format!(
        "[[keys]]\nname = \"clients\"\nhash = \"{}\"\n{rules}\n\
         [[users]]\nemail = \"ann@shop.example\"\npassword-hash = \"{}\"\n{rules}\n\
         [[jwt]]\nname = \"issuer\"\nalgorithm = \"HS256\"\naudience = \"any-app\"\nkey-file = {:?}\n{rules}\n\
         [anonymous]\nrules = [{{ database = \"*\", collections = [\"open\"], access = \"read\" }}]\n",
        hash("a-key-for-clients"),
        hash_password("Passw0rd!"),
        folder.write("secret", secret),
    );
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", access)]);
    let jwt = token::hs256(&secret, &json!({"sub": "ann", "aud": "any-app", "exp": 4_000_000_000_u64}));
    let table = run(Command::new("node")
        .arg("run.mjs")
        .current_dir(conformance())
        .env("BRIDGE_URL", &bridge.url)
        .env("BRIDGE_KEY", "a-key-for-clients")
        .env("BRIDGE_EMAIL", "ann@shop.example")
        .env("BRIDGE_PASSWORD", "Passw0rd!")
        .env("BRIDGE_JWT", jwt)
        .env("BRIDGE_PYTHON", python));
    println!("{table}");
    let passed = table.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(passed >= 10, "{table}");
}
