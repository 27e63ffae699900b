//! Waiting for the end of a process that somebody else reaps.
//!
//! A pidfd reports two events: readable when the process exits, hung up when its parent has reaped it. Only then
//! does the kernel tell others how it ended, and only since 6.15. Kernels before 6.15 may also wake for the exit of
//! a thread, so no event is believed: each is a reason to ask.
//!
//! Before 6.15 there is one more witness: as long as the process is a zombie, its stat file says how it ended, to
//! whoever may trace it. A directory in /proc reports no events at all; there, and only there, we look again and again.

use std::os::fd::AsFd;
use std::time::Duration;

use kernel::ready::{self, Deadline};
use kernel::wait::Status;
use kernel::{Kind, Result, pidfd};
use procfs::parse::Stat;

use crate::directory::Directory;
use crate::exit::Exit;
use crate::handle::Process;
use crate::hold::{self, Hold};

/// How soon we look again first; from then on twice as long each time.
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// And how late at most.
const LATEST_LOOK: Duration = Duration::from_millis(50);

/// Asks without waiting; `None` when it has not ended, or when there is more to learn from its being reaped.
pub(crate) fn verdict(process: &Process) -> Result<Option<Exit>> {
    let handle = match process.held_by() {
        Hold::Handle(handle) => handle,
        Hold::Directory(directory) => return last_words(directory),
    };
    if !process.means().tell_exits() {
        return if process.is_alive()? { Ok(None) } else { zombie(process).map(Some) };
    }
    match pidfd::info(handle.as_fd()) {
        Ok(info) => Ok(info.exit_status.map(|word| Exit::Known { status: Status(word), usage: None })),
        // Reaped, and the exit was not kept: it was reaped before anybody held a handle.
        Err(error) if error.kind() == Kind::Gone => Ok(Some(Exit::Unknown)),
        Err(error) => Err(error.pid(process.pid())),
    }
}

pub(crate) async fn ended(process: &Process) -> Result<Exit> {
    if let Some(exit) = verdict(process)? {
        return Ok(exit);
    }
    if let Some(watched) = process.watch()? {
        return watched.until(|| verdict(process)).await;
    }
    let mut pause = FIRST_LOOK;
    loop {
        Deadline::after(pause).passed().await;
        if let Some(exit) = verdict(process)? {
            return Ok(exit);
        }
        pause = LATEST_LOOK.min(pause.saturating_mul(2));
    }
}

pub(crate) fn ended_blocking(process: &Process, deadline: Deadline) -> Result<Option<Exit>> {
    let mut pause = FIRST_LOOK;
    loop {
        if let Some(exit) = verdict(process)? {
            return Ok(Some(exit));
        }
        let over = match process.held_by() {
            Hold::Handle(handle) if process.means().tell_exits() => {
                !ready::blocking_hang_up(handle.as_fd(), deadline)?
            }
            Hold::Handle(handle) => !ready::blocking(handle.as_fd(), deadline)?,
            Hold::Directory(_) => {
                ready::blocking_any(&[], Deadline::after(deadline.remaining_up_to(pause)))?;
                pause = LATEST_LOOK.min(pause.saturating_mul(2));
                deadline.has_passed()
            }
        };
        if over {
            return verdict(process);
        }
    }
}

/// What can be learnt of one that has exited and may have been reaped meanwhile.
fn zombie(process: &Process) -> Result<Exit> {
    match process.directory() {
        Ok(directory) => last_words(&directory).map(|exit| exit.unwrap_or(Exit::Unknown)),
        // Out of sight, as with hidepid, or reaped.
        Err(error) if error.kind() != Kind::Os => Ok(Exit::Unknown),
        Err(error) => Err(error),
    }
}

/// `None` while it has not exited.
fn last_words(directory: &Directory) -> Result<Option<Exit>> {
    let Some(stat) = hold::stat(directory)? else { return Ok(Some(Exit::Unknown)) };
    if !stat.is_zombie() {
        return Ok(None);
    }
    let status = exit_status(&stat, directory);
    Ok(Some(status.map_or(Exit::Unknown, |word| Exit::Known { status: Status(word), usage: None })))
}

/// A zero may mean that we are not allowed to know. Whoever may read `io` is: both ask for the same permission.
fn exit_status(stat: &Stat, directory: &Directory) -> Option<i32> {
    stat.exit_status().filter(|word| *word != 0 || directory.read(b"io").is_ok())
}
