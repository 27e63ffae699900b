//! Resource limits by name, of this process and of others.

use kernel::Result;
use kernel::limits::{self, Limit};
use rustix::process::Resource;

use crate::handle::Process;

/// A resource by its name in getrlimit(2), without `RLIMIT_` and in lower case. `None` for a name that Linux does not have.
#[must_use]
pub fn resource_named(name: &str) -> Option<Resource> {
    Some(match name {
        "as" => Resource::As,
        "core" => Resource::Core,
        "cpu" => Resource::Cpu,
        "data" => Resource::Data,
        "fsize" => Resource::Fsize,
        "locks" => Resource::Locks,
        "memlock" => Resource::Memlock,
        "msgqueue" => Resource::Msgqueue,
        "nice" => Resource::Nice,
        "nofile" => Resource::Nofile,
        "nproc" => Resource::Nproc,
        "rss" => Resource::Rss,
        "rtprio" => Resource::Rtprio,
        "rttime" => Resource::Rttime,
        "sigpending" => Resource::Sigpending,
        "stack" => Resource::Stack,
        _ => return None,
    })
}

/// Our own limit.
///
/// # Errors
/// Those of [`kernel::limits::get`].
pub fn resource_limit(resource: Resource) -> Result<Limit> {
    limits::get(OURSELVES, resource)
}

/// Changes what is given of a limit of our own, and leaves the other half as it is. Answers with the limit in force
/// afterwards.
///
/// # Errors
/// Those of [`kernel::limits::set`].
pub fn change_limit(resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<Limit> {
    change(OURSELVES, resource, soft, hard)
}

impl Process {
    /// A limit of it. The kernel takes only the number, so the answer counts only if the process exists before and
    /// after.
    ///
    /// # Errors
    /// [`Kind::Gone`](kernel::Kind::Gone) once it was reaped;
    /// [`Kind::PermissionDenied`](kernel::Kind::PermissionDenied) unless all its ids are ours, or we have
    /// `CAP_SYS_RESOURCE`.
    pub fn resource_limit(&self, resource: Resource) -> Result<Limit> {
        self.by_number("prlimit64", |pid| limits::get(pid, resource))
    }

    /// [`change_limit`] of it, likewise by number: a child of ours cannot be missed; anybody else might end, be reaped and
    /// give its number away between our look and the change, which then answers with `Gone`.
    ///
    /// # Errors
    /// As [`Process::resource_limit`] and [`kernel::limits::set`].
    pub fn change_limit(&self, resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<Limit> {
        self.by_number("prlimit64", |pid| change(pid, resource, soft, hard))
    }
}

/// What prlimit(2) takes for the caller.
const OURSELVES: i32 = 0;

fn change(pid: i32, resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<Limit> {
    limits::set(pid, resource, complete(pid, resource, soft, hard)?)?;
    limits::get(pid, resource)
}

/// Ours where a half is missing: the kernel takes both or none.
pub(crate) fn own(resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<Limit> {
    complete(OURSELVES, resource, soft, hard)
}

fn complete(pid: i32, resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<Limit> {
    Ok(match (soft, hard) {
        (Some(soft), Some(hard)) => Limit { soft, hard },
        (soft, hard) => {
            let now = limits::get(pid, resource)?;
            Limit { soft: soft.unwrap_or(now.soft), hard: hard.unwrap_or(now.hard) }
        }
    })
}
