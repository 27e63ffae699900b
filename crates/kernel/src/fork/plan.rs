//! Everything that a child is to become, as plain values: filled in by safe code, before anything is created.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::strings::Strings;

/// A process to be started. What is left at its default is inherited, except descriptors, signal dispositions and
/// the signal mask: a child has the descriptors listed here and no others, every signal at its default, and none
/// blocked.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a step that is performed or not; none excludes another"
)]
pub struct Plan {
    /// Paths of the program, tried in order as execvp(3) does: a refusal is remembered while the search goes on.
    pub programs: Strings,
    /// The arguments, the first of which is the name by which the program is called.
    pub arguments: Strings,
    /// The environment, `NAME=value` each.
    pub environment: Strings,
    /// Its descriptors 0, 1, 2, and so on; `None` is closed. One of ours may become several.
    pub descriptors: Vec<Option<Arc<OwnedFd>>>,
    /// Those of them, `None` there, that are /dev/null: ours, which it opens before anything else.
    pub null: Vec<u32>,
    /// Starts a session of its own.
    pub session: bool,
    /// Joins this process group; 0 makes one of its own.
    pub process_group: Option<i32>,
    /// Our descriptor of the terminal whose foreground it comes to; it needs a process group of its own.
    pub foreground: Option<OwnedFd>,
    /// The child's descriptor that becomes its controlling terminal.
    pub controlling_terminal: Option<u32>,
    /// Gives its controlling terminal up.
    pub detach_terminal: bool,
    /// Signals that it ignores, as a bit set: signal 1 is the lowest bit.
    pub ignored_signals: u64,
    /// Namespaces that it is born in, as `CLONE_NEW*`.
    pub namespaces: u64,
    /// It waits to be released ([`Newborn::release`](super::Newborn::release)) before its first step: while the id maps
    /// of its user namespace are written, which only we may do.
    pub held_back: bool,
    /// Processes whose namespaces it enters, and which of them, as `CLONE_NEW*`.
    pub entered: Vec<(OwnedFd, u64)>,
    /// Namespaces that it leaves for new ones on the way, as `CLONE_NEW*`.
    pub unshared: u64,
    /// Id maps that it writes itself once it has left its user namespace: files of /proc/self, and their content.
    pub own_maps: Vec<(CString, CString)>,
    /// The root of a procfs, for what a process writes there about itself: `own_maps` and `oom_score_adjust`.
    pub procfs: Option<OwnedFd>,
    /// Its root directory; the working directory becomes `/` in it.
    pub root: Option<CString>,
    /// Its working directory, looked up inside `root` and with its credentials.
    pub directory: Option<CString>,
    /// Its resource limits.
    pub resource_limits: Vec<ResourceLimit>,
    /// Its file mode creation mask.
    pub umask: Option<u32>,
    /// Its niceness.
    pub niceness: Option<i32>,
    /// The processors it may run on, as a bit set: processor 0 is the lowest bit of the first word.
    pub processors: Vec<u64>,
    /// What is added to its score for the out-of-memory killer. The calling thread is held until the program is
    /// executed, or memory is copied: see the front page.
    pub oom_score_adjust: Option<i32>,
    /// The directories of the control groups it begins in, at most one for each hierarchy.
    pub cgroups: Vec<OwnedFd>,
    /// Its user, group and supplementary groups.
    pub credentials: Option<Credentials>,
    /// What it is sent when the thread that spawned it ends.
    pub parent_death_signal: Option<i32>,
    /// Capabilities taken from its bounding set, as a bit set: capability 0 is the lowest bit. Those that are to be
    /// ambient stay.
    pub dropped_capabilities: u64,
    /// Capabilities that it keeps although it is not root, and passes on; likewise.
    pub ambient_capabilities: u64,
    /// No program that it executes grants it more than it has.
    pub no_new_privileges: bool,
    /// A landlock ruleset that it enters.
    pub landlock: Option<OwnedFd>,
    /// Its seccomp filter: classic BPF, eight bytes an instruction. Only execve has to pass it.
    pub seccomp: Option<Vec<u64>>,
}

/// Who a child runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective and saved user id.
    pub uid: u32,
    /// Real, effective and saved group id.
    pub gid: u32,
    /// Supplementary groups; `None` keeps ours, which a user namespace may demand.
    pub groups: Option<Vec<u32>>,
}

/// One resource limit, by its number in getrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimit {
    /// `RLIMIT_*`.
    pub resource: u32,
    /// The limit in force; `u64::MAX` for none.
    pub soft: u64,
    /// How far it may be raised; `u64::MAX` for any.
    pub hard: u64,
}
