//! What this host offers of control groups, observed without making anything.

use std::ffi::{CStr, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use kernel::{Capabilities, Errno, Feature, Finding, Kind, Result};
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::layout::{Hierarchy, Layout, may_write};
use crate::matcher::Matcher;

/// Each came after `cgroup.freeze`; several, since a filter may take any one of them away.
const NEWER_THAN_FREEZE: [Feature; 4] =
    [Feature::PidfdOpen, Feature::Clone3, Feature::Openat2, Feature::ProcessMrelease];
/// Each came after `cgroup.kill`.
const NEWER_THAN_KILL: [Feature; 3] =
    [Feature::ProcessMrelease, Feature::PidfdProcessGroupSignal, Feature::PidfdInfo];

/// Observes a feature of control groups; `None` for any other feature.
///
/// `cgroup.freeze` and `cgroup.kill` are looked for in a group, and the root has neither. Where there is no
/// other group to look in (groups come and go), a newer system call is taken as evidence that the kernel has them, since no
/// configuration leaves them out; without that they count as absent, and the reason says so.
///
/// # Errors
/// Those of procfs and of passing conditions, as a lack of descriptors: then nothing is known.
pub fn support(feature: Feature) -> Result<Option<Finding>> {
    Ok(Some(match feature {
        Feature::CgroupV1Freezer => mounted(&Matcher::Controller("freezer".to_owned()))?,
        Feature::CgroupV2 => mounted(&Matcher::Unified)?,
        Feature::CgroupV2Freeze => file(c"cgroup.freeze", &NEWER_THAN_FREEZE)?,
        Feature::CgroupV2Kill => file(c"cgroup.kill", &NEWER_THAN_KILL)?,
        Feature::CgroupV2Write => writable()?,
        _ => return Ok(None),
    }))
}

fn mounted(matcher: &Matcher) -> Result<Finding> {
    let layout = Layout::detect(&*procfs::shared()?)?;
    Ok(match layout.hierarchy(matcher) {
        Some(Hierarchy { mounts, .. }) if !mounts.is_empty() => Finding::PRESENT,
        Some(_) => Finding::absent(Errno::NOENT, format!("{matcher} exists and is mounted nowhere in sight")),
        None => Finding::absent(Errno::NODEV, format!("/proc/self/cgroup does not list {matcher}")),
    })
}

fn file(name: &CStr, newer: &[Feature]) -> Result<Finding> {
    let Some(groups) = examples()? else { return mounted(&Matcher::Unified) };
    let title = name.to_string_lossy();
    for group in &groups {
        match group.look_up(name.to_bytes(), OFlags::PATH) {
            Ok(_) => return Ok(Finding::PRESENT),
            // The root has cgroup.procs and not cgroup.events; it proves nothing.
            Err(Errno::NOENT) if group.look_up(b"cgroup.events", OFlags::PATH).is_ok() => {
                return Ok(Finding::absent(
                    Errno::NOENT,
                    format!("{} has no {title}", group.path().display()),
                ));
            }
            Err(_) => {}
        }
    }
    let here = Capabilities::here();
    Ok(if newer.iter().any(|&feature| here.has(feature)) {
        Finding::PRESENT
    } else {
        let reason = format!("there is no group to look for {title} in, and nothing newer is there either");
        Finding::absent(Errno::NOENT, reason)
    })
}

/// Our own group and one directly below the top; `None` when version 2 is not mounted.
fn examples() -> Result<Option<Vec<Cgroup>>> {
    let layout = Layout::detect(&*procfs::shared()?)?;
    let Some(point) = layout.hierarchy(&Matcher::Unified).and_then(|found| found.mounts.first()) else {
        return Ok(None);
    };
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let top = Path::new(OsStr::from_bytes(&point.root));
    let mut groups: Vec<Cgroup> = visible(Cgroup::of(own, Some(&Matcher::Unified)))?.into_iter().collect();
    if let Some(top) = visible(Cgroup::open(top, Some(&Matcher::Unified)))?
        && let Some(name) = top.children()?.first()
    {
        groups.extend(visible(top.child(name))?);
    }
    Ok(Some(groups))
}

/// A group that is out of sight is no example; a passing condition is no reason to say that it is.
fn visible(answer: Result<Cgroup>) -> Result<Option<Cgroup>> {
    match answer {
        Ok(group) => Ok(Some(group)),
        Err(error) => match error.kind() {
            Kind::NotFound | Kind::Gone | Kind::Escape | Kind::PermissionDenied => Ok(None),
            _ => Err(error),
        },
    }
}

/// Present when this process may make groups in its own group (as in a delegated tree) or at the top.
fn writable() -> Result<Finding> {
    let Some(groups) = examples()? else { return mounted(&Matcher::Unified) };
    let layout = Layout::detect(&*procfs::shared()?)?;
    let top_is_writable = layout
        .hierarchy(&Matcher::Unified)
        .is_some_and(|found| found.mounts.iter().any(|point| point.writable));
    let own = groups.first().map(|group| (group, may_write(group.as_fd())));
    Ok(match own {
        _ if top_is_writable => Finding::PRESENT,
        Some((_, Ok(()))) => Finding::PRESENT,
        Some((group, Err(errno))) => {
            Finding::refused(errno, format!("no group may be made in {}", group.path().display()))
        }
        None => {
            Finding::refused(Errno::ACCESS, "our own group is out of sight, and none may be made at the top")
        }
    })
}
