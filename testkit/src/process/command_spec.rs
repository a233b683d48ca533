//! What to start: a program, its arguments, its environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The signal that a process gets when the one that started it is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeathSignal {
    /// For a program that has no children of its own.
    #[default]
    Kill,
    /// For a program that passes it on to its children, as `spin` does.
    Terminate,
}

/// A program to start, as often as need be: what `std::process::Command` is, but to be kept and started again.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    folder: Option<PathBuf>,
    death_signal: DeathSignal,
}

impl CommandSpec {
    /// A program, by path or by its name on the PATH.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            death_signal: DeathSignal::default(),
        }
    }

    /// The program's path or name.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        for argument in arguments {
            self.arguments.push(argument.as_ref().to_owned());
        }
        self
    }

    /// Sets an environment variable. What others may not see goes here: arguments are visible to every user.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes away an environment variable.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// The folder to start it in; without, the one we were started in.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// See [`DeathSignal`].
    #[must_use]
    pub fn death_signal(mut self, signal: DeathSignal) -> Self {
        self.death_signal = signal;
        self
    }

    /// Becomes this program: it takes the place of the one that calls this, and gets its signals. Returns only where that
    /// fails.
    pub fn exec(&self) -> anyhow::Error {
        let mut command = Command::new(&self.program);
        self.configure(&mut command);
        anyhow::Error::new(command.exec()).context(format!("cannot start {}", self.program.display()))
    }

    /// The command that starts it, in a process group of its own: a Ctrl-C on the terminal then reaches us alone,
    /// which stops its services in order; and one signal reaches a program with all its children.
    pub(super) fn command(&self) -> Command {
        let mut command = if dies_with_parent() {
            let signal = match self.death_signal {
                DeathSignal::Kill => "KILL",
                DeathSignal::Terminate => "TERM",
            };
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", signal, "--"]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        self.configure(&mut command);
        command.process_group(0);
        command
    }

    fn configure(&self, command: &mut Command) {
        command.args(&self.arguments);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
    }
}

impl From<&Command> for CommandSpec {
    /// The same program, arguments, environment and folder.
    fn from(command: &Command) -> Self {
        let mut spec = Self::new(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            spec = match value {
                Some(value) => spec.env(name, value),
                None => spec.env_remove(name),
            };
        }
        spec.folder = command.get_current_dir().map(Path::to_owned);
        spec
    }
}

/// Whether children can be made to die with this process, however it dies. util-linux's `setpriv` asks the kernel for
/// it (`PR_SET_PDEATHSIG`) and then becomes the program; asking ourselves between fork and exec would be unsafe code.
fn dies_with_parent() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        cfg!(target_os = "linux")
            && Command::new("setpriv")
                .args(["--pdeathsig", "KILL", "--", "true"])
                .output()
                .is_ok_and(|output| output.status.success())
    })
}
