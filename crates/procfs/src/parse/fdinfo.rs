//! `/proc/<pid>/fdinfo/<fd>`: what the kernel knows of an open descriptor.
//!
//! References: `proc_pid_fdinfo(5)`.

use std::ops::Deref;

use super::fields::Fields;
use super::number::{decimal, decimals, octal};

/// What the file says. Every accessor is `None` where the kernel did not write the line; every line is kept
/// and reachable by its label through [`Fields`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fdinfo(Fields);

/// Reads an fdinfo file. Any text is one: lines that are not understood are kept.
#[must_use]
pub fn fdinfo(text: &[u8]) -> Fdinfo {
    Fdinfo(Fields::parse(text))
}

impl Fdinfo {
    /// The file offset.
    #[must_use]
    pub fn position(&self) -> Option<i64> {
        decimal(self.get("pos")?)
    }

    /// The flags it was opened with (`O_…`).
    #[must_use]
    pub fn flags(&self) -> Option<u64> {
        octal(self.get("flags")?)
    }

    /// The id of the mount that the file belongs to (3.15).
    #[must_use]
    pub fn mount_id(&self) -> Option<u64> {
        decimal(self.get("mnt_id")?)
    }

    /// The inode number of the file (5.14).
    #[must_use]
    pub fn inode(&self) -> Option<u64> {
        decimal(self.get("ino")?)
    }

    /// For a pidfd: the id of its process; -1 once that was reaped, 0 outside the pid namespace of the procfs.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        decimal(self.get("Pid")?)
    }

    /// For a pidfd: the id in each pid namespace, from that of the procfs to its own.
    #[must_use]
    pub fn namespaced_pids(&self) -> Option<Vec<i32>> {
        decimals(self.get("NSpid")?)
    }
}

impl Deref for Fdinfo {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pidfd_is_read() {
        let parsed = fdinfo(b"pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t2067\nPid:\t-1\nNSpid:\t-1\n");
        assert_eq!((parsed.position(), parsed.flags()), (Some(0), Some(0o2_000_002)));
        assert_eq!((parsed.mount_id(), parsed.inode()), (Some(15), Some(2067)));
        assert_eq!((parsed.pid(), parsed.namespaced_pids()), (Some(-1), Some(vec![-1])));
    }

    #[test]
    fn a_plain_file_has_no_pid() {
        assert_eq!(fdinfo(b"pos:\t9\nflags:\t0100000\n").pid(), None);
    }
}
