//! Why a group has no file of a controller, and where that controller is.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use kernel::{Errno, Error, Kind};
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::interface;
use crate::layout::{Layout, Version};
use crate::matcher::Matcher;

/// Where a controller is that a group should have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// In this very group, which lacks the file nevertheless.
    Here,
    /// At this root of version 2, which has no limits.
    Root,
    /// In a hierarchy of version 1.
    Version1,
    /// In the hierarchy of version 2.
    Version2,
    /// In the hierarchy of this group, and not handed down to it.
    Above,
    /// In no hierarchy.
    Nowhere,
}

/// Adds to the error of a file that is missing why it is, and which group has it.
///
/// What cannot be found out is left out: this decorates an error and must not replace it.
pub(crate) fn explain(error: Error, group: &Cgroup, controller: &'static str) -> Error {
    if error.kind() != Kind::Unsupported || !error.is(Errno::NOENT) {
        return error;
    }
    let Some(home) = home_of(group, controller) else { return error };
    match home {
        Home::Here => error.detail("this kernel has no such file"),
        Home::Root => error.detail("the root of a hierarchy has no limits"),
        Home::Version1 => {
            error.detail(format!("the controller '{controller}' is attached to version 1")).hint(format!(
                "use a group of its own hierarchy: Cgroup.create(path, {{ controller: '{controller}' }})"
            ))
        }
        Home::Version2 => error
            .detail(format!("the controller '{controller}' is in version 2"))
            .hint("use a group of that hierarchy: Cgroup.create(path, { unified: true })"),
        Home::Above => error
            .detail(format!("the controller '{controller}' is not enabled for this group"))
            .hint(format!(
                "write '+{controller}' to cgroup.subtree_control of every group above it, the root first"
            )),
        Home::Nowhere => error
            .detail(format!("no hierarchy has the controller '{controller}'"))
            .hint("the kernel was built or booted without it (CONFIG_*, cgroup_disable=)"),
    }
}

fn home_of(group: &Cgroup, controller: &str) -> Option<Home> {
    let layout = Layout::detect(&*procfs::shared().ok()?).ok()?;
    let version_1 = layout.hierarchy(&Matcher::Controller(controller.to_owned()));
    if let Some(found) = version_1 {
        let own = layout.hierarchy(group.hierarchy()).is_some_and(|own| own.id == found.id);
        return Some(if own { Home::Here } else { Home::Version1 });
    }
    if group.version() == Version::V2 {
        return Some(home_in_version_2(group, controller));
    }
    let unified = layout.hierarchy(&Matcher::Unified)?.mounts.first()?;
    let top = Cgroup::open(Path::new(OsStr::from_bytes(&unified.root)), Some(&Matcher::Unified)).ok()?;
    Some(if has(&top, top.as_fd(), controller) { Home::Version2 } else { Home::Nowhere })
}

fn home_in_version_2(group: &Cgroup, controller: &str) -> Home {
    if has(group, group.as_fd(), controller) {
        // Only the root has no events.
        let is_root = matches!(group.look_up(b"cgroup.events", OFlags::PATH), Err(Errno::NOENT));
        return if is_root { Home::Root } else { Home::Here };
    }
    let above = group.line().map(|line| line.steps).unwrap_or_default();
    let handed_down = above.iter().any(|step| has(group, step.directory.as_fd(), controller));
    if handed_down { Home::Above } else { Home::Nowhere }
}

/// Whether the controllers of a directory are said to include this one.
fn has(group: &Cgroup, directory: BorrowedFd<'_>, controller: &str) -> bool {
    const FILE: &[u8] = b"cgroup.controllers";
    let file = group.top().lookup.open(directory, FILE, OFlags::RDONLY);
    let listed = file.ok().and_then(|file| interface::get(group, &file, FILE).ok()).unwrap_or_default();
    listed.split(u8::is_ascii_whitespace).any(|name| name == controller.as_bytes())
}
