//! Where a variable's value comes from.

use crate::support::app::App;

fn greeting(app: App, arguments: &[&str]) -> String {
    app.start(arguments).get("/variable?name=greeting").ok()
}

#[test]
fn the_first_source_that_knows_a_variable_wins() {
    let prepared = || {
        let mut app = App::new();
        app.write("runtime.toml", "[[variables_provider]]\ntype = \"static\"\nvalues = { greeting = \"runtime\" }\n");
        app.environment.push(("SPIN_VARIABLE_GREETING", "environment".to_owned()));
        app
    };
    let runtime = ["--runtime-config-file", "runtime.toml"];
    let flag = ["--runtime-config-file", "runtime.toml", "--variable", "greeting=flag"];
    assert_eq!(greeting(App::new(), &[]), "<default>");
    assert_eq!(greeting(prepared(), &[]), "<environment>");
    assert_eq!(greeting(prepared(), &runtime), "<runtime>");
    assert_eq!(greeting(prepared(), &flag), "<flag>");
}

#[test]
fn a_runtime_configuration_is_read_only_when_named() {
    let text = "[[variables_provider]]\ntype = \"static\"\nvalues = { greeting = \"runtime\" }\n";
    let mut app = App::new();
    app.write("runtime-config.toml", text);
    assert_eq!(greeting(app, &[]), "<default>");
    app = App::new();
    app.write("runtime-config.toml", text);
    app.environment.push(("RUNTIME_CONFIG_FILE", "runtime-config.toml".to_owned()));
    assert_eq!(greeting(app, &[]), "<runtime>");
}

#[test]
fn values_may_come_from_files() {
    let app = App::new();
    app.write("greeting.txt", "from a file");
    assert_eq!(greeting(app, &["--variable", "greeting=@greeting.txt"]), "<from a file>");
    let app = App::new();
    app.write("all.json", r#"{"greeting": "from json"}"#);
    assert_eq!(greeting(app, &["--variable", "@all.json"]), "<from json>");
    let app = App::new();
    app.write(".env", "SPIN_VARIABLE_GREETING=\"from .env\"\n");
    assert_eq!(greeting(app, &[]), "<from .env>");
}

#[test]
fn the_component_sees_its_own_variables_only() {
    let host = App::new().start(&[]);
    for (name, error) in [("nothing", "Undefined"), ("No-Name", "InvalidName")] {
        let answer = host.get(&format!("/variable?name={name}"));
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains(error), "{}", answer.text());
    }
}
