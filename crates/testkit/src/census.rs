//! What this process holds: descriptors, threads and children, counted before and after.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::process;
use std::time::{Duration, Instant};

use crate::child::pause;

/// How long something new may stay before it is a leak; other tests of the same binary come and go meanwhile, slowly where
/// the machine is emulated.
const PATIENCE: Duration = Duration::from_secs(120);

/// What this process held at one moment. Entries say what they are, so that a failing test names the leak.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Open descriptors: `7 -> anon_inode:[pidfd]`.
    pub descriptors: BTreeSet<String>,
    /// Threads: `4711 tokio-runtime`.
    pub threads: BTreeSet<String>,
    /// Children, zombies among them: `4712 Z (sleep)`.
    pub children: BTreeSet<String>,
}

impl Census {
    /// Counts.
    ///
    /// # Panics
    /// When /proc is not mounted.
    #[must_use]
    pub fn take() -> Self {
        Self { descriptors: descriptors(), threads: threads(), children: children() }
    }

    /// Fails when something that was not there before is there now, and stays.
    ///
    /// Tests of one binary share their process, so whatever comes and goes while this looks belongs to another
    /// test; what is still the same after a while was left behind. What has gone since is nobody's leak.
    ///
    /// # Panics
    /// When something was left behind; the message lists it.
    pub fn assert_unchanged(&self) {
        let limit = Instant::now() + PATIENCE;
        let mut leaked = Self::take().without(self);
        while !leaked.is_empty() {
            assert!(Instant::now() < limit, "left behind: {leaked}");
            pause();
            leaked = leaked.still_in(&Self::take());
        }
    }

    fn without(&self, before: &Self) -> Self {
        Self {
            descriptors: &self.descriptors - &before.descriptors,
            threads: &self.threads - &before.threads,
            // A child may have turned into a zombie: that is a new entry, and it is one child still.
            children: self.children.iter().filter(|child| !before.has(child)).cloned().collect(),
        }
    }

    /// By its number: a program that was just started has the name of its parent for a moment, also when its start has
    /// been told (the kernel lets the parent go before it sets the name).
    fn has(&self, child: &str) -> bool {
        let number = |child: &str| child.split_once('(').map(|(number, _)| number.to_owned());
        self.children.iter().any(|known| number(known) == number(child))
    }

    fn still_in(&self, now: &Self) -> Self {
        Self {
            descriptors: &self.descriptors & &now.descriptors,
            threads: &self.threads & &now.threads,
            children: &self.children & &now.children,
        }
    }

    fn is_empty(&self) -> bool {
        self.descriptors.is_empty() && self.threads.is_empty() && self.children.is_empty()
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [("descriptors", &self.descriptors), ("threads", &self.threads), ("children", &self.children)];
        for (name, entries) in parts {
            if !entries.is_empty() {
                write!(f, "{} {name} {entries:?} ", entries.len())?;
            }
        }
        Ok(())
    }
}

/// The descriptor of the listing itself is closed before its link is read, and so drops out.
fn descriptors() -> BTreeSet<String> {
    let numbers = names_in("/proc/self/fd");
    let link = |number: &String| {
        let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        Some(format!("{number} -> {}", target.display()))
    };
    numbers.iter().filter_map(link).collect()
}

/// Looked at more than once: while threads end, a listing can pass over one that lives on.
fn threads() -> BTreeSet<String> {
    const LOOKS: usize = 3;
    let name = |tid: &String| {
        let comm = fs::read_to_string(format!("/proc/self/task/{tid}/comm")).ok()?;
        Some(format!("{tid} {}", comm.trim_end()))
    };
    (0..LOOKS).flat_map(|_| names_in("/proc/self/task")).filter_map(|tid| name(&tid)).collect()
}

/// Found by their parent in all of /proc: `task/<tid>/children` may be missing, and reading it is not atomic.
fn children() -> BTreeSet<String> {
    let own = process::id().to_string();
    let child = |pid: &String| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may contain some itself: the last one closes it.
        let (head, tail) = stat.rsplit_once(") ")?;
        let (_, name) = head.split_once(" (")?;
        let mut fields = tail.split(' ');
        let (state, parent) = (fields.next()?, fields.next()?);
        // Alive in any state is one entry: a sleeping child that runs is no new child.
        (parent == own).then(|| format!("{pid} {}({name})", if state == "Z" { "Z " } else { "" }))
    };
    names_in("/proc")
        .iter()
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .filter_map(child)
        .collect()
}

fn names_in(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use rustix::io::fcntl_dupfd_cloexec;

    use super::*;

    #[test]
    fn a_descriptor_and_a_child_are_counted() {
        let before = Census::take();
        // A number that no other test's descriptor has had a moment ago.
        let file = fcntl_dupfd_cloexec(File::open("/dev/null").unwrap(), 500).unwrap();
        let child = crate::sleeper();
        let new = Census::take().without(&before);
        assert!(new.descriptors.contains(&format!("{} -> /dev/null", file.as_raw_fd())), "{new}");
        assert!(new.children.contains(&format!("{} (sleep)", child.pid())), "{new}");
        drop((file, child));
        before.assert_unchanged();
    }

    #[test]
    fn a_zombie_is_counted() {
        let mut child = crate::shell("echo done");
        assert_eq!(child.line(), "done");
        let zombie = format!("{} Z (sh)", child.pid());
        let limit = Instant::now() + PATIENCE;
        while !Census::take().children.contains(&zombie) {
            assert!(Instant::now() < limit, "{} never became a zombie", child.pid());
            pause();
        }
    }
}
