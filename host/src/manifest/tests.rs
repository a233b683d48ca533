use super::*;

const GOOD: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "shop"
    version = "0.1.0"
    authors = ["a"]
    [variables]
    url = { default = "redis://127.0.0.1" }
    key = { required = true, secret = true }
    [[trigger.http]]
    route = "/..."
    component = "shop"
    [component.shop]
    source = "out/shop.wasm"
    allowed_outbound_hosts = ["{{ url }}"]
    files = []
    [component.shop.variables]
    url = "{{ url }}"
    [component.shop.build]
    command = "make"
    watch = ["src"]
"#;

fn error(text: &str) -> String {
    format!("{:#}", Manifest::parse(text, Path::new("/app")).unwrap_err())
}

#[test]
fn a_manifest_is_read() {
    let manifest = Manifest::parse(GOOD, Path::new("/app")).unwrap();
    assert_eq!(manifest.name, "shop");
    assert_eq!(manifest.version.as_deref(), Some("0.1.0"));
    assert_eq!(manifest.triggers, [Trigger { route: "/...".into(), component: "shop".into() }]);
    let shop = &manifest.components["shop"];
    assert_eq!(shop.wasm, Path::new("/app/out/shop.wasm"));
    assert_eq!(shop.variables["url"], "{{ url }}");
    assert_eq!(shop.allowed_outbound_hosts, ["{{ url }}"]);
    assert!(manifest.variables["key"].required);
}

#[test]
fn an_application_may_have_several_triggers_and_components() {
    let two = format!(
        "{GOOD}\n[[trigger.http]]\nroute = \"/docs\"\ncomponent = \"site\"\n[component.site]\nsource = \"site.wasm\"\n"
    );
    let manifest = Manifest::parse(&two, Path::new("/app")).unwrap();
    let routes: Vec<_> = manifest.triggers.iter().map(|it| (it.route.as_str(), it.component.as_str())).collect();
    assert_eq!(routes, [("/...", "shop"), ("/docs", "site")]);
    assert_eq!(manifest.components["site"].wasm, Path::new("/app/site.wasm"));
    assert!(manifest.components["site"].variables.is_empty());
    assert!(manifest.components["site"].allowed_outbound_hosts.is_empty());
}

#[test]
fn what_is_not_supported_is_named() {
    for (from, to, named) in [
        ("spin_manifest_version = 2", "spin_manifest_version = \"1\"", "spin_manifest_version must be 2"),
        ("files = []", "files = [\"x\"]", "[component.shop] files: not supported"),
        ("files = []", "key_value_stores = [\"default\"]", "[component.shop] key_value_stores"),
        ("files = []", "fils = []", "[component.shop] fils: unknown key"),
        ("[[trigger.http]]", "[[trigger.redis]]", "[[trigger.redis]]"),
        ("\"/...\"", "{ private = true }", "[[trigger.http]] route = { private = true }"),
        ("route = \"/...\"", "route = \"/...\"\nexecutor = { type = \"wagi\" }", "[[trigger.http]] executor"),
        ("component = \"shop\"", "component = \"other\"", "no [component.other]"),
        ("source = \"out/shop.wasm\"", "source = { url = \"x\" }", "[component.shop] source"),
        ("[component.shop]", "[component.two]\nsource = 1\n[component.shop]", "[component.two] source"),
        ("required = true", "required = false", "[variables] key"),
        ("key = {", "Key = {", "invalid character 'K'"),
        ("name = \"shop\"", "nam = \"shop\"", "nam"),
    ] {
        let message = error(&GOOD.replacen(from, to, 1));
        assert!(message.contains(named), "{to}: {message}");
    }
}

#[test]
fn names_follow_spins_rule() {
    for good in ["a", "redis_url", "a1", "a_1"] {
        check_name(good).unwrap();
    }
    for bad in ["", "A", "1a", "a__b", "a_", "_a", "a-b", "ä"] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let message = format!("{:#}", Manifest::load(Path::new("/nowhere/spin.toml")).unwrap_err());
    assert!(message.contains("/nowhere/spin.toml") && message.contains("--from"), "{message}");
}
