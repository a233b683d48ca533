//! Headless Chromium, by way of its driver: the few commands of WebDriver (W3C) that the tests need.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::install;
use testkit::log::Log;
use testkit::port;
use testkit::probe::Probe;
use testkit::process::CommandSpec;
use testkit::service::Service;
use ureq::Agent;
use ureq::http::Request;

use super::image;

/// How long a page may take to show what it is to show. A page that does not is a failure, not a wait.
const LIMIT: Duration = Duration::from_secs(60);
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";

/// A browser with one tab, closed when dropped.
pub struct Browser {
    session: String,
    agent: Agent,
    _folder: tempfile::TempDir,
    _driver: Service,
}

impl Browser {
    pub fn start() -> Self {
        if !install::on_path("chromedriver") {
            install::package("chromium-driver").expect("chromedriver is missing: install Chromium and its driver");
        }
        let folder = tempfile::tempdir().unwrap();
        let port = port::free().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let log = Log::create(folder.path().join("chromedriver.log")).unwrap();
        let spec = CommandSpec::new("chromedriver").arg(format!("--port={port}"));
        let mut driver = Service::new("chromedriver", spec, Probe::Http(format!("{url}/status")), log);
        driver.start().unwrap();

        let agent =
            Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(LIMIT)).build().into();
        let options = json!({
            // Tests run as root in containers, too, where Chromium's sandbox does not start.
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-gpu"],
        });
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Browser { session: format!("{url}/session"), agent, _folder: folder, _driver: driver };
        let session = browser.send("POST", "", &capabilities);
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser
    }

    fn send(&self, method: &str, command: &str, body: &Value) -> Value {
        self.try_send(method, command, body).unwrap_or_else(|error| panic!("{method} {command} {body}: {error}"))
    }

    fn try_send(&self, method: &str, command: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let request = Request::builder().method(method).uri(format!("{}{command}", self.session)).body(body).unwrap();
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"].as_str().unwrap_or_default())),
            None => Ok(answer["value"].clone()),
        }
    }

    pub fn open(&self, url: &str) {
        self.send("POST", "/url", &json!({"url": url}));
    }

    /// The size of what is seen, in CSS pixels, and the colours that its owner prefers.
    pub fn look(&self, width: u32, height: u32, colours: &str) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": colours}]});
        self.devtools("Emulation.setEmulatedMedia", &media);
    }

    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.send("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// What a script returns; its arguments are `arguments[0]` and so on. A promise is waited for.
    pub fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.send("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Waits until this expression is true, or something that counts as true, and returns it.
    pub fn wait(&self, expression: &str) -> Value {
        let start = Instant::now();
        let script = format!("return {expression}");
        loop {
            let value = self.script(&script, &[]);
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" && value != 0 {
                return value;
            }
            let page = || self.script("return document.body.innerText", &[]);
            assert!(
                start.elapsed() < LIMIT,
                "never became true: {expression}\n{}",
                page().as_str().unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the text of an element contains this, and returns the text.
    pub fn wait_for_text(&self, css: &str, text: &str) -> String {
        let (css, text) = (json!(css), json!(text));
        let text = self
            .wait(&format!("(e => e && e.innerText.includes({text}) && e.innerText)(document.querySelector({css}))"));
        text.as_str().unwrap_or_default().to_owned()
    }

    fn element(&self, css: &str) -> String {
        let found = self.send("POST", "/element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks as a person does: the element must be there, and nothing may cover it.
    pub fn click(&self, css: &str) {
        loop {
            self.wait(&format!("!!document.querySelector({0}) && !document.querySelector({0}).disabled", json!(css)));
            let element = self.element(css);
            let scroll =
                json!({"script": "arguments[0].scrollIntoView({block: 'center'})", "args": [{ELEMENT: element}]});
            let clicked = self
                .try_send("POST", "/execute/sync", &scroll)
                .and_then(|_| self.try_send("POST", &format!("/element/{element}/click"), &json!({})));
            match clicked {
                Ok(_) => return,
                // A table that was read again has new elements in the places of the old ones.
                Err(error) if error.starts_with("stale element reference") => {}
                Err(error) => panic!("{css}: {error}"),
            }
        }
    }

    /// Types into a field, in place of what it holds.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.send("POST", &format!("/element/{element}/clear"), &json!({}));
        self.send("POST", &format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Types wherever the focus is.
    pub fn press(&self, keys: &str) {
        let active = self.send("GET", "/element/active", &Value::Null);
        let element = active[ELEMENT].as_str().unwrap();
        self.send("POST", &format!("/element/{element}/value"), &json!({"text": keys}));
    }

    pub fn choose(&self, css: &str, option: &str) {
        self.click(&format!("{css} option[value={}]", json!(option)));
    }

    /// What is seen, as a PNG file.
    pub fn screenshot(&self, file: &Path) {
        let encoded = self.send("GET", "/screenshot", &Value::Null);
        image::write_small(&STANDARD.decode(encoded.as_str().unwrap()).unwrap(), file);
    }

    /// What the browser complained about since it was last asked.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.send("POST", "/se/log", &json!({"type": "browser"}));
        entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// What axe-core finds wrong with the page for people who use a keyboard or a screen reader.
    pub fn axe(&self) -> Vec<String> {
        let script = std::fs::read_to_string(axe()).unwrap();
        self.script(&format!("{script}; window.axe = axe;"), &[]);
        let found = self.script("return axe.run().then(results => results.violations)", &[]);
        let text = |violation: &Value| format!("{}: {}\n{}", violation["id"], violation["help"], violation["nodes"]);
        found.as_array().unwrap().iter().map(text).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends Chromium with the session; killed, it would leave it behind.
        let _ = self.try_send("DELETE", "", &Value::Null);
    }
}

/// The script of axe-core, which npm fetches once.
fn axe() -> PathBuf {
    let source = testkit::project::root().join("site/tests/pages");
    let folder = testkit::project::target().join("site-tests");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    std::fs::create_dir_all(&folder).unwrap();
    // Tests of this program run side by side.
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !script.exists() {
        if !install::on_path("npm") {
            install::package("npm").expect("npm is missing: install Node");
        }
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(name), folder.join(name)).unwrap();
        }
        let npm = CommandSpec::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).folder(&folder);
        testkit::command::run(&npm).expect("npm installs axe-core");
    }
    script
}
