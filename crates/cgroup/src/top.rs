//! The top of what we can see of a hierarchy, and the ways down from it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::OFlags;

use crate::layout::{Layout, Version, below};
use crate::lookup::{Identity, Lookup, Place};
use crate::matcher::Matcher;

/// The mount that a group was reached through: the top of what we can see of its hierarchy.
#[derive(Debug)]
pub(crate) struct Top {
    pub(crate) directory: OwnedFd,
    /// The path of the top within the hierarchy.
    pub(crate) root: Vec<u8>,
    pub(crate) version: Version,
    pub(crate) matcher: Matcher,
    /// The hierarchy is version 1, and the freezer is attached to it.
    pub(crate) has_freezer: bool,
    pub(crate) lookup: Lookup,
}

/// Opens the top of the hierarchy, and says what is left of `path` below it.
pub(crate) fn enter(path: &Path, hierarchy: Option<&Matcher>, lookup: Lookup) -> Result<(Top, Vec<u8>)> {
    let layout = Layout::detect(&*procfs::shared()?)?;
    let matcher = hierarchy.cloned().unwrap_or_else(|| layout.preferred());
    let Some(found) = layout.hierarchy(&matcher) else {
        return Err(Error::new(Kind::NotFound, "open", format!("this kernel has not got {matcher}")).at(path));
    };
    let (directory, point, rest) = found.enter(path.as_os_str().as_bytes())?;
    let has_freezer = found.controllers.iter().any(|controller| controller == "freezer");
    let top = Top { directory, root: point.root, version: found.version, matcher, has_freezer, lookup };
    Ok((top, rest))
}

/// The groups on the way from the top of a mount to some path, as far as they exist.
#[derive(Debug)]
pub(crate) struct Line {
    /// The top first.
    pub(crate) steps: Vec<Step>,
    complete: bool,
}

/// A group on the way, held.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) directory: OwnedFd,
    pub(crate) identity: Identity,
}

impl Line {
    /// True when the group is on the way or at its end.
    pub(crate) fn passes(&self, group: Identity) -> bool {
        self.steps.iter().any(|step| step.identity == group)
    }

    /// True when the path leads to the group.
    pub(crate) fn leads_to(&self, group: Identity) -> bool {
        self.complete && self.steps.last().is_some_and(|step| step.identity == group)
    }
}

impl Top {
    /// Follows a path from the top. A path that is not below the top has no step on it.
    pub(crate) fn line(&self, path: &[u8]) -> Result<Line> {
        let mut line = Line { steps: Vec::new(), complete: false };
        let Some(rest) = below(path, &self.root) else { return Ok(line) };
        let names = rest.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        for name in std::iter::once(b"".as_slice()).chain(names) {
            let from = line.steps.last().map_or(self.directory.as_fd(), |step| step.directory.as_fd());
            let directory = match self.lookup.open(from, name, OFlags::PATH | OFlags::DIRECTORY) {
                Ok(directory) => directory,
                Err(Errno::NOENT | Errno::NODEV) => return Ok(line),
                Err(errno) => return Err(self.failed(errno).at(OsStr::from_bytes(path))),
            };
            let place = Place::of(directory.as_fd()).map_err(|errno| Error::os("statx", errno))?;
            line.steps.push(Step { directory, identity: place.identity });
        }
        line.complete = true;
        Ok(line)
    }

    /// A failed look-up below the top.
    pub(crate) fn failed(&self, errno: Errno) -> Error {
        let error = Error::os(self.lookup.call(), errno);
        match errno {
            // A mount or a link inside a hierarchy was put there by somebody who wants us elsewhere.
            Errno::XDEV | Errno::LOOP => error.kind_is(Kind::Escape),
            Errno::NOTDIR => error.kind_is(Kind::InvalidArgument).detail("it is not a group"),
            Errno::NAMETOOLONG => error.kind_is(Kind::InvalidArgument),
            _ => error,
        }
    }
}
