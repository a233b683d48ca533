//! The program: read the settings, prepare, serve.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use data_api::auth::Authenticator;
use data_api::config::Config;
use data_api::metrics::Metrics;
use data_api::mongo::Sources;
use data_api::routes::{App, router};
use data_api::server::Server;
use data_api::traces::Traces;
use data_api::{commands, logs, tls};

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    logs::start(&config);
    let done = match &config.command {
        Some(command) => commands::run(command).map(|text| print(&text)),
        None => run(config).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("data-api: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), String> {
    config.check()?;
    let metrics = Metrics::new();
    let sources = Sources::new(&config, &metrics).await?;
    // What the login records is in the first one.
    let authenticator = Authenticator::new(&config, sources.first()?)?;
    let traces = Traces::new(config.traces_endpoint.as_deref())?;
    let mut acceptor = None;
    if let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) {
        let certificate = tls::certificate(certificate, key)?;
        acceptor = Some(tls::acceptor(&certificate)?);
        tokio::spawn(certificate.follow());
    }
    let server = Server::bind(&config, acceptor).await?;
    print(&format!("data-api listening on {}", server.url()));
    authenticator.follow();
    let app = Arc::new(App::new(config, authenticator, sources, metrics, traces, server.stopping()));
    server.run(router(Arc::clone(&app))).await;
    // It blocks, for as long as the collector takes.
    let flushed = tokio::task::spawn_blocking(move || app.traces.flush()).await;
    flushed.map_err(|error| format!("the last traces: {error}"))
}

/// The program that started us may wait for this line, or may not read it at all.
fn print(line: &str) {
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
