//! A procfs for looking at all processes at once.
//!
//! A new instance makes the files of every process anew, which takes longer than reading them. The /proc of the host has them
//! from whoever looked before, and a copy of it leaves behind what is mounted over them. It is taken where it shows what a new
//! instance would.

use std::os::fd::AsFd;

use kernel::{Error, Result};
use rustix::fs::{fstat, makedev};

use crate::base::Base;
use crate::handle::Procfs;
use crate::info::Origin;
use crate::mount_id::is_passing;
use crate::options::{Options, Strategy};
use crate::parse;

impl Procfs {
    /// Opens an unmasked procfs in which all processes of this pid namespace are looked up soonest. Whom the /proc of the host
    /// hides (`hidepid`) it shows where there may be a procfs of our own. Close it soon, as every unmasked one.
    ///
    /// # Errors
    /// As [`Procfs::open`].
    pub fn of_everybody() -> Result<Self> {
        let options = Options::unmasked();
        let copy = Self::open_with(&options, &Strategy::here().only(Origin::OpenTree));
        match copy.and_then(|copy| Ok(copy.shows_everybody()?.then_some(copy))) {
            Ok(Some(copy)) => Ok(copy),
            Err(error) if is_passing(&error) => Err(error),
            Ok(None) | Err(_) => Self::open(&options),
        }
    }

    /// True when it is known to be of our pid namespace and to hide nobody.
    fn shows_everybody(&self) -> Result<bool> {
        let status = parse::status(&self.read(&Base::OwnProcess, b"status")?);
        // One for each pid namespace from its own down to ours.
        let is_ours = status.namespaced_pids().is_some_and(|numbers| numbers.len() == 1);
        Ok(is_ours && !self.may_hide_processes()?)
    }

    /// The mount table tells how a file system was mounted, and knows it by its device; a copy is not in it.
    fn may_hide_processes(&self) -> Result<bool> {
        let device = fstat(self.root.fd.as_fd()).map_err(|errno| Error::os("fstat", errno))?.st_dev;
        let table = parse::mountinfo(&self.read(&Base::this_thread(), b"mountinfo")?)?;
        let host = table.iter().find(|mount| makedev(mount.device.0, mount.device.1) == device);
        let hides = |option: &[u8]| option.starts_with(b"hidepid");
        Ok(host.is_none_or(|host| host.super_options.split(|byte| *byte == b',').any(hides)))
    }
}
