//! What deploys the service. The manifests under `deploy/kubernetes` are rendered by kustomize and checked by schema, and for
//! what no schema knows: whether selectors find pods, and what the network policies let through. The Compose file and the
//! workflows are checked by their schemas.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use testkit::install;

const FOLDERS: [&str; 2] = ["base", "overlays/local"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python with the validators, made once.
fn python() -> PathBuf {
    install::python::with_requirements("deployment", &root().join("tests/deployment/requirements.txt")).unwrap()
}

/// A kubectl whose kustomize knows what the manifests use, fetched once where the machine has none.
fn kubectl() -> PathBuf {
    let version = Command::new("kubectl").args(["version", "--client"]).output();
    if version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Kustomize Version: v5.")) {
        return "kubectl".into();
    }
    let python = python();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deployment");
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let program = folder.join("kubectl");
    if !program.exists() {
        assert_eq!(std::env::consts::ARCH, "x86_64", "kubectl is missing or too old: install kubectl 1.30 or later");
        run(Command::new(python).arg(root().join("tests/deployment/kubectl.py")).arg(&folder));
    }
    program
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn rendered(folder: &str) -> String {
    run(Command::new(kubectl()).arg("kustomize").arg(root().join("deploy/kubernetes").join(folder)))
}

/// The documents, or what the schemas say against them.
fn validated(manifests: &str) -> Result<Vec<Value>, String> {
    let mut child = Command::new(python())
        .arg(root().join("tests/deployment/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    if output.status.success() { Ok(serde_json::from_str(&said).unwrap()) } else { Err(said) }
}

fn documents(folder: &str) -> Vec<Value> {
    validated(&rendered(folder)).unwrap_or_else(|mistakes| panic!("{folder}: {mistakes}"))
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

fn named<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    of_kind(documents, kind).into_iter().find(|document| document["metadata"]["name"] == name).unwrap()
}

/// The labels that pods will have.
fn pods(documents: &[Value]) -> Vec<&Map<String, Value>> {
    let deployments =
        of_kind(documents, "Deployment").into_iter().map(|it| &it["spec"]["template"]["metadata"]["labels"]);
    let apps = of_kind(documents, "SpinApp").into_iter().map(|it| &it["spec"]["podLabels"]);
    deployments.chain(apps).map(|labels| labels.as_object().unwrap()).collect()
}

#[test]
fn manifests_are_what_kubernetes_and_the_operator_take() {
    for folder in FOLDERS {
        assert!(documents(folder).len() >= 10, "{folder}");
    }
    // And what they do not take is found.
    let base = rendered("base");
    for (right, wrong) in [
        ("maxSurge:", "maxSurges:"),
        ("readinessProbe:", "readyProbe:"),
        ("enableAutoscaling: true", "enableAutoscaling: yes please"),
        ("spinImage:", "spinnImage:"),
    ] {
        let mistakes = validated(&base.replacen(right, wrong, 1)).unwrap_err();
        assert!(!mistakes.is_empty(), "{wrong}");
    }
}

/// The operator takes no `SpinApp` before its executor, and what is applied is applied in this order.
#[test]
fn the_executor_comes_before_the_app() {
    let page = fs::read_to_string(root().join("docs/how-to/deploy-on-kubernetes.md")).unwrap();
    let (_, rest) = page.split_once("# deploy/kubernetes/overlays/mine/kustomization.yaml\n").unwrap();
    // The overlay that the page shows, on a copy of the base.
    let copy = tempfile::tempdir().unwrap();
    let (base, mine) = (copy.path().join("base"), copy.path().join("overlays/mine"));
    fs::create_dir_all(&base).unwrap();
    fs::create_dir_all(&mine).unwrap();
    for file in fs::read_dir(root().join("deploy/kubernetes/base")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), base.join(file.file_name())).unwrap();
    }
    fs::write(mine.join("kustomization.yaml"), rest.split_once("```").unwrap().0).unwrap();
    for folder in FOLDERS.into_iter().chain([mine.to_str().unwrap()]) {
        let documents = documents(folder);
        let place = |kind| documents.iter().position(|document| document["kind"] == kind).unwrap();
        assert!(place("Namespace") < place("SpinAppExecutor"), "{folder}");
        assert!(place("SpinAppExecutor") < place("SpinApp"), "{folder}");
    }
}

/// Compose writes a config's inline content into the container, and refuses to where its file system is read-only.
#[test]
fn no_config_is_written_into_a_read_only_container() {
    let read = |path: &str| -> Value {
        // Compose's own tag, which says that a value of the other file does not hold.
        let text = fs::read_to_string(root().join(path)).unwrap().replace("!reset", "");
        serde_norway::from_str(&text).unwrap()
    };
    let (base, deployment) = (read("docker-compose.yml"), read("deploy/compose.deployment.yml"));
    let mut checked = 0;
    for (name, service) in deployment["services"].as_object().unwrap() {
        let merged = &base["services"][name]["<<"];
        let read_only = [&base["services"][name], merged].iter().any(|service| service["read_only"] == true);
        for config in service["configs"].as_array().into_iter().flatten().filter(|_| read_only) {
            let config = &deployment["configs"][config["source"].as_str().unwrap()];
            assert!(config["file"].is_string(), "{name}: {config}");
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn the_compose_file_and_the_workflows_fit_their_schemas() {
    let workflows = fs::read_dir(root().join(".github/workflows")).unwrap().map(|entry| entry.unwrap().path());
    let files = workflows.map(|path| ("vendor.github-workflows", path));
    for (schema, path) in files.chain([("vendor.compose-spec", root().join("docker-compose.yml"))]) {
        run(Command::new(python()).args(["-m", "check_jsonschema", "--builtin-schema", schema]).arg(path));
    }
}

#[test]
fn release_notes_are_one_versions_part_of_the_changelog() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changelog.md");
    let changelog = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- A console.\n\n\
                     ## [0.1.0] - 2026-11-01\n\n- All of it.\n\n[0.2.0]: https://example.com\n";
    fs::write(&file, changelog).unwrap();
    let notes = |version| Command::new(root().join(".ci/notes")).arg(version).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&notes("0.2.0").stdout), "\n### Added\n\n- A console.\n");
    assert_eq!(String::from_utf8_lossy(&notes("0.1.0").stdout), "\n- All of it.\n");
    for version in ["Unreleased", "0.3.0"] {
        assert!(!notes(version).status.success(), "{version}");
    }
}

#[test]
fn selectors_find_pods() {
    for folder in FOLDERS {
        let documents = documents(folder);
        let pods = pods(&documents);
        let mut selectors = Vec::new();
        for document in &documents {
            let spec = &document["spec"];
            match document["kind"].as_str().unwrap() {
                "Service" => selectors.push(&spec["selector"]),
                "PodDisruptionBudget" | "Deployment" => selectors.push(&spec["selector"]["matchLabels"]),
                "NetworkPolicy" => {
                    selectors.extend(spec["podSelector"].get("matchLabels"));
                    let peers = [("ingress", "from"), ("egress", "to")].into_iter().flat_map(|(way, peers)| {
                        let rules = spec[way].as_array().into_iter().flatten();
                        rules.flat_map(move |rule| rule[peers].as_array().into_iter().flatten())
                    });
                    let ours = peers.filter(|peer| peer.get("namespaceSelector").is_none());
                    selectors.extend(ours.filter_map(|peer| peer["podSelector"].get("matchLabels")));
                }
                _ => {}
            }
        }
        assert!(selectors.len() >= 8, "{folder}: {selectors:?}");
        for selector in selectors {
            let wanted = selector.as_object().unwrap();
            let found = pods.iter().any(|pod| wanted.iter().all(|(name, value)| pod.get(name) == Some(value)));
            assert!(found, "{folder}: no pod has {selector}");
        }
        for scaler in of_kind(&documents, "HorizontalPodAutoscaler") {
            let target = scaler["spec"]["scaleTargetRef"]["name"].as_str().unwrap();
            // The operator names its Deployment after the app.
            let known = |kind| of_kind(&documents, kind).iter().any(|it| it["metadata"]["name"] == target);
            assert!(known("Deployment") || known("SpinApp"), "{folder}: {target}");
        }
    }
}

#[test]
fn the_app_reaches_redis_and_the_bridge_and_nothing_else() {
    for folder in FOLDERS {
        let documents = documents(folder);
        let denied = &named(&documents, "NetworkPolicy", "default-deny")["spec"];
        assert_eq!(denied["podSelector"], serde_json::json!({}));
        assert!(denied.get("egress").is_none() && denied.get("ingress").is_none());
        let egress = &named(&documents, "NetworkPolicy", "store-api")["spec"]["egress"];
        let ports: Vec<&Value> = egress.as_array().unwrap().iter().map(|rule| &rule["ports"][0]["port"]).collect();
        assert_eq!(ports, [&Value::from(6379), &Value::from(4000)]);
        for rule in egress.as_array().unwrap() {
            assert_eq!(rule["to"].as_array().unwrap().len(), 1, "{rule}");
            let block = rule["to"][0]["ipBlock"]["cidr"].as_str();
            assert!(block.is_none_or(|block| block.ends_with("/32")), "{rule}");
        }
    }
}

#[test]
fn variables_and_secrets_are_the_applications() {
    let manifest = fs::read_to_string(root().join("spin.toml")).unwrap();
    for folder in FOLDERS {
        let documents = documents(folder);
        let app = named(&documents, "SpinApp", "store-api");
        for variable in app["spec"]["variables"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            assert!(manifest.contains(&format!("\n{name} = {{")), "spin.toml has no variable {name}");
            let secret = manifest.lines().find(|line| line.starts_with(&format!("{name} = {{"))).unwrap();
            if secret.contains("secret = true") {
                assert!(variable["valueFrom"]["secretKeyRef"].is_object(), "{name} is a secret");
            }
        }
        // The executor that the app names is there.
        named(&documents, "SpinAppExecutor", app["spec"]["executor"].as_str().unwrap());
    }
    // Secrets are named in the base, and made elsewhere; where the overlay makes them, the names agree.
    assert!(of_kind(&documents("base"), "Secret").is_empty());
    let local = documents("overlays/local");
    let made: Vec<&str> = of_kind(&local, "Secret").iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect();
    let text = Value::from(local.clone()).to_string();
    let wanted =
        text.split("\"secretKeyRef\":").skip(1).filter_map(|rest| rest.split("\"name\":\"").nth(1)?.split('"').next());
    for name in wanted {
        assert!(made.contains(&name), "{name} is not among {made:?}");
    }
}
