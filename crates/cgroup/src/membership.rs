//! Which group a process is in, by the lines of its `/proc/<pid>/cgroup`.
//!
//! Read in two ways, as snapd reads it. Leniently for one hierarchy that the caller names: lines that nobody
//! can have written are passed over. Strictly for the group that systemd tracks a process by: there a line that
//! makes no sense is an error, since decisions about trust hang on it. Either way a path is kept whole; it may
//! contain colons.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use kernel::{Errno, Error, Kind, Result};
use procfs::Base;
use procfs::parse::{self, Membership};

use crate::layout::{Layout, Version};
use crate::matcher::Matcher;

/// The path of a process in the hierarchy that matches: that of the first line which does. A line without its
/// three fields is passed over.
///
/// # Errors
/// `NotFound` when there is no such process or no such line; those of procfs.
pub fn path_of(pid: i32, matcher: &Matcher) -> Result<PathBuf> {
    match find(matcher, &read(pid)?) {
        Some(path) => Ok(path_from(path)),
        None => Err(Error::new(Kind::NotFound, "read", format!("the process is not in {matcher}")).pid(pid)),
    }
}

/// The path of a process in the hierarchy that systemd tracks processes with: version 2 where it leads, else
/// the one named `systemd`. In other layouts a version 2 line may be left over from a mount that is long
/// gone, so it counts only where there is no other line.
///
/// # Errors
/// Those of [`path_of`]; `Os` for a file with a line that no kernel writes, also where another line would do.
pub fn tracking_path_of(pid: i32) -> Result<PathBuf> {
    tracking_path(pid, || Layout::detect(&*procfs::shared()?).map(|layout| layout.is_unified()))
}

/// [`tracking_path_of`] for a host where that version leads, whatever the layout says.
///
/// # Errors
/// Those of [`tracking_path_of`].
pub fn tracking_path_in(pid: i32, leading: Version) -> Result<PathBuf> {
    tracking_path(pid, || Ok(leading == Version::V2))
}

fn tracking_path(pid: i32, unified_leads: impl FnOnce() -> Result<bool>) -> Result<PathBuf> {
    let memberships = parse::cgroup(&read(pid)?).map_err(|error| error.pid(pid))?;
    let only_unified = memberships.iter().all(|membership| Matcher::Unified.matches(membership));
    let matcher =
        if only_unified || unified_leads()? { Matcher::Unified } else { Matcher::Name("systemd".to_owned()) };
    match matcher.path_of(&memberships) {
        Some(path) => Ok(path_from(path)),
        None => Err(Error::new(Kind::NotFound, "read", "systemd does not track this process").pid(pid)),
    }
}

/// What was read about a process by its number, if the process that is held still `exists`: else the number may
/// have been another's.
///
/// # Errors
/// `Gone` when it does not, and those of `answer` and `exists`.
pub fn still_held<T>(pid: i32, answer: Result<T>, exists: impl FnOnce() -> Result<bool>) -> Result<T> {
    if exists()? { answer } else { Err(Error::os("read", Errno::SRCH).pid(pid)) }
}

pub(crate) fn memberships(base: Base, path: &[u8]) -> Result<Vec<Membership>> {
    parse::cgroup(&procfs::shared()?.read(&base, path)?)
}

fn read(pid: i32) -> Result<Vec<u8>> {
    procfs::shared()?.read(&Base::Pid(pid), b"cgroup").map_err(|error| error.pid(pid))
}

/// The lenient reading.
fn find<'a>(matcher: &Matcher, text: &'a [u8]) -> Option<&'a [u8]> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.splitn(3, |byte| *byte == b':');
        let (id, list, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is_meant = match matcher {
            Matcher::Unified => id == b"0" && list.is_empty(),
            Matcher::Controller(wanted) => {
                list.split(|byte| *byte == b',').any(|one| one == wanted.as_bytes())
            }
            Matcher::Name(wanted) => list.strip_prefix(b"name=") == Some(wanted.as_bytes()),
        };
        is_meant.then_some(path)
    })
}

fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unified() -> Matcher {
        Matcher::Unified
    }

    fn controller(name: &str) -> Matcher {
        Matcher::Controller(name.to_owned())
    }

    fn named(name: &str) -> Matcher {
        Matcher::Name(name.to_owned())
    }

    #[test]
    fn the_lenient_reading_takes_the_first_line_that_matches_and_passes_over_nonsense() {
        type Row = (&'static [u8], Matcher, Option<&'static [u8]>);
        let rows: [Row; 19] = [
            (b"0::/a\n", unified(), Some(b"/a")),
            (b"0::/a", unified(), Some(b"/a")),
            (b"0::/a\n0::/b\n", unified(), Some(b"/a")),
            (b"0::/with:colons:\n", unified(), Some(b"/with:colons:")),
            (b"0::/gone (deleted)\n", unified(), Some(b"/gone (deleted)")),
            (b"0::/../sibling\n", unified(), Some(b"/../sibling")),
            (b"0::/\xff\n", unified(), Some(b"/\xff")),
            (b"0:foo:/a\n", unified(), None),
            (b"00::/a\n", unified(), None),
            (b"1::/a\n", unified(), None),
            (b"", unified(), None),
            (b"\n\n0:\nnonsense\n0::/a\n", unified(), Some(b"/a")),
            (b"4:cpu,cpuacct:/a\n", controller("cpuacct"), Some(b"/a")),
            (b"4:cpu,cpuacct:/a\n", controller("acct"), None),
            (b"potato:memory:/a\n", controller("memory"), Some(b"/a")),
            (b"1:name=systemd:/a\n", named("systemd"), Some(b"/a")),
            (b"1:name=systemd:/a\n", named("system"), None),
            (b"1:cpu,name=x:/a\n", named("x"), None),
            (b"3:memory:/m\n1:name=systemd:/s\n0::/\n", controller("memory"), Some(b"/m")),
        ];
        for (text, matcher, path) in rows {
            assert_eq!(find(&matcher, text), path, "{matcher} in {}", text.escape_ascii());
        }
    }

    #[test]
    fn the_strict_reading_agrees_where_both_have_an_answer() {
        let text = b"9:name=systemd:/s:x\n4:cpu,cpuacct:/c\n1:cpuset,name=own:/o\n0::/u\n";
        let strict = parse::cgroup(text).unwrap();
        for matcher in [unified(), controller("cpu"), controller("freezer"), named("systemd"), named("own")] {
            assert_eq!(matcher.path_of(&strict), find(&matcher, text), "{matcher}");
        }
    }
}
