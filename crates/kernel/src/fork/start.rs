//! The parent's side: status pipe, script, stack, clone.
//!
//! # Safety
//! Hands the child memory that [`Birth`] keeps until the child has left it.
#![expect(unsafe_code, reason = "clone")]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::birth::{Birth, Lent};
use super::clone::{Memory, Request, clone};
use super::dumpable::Kept;
use super::plan::Plan;
use super::script::{Script, above};
use super::stack::Stack;
use super::status::{Failure, Stage};
use super::{Engine, child};

/// A child that was created and has not yet become the program.
#[derive(Debug)]
pub struct Newborn {
    /// Its process id.
    pub pid: i32,
    /// Its handle.
    pub pidfd: OwnedFd,
    /// How its start turns out; to be polled until it is known.
    pub birth: Birth,
    /// Writing a byte to it releases a child that is held back; closing it ends the child. `None` when it is not.
    pub release: Option<OwnedFd>,
}

/// Creates a child that will perform the plan. Returns as soon as it exists.
///
/// # Errors
/// What failed before the child could run; it then does not exist, and every descriptor of the plan is closed.
pub fn start(engine: Engine, plan: Plan) -> Result<Newborn, Failure> {
    let stage = |stage| move |errno| Failure { stage, index: 0, errno };
    let in_group = !plan.cgroups.is_empty();
    let (changes_credentials, namespaces, memory) =
        (plan.credentials.is_some(), plan.namespaces, memory(&plan));
    let (ours, theirs) = status_pipe(plan.descriptors.len()).map_err(stage(Stage::Clone))?;
    let (script, given) = Script::write(engine, plan, theirs.as_raw_fd())?;
    let stack = Stack::take().map_err(stage(Stage::Clone))?;
    let dumpable = changes_credentials.then(Kept::remember);
    let request = Request {
        memory,
        namespaces,
        exit_signal: libc::SIGCHLD,
        stack: &stack,
        cgroup: given.born_in.as_ref().map(AsFd::as_fd),
        entry: child::run,
        argument: std::ptr::from_ref(&*script.orders),
    };
    // SAFETY: clone requires an entry that is sound in shared memory, and memory that stays until the child has left
    // it: `run` obeys the rules of the front page, and `Birth` keeps stack and script until the pipe has ended.
    let cloned = unsafe { clone(engine.strategy, &request) };
    match cloned {
        Ok((pid, pidfd)) => {
            let birth = Birth::new(ours, Lent { stack, script, dumpable });
            Ok(Newborn { pid, pidfd, birth, release: given.release })
        }
        Err(errno) => {
            stack.give_back();
            // clone3 looks the group up and attaches to it as part of the clone; these are that part's answers.
            let refused_by_group = in_group
                && matches!(
                    errno,
                    Errno::BADF
                        | Errno::ACCESS
                        | Errno::BUSY
                        | Errno::OPNOTSUPP
                        | Errno::NODEV
                        | Errno::NOENT
                );
            Err(stage(if refused_by_group { Stage::Cgroup } else { Stage::Clone })(errno))
        }
    }
}

/// The score for the out-of-memory killer is given to all who share memory with whoever writes it (the flag
/// `MMF_MULTIPROCESS`), unless it was born by vfork. Where waiting for the child could last for ever, as in a group that
/// somebody has frozen or for maps that we are to write, it is given a copy instead.
fn memory(plan: &Plan) -> Memory {
    match plan.oom_score_adjust {
        None => Memory::Shared,
        Some(_) if plan.held_back || !plan.cgroups.is_empty() => Memory::Copied,
        Some(_) => Memory::Suspending,
    }
}

/// Neither end blocks: the one record that is ever written fits. Theirs is numbered above their descriptors.
fn status_pipe(descriptors: usize) -> Result<(OwnedFd, OwnedFd), Errno> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let least = RawFd::try_from(descriptors).map_err(|_| Errno::MFILE)?;
    Ok((ours, above(theirs, least)?))
}

/// A duplicate, close-on-exec, of whatever stands at this number in our table now: how a descriptor that somebody
/// else owns is passed on, without trusting its owner to keep it open.
///
/// # Errors
/// `EBADF` when nothing does, `EMFILE`.
pub fn duplicate(number: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: F_DUPFD_CLOEXEC takes and returns numbers and touches no memory.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::BADF));
    }
    // SAFETY: the descriptor must be open and ours alone; it was created by this call.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
