//! Looking for groups in a whole tree, by descriptors, while others make and remove groups in it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use kernel::{Errno, Error, Result};
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::tree;

/// What to do about a group that a walk has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is looked for. What is below it belongs to it, and is not looked at.
    Take,
    /// What is looked for may be below it.
    Enter,
    /// Neither it nor anything below it is of interest.
    Skip,
}

/// The groups below one that a judge takes, in the order of their paths, each opened when it is asked for.
///
/// A group that vanishes on the way is left out, with what was below it, and hides no other. One that is made meanwhile
/// may be missed.
pub struct Walk<'a, J> {
    start: &'a Cgroup,
    judge: J,
    /// Still to be looked at, the next one last.
    ahead: Vec<Ahead>,
}

/// A group, by its name in the directory that lists it.
struct Ahead {
    parent: Arc<OwnedFd>,
    name: Vec<u8>,
    /// The whole path, as the judge sees it.
    path: Vec<u8>,
}

impl Cgroup {
    /// Walks the groups below this one. The judge is shown the path of each, as `/proc/<pid>/cgroup` writes it.
    ///
    /// The items are errors for whatever is not the vanishing of a group: of openat2(2) and getdents64(2).
    ///
    /// # Errors
    /// `Gone` when this group was removed.
    pub fn walk<J: FnMut(&Path) -> Step>(&self, judge: J) -> Result<Walk<'_, J>> {
        let mut walk = Walk { start: self, judge, ahead: Vec::new() };
        let opened = self.look_up(b"", OFlags::PATH | OFlags::DIRECTORY);
        let directory = opened.map_err(|errno| self.or_gone(self.top().failed(errno).at(self.path())))?;
        walk.list(directory, self.path().as_os_str().as_bytes())?;
        if walk.ahead.is_empty() {
            // A removed directory can still be listed, and is empty.
            self.must_exist()?;
        }
        Ok(walk)
    }
}

impl<J: FnMut(&Path) -> Step> Walk<'_, J> {
    /// Puts what a directory lists ahead. One that vanished lists nothing.
    fn list(&mut self, directory: OwnedFd, path: &[u8]) -> Result<()> {
        let opened = self.open(&directory, b"", OFlags::RDONLY);
        let names = match opened.and_then(tree::names_in) {
            Ok(names) => names,
            Err(Errno::NOENT | Errno::NODEV) => return Ok(()),
            Err(errno) => return Err(Error::os("getdents64", errno).at(OsStr::from_bytes(path))),
        };
        let parent = Arc::new(directory);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        self.ahead.extend(names.into_iter().rev().map(|name| Ahead {
            parent: Arc::clone(&parent),
            path: [path, &name].join(&b'/'),
            name,
        }));
        Ok(())
    }

    fn open(&self, from: &OwnedFd, name: &[u8], how: OFlags) -> rustix::io::Result<OwnedFd> {
        self.start.top().lookup.open(from.as_fd(), name, how | OFlags::DIRECTORY)
    }

    /// Takes one step; the group, if that found one.
    fn step(&mut self, next: &Ahead) -> Result<Option<Cgroup>> {
        let path = Path::new(OsStr::from_bytes(&next.path));
        let step = (self.judge)(path);
        if step == Step::Skip {
            return Ok(None);
        }
        let directory = match self.open(&next.parent, &next.name, OFlags::PATH) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NODEV) => return Ok(None),
            Err(errno) => return Err(self.start.top().failed(errno).at(path)),
        };
        if step == Step::Take {
            return self.start.sibling(directory, path).map(Some);
        }
        self.list(directory, &next.path)?;
        Ok(None)
    }
}

impl<J: FnMut(&Path) -> Step> Iterator for Walk<'_, J> {
    type Item = Result<Cgroup>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.ahead.pop()?;
            if let Some(found) = self.step(&next).transpose() {
                return Some(found);
            }
        }
    }
}

impl<J> std::fmt::Debug for Walk<'_, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").field("start", &self.start.path()).finish_non_exhaustive()
    }
}
