//! Writes to several files as one: each is known to be possible before the first, and taken back if a later one fails.

use std::os::fd::OwnedFd;

use kernel::{Error, Result};
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::interface;

/// What will be written, in this order.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    group: &'a Cgroup,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    file: OwnedFd,
    name: &'static str,
    /// What stands there, to be put back.
    before: Vec<u8>,
    after: String,
}

impl<'a> Plan<'a> {
    pub(crate) fn of(group: &'a Cgroup) -> Self {
        Self { group, steps: Vec::new() }
    }

    pub(crate) fn group(&self) -> &'a Cgroup {
        self.group
    }

    /// Adds a write. The file is opened now, so that what cannot be written is known before anything is.
    ///
    /// # Errors
    /// Those of opening and reading an interface file.
    pub(crate) fn add(&mut self, name: &'static str, after: String) -> Result<()> {
        let file = interface::open(self.group, name.as_bytes(), OFlags::RDWR)?;
        let before = interface::get(self.group, &file, name.as_bytes())?;
        self.steps.push(Step { file, name, before, after });
        Ok(())
    }

    /// Writes everything, or puts back what was written.
    ///
    /// # Errors
    /// That of the write which failed.
    pub(crate) fn carry_out(&self) -> Result<()> {
        for (at, step) in self.steps.iter().enumerate() {
            if let Err(error) = step.write(self.group, step.after.as_bytes()) {
                return Err(self.take_back(at, error));
            }
        }
        Ok(())
    }

    /// In reverse, because one write may have made room for the next.
    fn take_back(&self, count: usize, error: Error) -> Error {
        let mut complete = true;
        for step in self.steps.iter().take(count).rev() {
            complete &= step.write(self.group, step.before.trim_ascii_end()).is_ok();
        }
        if complete {
            error
        } else {
            error.context("some of the limits were changed and could not be put back")
        }
    }
}

impl Step {
    fn write(&self, group: &Cgroup, value: &[u8]) -> Result<()> {
        interface::put(group, &self.file, self.name.as_bytes(), value)
    }
}
