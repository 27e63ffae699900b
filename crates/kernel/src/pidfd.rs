//! pidfds: opening, signalling, reaping, and asking who is behind one.
//!
//! # Safety
//! `pidfd_send_signal` with scope flags, `PIDFD_GET_INFO`, `open_by_handle_at` and `process_mrelease` are not in rustix;
//! they are called here with pointers to live locals of the size that the call is told.
#![expect(unsafe_code, reason = "four calls that rustix lacks")]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::error::{Error, Kind, Result};
use crate::support::Support;

/// Whom a signal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What the handle was opened for: a process, or a thread.
    Handle,
    /// The one thread of a thread handle (6.9).
    Thread,
    /// The whole process (6.9).
    Process,
    /// The process group that the process leads (6.9).
    Group,
}

impl Scope {
    const fn flag(self) -> libc::c_uint {
        match self {
            Self::Handle => 0,
            Self::Thread => 1,
            Self::Process => 2,
            Self::Group => 4,
        }
    }
}

/// What `PIDFD_GET_INFO` told; each part is absent where the kernel did not fill it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Info {
    /// Process, thread group and parent ids. Absent once it was reaped.
    pub ids: Option<Ids>,
    /// Real, effective, saved and file system ids of user and group. Absent once it was reaped.
    pub credentials: Option<Credentials>,
    /// The id of its version 2 control group.
    pub cgroup_id: Option<u64>,
    /// The wait status, once it was reaped (6.15).
    pub exit_status: Option<i32>,
}

/// The ids of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// Of the process or thread.
    pub pid: i32,
    /// Of the process it belongs to.
    pub tgid: i32,
    /// Of its parent.
    pub ppid: i32,
}

/// The credentials of a process: real, effective, saved, file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// User ids.
    pub uid: [u32; 4],
    /// Group ids.
    pub gid: [u32; 4],
}

/// Opens a handle for the process with this id (5.3).
///
/// # Errors
/// [`Kind::NotFound`] when there is no such process, [`Kind::InvalidArgument`] when the id is not that of a
/// process (a thread, or not positive), [`Kind::Unsupported`] where the call is missing or filtered.
pub fn open(pid: i32) -> Result<OwnedFd> {
    open_with(pid, PidfdFlags::empty())
}

/// Opens a handle for the thread with this id (6.9).
///
/// # Errors
/// As [`open`]; [`Kind::InvalidArgument`] also where the kernel has no handles for threads.
pub fn open_thread(tid: i32) -> Result<OwnedFd> {
    /// `PIDFD_THREAD`, which the kernel defines as `O_EXCL`.
    const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(libc::O_EXCL.cast_unsigned());
    open_with(tid, THREAD)
}

fn open_with(pid: i32, flags: PidfdFlags) -> Result<OwnedFd> {
    let refuse = |errno: Errno| {
        let kind = match errno {
            Errno::SRCH => Kind::NotFound,
            // 6.18 answers ENOENT for the id of a thread, earlier kernels EINVAL.
            Errno::NOENT | Errno::INVAL => Kind::InvalidArgument,
            _ => Error::os("pidfd_open", errno).kind(),
        };
        Error::os("pidfd_open", errno).kind_is(kind).pid(pid)
    };
    // rustix asserts that the number is not negative.
    let id = Some(pid).filter(|pid| *pid > 0).and_then(Pid::from_raw).ok_or_else(|| refuse(Errno::INVAL))?;
    pidfd_open(id, flags).map_err(refuse)
}

