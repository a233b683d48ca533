//! The how-to "put it behind a proxy": each proxy with the page's own configuration, each command word for word.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::log::Log;
use testkit::probe::Probe;
use testkit::process::CommandSpec;
use testkit::service::Service;
use testkit::{install, port, project};

use super::common::system::System;
use super::{blocks, page};

const NAME: &str = "shop.example.com";
const STORE: &str = "127.0.0.1:3000";

/// Requests a minute for one client.
const LIMIT: usize = 12;

/// The page's configuration of one proxy, with this test's addresses and files instead of the page's.
fn configured(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (theirs, ours)| {
        assert!(text.contains(theirs), "{theirs}: {text}");
        text.replace(theirs, ours)
    })
}

/// A proxy that runs in the foreground, in a folder of its own, and listens on this port.
fn started(name: &'static str, spec: CommandSpec, folder: &Path, port: u16) -> Service {
    let log = Log::create(folder.join("log")).unwrap();
    let url = format!("https://127.0.0.1:{port}");
    let mut proxy = Service::new(name, spec.folder(folder), Probe::Tcp(url), log).start_limit(Duration::from_secs(30));
    proxy.start().unwrap_or_else(|error| panic!("{error:#}\n{}", proxy.log().tail(20)));
    proxy
}

fn nginx(configuration: &str, store: &str, folder: &Path) -> (Service, u16) {
    let port = port::free().unwrap();
    let certificate = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN={NAME} \
         -keyout shop.key -out shop.pem"
    );
    assert!(Command::new("bash").args(["-c", &certificate]).current_dir(folder).output().unwrap().status.success());
    let in_folder = |file: &str| folder.join(file).to_str().unwrap().to_owned();
    let configuration = configured(
        configuration,
        &[
            (STORE, store),
            ("listen 443", &format!("listen 127.0.0.1:{port}")),
            ("/etc/ssl/shop.pem", &in_folder("shop.pem")),
            ("/etc/ssl/shop.key", &in_folder("shop.key")),
        ],
    );
    let around = format!(
        "daemon off; worker_processes 1; pid {0}/pid; error_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;\n\
         uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n{configuration}\n}}\n",
        folder.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, around).unwrap();
    let program = install::program("nginx", "usr/sbin/nginx").unwrap();
    // Not as another user, who may not read this folder.
    let spec = CommandSpec::new(program).arg("-c").arg(file).args(["-g", "user root;"]);
    (started("nginx", spec, folder, port), port)
}

fn caddy(configuration: &str, store: &str, folder: &Path) -> (Service, u16) {
    let port = port::free().unwrap();
    // Caddy signs the certificate itself: nobody is asked for one.
    let here = format!("https://{NAME}:{port} {{\n    bind 127.0.0.1\n    tls internal");
    let configuration = configured(configuration, &[(STORE, store), (&format!("{NAME} {{"), &here)]);
    let global = "{\n    admin off\n    skip_install_trust\n    auto_https disable_redirects\n}\n";
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{global}{configuration}\n")).unwrap();
    let program = install::program("caddy", "usr/bin/caddy").unwrap();
    let spec = CommandSpec::new(program)
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file)
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder);
    (started("caddy", spec, folder, port), port)
}

/// The page's checks, by the page's commands: `curl` is told where the name is, and to take any certificate.
fn check(checks: &str, folder: &Path, port: u16) {
    let rc = format!("insecure\nconnect-to = \"{NAME}:443:127.0.0.1:{port}\"\n");
    fs::write(folder.join(".curlrc"), rc).unwrap();
    let asked = |command: &str| {
        let done = Command::new("bash").args(["-ec", command]).env("CURL_HOME", folder).output().unwrap();
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    };
    let lines: Vec<&str> = checks.lines().collect();
    assert!(lines.len() >= 6);
    for pair in lines.chunks(2) {
        assert_eq!(asked(pair[0].strip_prefix("$ ").unwrap()), pair[1], "{}", pair[0]);
    }
    let status = "curl -s -o /dev/null -w '%{http_code}'";
    for (path, expected) in [("/health/ready", "404"), ("/api/health/ready", "404"), ("/api/showDB/games", "200")] {
        assert_eq!(asked(&format!("{status} https://{NAME}{path}")), expected, "{path}");
    }
    // The proxy says who the client is, whatever the client says, and the store believes the proxy: each has a minute's
    // requests of its own.
    let as_client = |address: &str, claimed: usize| {
        let claimed = format!("--header 'X-Forwarded-For: 192.0.2.{claimed}'");
        asked(&format!("{status} --interface {address} {claimed} https://{NAME}/api/showDB/clients"))
    };
    assert!((0..3 * LIMIT).any(|claimed| as_client("127.0.0.2", claimed) == "429"));
    assert_eq!(as_client("127.0.0.3", 0), "200");
}

#[test]
fn behind_each_proxy() {
    let page = page("put-it-behind-a-proxy.md");
    let blocks = blocks(&page);
    let text = |language: &str| blocks.iter().find(|(found, _)| found == language).unwrap().1.as_str();
    let mut variables: Vec<(String, &str)> = Vec::new();
    for line in text("sh").lines() {
        let (name, value) = line.strip_prefix("SPIN_VARIABLE_").unwrap().split_once('=').unwrap();
        variables.push((name.to_lowercase(), value));
    }
    let limit = LIMIT.to_string();
    variables.push(("rate_limit_per_minute".to_owned(), &limit));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    for (proxy, configuration) in [("nginx", text("nginx")), ("caddy", text(""))] {
        let system = System::start(&variables);
        let store = system.base_url().strip_prefix("http://").unwrap();
        let folder = project::temporary_folder().unwrap();
        let (_proxy, port) = match proxy {
            "nginx" => nginx(configuration, store, folder.path()),
            _ => caddy(configuration, store, folder.path()),
        };
        check(text("console"), folder.path(), port);
    }
}
