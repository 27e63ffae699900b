//! How a file is to be opened: flags that procfs can serve, and whether a magic link is followed.

use kernel::{Error, Kind, Result};
use rustix::fs::OFlags;

/// How to open a file. Descriptors are always close-on-exec and never become the controlling terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    flags: OFlags,
    follow: bool,
    same_procfs: bool,
}

/// Nothing in procfs can be created; `O_TMPFILE` contains `O_DIRECTORY`, which is fine alone.
const CREATING: OFlags =
    OFlags::CREATE.union(OFlags::EXCL).union(OFlags::TMPFILE.difference(OFlags::DIRECTORY));

/// Everything else that open(2) knows. Unknown bits are refused, because openat2 refuses and openat ignores them.
const KNOWN: OFlags = OFlags::ACCMODE
    .union(OFlags::APPEND)
    .union(OFlags::CLOEXEC)
    .union(OFlags::DIRECT)
    .union(OFlags::DIRECTORY)
    .union(OFlags::DSYNC)
    .union(OFlags::LARGEFILE)
    .union(OFlags::NOATIME)
    .union(OFlags::NOCTTY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::PATH)
    .union(OFlags::SYNC)
    .union(OFlags::TRUNC);

/// What goes together with `O_PATH`; open(2) ignores the rest, openat2 refuses it.
const WITH_PATH: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl How {
    /// For reading.
    pub const READ: Self = Self { flags: OFlags::RDONLY, follow: false, same_procfs: false };
    /// For writing only; nothing is created or truncated.
    pub const WRITE: Self = Self { flags: OFlags::WRONLY, follow: false, same_procfs: false };
    /// For reading and writing.
    pub const READ_WRITE: Self = Self { flags: OFlags::RDWR, follow: false, same_procfs: false };
    /// A handle to the path itself (`O_PATH`); of a link in the last place, to the link.
    pub const PATH: Self = Self { flags: OFlags::PATH, follow: false, same_procfs: false };

    /// By number, as open(2) takes them.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for `O_CREAT`, `O_EXCL`, `O_TMPFILE` and bits that open(2) does not know.
    pub fn flags(bits: u32) -> Result<Self> {
        let flags = OFlags::from_bits_retain(bits);
        let refuse = |why: String| Err(Error::new(Kind::InvalidArgument, "open", why));
        if flags.intersects(CREATING) {
            return refuse(
                "nothing can be created in procfs: O_CREAT, O_EXCL and O_TMPFILE are refused".to_owned(),
            );
        }
        // O_LARGEFILE is 0 to the C library of 64-bit systems, not to the kernel.
        let unknown = flags.difference(KNOWN);
        if !unknown.is_empty() {
            return refuse(format!("unknown flags {:#o}", unknown.bits()));
        }
        Ok(Self { flags, follow: false, same_procfs: false })
    }

    /// The same, for a directory or not at all.
    #[must_use]
    pub const fn directory(self) -> Self {
        Self { flags: self.flags.union(OFlags::DIRECTORY), ..self }
    }

    /// The same, as a handle to the path itself (`O_PATH`).
    #[must_use]
    pub const fn path_only(self) -> Self {
        Self { flags: self.flags.union(OFlags::PATH), ..self }
    }

    /// The same, following a magic link in the last place (`exe`, `cwd`, `fd/N`, `ns/*`): out of procfs, to
    /// whatever the link stands for.
    #[must_use]
    pub const fn follow(self) -> Self {
        Self { follow: true, ..self }
    }

    /// The same, reading through mounts that show what they cover: container runtimes mount parts of /proc
    /// (`sys`, `bus`, `irq`) over themselves to make them read-only. Each such mount is checked, after it was
    /// opened, to be of the same procfs and to have as its root the very file that was asked for; anything else
    /// that is mounted stays [`Kind::Overmount`].
    ///
    /// It concerns global files looked up from the root, and reading: to open for writing it changes nothing, nor
    /// below a directory that the caller holds, nor for the files of processes, which nobody covers with themselves.
    #[must_use]
    pub const fn allowing_same_procfs(self) -> Self {
        Self { same_procfs: true, ..self }
    }

    /// True when mounts that show what they cover are no obstacle.
    pub(crate) fn allows_same_procfs(self) -> bool {
        let writes = self.flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::TRUNC);
        self.same_procfs && (self.flags.contains(OFlags::PATH) || !writes)
    }

    /// True when a magic link in the last place is followed.
    pub(crate) fn follows(self) -> bool {
        self.follow
    }

    /// The flags for the kernel. `must_be_directory` as the path says: a slash after a link follows it.
    pub(crate) fn to_flags(self, must_be_directory: bool) -> OFlags {
        let mut flags = self.flags | OFlags::CLOEXEC;
        if flags.contains(OFlags::PATH) {
            flags = (flags & WITH_PATH) | OFlags::NOFOLLOW;
        } else {
            flags |= OFlags::NOCTTY;
        }
        if must_be_directory {
            flags |= OFlags::DIRECTORY;
        }
        if must_be_directory || self.follow {
            flags -= OFlags::NOFOLLOW;
        }
        flags
    }
}

impl Default for How {
    fn default() -> Self {
        Self::READ
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_create_are_refused_and_a_directory_is_not() {
        for creating in [OFlags::CREATE, OFlags::EXCL, OFlags::TMPFILE, OFlags::TMPFILE - OFlags::DIRECTORY] {
            let error = How::flags((OFlags::RDWR | creating).bits()).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArgument, "{creating:?}");
        }
        assert_eq!(How::flags(OFlags::DIRECTORY.bits()).unwrap(), How::READ.directory());
        assert!(How::flags(1 << 30).is_err());
    }

    #[test]
    fn a_path_handle_is_to_the_link_unless_it_is_to_be_followed() {
        assert!(How::PATH.to_flags(false).contains(OFlags::NOFOLLOW));
        assert!(!How::PATH.follow().to_flags(false).contains(OFlags::NOFOLLOW));
        assert_eq!(How::PATH.to_flags(true), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC);
        assert!(!How::READ_WRITE.path_only().to_flags(false).contains(OFlags::RDWR));
    }
}
