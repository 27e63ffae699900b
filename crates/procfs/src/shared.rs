//! The one handle that the whole process shares, and how it survives having its descriptor closed under it.
//!
//! Only a root that is ours, detached and masked is kept: if its descriptor leaks, it shows processes that the
//! thief may trace anyway. Everything else is opened anew for every caller and closed when the last one is done,
//! because a long-lived descriptor of a full /proc, with a number that can be guessed, has been the way out of
//! containers before (CVE-2024-21626).
//!
//! Programs that close all descriptors before they run another program close this one too, and the number may
//! then belong to somebody else. Every call of [`shared`] therefore compares what the number refers to (one
//! fstat); a stranger's descriptor is forgotten, never closed. Operations on the handle compare nothing: call
//! [`shared`] for each task instead of keeping its result.

use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Errno, Error, Result};
use rustix::fs::fstat;
use rustix::io::fcntl_dupfd_cloexec;

use crate::handle::Procfs;
use crate::options::Options;

/// Device and inode: no other open file has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(fd: BorrowedFd<'_>) -> std::result::Result<Self, Errno> {
        fstat(fd).map(|stat| Self(stat.st_dev, stat.st_ino))
    }
}

struct Cached {
    procfs: Arc<Procfs>,
    identity: Identity,
}

static CACHED: Mutex<Option<Cached>> = Mutex::new(None);

/// The masked procfs of this process: the same handle every time where one may be shared, else a new one.
///
/// # Errors
/// As [`Procfs::open`].
pub fn shared() -> Result<Arc<Procfs>> {
    let mut cached = CACHED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = &*cached {
        match Identity::of(found.procfs.root.fd.as_fd()) {
            Ok(identity) if identity == found.identity => return Ok(Arc::clone(&found.procfs)),
            // Replaced, or closed: whatever has the number now is not ours to close.
            Ok(_) | Err(Errno::BADF) => *cached = None,
            Err(errno) => return Err(Error::os("fstat", errno)),
        }
    }
    let procfs = Procfs::open(&Options::default())?;
    if !procfs.is_shareable() {
        return Ok(Arc::new(procfs));
    }
    let identity = Identity::of(procfs.root.fd.as_fd()).map_err(|errno| Error::os("fstat", errno))?;
    let procfs = Arc::new(procfs.kept_at(raise));
    *cached = Some(Cached { procfs: Arc::clone(&procfs), identity });
    Ok(procfs)
}

/// Moves a descriptor to a number that is hard to guess and unlikely to be wanted by anybody; it stays where it
/// is when there is no room up there.
fn raise(fd: OwnedFd) -> OwnedFd {
    fcntl_dupfd_cloexec(&fd, high_number()).unwrap_or(fd)
}

/// Between 512 and 1007: under the usual limit of 1024, which keeps the table of descriptors small.
fn high_number() -> RawFd {
    const LOWEST: RawFd = 512;
    const SPREAD: u64 = 496;
    let chance = RandomState::new().hash_one(LOWEST) % SPREAD;
    LOWEST + RawFd::try_from(chance).unwrap_or(0)
}
