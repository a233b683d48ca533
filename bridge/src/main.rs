//! The program: read the settings, prepare, serve.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use data_api::auth::Authenticator;
use data_api::config::Config;
use data_api::logs;
use data_api::mongo::Mongo;
use data_api::routes::{App, router};
use data_api::server::Server;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    logs::start(&config);
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("data-api: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), String> {
    config.check()?;
    let mongo = Mongo::new(&config).await?;
    let server = Server::bind(config.listen).await?;
    // Whoever started us may wait for this line, and may also not read it at all.
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "data-api listening on http://{}", server.address()).and_then(|()| stdout.flush());
    let authenticator = Authenticator::new(&config);
    let router = router(Arc::new(App { config, authenticator, mongo }));
    server.run(router).await.map_err(|error| format!("cannot go on serving: {error}"))
}
