//! Sending a signal to everybody in a group and below, each held before it is hit.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use kernel::{Capabilities, Errno, Error, Feature, Kind, Result, pidfd};

use crate::group::Cgroup;
use crate::members::{self, Reach};

/// `SIGKILL`, the same on every architecture.
pub(crate) const KILL: i32 = 9;
/// How many processes are held at a time: descriptors are few, and each batch costs a listing.
const BATCH: usize = 64;

/// What became of one round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Who got the signal.
    pub(crate) sent: BTreeSet<i32>,
    /// Who could not be signalled, and why.
    pub(crate) refused: Vec<Error>,
}

/// Signals those processes of the group and below that are wanted. A process is hit only if it is still listed
/// after it was held: a number that was given to somebody else in between is not.
///
/// In a threaded group these are the processes that have a thread in it.
///
/// # Errors
/// Those of listing the group and of holding a process; a signal that is refused is told in the round.
///
/// # Kernel
/// 5.3. Without `pidfd_open` signals go to numbers, right after these were listed.
pub(crate) fn send(group: &Cgroup, signal: i32, wanted: impl Fn(i32) -> bool) -> Result<Round> {
    let mut round = Round::default();
    let listed: Vec<i32> = processes(group)?.into_iter().filter(|pid| wanted(*pid)).collect();
    let here = Capabilities::here();
    if !here.has(Feature::PidfdOpen) || !here.has(Feature::PidfdSendSignal) {
        for pid in listed {
            round.note(pid, kernel::signal::send(pid, signal));
        }
        return Ok(round);
    }
    for batch in listed.chunks(BATCH) {
        let mut held = Vec::with_capacity(batch.len());
        for &pid in batch {
            match pidfd::open(pid) {
                Ok(handle) => held.push((pid, handle)),
                // It ended; and a number that is that of a thread now was that of a process that ended.
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::InvalidArgument) => {}
                Err(error) => return Err(error),
            }
        }
        let still = processes(group)?;
        for (pid, handle) in held.iter().filter(|(pid, _)| still.contains(pid)) {
            round.note(*pid, pidfd::send_signal(handle.as_fd(), signal, pidfd::Scope::Handle));
        }
    }
    Ok(round)
}

impl Round {
    fn note(&mut self, pid: i32, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                self.sent.insert(pid);
            }
            // It ended.
            Err(error) if error.kind() == Kind::Gone => {}
            Err(error) => self.refused.push(error.pid(pid)),
        }
    }
}

/// The processes of a group and below; of a threaded group, which lists none, those of its threads.
pub(crate) fn processes(group: &Cgroup) -> Result<BTreeSet<i32>> {
    match group.pids(Reach::Subtree) {
        Err(error) if error.is(Errno::OPNOTSUPP) => {
            let procfs = procfs::shared()?;
            let tasks = members::tasks_of_all(group)?;
            Ok(tasks.into_iter().filter_map(|task| members::process_of(&procfs, task)).collect())
        }
        pids => Ok(pids?.into_iter().collect()),
    }
}
