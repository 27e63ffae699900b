//! What a handle turned out to be, in the words of the public surface.

use kernel::{Errno, Error, Feature};

/// What was achieved when a procfs was opened. It does not change during the life of the handle.
#[derive(Debug, Clone)]
pub struct Info {
    /// Where the root came from.
    pub origin: Origin,
    /// True when the mount belongs to no mount namespace, so that nobody can mount over it.
    pub detached: bool,
    /// Which files exist in it.
    pub subset: Subset,
    /// Who walks paths.
    pub resolver: Resolver,
    /// How mounts are told apart.
    pub mount_id: MountIdSource,
    /// Every stronger step that was tried or ruled out, and why.
    pub attempts: Vec<Attempt>,
}

/// A step that would have been stronger, and what kept us from it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its name: that of an [`Origin`], `subset=pid`, or `openat2`.
    pub step: &'static str,
    /// Why it failed.
    pub error: Error,
}

impl Attempt {
    pub(crate) fn failed(step: &'static str, error: Error) -> Self {
        Self { step, error }
    }

    pub(crate) fn ruled_out(step: &'static str, errno: Errno) -> Self {
        Self { step, error: Error::os(step, errno) }
    }
}

/// Where a root came from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A new instance: nothing was ever mounted over it.
    Fsopen,
    /// A copy of the host's mount without what is mounted over it.
    OpenTree,
    /// A copy of the host's mount with what is mounted over it, unchangeable from now on.
    OpenTreeRecursive,
    /// The /proc of the host. What is mounted over it is refused when met.
    Host,
}

impl Origin {
    /// From the strongest to the weakest.
    pub const LADDER: [Self; 4] = [Self::Fsopen, Self::OpenTree, Self::OpenTreeRecursive, Self::Host];

    /// The name in the public surface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fsopen => "fsopen",
            Self::OpenTree => "open_tree",
            Self::OpenTreeRecursive => "open_tree_recursive",
            Self::Host => "host",
        }
    }

    /// Mounts of ours belong to no mount namespace; the host's does.
    pub(crate) const fn is_detached(self) -> bool {
        !matches!(self, Self::Host)
    }

    pub(crate) const fn is_free_of_overmounts(self) -> bool {
        matches!(self, Self::Fsopen | Self::OpenTree)
    }

    pub(crate) const fn feature(self) -> Option<Feature> {
        match self {
            Self::Fsopen => Some(Feature::Fsopen),
            Self::OpenTree | Self::OpenTreeRecursive => Some(Feature::OpenTree),
            Self::Host => None,
        }
    }
}

/// Which files exist in a procfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subset {
    /// Processes only (`subset=pid`).
    Pid,
    /// All of them.
    None,
}

impl Subset {
    /// The name in the public surface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::None => "none",
        }
    }
}

/// Who walks paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// The kernel, in one call.
    Openat2,
    /// We, a component at a time, checking each.
    Walk,
}

impl Resolver {
    /// The name in the public surface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openat2 => "openat2",
            Self::Walk => "walk",
        }
    }
}

/// How mounts are told apart, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MountIdSource {
    /// `STATX_MNT_ID_UNIQUE` (6.8): never used twice.
    Unique,
    /// `STATX_MNT_ID` (5.8): may be used again once a mount is gone.
    Statx,
    /// The `mnt_id` line of our own fdinfo (3.15), compared by inode where the kernel writes one (5.14).
    Fdinfo,
    /// Not at all: only the type of the file system is compared, and a procfs file mounted over another procfs
    /// file is not seen, unless the resolver is openat2.
    None,
}

impl MountIdSource {
    /// The name in the public surface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Statx => "statx",
            Self::Fdinfo => "fdinfo",
            Self::None => "none",
        }
    }
}
