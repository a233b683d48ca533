//! Several triggers and components in one application.

use crate::support::app::App;

/// The test component twice: `guest` behind `/...`, and `other` behind two routes of its own.
fn two_components() -> App {
    let app = App::new();
    let guest = crate::support::app::guest().display().to_string();
    app.append(&format!(
        r#"
        [[trigger.http]]
        route = "/variable"
        component = "other"
        [[trigger.http]]
        route = "/other/..."
        component = "other"
        [component.other]
        source = "{guest}"
        [component.other.variables]
        greeting = "other: {{{{ greeting }}}}"
        "#
    ));
    app
}

#[test]
fn the_most_specific_route_decides_which_component_answers() {
    let host = two_components().start(&[]);
    assert_eq!(host.get("/hello").ok(), "hello");
    assert_eq!(host.get("/variable?name=greeting").ok(), "other: default");
}

#[test]
fn a_component_has_its_own_variables_and_its_own_allowed_hosts() {
    let host = two_components().start(&[]);
    let missing = host.get("/variable?name=redis_url");
    assert_eq!(missing.status, 404);
    assert_eq!(missing.text(), r#"Error::Undefined("no variable for \"other\".\"redis_url\"")"#);
}

#[test]
fn the_spin_headers_say_which_route_it_was() {
    let app = two_components();
    app.append("[[trigger.http]]\nroute = \"/headers\"\ncomponent = \"other\"\n");
    let host = app.start(&[]);
    let headers = host.get("/headers").ok();
    for line in ["spin-raw-component-route: /headers", "spin-matched-route: /headers", "spin-path-info: "] {
        assert!(headers.lines().any(|known| known == line), "{line}: {headers}");
    }
}

#[test]
fn a_path_without_a_route_is_a_404_without_a_body() {
    let app = App::new();
    app.edit("route = \"/...\"", "route = \"/hello\"");
    let host = app.start(&[]);
    assert_eq!(host.get("/hello").ok(), "hello");
    let answer = host.get("/uri");
    assert_eq!((answer.status, answer.text().as_str()), (404, ""));
}

#[test]
fn spins_own_paths_are_answered_by_the_host() {
    let host = App::new().start(&[]);
    assert_eq!(host.get("/.well-known/spin/health").ok(), "OK");
    let info = host.get("/.well-known/spin/info");
    assert_eq!(info.header("content-type"), Some("application/json"));
    assert!(info.ok().contains(r#""name": "test""#));
    assert_eq!(host.get("/.well-known/spin/other").status, 404);
}
