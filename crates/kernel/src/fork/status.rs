//! What a child says when it could not become the program: at which step, and what the kernel answered.

use rustix::io::Errno;

macro_rules! stages {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal $op:literal),+ $(,)?) => {
        /// A step of a spawn, in the words of the public `SpawnStage`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Stage {
            $($(#[$doc])* $variant = $number),+
        }

        impl Stage {
            /// Every stage, in the order of the public type.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the public surface.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The system call that such a step performs.
            #[must_use]
            pub const fn op(self) -> &'static str {
                match self { $(Self::$variant => $op),+ }
            }
        }
    };
}

stages! {
    /// Creating the child.
    Clone = 1 "clone" "clone3",
    /// Writing the id maps of its user namespace.
    IdMap = 2 "id-map" "write",
    /// A session of its own.
    Session = 3 "session" "setsid",
    /// Its process group.
    ProcessGroup = 4 "process-group" "setpgid",
    /// Its terminal.
    Terminal = 5 "terminal" "ioctl",
    /// Signal dispositions and mask.
    Signals = 6 "signals" "rt_sigaction",
    /// Namespaces left behind.
    Unshare = 7 "unshare" "unshare",
    /// Mounts of its own.
    Mounts = 8 "mounts" "mount",
    /// Its root directory.
    Root = 9 "root" "chroot",
    /// Resource limits.
    ResourceLimits = 10 "resource-limits" "prlimit64",
    /// Niceness and processors.
    Scheduling = 11 "scheduling" "sched_setaffinity",
    /// The score for the out-of-memory killer.
    OomScore = 12 "oom-score" "write",
    /// Its control group.
    Cgroup = 13 "cgroup" "write",
    /// Supplementary groups.
    Groups = 14 "groups" "setgroups",
    /// Group id.
    Gid = 15 "gid" "setresgid",
    /// User id.
    Uid = 16 "uid" "setresuid",
    /// Capabilities.
    Capabilities = 17 "capabilities" "capset",
    /// Its working directory.
    Cwd = 18 "cwd" "chdir",
    /// The signal at our death.
    ParentDeathSignal = 19 "parent-death-signal" "prctl",
    /// No new privileges.
    NoNewPrivileges = 20 "no-new-privileges" "prctl",
    /// Its seccomp filter.
    Seccomp = 21 "seccomp" "seccomp",
    /// Its landlock rules.
    Landlock = 22 "landlock" "landlock_restrict_self",
    /// Its descriptors.
    Descriptors = 23 "descriptors" "dup3",
    /// The program itself.
    Exec = 24 "exec" "execve",
}

/// Why a child did not become the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The step that failed.
    pub stage: Stage,
    /// Which of several at this step: the child's descriptor number, the resource, the capability. At
    /// [`Stage::Exec`] one of the constants below, or 0.
    pub index: u32,
    /// What the kernel answered.
    pub errno: Errno,
}

/// The record on the status pipe: stage, index, errno, each four bytes in native order. Far below `PIPE_BUF`, so
/// that it is written and read whole.
pub(super) const RECORD_BYTES: usize = 12;

impl Failure {
    /// The program is there; what its first line names to interpret it, or what is to load it, is not.
    pub const NO_INTERPRETER: u32 = 1;
    /// The program is a directory.
    pub const IS_DIRECTORY: u32 = 2;
    /// /dev/null could not be opened: a number that no descriptor has.
    pub const NULL_DEVICE: u32 = u32::MAX;

    /// Reads a record. `None` when it is none of ours.
    pub(super) fn from_record(record: &[u8]) -> Option<Self> {
        let (words, []) = record.as_chunks::<4>() else { return None };
        let [stage, index, errno] = words else { return None };
        let stage = u32::from_ne_bytes(*stage);
        Some(Self {
            stage: *Stage::ALL.iter().find(|known| **known as u32 == stage)?,
            index: u32::from_ne_bytes(*index),
            errno: Errno::from_raw_os_error(i32::from_ne_bytes(*errno)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = [Stage::Cwd as u32, 3, 2].map(u32::to_ne_bytes).concat();
        assert_eq!(record.len(), RECORD_BYTES);
        assert_eq!(
            Failure::from_record(&record),
            Some(Failure { stage: Stage::Cwd, index: 3, errno: Errno::NOENT })
        );
    }

    #[test]
    fn a_short_or_foreign_record_is_none() {
        assert_eq!(Failure::from_record(&[1, 0, 0, 0]), None);
        assert_eq!(Failure::from_record(&[0xff; RECORD_BYTES]), None);
    }
}
