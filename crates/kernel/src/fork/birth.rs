//! A child between clone and exec: the memory it runs in, and how its start turned out.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::{Errno, read};

use super::dumpable::Kept;
use super::script::Script;
use super::stack::Stack;
use super::status::{Failure, RECORD_BYTES};
use crate::error::{Error, Result};

/// How a start turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The program is being executed, or the child was killed before: its exit tells.
    Started,
    /// It reported a step that failed and has exited, or is about to: it is to be reaped.
    Failed(Failure),
}

/// What the child uses of ours until it has its own memory.
#[derive(Debug)]
pub(super) struct Lent {
    pub stack: Stack,
    pub script: Script,
    pub dumpable: Option<Kept>,
}

/// A child that may still run in our memory.
///
/// Only the end of the status pipe proves that it does not: the kernel gives a task its new memory before it closes
/// what is close-on-exec, and takes the old one away at exit before it closes what is left. Until then the stack
/// and the orders stay where they are; dropping this earlier leaks them, which is the only sound thing to do. Dropping
/// it later gives them back, whether or not anybody asked.
#[derive(Debug)]
pub struct Birth(State);

#[derive(Debug)]
enum State {
    Running { pipe: Arc<OwnedFd>, reported: Option<Failure>, lent: ManuallyDrop<Lent> },
    Over(Outcome),
}

impl Birth {
    pub(super) fn new(pipe: OwnedFd, lent: Lent) -> Self {
        Self(State::Running { pipe: Arc::new(pipe), reported: None, lent: ManuallyDrop::new(lent) })
    }

    /// The descriptor to wait for: readable whenever [`Birth::poll`] has news. `None` once all is known.
    #[must_use]
    pub fn pipe(&self) -> Option<&Arc<OwnedFd>> {
        match &self.0 {
            State::Running { pipe, .. } => Some(pipe),
            State::Over(_) => None,
        }
    }

    /// Asks how it turned out, without waiting; `None` while it is not known. Gives the memory back once it is.
    ///
    /// # Errors
    /// The errno of read(2); none is known to happen.
    pub fn poll(&mut self) -> Result<Option<Outcome>> {
        let outcome = match &mut self.0 {
            State::Over(outcome) => return Ok(Some(*outcome)),
            State::Running { pipe, reported, .. } => match drain(pipe.as_fd(), reported)? {
                Drained::Empty => return Ok(None),
                Drained::Ended => reported.map_or(Outcome::Started, Outcome::Failed),
            },
        };
        if let State::Running { lent, .. } = std::mem::replace(&mut self.0, State::Over(outcome)) {
            let Lent { stack, script, dumpable } = ManuallyDrop::into_inner(lent);
            stack.give_back();
            drop((script, dumpable));
        }
        Ok(Some(outcome))
    }
}

impl Drop for Birth {
    fn drop(&mut self) {
        let _asked_for_the_last_time = self.poll();
    }
}

enum Drained {
    Empty,
    Ended,
}

fn drain(pipe: BorrowedFd<'_>, reported: &mut Option<Failure>) -> Result<Drained> {
    loop {
        let mut record = [0_u8; RECORD_BYTES];
        match read(pipe, &mut record) {
            Ok(0) => return Ok(Drained::Ended),
            Ok(_) => *reported = Failure::from_record(&record),
            Err(Errno::AGAIN) => return Ok(Drained::Empty),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os("read", errno).context("status of a spawn")),
        }
    }
}
