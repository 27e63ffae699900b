//! The look-up for kernels and sandboxes without openat2: a component at a time, each checked before it is used.
//!
//! Every component is opened with `O_PATH | O_NOFOLLOW`, which has no side effects, and looked at once: it must
//! belong to the mount that the walk started in. On a detached mount this is as strong as openat2. On the /proc
//! of the host each look is of the very file that is then used, and the last file, which is opened for reading or
//! writing by its name in a directory that was looked at, is looked at once more before it is returned: what was
//! mounted there meanwhile is opened for a moment, and refused. One step below a directory of a mount either stays
//! in that mount or ends at the root of another one, so that the right mount means the right file.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kernel::{Errno, Error, Kind, Result};
use rustix::fs::{FileType, Mode, OFlags, openat, readlinkat};

use super::{Crossing, Start, mount_table};
use crate::info::MountIdSource;
use crate::mount_id::{Mounts, Seen};
use crate::subpath::Subpath;

/// As many as the kernel follows (`MAXSYMLINKS`).
const LINKS: u32 = 40;

/// The links that are ordinary ones: their target is text, relative to the root.
const ORDINARY: [&[u8]; 4] = [b"self", b"thread-self", b"net", b"mounts"];

/// Said of a mount that shows what it covers.
const HARMLESS: &str = "it is the same part of the same procfs, mounted over itself as container runtimes do to make \
    it read-only: harmless, and reading through such mounts can be allowed";

pub(crate) fn open(mounts: Mounts<'_>, start: Start<'_>, path: &Subpath, flags: OFlags) -> Result<OwnedFd> {
    // A directory that the caller holds may belong to another procfs than ours: it sets the mount itself.
    let mount = match start.mount {
        None if mounts.source != MountIdSource::None => mounts.look(start.dir)?.mount,
        known => known,
    };
    let todo = path.components().map(<[u8]>::to_vec).collect();
    Walk { mounts, start, todo, here: None, mount, reached: Vec::new(), links: 0 }.run(flags)
}

struct Walk<'a> {
    mounts: Mounts<'a>,
    start: Start<'a>,
    todo: VecDeque<Vec<u8>>,
    /// The directory that was reached; `None` while that is where the walk started.
    here: Option<OwnedFd>,
    /// The mount that the walk is in: that of the start, unless it was allowed to cross into another.
    mount: Option<u64>,
    /// What that directory is called in the file system, when the walk started at the root: `/sys/kernel`.
    reached: Vec<u8>,
    links: u32,
}

impl Walk<'_> {
    fn run(mut self, flags: OFlags) -> Result<OwnedFd> {
        while let Some(name) = self.todo.pop_front() {
            let (found, seen) = self.step(&name)?;
            let is_last = self.todo.is_empty();
            if seen.file_type == FileType::Symlink {
                let wants_link = is_last && flags.contains(OFlags::NOFOLLOW);
                if wants_link {
                    return link_itself(found, flags);
                }
                self.follow(&found, &name)?;
            } else if is_last {
                return self.finish(&name, found, seen, flags);
            } else {
                self.here = Some(found);
                self.reached.push(b'/');
                self.reached.extend_from_slice(&name);
            }
        }
        // The path was empty, or a link led back to where it stands.
        openat(self.here(), ".", flags | OFlags::DIRECTORY, Mode::empty())
            .map_err(|errno| refuse("openat", errno))
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.here.as_ref().map_or(self.start.dir, AsFd::as_fd)
    }

    /// Opens a component as it is and checks that it belongs to the mount.
    fn step(&mut self, name: &[u8]) -> Result<(OwnedFd, Seen)> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found =
            openat(self.here(), name, flags, Mode::empty()).map_err(|errno| refuse("openat", errno))?;
        let seen = self.mounts.look(found.as_fd())?;
        if seen.mount != self.mount {
            self.cross(&found, seen, name)?;
        }
        Ok((found, seen))
    }

    /// Goes on into the mount that a component turned out to be the root of, if it shows what it covers and that
    /// was allowed. The root of a mount never changes, and `found` keeps the mount from going away.
    fn cross(&mut self, found: &OwnedFd, seen: Seen, name: &[u8]) -> Result<()> {
        let error = overmounted(name);
        let covered = [self.reached.as_slice(), b"/", name].concat();
        let is_harmless = self.start.crossing != Crossing::Refused
            && mount_table::shows_what_it_covers(self.mounts, found.as_fd(), &covered)?;
        match (is_harmless, self.start.crossing) {
            (true, Crossing::SameProcfs) => self.mount = seen.mount,
            (true, _) => return Err(error.hint(HARMLESS)),
            (false, _) => return Err(error),
        }
        Ok(())
    }

    /// Puts the target of an ordinary link in front of what is left to walk. Every other link of procfs is a
    /// magic one, which leads to wherever its process is.
    fn follow(&mut self, link: &OwnedFd, name: &[u8]) -> Result<()> {
        let refused = |kind: Kind, why: &str| {
            let why = format!("'{}' {why}", String::from_utf8_lossy(name));
            Error::os("openat", Errno::LOOP).kind_is(kind).detail(why)
        };
        let is_ordinary = self.start.is_root && self.here.is_none() && ORDINARY.contains(&name);
        if !is_ordinary {
            return Err(refused(Kind::MagicLink, "is a magic link"));
        }
        self.links += 1;
        if self.links > LINKS {
            return Err(refused(Kind::MagicLink, "is one link too many"));
        }
        // The link that was looked at, not whatever has its name by now.
        let target = readlinkat(link, "", Vec::new()).map_err(|errno| refuse("readlinkat", errno))?;
        let target =
            Subpath::below(target.as_bytes()).map_err(|_| refused(Kind::Escape, "leads out of procfs"))?;
        for component in target.components().rev() {
            self.todo.push_front(component.to_vec());
        }
        Ok(())
    }

    /// Opens the last component with the caller's flags.
    fn finish(self, name: &[u8], found: OwnedFd, seen: Seen, flags: OFlags) -> Result<OwnedFd> {
        if flags.contains(OFlags::DIRECTORY) && seen.file_type != FileType::Directory {
            return Err(refuse("openat", Errno::NOTDIR));
        }
        if flags.contains(OFlags::PATH) {
            return Ok(found);
        }
        let flags = flags | OFlags::NOFOLLOW;
        let opened =
            openat(self.here(), name, flags, Mode::empty()).map_err(|errno| refuse("openat", errno))?;
        if self.mounts.look(opened.as_fd())?.mount != self.mount {
            return Err(overmounted(name));
        }
        Ok(opened)
    }
}

/// A link in the last place with `O_NOFOLLOW`: with `O_PATH` a handle to it, else refused as open(2) does.
fn link_itself(link: OwnedFd, flags: OFlags) -> Result<OwnedFd> {
    if flags.contains(OFlags::DIRECTORY) {
        return Err(refuse("openat", Errno::NOTDIR));
    }
    if flags.contains(OFlags::PATH) {
        return Ok(link);
    }
    Err(refuse("openat", Errno::LOOP).detail("a link, which was not to be followed"))
}

fn overmounted(name: &[u8]) -> Error {
    let why = format!("something is mounted over '{}'", String::from_utf8_lossy(name));
    Error::os("openat", Errno::XDEV).kind_is(Kind::Overmount).detail(why)
}

fn refuse(op: &'static str, errno: Errno) -> Error {
    let error = Error::os(op, errno);
    if errno == Errno::INVAL { error.kind_is(Kind::InvalidArgument) } else { error }
}