/// Opens a handle for the process that has this inode in the file system of pidfds (6.17), whatever its id is by now.
///
/// # Errors
/// [`Kind::Gone`] once it was reaped, or when it is outside our pid namespace; [`Kind::Unsupported`] before 6.17, and
/// where a filter refuses: any answer but that of an inode that is not there.
pub fn open_inode(inode: u64) -> Result<OwnedFd> {
    /// `FD_PIDFS_ROOT`: stands for the root of that file system.
    const PIDFS_ROOT: libc::c_int = -10002;
    /// `FILEID_KERNFS`: the inode number is the whole handle.
    const KERNFS: libc::c_int = 0xfe;
    /// `struct file_handle` with its eight bytes.
    #[repr(C)]
    struct Handle {
        bytes: libc::c_uint,
        kind: libc::c_int,
        inode: [u8; 8],
    }
    let mut handle = Handle { bytes: 8, kind: KERNFS, inode: inode.to_ne_bytes() };
    // SAFETY: open_by_handle_at requires a file_handle followed by as many bytes as it says; `handle` is a live local
    // with exactly eight.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            PIDFS_ROOT,
            std::ptr::from_mut(&mut handle),
            libc::O_CLOEXEC,
        )
    };
    match i32::try_from(answer) {
        // SAFETY: the kernel has just opened this descriptor for us; nobody else knows it.
        Ok(opened) if opened >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(opened) }),
        _ => Err(match last_errno() {
            gone @ Errno::STALE => Error::os("open_by_handle_at", gone).kind_is(Kind::Gone),
            passing @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Error::os("open_by_handle_at", passing),
            other => Error::os("open_by_handle_at", other).kind_is(Kind::Unsupported),
        }),
    }
}

/// Duplicates a descriptor of the process (5.6); the duplicate is close-on-exec.
///
/// # Errors
/// [`Kind::NotFound`] when it has no such descriptor, [`Kind::PermissionDenied`] unless we could attach to it as a
/// tracer, [`Kind::Gone`].
pub fn duplicate(pidfd: BorrowedFd<'_>, descriptor: i32) -> Result<OwnedFd> {
    pidfd_getfd(pidfd, descriptor, PidfdGetfdFlags::empty()).map_err(|errno| {
        let error = Error::os("pidfd_getfd", errno);
        if errno == Errno::BADF { error.kind_is(Kind::NotFound) } else { error }
    })
}

/// Frees the memory of a process that is dying (5.15).
///
/// # Errors
/// [`Kind::Busy`] when it is not dying; `ESRCH` as [`Kind::Gone`] when it has no memory any more, reaped or not.
pub fn release_memory(pidfd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: process_mrelease takes no pointers, and the descriptor is borrowed, so it is open.
    let answer = unsafe { libc::syscall(libc::SYS_process_mrelease, pidfd.as_raw_fd(), 0) };
    if answer == 0 {
        return Ok(());
    }
    let errno = last_errno();
    let error = Error::os("process_mrelease", errno);
    Err(match errno {
        Errno::INVAL => error.kind_is(Kind::Busy).detail("the process is not dying"),
        _ => error,
    })
}

/// Sends a signal, or with 0 only checks permission (5.1; a scope other than [`Scope::Handle`] 6.9).
///
/// # Errors
/// [`Kind::Gone`] once it has been reaped, [`Kind::PermissionDenied`], [`Kind::InvalidArgument`] for a signal
/// that does not exist.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: i32, scope: Scope) -> Result<()> {
    // SAFETY: pidfd_send_signal requires a null or readable siginfo; null is passed, and the descriptor is
    // borrowed, so it is open.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            scope.flag(),
        )
    };
    if answer == 0 {
        return Ok(());
    }
    let errno = last_errno();
    let error = Error::os("pidfd_send_signal", errno);
    Err(if errno == Errno::INVAL { error.kind_is(Kind::InvalidArgument) } else { error })
}

/// Sends a signal by number, or with 0 only checks permission: for whoever has made sure whose number it is.
///
/// # Errors
/// As [`send_signal`]; [`Kind::InvalidArgument`] also for a number that stands for more than one process.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    if pid <= 0 {
        return Err(Error::os("kill", Errno::INVAL).kind_is(Kind::InvalidArgument).pid(pid));
    }
    // SAFETY: kill takes no pointers.
    if unsafe { libc::kill(pid, signal) } == 0 {
        return Ok(());
    }
    let errno = last_errno();
    let error = Error::os("kill", errno).pid(pid);
    Err(if errno == Errno::INVAL { error.kind_is(Kind::InvalidArgument) } else { error })
}

