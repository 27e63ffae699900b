//! What tells one process from every other: since boot, and across boots.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use kernel::{Error, Kind, Result, pidfd};
use procfs::Base;
use rustix::fs::{fstat, fstatfs};

use crate::handle::Process;
use crate::means::Means;

/// The identity of a process; it may be stored, and found again by
/// [`Process::from_identity`](crate::Process::from_identity).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The boot that it ran in, from `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot: field 22 of `/proc/<pid>/stat`.
    pub start_time: u64,
    /// The inode of its pidfds, which no other process of this boot has or had; absent before 6.9.
    pub inode: Option<u64>,
}

impl Identity {
    /// True when both are of one process. The inode decides where both have one; without it, two processes with the
    /// same number that were started in the same tick (10 ms) cannot be told apart.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let by_time =
            (&self.boot_id, self.pid, self.start_time) == (&other.boot_id, other.pid, other.start_time);
        match (self.inode, other.inode) {
            (Some(ours), Some(theirs)) => by_time && ours == theirs,
            _ => by_time,
        }
    }
}

pub(crate) fn take(process: &Process) -> Result<Identity> {
    identity(process, &process.directory()?.read(b"stat")?)
}

pub(crate) fn take_unreaped(process: &Process) -> Result<Identity> {
    identity(process, &procfs::shared()?.read(&Base::Pid(process.pid()), b"stat")?)
}

fn identity(process: &Process, stat: &[u8]) -> Result<Identity> {
    let stat = procfs::parse::stat(stat)?;
    Ok(Identity {
        boot_id: boot_id()?.to_owned(),
        pid: process.pid(),
        start_time: stat.start_time,
        inode: process
            .pidfd()
            .ok()
            .map(inode)
            .transpose()
            .map_err(|error| error.pid(process.pid()))?
            .flatten(),
    })
}

pub(crate) fn find(identity: &Identity, means: Means) -> Result<Process> {
    let gone = || Error::new(Kind::Gone, "pidfd_open", "the process has ended").pid(identity.pid);
    // Inodes and start times begin anew with every boot.
    if identity.boot_id != boot_id()? {
        return Err(gone());
    }
    let found = match by_inode(identity, means)? {
        Some(found) => Ok(found),
        None => Process::open_with(identity.pid, means),
    };
    match found.and_then(|found| found.identity().map(|now| now.is_same(identity)).map(|same| (found, same)))
    {
        Ok((found, true)) => Ok(found),
        Ok((_, false)) => Err(gone()),
        // The number of a thread now: that of a process it was.
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::InvalidArgument | Kind::Gone) => {
            Err(gone())
        }
        Err(error) => Err(error),
    }
}

/// Opened by its inode, which no other process ever has: a number that is given away in between does not matter.
/// `None` where the kernel has no such way, or the identity no inode.
fn by_inode(identity: &Identity, means: Means) -> Result<Option<Process>> {
    let Some(inode) = identity.inode.filter(|_| means.inodes) else { return Ok(None) };
    match pidfd::open_inode(inode) {
        Ok(opened) => {
            let told = pidfd::info(opened.as_fd()).map_err(|error| error.pid(identity.pid))?.ids;
            let gone =
                || Error::new(Kind::Gone, "open_by_handle_at", "the process has ended").pid(identity.pid);
            Ok(Some(Process::hold(told.ok_or_else(gone)?.pid, opened, means)))
        }
        Err(error) if error.kind() == Kind::Unsupported => Ok(None),
        Err(error) => Err(error.pid(identity.pid)),
    }
}

/// Before pidfs all pidfds shared one inode of the anonymous file system, which says nothing.
fn inode(pidfd: BorrowedFd<'_>) -> Result<Option<u64>> {
    const PID_FS_MAGIC: u64 = 0x5049_4446;
    let about = |op| move |errno| Error::os(op, errno);
    if fstatfs(pidfd).map_err(about("fstatfs"))?.f_type.cast_unsigned() != PID_FS_MAGIC {
        return Ok(None);
    }
    Ok(Some(fstat(pidfd).map_err(about("fstat"))?.st_ino))
}

/// It cannot change while we run.
fn boot_id() -> Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    const PATH: &[u8] = b"sys/kernel/random/boot_id";
    if let Some(known) = BOOT.get() {
        return Ok(known);
    }
    let text = procfs::shared()?.read(&Base::Root, PATH)?;
    let text = str::from_utf8(&text).map_err(|_| Error::new(Kind::Os, "read", "the boot id is no text"))?;
    Ok(BOOT.get_or_init(|| text.trim_ascii().to_owned()))
}
