//! `/proc/<pid>/status`: everything about a process, one labelled line each.
//!
//! References: `proc_pid_status(5)`.

use std::ops::Deref;

use super::fields::Fields;
use super::number::{decimal, decimals, octal};

/// What the file says. Every accessor is `None` where the kernel did not write the line; every line is kept
/// and reachable by its label through [`Fields`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status(Fields);

/// Four ids in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// Who started it.
    pub real: u32,
    /// Whose rights it has.
    pub effective: u32,
    /// Whose rights it may take back.
    pub saved: u32,
    /// Whose rights it has on files.
    pub filesystem: u32,
}

/// Reads a status file. Any text is one: lines that are not understood are kept.
#[must_use]
pub fn status(text: &[u8]) -> Status {
    Status(Fields::parse(text))
}

impl Status {
    /// The name of its program, with newline and backslash escaped by the kernel.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.get("Name")
    }

    /// Its state letter.
    #[must_use]
    pub fn state(&self) -> Option<char> {
        self.get("State")?.first().map(|letter| char::from(*letter))
    }

    /// Its id, as the pid namespace of the procfs sees it.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.number("Pid")
    }

    /// The id of the process that this thread belongs to.
    #[must_use]
    pub fn tgid(&self) -> Option<i32> {
        self.number("Tgid")
    }

    /// The id of its parent.
    #[must_use]
    pub fn ppid(&self) -> Option<i32> {
        self.number("PPid")
    }

    /// The id of the process that traces it; 0 for none.
    #[must_use]
    pub fn tracer_pid(&self) -> Option<i32> {
        self.number("TracerPid")
    }

    /// Number of threads.
    #[must_use]
    pub fn threads(&self) -> Option<u32> {
        self.number("Threads")
    }

    /// Its file creation mask (4.7).
    #[must_use]
    pub fn umask(&self) -> Option<u32> {
        octal(self.get("Umask")?).and_then(|mask| u32::try_from(mask).ok())
    }

    /// User ids.
    #[must_use]
    pub fn uid(&self) -> Option<Ids> {
        self.ids("Uid")
    }

    /// Group ids.
    #[must_use]
    pub fn gid(&self) -> Option<Ids> {
        self.ids("Gid")
    }

    /// Supplementary groups.
    #[must_use]
    pub fn groups(&self) -> Option<Vec<u32>> {
        decimals(self.get("Groups")?)
    }

    /// Its id in each pid namespace, from that of the procfs to its own (4.1).
    #[must_use]
    pub fn namespaced_pids(&self) -> Option<Vec<i32>> {
        decimals(self.get("NSpid")?)
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        decimal(self.get(key)?)
    }

    fn ids(&self, key: &str) -> Option<Ids> {
        let [real, effective, saved, filesystem] = decimals(self.get(key)?)?.try_into().ok()?;
        Some(Ids { real, effective, saved, filesystem })
    }
}

impl Deref for Status {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labelled_lines_are_read_and_unknown_ones_kept() {
        let text = b"Name:\ta\\nb: c\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nPid:\t43\nPPid:\t1\n\
            TracerPid:\t0\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t4 24 \nNSpid:\t43\t7\nThreads:\t3\nFuture:\tx y\n";
        let parsed = status(text);
        assert_eq!(parsed.name(), Some(b"a\\nb: c".as_slice()));
        assert_eq!((parsed.tgid(), parsed.pid(), parsed.ppid()), (Some(42), Some(43), Some(1)));
        assert_eq!((parsed.state(), parsed.umask(), parsed.threads()), (Some('S'), Some(0o22), Some(3)));
        assert_eq!(parsed.uid(), Some(Ids { real: 1, effective: 2, saved: 3, filesystem: 4 }));
        assert_eq!(parsed.gid().map(|ids| ids.filesystem), Some(8));
        assert_eq!(parsed.groups(), Some(vec![4, 24]));
        assert_eq!(parsed.namespaced_pids(), Some(vec![43, 7]));
        assert_eq!(parsed.get("Future"), Some(b"x y".as_slice()));
    }

    #[test]
    fn absent_and_malformed_lines_are_none() {
        let parsed = status(b"Uid:\t1\t2\t3\nTgid:\tmany\nGroups:\t\n");
        assert_eq!((parsed.uid(), parsed.tgid(), parsed.pid()), (None, None, None));
        assert_eq!(parsed.groups(), Some(Vec::new()));
    }
}
