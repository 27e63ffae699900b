//! The second look-up through the attached /proc of the host, for what a detached root cannot answer.

use std::os::fd::OwnedFd;

use kernel::{Errno, Error, Kind, Result};

use crate::handle::Procfs;
use crate::how::How;
use crate::info::{Origin, Resolver};
use crate::mount_id::is_passing;
use crate::options::Options;
use crate::subpath::{Owner, Subpath};

/// Said of a denial that only the detached root gives.
const DENIED_BY_PATH: &str = "the attached /proc allows it, this detached one does not: probably a security module \
    with rules about paths (AppArmor), which knows no path for files of a detached mount; retrying through the \
    attached /proc can be allowed";

/// Why a detached root cannot answer and the attached /proc may.
#[derive(Clone, Copy)]
enum Reason {
    /// It denied what the attached /proc may allow.
    Denied,
    /// It met a mount that may show what it covers. No mount table lists the mounts of a detached tree, so that
    /// can be found out in the attached one only.
    Covered,
}

impl Procfs {
    /// One look-up from the root, and where there is reason for it a second one through the /proc of the host.
    #[inline]
    pub(crate) fn open_or_ask_the_host(&self, path: &Subpath, how: How) -> Result<OwnedFd> {
        self.open_here(path, how).or_else(|error| self.ask_the_host(error, path, how))
    }

    #[cold]
    fn ask_the_host(&self, error: Error, path: &Subpath, how: How) -> Result<OwnedFd> {
        let Some(reason) = self.reason(&error, path, how) else { return Err(error) };
        match (self.open_attached(path, how), reason) {
            (Ok(file), Reason::Covered) => Ok(file),
            (Ok(file), Reason::Denied) if self.retry_attached => Ok(file),
            (Ok(_), Reason::Denied) => Err(error.hint(DENIED_BY_PATH)),
            (Err(passing), _) if is_passing(&passing) => Err(passing),
            (Err(_), _) => Err(error),
        }
    }

    fn reason(&self, error: &Error, path: &Subpath, how: How) -> Option<Reason> {
        // The attached /proc may be that of another pid namespace: only names that mean the same in both are
        // looked up there.
        let is_same_there = match path.owner() {
            Owner::Everybody => true,
            Owner::Ourselves => !path.as_bytes().starts_with(b"self/task/"),
            Owner::Process(_) => false,
        };
        if !is_same_there {
            return None;
        }
        match self.info.origin {
            // Only openat2 makes a look-up in the attached /proc atomic, and it ends before a magic link.
            Origin::Fsopen | Origin::OpenTree | Origin::OpenTreeRecursive
                if error.is(Errno::ACCESS) && self.info.resolver == Resolver::Openat2 && !how.follows() =>
            {
                Some(Reason::Denied)
            }
            Origin::OpenTreeRecursive if error.kind() == Kind::Overmount && how.allows_same_procfs() => {
                Some(Reason::Covered)
            }
            _ => None,
        }
    }

    fn open_attached(&self, path: &Subpath, how: How) -> Result<OwnedFd> {
        let host = self.strategy.clone().only(Origin::Host);
        Self::open_with(&Options::unmasked(), &host)?.open_here(path, how)
    }
}
