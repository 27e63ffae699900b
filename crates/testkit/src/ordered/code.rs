//! Whose code makes a call: the addon's, or somebody else's.
//!
//! The addon makes nearly all of its calls itself (rustix does so without the C library). The rest it asks the C library for,
//! and so does everybody else in the program; of those the innermost return address outside of it tells who asked. It
//! is looked for from the top of the stack, since nothing but the library's own frame, mostly none, lies above it.

use std::fs;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::listener::Report;

/// How far from the top of the stack a return address is looked for. The frames of the C library around a call are far
/// smaller, those of getaddrinfo(3) and the like excepted.
const STACK: usize = 2048;

/// Where the executable code of a program lies.
#[derive(Debug, Default)]
pub(super) struct Code {
    regions: Vec<(Range<u64>, Owner)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Addon,
    /// The C library, and the loader, which is the same one for musl.
    Library,
    Other,
}

impl Code {
    /// Whether the addon makes it, or has it made.
    pub(super) fn is_ours(&mut self, leader: u32, report: &Report) -> bool {
        if self.owner(report.instruction).is_none() {
            *self = Self::of(leader);
        }
        match self.owner(report.instruction) {
            Some(Owner::Library) => self.caller(leader, report.thread) == Some(Owner::Addon),
            owner => owner == Some(Owner::Addon),
        }
    }

    fn of(leader: u32) -> Self {
        let maps = fs::read_to_string(format!("/proc/{leader}/maps")).unwrap_or_default();
        Self { regions: maps.lines().filter_map(region).collect() }
    }

    fn owner(&self, address: u64) -> Option<Owner> {
        let found = self.regions.iter().find(|(range, _)| range.contains(&address));
        found.map(|(_, owner)| *owner)
    }

    /// Who called into the C library; `None` when nobody is found.
    fn caller(&self, leader: u32, thread: u32) -> Option<Owner> {
        let task = format!("/proc/{leader}/task/{thread}");
        // What it is in: the number of the call, its six arguments, the stack pointer, and where it goes on.
        let state = fs::read_to_string(format!("{task}/syscall")).ok()?;
        let top = state.split_whitespace().nth(7)?.strip_prefix("0x")?;
        let top = u64::from_str_radix(top, 16).ok()?;
        let mut stack = [0; STACK];
        let length = File::open(format!("{task}/mem")).ok()?.read_at(&mut stack, top).ok()?;
        let (words, _) = stack.get(..length)?.as_chunks();
        let owners = words.iter().filter_map(|word| self.owner(u64::from_ne_bytes(*word)));
        owners.into_iter().find(|owner| *owner != Owner::Library)
    }
}

/// A line of maps, `FROM-TO PERMISSIONS OFFSET DEVICE INODE PATH`, of a region that may be executed.
fn region(line: &str) -> Option<(Range<u64>, Owner)> {
    let mut fields = line.split_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    let range = number(from)?..number(to)?;
    if !fields.next()?.contains('x') {
        return None;
    }
    let file = fields.nth(3).unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let library = ["libc.", "libc-", "ld-", "libpthread"].iter().any(|prefix| file.starts_with(prefix));
    let owner = match file {
        _ if file.rsplit_once('.').is_some_and(|(_, extension)| extension == "node") => Owner::Addon,
        _ if library => Owner::Library,
        _ => Owner::Other,
    };
    Some((range, owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_belongs_to_the_file_it_is_mapped_from() {
        let read = |line: &str| region(line).map(|(_, owner)| owner);
        let file = |path| format!("7f0000001000-7f0000002000 r-xp 00001000 fe:01 4711   /lib/{path}");
        assert_eq!(read(&file("procward.linux-x64-gnu.node")), Some(Owner::Addon));
        assert_eq!(read(&file("libc.so.6")), Some(Owner::Library));
        assert_eq!(read(&file("ld-musl-aarch64.so.1")), Some(Owner::Library));
        assert_eq!(read(&file("libcrypto.so.3")), Some(Owner::Other));
        assert_eq!(read("7f0000001000-7f0000002000 r-xp 00000000 00:00 0"), Some(Owner::Other));
        assert_eq!(read("7f0000001000-7f0000002000 rw-p 00000000 00:00 0   [heap]"), None);
    }

    #[test]
    fn a_region_ends_before_its_end() {
        let line = "1000-2000 r-xp 00000000 00:00 0   /lib/libc.so.6";
        let code = Code { regions: region(line).into_iter().collect() };
        assert_eq!(code.owner(0x1000), Some(Owner::Library));
        assert_eq!(code.owner(0x2000), None);
    }
}
