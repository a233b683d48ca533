//! `cargo xtask test`: every test there is, and one line that counts them.
//!
//! Everything is built first. Then run, one after the other, so that what they print can be read: the test programs of
//! all packages, unit tests first; and the Hurl files. A step that fails does not stop the next.

mod counts;
mod hurl;
mod programs;
mod report;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use testkit::interrupt::Interrupted;
use testkit::progress::{Progress, status};
use testkit::runtime::{self, Runtime};
use testkit::services::mongodb::MongoDb;
use testkit::stack::StackConfig;
use testkit::{install, project};

use counts::Counts;
use report::Report;

/// What `test` is called with.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// What runs the component in the tests over sockets and for the Hurl files. With `spin`, the tests of store-host
    /// itself are left out.
    #[arg(long, value_enum, env = runtime::VARIABLE, default_value_t)]
    pub runtime: Runtime,

    /// Only the tests, and the Hurl files, whose name contains this, and the test programs that have this name, such as chaos.
    pub filter: Option<String>,
}

/// Runs the tests, prints the report, and says by the exit code whether all passed.
///
/// # Errors
/// When the tests could not be run at all, or on Ctrl-C.
pub fn test(options: &TestOptions) -> Result<ExitCode> {
    let filter = options.filter.as_deref();
    // Before minutes of compiling.
    options.runtime.check()?;
    let mut report = Report::default();
    match run(options.runtime, filter, &mut report) {
        Err(error) if error.is::<Interrupted>() => {
            report.print();
            eprintln!("xtask: interrupted");
            return Ok(ExitCode::from(130));
        }
        Err(error) => {
            eprintln!("xtask: {error:#}");
            report.add("xtask", Counts::FAILED);
        }
        Ok(()) => {}
    }
    let total = report.total();
    if let (Some(filter), true) = (filter, total.is_empty()) {
        eprintln!(
            "xtask: no test and no Hurl file has a name that contains {filter:?}, and no test program has this name"
        );
        report.add("filter", Counts::FAILED);
    }
    report.print();
    println!("{}", report.total());
    Ok(if report.total().failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(runtime: Runtime, filter: Option<&str>, report: &mut Report) -> Result<()> {
    let hurl_files = hurl::files(filter)?;
    install::redis()?;
    report.step("install: the bridge's clients", || {
        install::clients()?;
        Ok(Counts::default())
    })?;
    let hurl = if hurl_files.is_empty() { None } else { Some(install::hurl()?) };

    let built = report.step("build: programs", || {
        testkit::programs::build(runtime, &Progress::quiet())?;
        Ok(Counts::default())
    })?;
    let mut tests = Vec::new();
    report.step("build: tests", || {
        let complete;
        (tests, complete) = programs::build()?;
        Ok(Counts::default().with_exit(complete))
    })?;

    // The bridge's tests want a MongoDB; the tests of the whole system start one of their own.
    let mongodb = MongoDb::temporary()?;
    for test in tests.iter().filter(|test| runtime != Runtime::Spin || test.package() != "store-host") {
        let title = test.title();
        status("Testing", &title);
        report.step(&title, || test.run(runtime, filter, &mongodb.uri(), built))?;
    }
    drop(mongodb);

    if let (Some(hurl), true) = (hurl, built) {
        let config = StackConfig {
            runtime: Some(runtime),
            runtime_config: Some(project::root().join("runtime-config.toml")),
            ..StackConfig::default()
        };
        report.step("hurl", || hurl::run(&hurl, &hurl_files, config))?;
    }
    Ok(())
}
