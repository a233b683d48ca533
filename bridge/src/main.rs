//! The program: read the settings, prepare, serve.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use data_api::auth::Authenticator;
use data_api::config::Config;
use data_api::logs;
use data_api::metrics::Metrics;
use data_api::mongo::Sources;
use data_api::routes::{App, router};
use data_api::server::Server;
use data_api::tls::Certificate;
use data_api::traces::Traces;
use tokio::sync::Semaphore;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    logs::start(&config);
    let done = match &config.command {
        Some(command) => command.run().map(|text| print(&text)),
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
    let authenticator = Arc::new(Authenticator::new(&config)?);
    let metrics = Metrics::new();
    let sources = Sources::new(&config, &metrics).await?;
    let traces = Traces::new(config.traces_endpoint.as_deref())?;
    let mut tls = None;
    if let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) {
        let certificate = Certificate::new(certificate, key)?;
        tls = Some(certificate.acceptor()?);
        tokio::spawn(certificate.follow());
    }
    let server = Server::bind(config.listen, tls, config.drain_timeout).await?;
    print(&format!("data-api listening on {}", server.url()));
    tokio::spawn(Arc::clone(&authenticator).follow());
    let (places, stopping) = (Arc::new(Semaphore::new(config.max_requests)), server.stopping());
    let app = Arc::new(App { config, authenticator, sources, metrics, traces, places, stopping });
    server.run(router(Arc::clone(&app))).await;
    // It blocks, for as long as the collector takes.
    let flushed = tokio::task::spawn_blocking(move || app.traces.flush()).await;
    flushed.map_err(|error| format!("the last traces: {error}"))
}

/// Whoever started us may wait for this line, and may also not read it at all.
fn print(line: &str) {
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
