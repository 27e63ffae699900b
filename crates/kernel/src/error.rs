//! The one error of the core: what to do about it, what was attempted, on what, and what the kernel said.
//!
//! Building an error performs no system call and reads nothing; it is built once, where the meaning is known,
//! and converted once, in `node`.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::errno;
use crate::feature::Feature;

/// What every fallible function of the core returns.
pub type Result<T> = std::result::Result<T, Error>;

/// What a caller can do about an error. A new kind needs a caller who would act differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The process, group or file that this handle held no longer exists.
    Gone,
    /// No such file, process or group.
    NotFound,
    /// Privilege is missing, or a security module refused.
    PermissionDenied,
    /// An argument that can never work.
    InvalidArgument,
    /// In use; trying again later may work.
    Busy,
    /// The kernel, a seccomp filter or the platform lacks it.
    Unsupported,
    /// Something is mounted over the file that was asked for.
    Overmount,
    /// The file does not belong to a genuine procfs.
    NotProcfs,
    /// A magic link stands in the path, or was to be followed without being asked to.
    MagicLink,
    /// The path leads out of the tree it was looked up in.
    Escape,
    /// The file exists only in a procfs without `subset=pid` or `hidepid`.
    Masked,
    /// What a cached handle referred to was closed or replaced.
    Stale,
    /// The operation would freeze or end the process that asked for it.
    SelfProtected,
    /// The deadline passed; what had been changed was undone.
    TimedOut,
    /// Processes survived.
    Leftovers,
    /// The group is frozen, so the operation would never finish.
    Frozen,
    /// A program could not be started; the stage says how far it came.
    SpawnFailed,
    /// No service manager to track processes with.
    TrackingUnavailable,
    /// The service manager cannot track this process.
    CannotTrack,
    /// The handle was closed before.
    Closed,
    /// Any other answer of the kernel.
    Os,
}

impl Kind {
    /// The name that the TypeScript surface uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gone => "Gone",
            Self::NotFound => "NotFound",
            Self::PermissionDenied => "PermissionDenied",
            Self::InvalidArgument => "InvalidArgument",
            Self::Busy => "Busy",
            Self::Unsupported => "Unsupported",
            Self::Overmount => "Overmount",
            Self::NotProcfs => "NotProcfs",
            Self::MagicLink => "MagicLink",
            Self::Escape => "Escape",
            Self::Masked => "Masked",
            Self::Stale => "Stale",
            Self::SelfProtected => "SelfProtected",
            Self::TimedOut => "TimedOut",
            Self::Leftovers => "Leftovers",
            Self::Frozen => "Frozen",
            Self::SpawnFailed => "SpawnFailed",
            Self::TrackingUnavailable => "TrackingUnavailable",
            Self::CannotTrack => "CannotTrack",
            Self::Closed => "Closed",
            Self::Os => "Os",
        }
    }

    /// What an error number means when nothing more is known about the situation.
    const fn of(errno: Errno) -> Self {
        match errno {
            Errno::SRCH => Self::Gone,
            Errno::NOENT => Self::NotFound,
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied,
            Errno::BUSY => Self::Busy,
            Errno::NOSYS | Errno::OPNOTSUPP => Self::Unsupported,
            Errno::TIMEDOUT => Self::TimedOut,
            _ => Self::Os,
        }
    }
}

/// A process that blocked an operation or survived it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bystander {
    /// Its process id when it was seen.
    pub pid: i32,
    /// Its state letter, as `/proc/<pid>/stat` has it; `?` when it could not be read.
    pub state: char,
    /// The kernel function it waits in, when that may be read.
    pub wchan: Option<String>,
}

/// An error of the core.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    op: &'static str,
    errno: Option<Errno>,
    detail: Option<Cow<'static, str>>,
    path: Option<PathBuf>,
    pid: Option<i32>,
    stage: Option<&'static str>,
    feature: Option<Feature>,
    hint: Option<Cow<'static, str>>,
    processes: Vec<Bystander>,
    context: Vec<&'static str>,
}

impl Error {
    /// An error that no system call reported: `detail` is the reason, in lower case and without a full stop.
    #[must_use]
    pub fn new(kind: Kind, op: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::bare(kind, op);
        error.0.detail = Some(detail.into());
        error
    }

