//! The numbers of all processes, a few at a time: so that work on the first begins before the last is known.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use kernel::{Error, Result};
use rustix::fs::RawDir;

use crate::base::Base;
use crate::handle::Procfs;
use crate::how::How;

/// Room for the names of some thirty processes.
const BUFFER: usize = 1024;

/// A listing that is under way.
#[derive(Debug)]
pub struct Pids(OwnedFd);

impl Procfs {
    /// Begins to list the processes that this procfs shows.
    ///
    /// # Errors
    /// As [`Procfs::open_file`].
    pub fn pids(&self) -> Result<Pids> {
        self.open_file(&Base::Root, b"", How::READ.directory()).map(Pids)
    }
}

impl Pids {
    /// The next few, lowest first; none once there are no more. Whoever is started meanwhile may be left out.
    ///
    /// # Errors
    /// What getdents64(2) said.
    pub fn some(&mut self) -> Result<Vec<i32>> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut entries = RawDir::new(&self.0, &mut buffer);
        let mut pids = Vec::new();
        // Global files come first, and may fill it.
        while pids.is_empty() || !entries.is_buffer_empty() {
            let Some(entry) = entries.next() else { break };
            let entry = entry.map_err(|errno| Error::os("getdents64", errno))?;
            pids.extend(entry.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok()));
        }
        Ok(pids)
    }
}
