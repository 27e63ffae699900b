//! Ordinary children for tests to act upon, which are ended and reaped when they go out of scope.

use std::io::{self, BufRead, BufReader, Write};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};

use crate::group;

/// How long a killed child may take to end before the test is told instead of waiting for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// A child that ends with its owner: killed and reaped on drop, unless it was reaped before.
#[derive(Debug)]
pub struct Child(process::Child);

/// A child that does nothing for longer than any test: `sleep 1000`.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn sleeper() -> Child {
    start(Command::new("sleep").arg("1000").stdout(Stdio::null()))
}

/// A child that runs `script` in `sh`; [`Child::line`] reads what it prints.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn shell(script: &str) -> Child {
    start(Command::new("sh").args(["-c", script]).stdout(Stdio::piped()))
}

/// A child that runs `script` in `sh` from within a control group, and has printed `ready`.
///
/// # Panics
/// When it cannot be started, or printed anything else first.
#[must_use]
pub fn inside(group: &Path, script: &str) -> Child {
    let mut child = shell(&format!("echo $$ > {}/cgroup.procs; {script}", group.display()));
    assert_eq!(child.line(), "ready");
    child
}

pub(crate) fn start(command: &mut Command) -> Child {
    let child = command.stdin(Stdio::null()).spawn();
    Child(child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
}

impl Child {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    /// The next line that the child of [`shell`] prints, without its end: how a test knows how far it has come.
    ///
    /// # Panics
    /// When it printed none before it closed its output, and when it is a [`sleeper`].
    pub fn line(&mut self) -> String {
        let Some(output) = self.0.stdout.as_mut() else { panic!("this child's output goes nowhere") };
        let mut line = String::new();
        // A buffer of one byte: what follows the line stays in the pipe for the next call.
        if let Err(error) = BufReader::with_capacity(1, output).read_line(&mut line) {
            panic!("the output of child {} cannot be read: {error}", self.0.id());
        }
        assert!(line.ends_with('\n'), "child {} ended its output with {line:?}", self.0.id());
        line.truncate(line.len() - 1);
        line
    }
}

impl Deref for Child {
    type Target = process::Child;

    fn deref(&self) -> &process::Child {
        &self.0
    }
}

impl DerefMut for Child {
    fn deref_mut(&mut self) -> &mut process::Child {
        &mut self.0
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let limit = Instant::now() + PATIENCE;
        // try_wait says ECHILD when the test reaped the child by other means: then there is nothing to wait for.
        while let Ok(None) = self.0.try_wait() {
            // A frozen version 1 group delivers no SIGKILL, and the scratch group is often dropped after its child.
            group::thaw_scratch_group_of(self.0.id());
            if Instant::now() > limit {
                let line = format!("child {} does not end after SIGKILL\n", self.0.id());
                let _ = io::stderr().write_all(line.as_bytes());
                return;
            }
            pause();
        }
    }
}

/// One millisecond, for conditions that the kernel announces nowhere; every caller has a limit.
pub(crate) fn pause() {
    let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_ends_with_its_owner() {
        let census = crate::Census::take();
        drop(sleeper());
        drop(shell("echo ready; exec sleep 1000"));
        census.assert_unchanged();
    }

    #[test]
    fn a_shell_is_read_line_by_line() {
        let mut child = shell("echo one; echo two");
        assert_eq!((child.line(), child.line()), ("one".to_owned(), "two".to_owned()));
        assert!(child.wait().unwrap().success());
    }
}
