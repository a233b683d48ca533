//! `store-host` as it is shipped: compiled by what runs in it (profile-guided optimisation). A first build counts how often
//! each branch is taken while the store is under load, and a second one is compiled by these counts.
//!
//! Two thirds of a hit's instructions are those of Wasmtime, hyper and the rest of the host: they become a quarter fewer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use testkit::cargo::cargo;
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::runtime::Runtime;
use testkit::stack::{Stack, StackConfig};
use testkit::{command, install, project};

use crate::interleaved::{self, DOCUMENT};
use crate::load::{self, Load};

/// What to compile for.
#[derive(Debug, Args)]
pub struct OptimizedOptions {
    /// A target that this machine can run, such as x86_64-unknown-linux-musl; without, this machine's own
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// How long each of the loads lasts.
const LOAD: Duration = Duration::from_secs(5);

/// How many writes there are, each followed by a miss.
const WRITES: u32 = 200;

/// Builds it, and prints its path.
pub(super) fn run(options: &OptimizedOptions) -> Result<ExitCode> {
    let program = match &options.target {
        Some(target) => build_for(target)?,
        None => build()?,
    };
    println!("{}", program.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds it for this machine, where it is not up to date. Its path.
///
/// # Errors
/// When something does not compile, install or start.
pub fn build() -> Result<PathBuf> {
    let (exit, target) = command::output(&CommandSpec::new("rustc").args(["--print", "host-tuple"]))?;
    ensure!(exit.success(), "rustc does not say what this machine is");
    build_for(target.trim())
}

fn build_for(target: &str) -> Result<PathBuf> {
    let folder = project::target().join("optimized").join(target);
    let compile = |name: &str, flags: String| -> Result<PathBuf> {
        let to = folder.join(name);
        let build = ["build", "--locked", "--release", "--package", "store-host", "--target", target];
        command::run(&cargo().args(build).env("CARGO_TARGET_DIR", &to).env("RUSTFLAGS", flags))?;
        Ok(to.join(target).join("release/store-host"))
    };
    let counts = folder.join("counts");
    let profile = folder.join("store-host.profdata");
    status("Building", "a host that counts what runs in it: the first time takes a quarter of an hour");
    let counting = compile("counting", format!("-Cprofile-generate={}", counts.display()))?;
    if !is_newer(&profile, &counting) {
        count(&counting, &counts)?;
        merge(&counts, &profile)?;
    }
    status("Building", "the host by these counts: the first time takes a quarter of an hour");
    compile("by-counts", format!("-Cprofile-use={}", profile.display()))
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    modified(file).zip(modified(than)).is_some_and(|(file, than)| file > than)
}

/// Puts load on the host that counts: as Spin's twin and tuned, hits above all, and misses and writes.
fn count(host: &Path, counts: &Path) -> Result<()> {
    load::install()?;
    if counts.exists() {
        fs::remove_dir_all(counts)?;
    }
    for runtime in [Runtime::Host, Runtime::Tuned] {
        status("Counting", "what runs in it under load");
        let config =
            StackConfig { runtime: Some(runtime), store_host_program: Some(host.to_owned()), ..StackConfig::default() };
        let mut stack = Stack::start(config.variable("access", "open"))?;
        put_load_on(stack.base_url())?;
        // It writes its counts as it ends.
        stack.stop()?;
    }
    Ok(())
}

fn put_load_on(url: &str) -> Result<()> {
    let client = interleaved::client();
    ensure!(client.post(format!("{url}/api/initDB/games")).send_empty()?.status() == 200, "no seed data");
    let document = format!("{url}/api/get/games/{DOCUMENT}");
    for url in [
        format!("{url}/api/showDB/games"),
        format!("{url}/api/showDB/games?publisher=Nintendo&fields=item"),
        document.clone(),
    ] {
        Load { url, connections: 16, duration: LOAD, header: None }.run()?;
    }
    for price in 0..WRITES {
        interleaved::write(&client, url, price)?;
        interleaved::get(&client, &document)?;
    }
    Ok(())
}

/// Makes one profile of the counts, in LLVM's format, with the LLVM that rustc has.
fn merge(counts: &Path, profile: &Path) -> Result<()> {
    let tool = install::llvm_profdata()?;
    let merge = CommandSpec::new(tool).arg("merge").arg("--output").arg(profile).arg(counts);
    command::run(&merge).context("the counts cannot be merged")
}
