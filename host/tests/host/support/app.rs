//! An application in a folder of its own, and the host that runs it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use testkit::process::{CommandSpec, Process, Streams};

use super::eventually;
use super::http::{Answer, Client};

const HOST: &str = env!("CARGO_BIN_EXE_store-host");

/// The component of `tests/guest`, built once per run of the tests.
pub fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| {
        // The host's binary is in target/<profile>/.
        let target = Path::new(HOST).parent().unwrap().parent().unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--package", "host-test-guest"])
            .args(["--target", "wasm32-wasip2", "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the test component does not build; `rustup target add wasm32-wasip2` may be missing");
        target.join("wasm32-wasip2/release/host_test_guest.wasm")
    })
}

/// A folder with a `spin.toml`. It is removed in the end.
pub struct App {
    pub folder: PathBuf,
    /// Environment variables for the host.
    pub environment: Vec<(&'static str, String)>,
    _temporary: TempDir,
}

impl App {
    /// The test component; it may reach `redis_url` (nothing listens there by default) and every port of 127.0.0.1.
    pub fn new() -> Self {
        let app = Self::without_manifest();
        let guest = guest().display();
        app.write(
            "spin.toml",
            format!(
                r#"
                spin_manifest_version = 2
                [application]
                name = "test"
                [variables]
                redis_url = {{ default = "redis://127.0.0.1:1" }}
                greeting = {{ default = "default" }}
                [[trigger.http]]
                route = "/..."
                component = "guest"
                [component.guest]
                source = "{guest}"
                allowed_outbound_hosts = [
                    "{{{{ redis_url }}}}", "rediss://127.0.0.1:*", "http://127.0.0.1:*", "http://no-such-host.invalid"
                ]
                [component.guest.variables]
                redis_url = "{{{{ redis_url }}}}"
                greeting = "<{{{{ greeting }}}}>"
                "#
            ),
        );
        app
    }

    /// An empty folder.
    pub fn without_manifest() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: temporary.path().to_owned(), environment: Vec::new(), _temporary: temporary }
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(name), content).unwrap();
    }

    /// Appends to the manifest.
    pub fn append(&self, text: &str) {
        let manifest = std::fs::read_to_string(self.folder.join("spin.toml")).unwrap();
        self.write("spin.toml", manifest + text);
    }

    /// Replaces a part of the manifest.
    pub fn edit(&self, from: &str, to: &str) {
        let manifest = std::fs::read_to_string(self.folder.join("spin.toml")).unwrap();
        assert!(manifest.contains(from), "{manifest}");
        self.write("spin.toml", manifest.replacen(from, to, 1));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(HOST);
        command
            .current_dir(&self.folder)
            .env_remove("SPIN_HTTP_LISTEN_ADDR")
            .env_remove("RUNTIME_CONFIG_FILE")
            .env_remove("RUST_LOG")
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the host on a free port, and waits until it serves.
    pub fn start(self, arguments: &[&str]) -> Host {
        let command = self.command(&[&["--listen", "127.0.0.1:0"], arguments].concat());
        let streams = Streams { stdout: Stdio::piped(), stderr: Stdio::piped() };
        let mut process = Process::spawn(&CommandSpec::from(&command), streams).unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(process.take_stderr().unwrap());
        let reader = std::thread::spawn({
            let log = log.clone();
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        let mut line = String::new();
        let mut stdout = BufReader::new(process.take_stdout().unwrap());
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("Serving http://") else {
            panic!("the host does not start: {line}{}", log.lock().unwrap());
        };
        let address = address.parse().unwrap();
        Host { process, address, log, reader: Some(reader), _app: self }
    }

    /// Runs the host, which must not start. Gives what it says on stderr.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(&[&["--listen", "127.0.0.1:0"], arguments].concat()).output().unwrap();
        Self::failed(output)
    }

    /// Like [`fails`](Self::fails), listening on `address`.
    pub fn fails_on(&self, address: &str) -> String {
        Self::failed(self.command(&["--listen", address]).output().unwrap())
    }

    fn failed(output: Output) -> String {
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(output.stdout.is_empty());
        stderr
    }

    /// Runs the host, which ends by itself, and gives what it prints.
    pub fn prints(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A running host. Dropping it ends it.
pub struct Host {
    process: Process,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    _app: App,
}

impl Host {
    /// A GET on a connection of its own.
    pub fn get(&self, path: &str) -> Answer {
        self.client().get(path)
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// What the host has said on stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What the host, which has ended, has said on stderr.
    pub fn whole_log(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log()
    }

    /// Waits until the host has said `text`: a line may come a little after the answer that it is about.
    pub fn has_logged(&self, text: &str) {
        eventually(&format!("{text:?} in the log"), || self.log().contains(text));
    }

    /// Sends a signal (`TERM`, `INT`), by the host's process id.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the host to end.
    pub fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let started = std::time::Instant::now();
        loop {
            if let Some(status) = self.process.status().unwrap() {
                return status;
            }
            assert!(started.elapsed() < limit, "the host did not end within {limit:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        _ = self.process.kill();
        if std::thread::panicking() {
            eprintln!("--- what the host said ---\n{}", self.log());
        }
    }
}
