//! The version 2 dialect: cgroup.freeze is what was asked for, cgroup.events what was achieved.

use std::os::fd::{AsFd, OwnedFd};

use kernel::{Errno, Error, Feature, Result};
use rustix::fs::OFlags;
use rustix::io::{pread, pwrite, retry_on_intr};

use super::{FreezeState, FrozenBy, Phase, stopped};
use crate::events::Events;
use crate::group::Cgroup;
use crate::interface;

const FILE: &[u8] = b"cgroup.freeze";

/// The open cgroup.freeze of one group.
#[derive(Debug)]
pub(super) struct Switch(OwnedFd);

impl Switch {
    pub(super) fn open(group: &Cgroup) -> Result<Self> {
        interface::open_feature(group, FILE, OFlags::RDWR, Feature::CgroupV2Freeze).map(Self)
    }

    pub(super) fn is_on(&self) -> rustix::io::Result<bool> {
        is_on(&self.0)
    }

    pub(super) fn set(&self, on: bool) -> rustix::io::Result<()> {
        let value: &[u8] = if on { b"1" } else { b"0" };
        retry_on_intr(|| pwrite(&self.0, value, 0)).map(drop)
    }
}

fn is_on(file: impl AsFd) -> rustix::io::Result<bool> {
    let mut value = [0_u8; 8];
    let length = retry_on_intr(|| pread(&file, &mut value, 0))?;
    Ok(length > 0 && value.starts_with(b"1"))
}

pub(super) fn state(group: &Cgroup) -> Result<FreezeState> {
    let switch = interface::open_feature(group, FILE, OFlags::RDONLY, Feature::CgroupV2Freeze)?;
    let itself =
        is_on(&switch).map_err(|errno| group.or_gone(Error::os("pread64", errno).at(group.path())))?;
    let by = if itself {
        FrozenBy::Itself
    } else if is_asked_of_ancestor(group)? {
        FrozenBy::Ancestor
    } else {
        // `frozen 1` may linger here for as long as no task of a thawed group has come to run.
        return Ok(FreezeState { phase: Phase::Thawed, by: None });
    };
    let achieved = Events::open(group)?.read()?.frozen && stopped::beside_children(group)?;
    let phase = if achieved { Phase::Frozen } else { Phase::Freezing };
    Ok(FreezeState { phase, by: Some(by) })
}

/// Whether a group above asks for a freeze, as far up as our mount shows.
pub(super) fn is_asked_of_ancestor(group: &Cgroup) -> Result<bool> {
    let mut line = group.line()?;
    if line.leads_to(group.identity()) {
        line.steps.pop();
    }
    for step in line.steps {
        match group.top().lookup.open(step.directory.as_fd(), FILE, OFlags::RDONLY) {
            Ok(file) if is_on(&file).unwrap_or(false) => return Ok(true),
            // The root has no such file, and a group that is gone asks for nothing.
            Ok(_) | Err(Errno::NOENT | Errno::NODEV) => {}
            Err(errno) => return Err(group.top().failed(errno).at(group.path())),
        }
    }
    Ok(false)
}
