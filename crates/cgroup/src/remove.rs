//! Removing a group, alone or with those below it.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use kernel::ready::Deadline;
use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{AtFlags, unlinkat};

use crate::events::Events;
use crate::group::Cgroup;
use crate::layout::Version;
use crate::members::Reach;
use crate::{bystander, tree};

/// How long to let the kernel be after it answered "busy" and there is nothing to wait for.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

impl Cgroup {
    /// Removes the group; with [`Reach::Subtree`] all groups below it first. Nothing is killed: while
    /// processes live in it, this waits for them to end or leave, until the deadline.
    ///
    /// A group that was removed before is no error, also when another of its name stands in its place: that one stays.
    /// Dropping the future stops it; groups that were removed by then stay so.
    ///
    /// # Errors
    /// `Busy` with the processes in it after the deadline, and at once when groups are below that were not to
    /// be removed; `PermissionDenied`; `InvalidArgument` for the top of a mount.
    pub async fn remove(&self, reach: Reach, deadline: Deadline) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.try_to_remove(reach) {
                Ok(()) => return Ok(()),
                // What was wanted is so, and a group that has come to stand in its place is another one.
                Err(error) if error.kind() == Kind::Gone => return Ok(()),
                Err(error) => error,
            };
            let waits = error.is(Errno::BUSY) && (reach == Reach::Subtree || self.children()?.is_empty());
            if !waits {
                return Err(error);
            }
            if deadline.has_passed() {
                return Err(bystander::explain(error, bystander::living(self)));
            }
            if self.version() == Version::V2 && Events::open(self)?.read()?.populated {
                Events::open(self)?.until(deadline, |now| Ok(!now.populated)).await?;
            } else {
                // Groups just emptied or removed below keep it busy for a moment that nothing announces, and
                // version 1 announces nothing at all.
                Deadline::after(deadline.remaining_up_to(pause)).passed().await;
                pause = LONGEST_PAUSE.min(pause.saturating_mul(2));
            }
        }
    }

    /// rmdir(2) goes by name, so the name is first compared with the group that is held. What could be hit in
    /// between is a group without processes of the same name, made within that moment.
    fn try_to_remove(&self, reach: Reach) -> Result<()> {
        let mut line = self.line()?;
        if !line.leads_to(self.identity()) {
            let error = Error::new(Kind::Gone, "rmdir", "the group was removed");
            return Err(error.at(self.path()));
        }
        line.steps.pop();
        let (Some(parent), Some(name)) = (line.steps.last(), self.path().file_name()) else {
            // Said before anything below is touched: that may be every idle group of the host.
            let error = Error::new(Kind::InvalidArgument, "rmdir", "the top of a mount cannot be removed");
            return Err(error.at(self.path()));
        };
        if reach == Reach::Subtree {
            self.remove_below()?;
        }
        unlinkat(parent.directory.as_fd(), name.as_bytes(), AtFlags::REMOVEDIR)
            .map_err(|errno| self.failed(errno))
    }

    fn remove_below(&self) -> Result<()> {
        for path in tree::below(self)?.iter().rev() {
            match unlinkat(self.as_fd(), path.as_slice(), AtFlags::REMOVEDIR) {
                // Gone is gone; what is busy makes the group above it busy, too.
                Ok(()) | Err(Errno::NOENT | Errno::BUSY) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
        }
        Ok(())
    }

    fn failed(&self, errno: Errno) -> Error {
        self.or_gone(Error::os("rmdir", errno).at(self.path()))
    }
}