    /// A failed system call; `op` is its name in section 2 of the manual. The kind is the general meaning of
    /// the number: say [`Error::kind_is`] where the situation tells more.
    #[must_use]
    pub fn os(op: &'static str, errno: Errno) -> Self {
        let mut error = Self::bare(Kind::of(errno), op);
        error.0.errno = Some(errno);
        error
    }

    fn bare(kind: Kind, op: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            op,
            errno: None,
            detail: None,
            path: None,
            pid: None,
            stage: None,
            feature: None,
            hint: None,
            processes: Vec::new(),
            context: Vec::new(),
        }))
    }

    /// Replaces the kind by the one that the situation tells.
    #[must_use]
    pub fn kind_is(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Adds why the kernel answered so.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names the file (not its directory).
    #[must_use]
    pub fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// Names the process.
    #[must_use]
    pub fn pid(mut self, pid: i32) -> Self {
        self.0.pid = Some(pid);
        self
    }

    /// Names the step of a spawn that failed, in the words of the public `SpawnStage`.
    #[must_use]
    pub fn stage(mut self, stage: &'static str) -> Self {
        self.0.stage = Some(stage);
        self
    }

    /// Names what is missing; the kind becomes [`Kind::Unsupported`].
    #[must_use]
    pub fn lacks(mut self, feature: Feature) -> Self {
        self.0.kind = Kind::Unsupported;
        self.0.feature = Some(feature);
        self
    }

    /// Tells the user what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Lists the processes that blocked the operation or survived it.
    #[must_use]
    pub fn processes(mut self, processes: Vec<Bystander>) -> Self {
        self.0.processes = processes;
        self
    }

    /// Says why we were there; the outermost context is added last and shown first.
    #[must_use]
    pub fn context(mut self, context: &'static str) -> Self {
        self.0.context.push(context);
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The system call, or the operation when none failed.
    #[must_use]
    pub fn op(&self) -> &'static str {
        self.0.op
    }

    /// What the kernel said.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        self.0.errno
    }

    /// The file it was about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The process it was about.
    #[must_use]
    pub fn about_pid(&self) -> Option<i32> {
        self.0.pid
    }

    /// The step of a spawn that failed.
    #[must_use]
    pub fn spawn_stage(&self) -> Option<&'static str> {
        self.0.stage
    }

    /// What is missing.
    #[must_use]
    pub fn feature(&self) -> Option<Feature> {
        self.0.feature
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The processes that blocked the operation or survived it.
    #[must_use]
    pub fn bystanders(&self) -> &[Bystander] {
        &self.0.processes
    }

    /// True when the kernel answered with this number.
    #[must_use]
    pub fn is(&self, errno: Errno) -> bool {
        self.0.errno == Some(errno)
    }
}

/// Node's form: `ESRCH: no such process, pidfd_send_signal '/path'`, with context before and detail after.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        for context in inner.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        match (inner.errno, &inner.detail) {
            (Some(number), _) => {
                write!(f, "{}: {}, {}", errno::name(number), errno::description(number), inner.op)?;
            }
            (None, Some(detail)) => write!(f, "{detail}")?,
            (None, None) => write!(f, "{} failed", inner.op)?,
        }
        if let Some(path) = &inner.path {
            write!(f, " '{}'", path.display())?;
        } else if let Some(pid) = inner.pid {
            write!(f, " (pid {pid})")?;
        }
        match (inner.errno, &inner.detail) {
            (Some(_), Some(detail)) => write!(f, " ({detail})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_reads_as_node_writes_it() {
        let error = Error::os("openat2", Errno::NOENT).at("/proc/self/nothing");
        assert_eq!(error.to_string(), "ENOENT: no such file or directory, openat2 '/proc/self/nothing'");
        assert_eq!(error.kind(), Kind::NotFound);
    }

    #[test]
    fn context_stands_before_and_detail_after() {
        let error = Error::os("write", Errno::BUSY).detail("has children").context("remove").at("/a");
        assert_eq!(error.to_string(), "remove: EBUSY: device or resource busy, write '/a' (has children)");
    }

    #[test]
    fn the_situation_overrides_the_general_meaning_of_a_number() {
        let error = Error::os("openat2", Errno::XDEV).kind_is(Kind::Overmount);
        assert_eq!((error.kind(), error.errno()), (Kind::Overmount, Some(Errno::XDEV)));
    }
}