/// `struct pidfd_info`, first version (64 bytes).
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct RawInfo {
    mask: u64,
    cgroup_id: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    ruid: u32,
    rgid: u32,
    euid: u32,
    egid: u32,
    suid: u32,
    sgid: u32,
    fsuid: u32,
    fsgid: u32,
    exit_code: i32,
}

const INFO_PID: u64 = 1;
const INFO_CREDS: u64 = 1 << 1;
const INFO_CGROUP: u64 = 1 << 2;
const INFO_EXIT: u64 = 1 << 3;
/// `_IOWR(0xFF, 11, struct pidfd_info)` for the 64-byte structure.
const PIDFD_GET_INFO: libc::c_ulong = 0xc040_ff0b;

/// Asks the kernel who is behind a handle (6.13), and how it ended (6.15, once it was reaped).
///
/// # Errors
/// [`Kind::Gone`] once it was reaped, on kernels that do not keep the exit; [`Kind::Unsupported`] before 6.13.
pub fn info(pidfd: BorrowedFd<'_>) -> Result<Info> {
    // The kernel looks for the exit first and for the task then, so one that is reaped in between has neither. Its exit
    // was stored before the task went: the second answer is the true one.
    let raw =
        get_info(pidfd).or_else(|errno| if errno == Errno::SRCH { get_info(pidfd) } else { Err(errno) });
    let raw = raw.map_err(|errno| {
        let error = Error::os("ioctl(PIDFD_GET_INFO)", errno);
        match errno {
            Errno::NOTTY | Errno::INVAL => error.lacks(crate::Feature::PidfdInfo),
            _ => error,
        }
    })?;
    let ids = Ids { pid: raw.pid.cast_signed(), tgid: raw.tgid.cast_signed(), ppid: raw.ppid.cast_signed() };
    let credentials = Credentials {
        uid: [raw.ruid, raw.euid, raw.suid, raw.fsuid],
        gid: [raw.rgid, raw.egid, raw.sgid, raw.fsgid],
    };
    let told = |bit: u64| raw.mask & bit != 0;
    Ok(Info {
        // After the process was reaped the ids are zero, whatever the mask says.
        ids: (told(INFO_PID) && raw.pid != 0).then_some(ids),
        credentials: (told(INFO_CREDS) && raw.pid != 0).then_some(credentials),
        cgroup_id: told(INFO_CGROUP).then_some(raw.cgroup_id),
        exit_status: told(INFO_EXIT).then_some(raw.exit_code),
    })
}

fn get_info(pidfd: BorrowedFd<'_>) -> std::result::Result<RawInfo, Errno> {
    let mut raw = RawInfo { mask: INFO_PID | INFO_CREDS | INFO_CGROUP | INFO_EXIT, ..RawInfo::default() };
    // By its number, because the C libraries do not agree on the type of the request.
    // SAFETY: the ioctl requires a pointer to as many writable bytes as its number encodes (64); `raw` is a
    // live local of that size, and the descriptor is borrowed, so it is open.
    let answer = unsafe {
        libc::syscall(libc::SYS_ioctl, pidfd.as_raw_fd(), PIDFD_GET_INFO, std::ptr::from_mut(&mut raw))
    };
    if answer == 0 { Ok(raw) } else { Err(last_errno()) }
}

/// Asks about ourselves. `Err` is a passing condition: no descriptor was to be had.
pub(crate) fn probe_info() -> Result<Support> {
    let pidfd = match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(errno) => {
            return Support::classify(errno, Errno::SRCH).ok_or_else(|| Error::os("pidfd_open", errno));
        }
    };
    match get_info(std::os::fd::AsFd::as_fd(&pidfd)) {
        Ok(_) => Ok(Support::Present),
        Err(errno) => {
            Support::classify(errno, Errno::SRCH).ok_or_else(|| Error::os("ioctl(PIDFD_GET_INFO)", errno))
        }
    }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
