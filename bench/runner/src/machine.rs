//! On what something was measured.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

/// The machine and the versions of what was measured, a line each.
pub fn describe() -> Vec<String> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut lines = vec![
        format!("{} cores of {}, {}", cores, processor(), memory()),
        first_line("uname", &["-sr"]),
        first_line("rustc", &["--version"]),
        first_line("redis-server", &["--version"]),
        format!("node {}", first_line("node", &["--version"])),
        // It prints its version and fails.
        first_line("wrk", &["--version"]),
    ];
    lines.push(format!("load average at the end: {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()));
    lines
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("an unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}

fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.map_or("memory unknown".to_owned(), |kib: u64| format!("{} GiB", kib >> 20))
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| format!("{program} unknown"), str::to_owned)
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// In RAM and its own: what no file backs.
    pub private: u64,
    /// In RAM.
    pub resident: u64,
    /// The most that was in RAM since its start, or since [`Memory::forget_peak`].
    pub peak: u64,
}

impl Memory {
    /// Of the process with this id.
    ///
    /// # Errors
    /// When it is gone.
    pub fn of(process: u32) -> Result<Self> {
        let path = format!("/proc/{process}/status");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let value = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label));
            let kib = line.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kib.map(|kib| kib * 1024).with_context(|| format!("{path} has no {label}"))
        };
        Ok(Self { private: value("RssAnon:")?, resident: value("VmRSS:")?, peak: value("VmHWM:")? })
    }

    /// Has the kernel look for the peak anew.
    ///
    /// # Errors
    /// When the process is gone, or not ours.
    pub fn forget_peak(process: u32) -> Result<()> {
        let path = format!("/proc/{process}/clear_refs");
        fs::write(&path, "5").with_context(|| format!("cannot write {path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() -> Result<()> {
        let before = Memory::of(std::process::id())?;
        assert!(before.private > 100_000 && before.resident >= before.private && before.peak >= before.resident);
        let block = vec![1_u8; 64 << 20];
        assert!(Memory::of(std::process::id())?.private >= before.private + (block.len() / 2) as u64);
        assert!(Memory::of(u32::MAX).is_err());
        Ok(())
    }
}
