//! A browser: headless Chromium, driven by ChromeDriver over the WebDriver protocol. What it lets a page's script do is what CORS is
//! about; a client in a test decides nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::bridge::{Bridge, KEY, hash};
use crate::clients::{conformance, install_packages};
use crate::folder::Folder;

/// A browser with one window.
struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
}

impl Browser {
    fn start() -> Self {
        let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = driver.unwrap_or_else(|error| {
            panic!("chromedriver: {error}; install Chromium and its driver (Debian: apt-get install chromium-driver)")
        });
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| line.unwrap().rsplit_once("successfully on port ").map(|(_, port)| port.to_owned()))
            .expect("ChromeDriver names its port");
        // It writes more, and must be able to.
        thread::spawn(move || lines.for_each(drop));
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
        let mut browser =
            Browser { driver, session: format!("http://127.0.0.1:{}/session", port.trim_end_matches('.')), agent };
        let options = json!({"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let made = browser.command("", &wanted);
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
        browser
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.session)).header("Content-Type", "application/json");
        let text = request.send(body.to_string()).unwrap().body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    fn open(&self, url: &str) {
        self.command("/url", &json!({"url": url}));
    }

    /// Runs the body of an async function in the page, and gives what it returns; what it throws is a string.
    fn run(&self, script: &str, arguments: Value) -> Value {
        let script = format!(
            "const [input, done] = arguments; (async () => {{ {script} }})().then(done, (error) => done(String(error)));"
        );
        self.command("/execute/async", &json!({"script": script, "args": [arguments]}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The window closes with its session, the driver does not.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Serves a page, the same page without an origin of its own, and `realm-web` for it; gives the port.
fn serve_page() -> u16 {
    install_packages();
    let library = std::fs::read(conformance().join("node_modules/realm-web/dist/bundle.iife.js")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, library) = (connection.unwrap(), library.clone());
            thread::spawn(move || {
                let mut head = [0; 4096];
                let length = connection.read(&mut head).unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let page = || b"<script src=/realm-web.js></script>".to_vec();
                let (kind, body) = match head.split(' ').nth(1) {
                    Some("/realm-web.js") => ("text/javascript", library),
                    Some("/sandboxed") => ("text/html\r\nContent-Security-Policy: sandbox allow-scripts", page()),
                    _ => ("text/html", page()),
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\nContent-Type: {kind}\r\n\r\n",
                    body.len()
                );
                // A browser may open a connection that it does not use.
                let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
            });
        }
    });
    port
}

const FIND: &str = r#"
    const response = await fetch(input.url, {
        method: "POST",
        headers: {"Content-Type": "application/json", "x-realm-op-name": "default", "x-of-their-own": "1", ...input.headers},
        body: JSON.stringify(input.body),
    });
    return [response.status, await response.json()];
"#;

#[test]
fn pages_of_allowed_origins_and_of_others() {
    let port = serve_page();
    let origins = "http://localhost:*,null";
    let bridge = Bridge::start_with(&["--api-key", KEY, "--cors-origin", origins]);
    let limited = Bridge::start_with(&["--api-key", KEY, "--cors-origin", origins, "--cors-header", "x-of-their-own"]);
    let everyone = Bridge::start_with(&["--api-key", KEY, "--cors-origin", "*"]);
    for bridge in [&bridge, &everyone] {
        bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    }
    let input = |bridge: &Bridge| {
        let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "filter": {}});
        json!({"url": bridge.action_url("findOne"), "headers": {"apiKey": KEY}, "body": body})
    };
    let found = json!([200, {"document": {"_id": 1}}]);
    let refused = json!("TypeError: Failed to fetch");
    let browser = Browser::start();

    browser.open(&format!("http://localhost:{port}/"));
    assert_eq!(browser.run(FIND, input(&bridge)), found, "an origin that a pattern means");
    assert_eq!(browser.run(FIND, input(&everyone)), found);
    assert_eq!(browser.run(FIND, input(&limited)), refused, "a header that is not one of the limited ones");
    // An error is readable too, not only a success.
    let mut wrong = input(&bridge);
    wrong["headers"]["apiKey"] = json!("wrong");
    assert_eq!(browser.run(FIND, wrong)[0], json!(401));

    browser.open(&format!("http://127.0.0.1:{port}/"));
    assert_eq!(browser.run(FIND, input(&bridge)), refused, "the same page, under an origin that is not allowed");
    assert_eq!(browser.run(FIND, input(&everyone)), found);

    browser.open(&format!("http://localhost:{port}/sandboxed"));
    assert_eq!(browser.run("return origin", json!(null)), json!("null"));
    assert_eq!(browser.run(FIND, input(&bridge)), found);
}

#[test]
fn realm_web_in_a_page() {
    let folder = Folder::new();
    let access = format!(
        "[[keys]]\nname = \"page\"\nhash = \"{}\"\nrules = [{{ database = \"*\", collections = [\"*\"], access = \"read-write\" }}]",
        hash("a-key-for-a-page")
    );
    let access = folder.write("access.toml", access);
    let bridge = Bridge::start_with(&["--access-file", &access, "--cors-origin", "http://localhost:*"]);
    let browser = Browser::start();
    browser.open(&format!("http://localhost:{}/", serve_page()));
    let script = r#"
        const app = new Realm.App({id: "any-app", baseUrl: input.url});
        const user = await app.logIn(Realm.Credentials.apiKey("a-key-for-a-page"));
        const games = user.mongoClient("mongodb-atlas").db(input.database).collection("games");
        await games.insertOne({item: "Doom", year: 1993});
        const {item} = await games.findOneAndUpdate({}, {$inc: {year: 1}}, {returnNewDocument: true});
        const count = await games.count();
        const token = user.refreshToken;
        // Its DELETE is what a preflight must allow.
        await user.logOut();
        const renewed = await fetch(input.url + "/api/client/v2.0/auth/session", {
            method: "POST", headers: {Authorization: "Bearer " + token},
        });
        return [item, count, user.isLoggedIn, renewed.status];
    "#;
    let input = json!({"url": bridge.url, "database": bridge.database});
    assert_eq!(browser.run(script, input), json!(["Doom", 1, false, 401]));
}
