//! Being told that a group was removed. The files of a group that was empty wake nobody when they go, and neither version
//! reports `IN_DELETE_SELF`; the group above reports that something in it was deleted.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use kernel::{Error, Result};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::{Errno, read, retry_on_intr};

use crate::group::Cgroup;

/// An inotify descriptor on the group above.
#[derive(Debug)]
pub(crate) struct Removal(Arc<OwnedFd>);

impl Removal {
    /// `None` where nothing announces it: the group above is out of sight, or the user has no inotify instance left.
    pub(crate) fn announced(group: &Cgroup) -> Option<Self> {
        let mut line = group.line().ok()?;
        if !line.leads_to(group.identity()) {
            return None;
        }
        line.steps.pop();
        let parent = line.steps.last()?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        // inotify takes paths only. Where /proc is not genuine this watches something else, and the group is
        // looked for by the clock.
        let path = format!("/proc/self/fd/{}", parent.directory.as_raw_fd());
        inotify::add_watch(&inotify, path, WatchFlags::DELETE | WatchFlags::ONLYDIR).ok()?;
        Some(Self(Arc::new(inotify)))
    }

    pub(crate) fn descriptor(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.0)
    }

    /// Puts aside what was announced: whether it was this group is asked of the group.
    pub(crate) fn acknowledge(&self) -> Result<()> {
        let mut buffer = [0_u8; 4096];
        loop {
            match retry_on_intr(|| read(&*self.0, &mut buffer)) {
                Ok(0) | Err(Errno::AGAIN) => return Ok(()),
                Ok(_) => {}
                Err(errno) => return Err(Error::os("read", errno)),
            }
        }
    }
}
