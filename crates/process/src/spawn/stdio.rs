//! The descriptors of a child, and our ends of the pipes among them.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use kernel::fork::{Stage, duplicate};
use kernel::{Errno, Error, Result};
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

/// What a plan says of the child's descriptors, and in the same order our ends of its pipes, which do not block.
pub(super) struct Provided {
    pub descriptors: List<Arc<OwnedFd>>,
    pub null: Vec<u32>,
    pub ours: List<OwnedFd>,
}

pub(super) fn provide(wanted: Vec<Stdio>) -> Result<Provided> {
    let mut descriptors = Vec::with_capacity(wanted.len());
    let mut ours = Vec::with_capacity(wanted.len());
    let mut null = Vec::new();
    for (number, stdio) in (0_i32..).zip(wanted) {
        let refuse = |op| move |errno| super::failed(Stage::Descriptors, op, errno);
        let (their, our) = match stdio {
            Stdio::Pipe => {
                let (their, our) = pair(number).map_err(refuse("pipe2"))?;
                (Some(Arc::new(their)), Some(our))
            }
            Stdio::Null => {
                null.push(number.cast_unsigned());
                (None, None)
            }
            Stdio::Inherit => (Some(copy(number).map_err(refuse("fcntl(F_DUPFD_CLOEXEC)"))?), None),
            Stdio::Number(number) => (Some(copy(number).map_err(refuse("fcntl(F_DUPFD_CLOEXEC)"))?), None),
            Stdio::Fd(fd) => (Some(Arc::new(fd)), None),
        };
        descriptors.push(their);
        ours.push(our);
    }
    Ok(Provided { descriptors, null, ours })
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
