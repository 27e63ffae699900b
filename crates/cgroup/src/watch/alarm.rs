//! Lack of memory in version 1: the kernel counts into an eventfd that it is given, and tells of kills in a file.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use kernel::{Error, Kind, Result};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::OFlags;
use rustix::io::{Errno, read, retry_on_intr};

use crate::group::Cgroup;
use crate::interface;
use crate::keyed::optional;
use crate::layout::Version;

/// What the alarm is about.
pub(crate) const FILE: &str = "memory.oom_control";
const REGISTRATION: &[u8] = b"cgroup.event_control";

/// An eventfd that rings when the group lacks memory.
#[derive(Debug)]
pub(crate) struct Alarm {
    bell: Arc<OwnedFd>,
    file: OwnedFd,
    count: u64,
}

impl Alarm {
    /// `None` where the group has no such file. The kernel forgets the registration when the eventfd is closed.
    ///
    /// # Errors
    /// Those of interface files and of eventfd(2).
    pub(crate) fn set(group: &Cgroup) -> Result<Option<Self>> {
        if group.version() == Version::V2 {
            return Ok(None);
        }
        let Some(file) = optional(interface::open(group, FILE.as_bytes(), OFlags::RDONLY))? else {
            return Ok(None);
        };
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| Error::os("eventfd2", errno))?;
        let registration = interface::open(group, REGISTRATION, OFlags::WRONLY)?;
        let request = format!("{} {}", bell.as_raw_fd(), file.as_raw_fd());
        interface::put(group, &registration, REGISTRATION, request.as_bytes())?;
        Ok(Some(Self { bell: Arc::new(bell), file, count: 0 }))
    }

    pub(crate) fn descriptor(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.bell)
    }

    /// How often it has rung since it was set. The kernel keeps no such count.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Counts what has rung, and reads what the kernel counts.
    ///
    /// # Errors
    /// `Gone`; the removal of a group rings, too, and is not counted.
    pub(crate) fn read(&mut self, group: &Cgroup) -> Result<Vec<u8>> {
        let mut number = [0_u8; 8];
        let rung = match retry_on_intr(|| read(&*self.bell, &mut number)) {
            Ok(_) => u64::from_ne_bytes(number),
            Err(Errno::AGAIN) => 0,
            Err(errno) => return Err(Error::os("read", errno)),
        };
        if rung > 0 && !group.exists()? {
            return Err(Error::new(Kind::Gone, "read", "the group was removed").at(group.path()));
        }
        self.count = self.count.saturating_add(rung);
        interface::get(group, &self.file, FILE.as_bytes())
    }
}
