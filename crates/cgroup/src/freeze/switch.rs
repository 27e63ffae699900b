//! The open files through which a group is asked to freeze, in the dialect of its hierarchy.

use super::{Dialect, v1, v2};
use crate::group::Cgroup;
use kernel::Result;

/// They go on working when the group can no longer be reached by name, and fail with `ENODEV` once it was
/// removed.
#[derive(Debug)]
pub(super) enum Switch {
    V1(v1::Switch),
    V2(v2::Switch),
}

impl Switch {
    pub(super) fn open(group: &Cgroup) -> Result<Self> {
        match Dialect::of(group, "freeze")? {
            Dialect::V1 => v1::Switch::open(group).map(Self::V1),
            Dialect::V2 => v2::Switch::open(group).map(Self::V2),
        }
    }

    /// What is asked of the group itself, not what was achieved, and not what is asked of those above it.
    pub(super) fn is_on(&self) -> rustix::io::Result<bool> {
        match self {
            Self::V1(switch) => switch.is_on(),
            Self::V2(switch) => switch.is_on(),
        }
    }

    pub(super) fn set(&self, on: bool) -> rustix::io::Result<()> {
        match self {
            Self::V1(switch) => switch.set(on),
            Self::V2(switch) => switch.set(on),
        }
    }

    pub(super) const fn file(&self) -> &'static str {
        match self {
            Self::V1(_) => "freezer.state",
            Self::V2(_) => "cgroup.freeze",
        }
    }
}
