//! The descriptors of a child, and our ends of the pipes among them.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use kernel::fork::{Stage, duplicate};
use kernel::{Errno, Error, Result};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::ioctl_fionbio;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

/// The ends of a new pipe, the one to read from first.
///
/// # Errors
/// `EMFILE`, `ENFILE`.
pub fn pipe(close_on_exec: bool, non_blocking: bool) -> Result<[OwnedFd; 2]> {
    let mut flags = PipeFlags::empty();
    flags.set(PipeFlags::CLOEXEC, close_on_exec);
    flags.set(PipeFlags::NONBLOCK, non_blocking);
    pipe_with(flags).map(|(read, write)| [read, write]).map_err(|errno| Error::os("pipe2", errno))
}

/// What a descriptor of the child is.
#[derive(Debug)]
pub enum Stdio {
    /// A pipe to us: the child reads from 0 and writes to 1 and 2; from 3 on it is a socket, for both directions.
    Pipe,
    /// /dev/null.
    Null,
    /// The one with the same number of ours.
    Inherit,
    /// The one with this number of ours, as it is at the moment of the spawn.
    Number(i32),
    /// This one.
    Fd(OwnedFd),
}

/// Descriptors in the order of their numbers in the child.
type List<T> = Vec<Option<T>>;

/// The child's descriptors, and in the same order our ends of its pipes, which do not block.
pub(super) fn provide(wanted: Vec<Stdio>) -> Result<(List<Arc<OwnedFd>>, List<OwnedFd>)> {
    let mut theirs = Vec::with_capacity(wanted.len());
    let mut ours = Vec::with_capacity(wanted.len());
    let mut null = None;
    for (number, stdio) in (0_i32..).zip(wanted) {
        let refuse = |op| move |errno| super::failed(Stage::Descriptors, op, errno);
        let (their, our) = match stdio {
            Stdio::Pipe => {
                let (their, our) = pair(number).map_err(refuse("pipe2"))?;
                (Arc::new(their), Some(our))
            }
            Stdio::Null => (null_device(&mut null).map_err(refuse("openat"))?, None),
            Stdio::Inherit => (copy(number).map_err(refuse("fcntl(F_DUPFD_CLOEXEC)"))?, None),
            Stdio::Number(number) => (copy(number).map_err(refuse("fcntl(F_DUPFD_CLOEXEC)"))?, None),
            Stdio::Fd(fd) => (Arc::new(fd), None),
        };
        theirs.push(Some(their));
        ours.push(our);
    }
    Ok((theirs, ours))
}

/// Opened once for all descriptors that are to be it.
fn null_device(opened: &mut Option<Arc<OwnedFd>>) -> std::result::Result<Arc<OwnedFd>, Errno> {
    if let Some(device) = opened {
        return Ok(Arc::clone(device));
    }
    let device = Arc::new(openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?);
    Ok(Arc::clone(opened.insert(device)))
}

fn copy(number: i32) -> std::result::Result<Arc<OwnedFd>, Errno> {
    duplicate(number).map(Arc::new)
}

/// The child's end, which blocks as programs expect, and ours, which does not.
fn pair(number: i32) -> std::result::Result<(OwnedFd, OwnedFd), Errno> {
    let (their, our) = match number {
        0 => pipe_with(PipeFlags::CLOEXEC)?,
        1 | 2 => {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            (write, read)
        }
        _ => socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?,
    };
    ioctl_fionbio(&our, true)?;
    Ok((their, our))
}
