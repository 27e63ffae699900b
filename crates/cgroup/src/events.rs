//! cgroup.events: what the kernel reports as achieved, and waiting for it.

use std::os::fd::OwnedFd;
use std::time::Duration;

use kernel::Result;
use kernel::ready::{Deadline, Watched};
use kernel::timer::Timer;
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::interface;

const FILE: &[u8] = b"cgroup.events";
/// Reads before the first wait: a group of idle tasks is frozen within the first few, in about 50 µs.
const EAGER_READS: usize = 16;
/// The kernel sends at most one notification per file in 10 ms and holds the next one back until then, so the
/// file is also read when a growing interval ends.
const FIRST_INTERVAL: Duration = Duration::from_micros(250);
const LONGEST_INTERVAL: Duration = Duration::from_millis(16);

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// A live task is in the group or below.
    pub(crate) populated: bool,
    /// The kernel counts the group as frozen, not always rightly: see `freeze::stopped`. False before 5.2.
    pub(crate) frozen: bool,
}

/// The open file of one group.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    group: &'a Cgroup,
    file: OwnedFd,
}

impl<'a> Events<'a> {
    pub(crate) fn open(group: &'a Cgroup) -> Result<Self> {
        Ok(Self { group, file: interface::open(group, FILE, OFlags::RDONLY)? })
    }

    pub(crate) fn read(&self) -> Result<Reading> {
        Ok(parse(&interface::get(self.group, &self.file, FILE)?))
    }

    /// Resolves to true once the condition holds, and to false when the deadline passes first. The condition
    /// is asked at least once, however late it is.
    ///
    /// # Errors
    /// `Gone` once the group was removed.
    pub(crate) async fn until(
        self,
        deadline: Deadline,
        mut holds: impl FnMut(Reading) -> Result<bool> + Send,
    ) -> Result<bool> {
        for _ in 0..EAGER_READS {
            if holds(self.read()?)? {
                return Ok(true);
            }
        }
        let Self { group, file } = self;
        let (file, timer) = (Watched::priority(file)?, Timer::new()?);
        let mut interval = FIRST_INTERVAL;
        loop {
            // Registering reports what has happened since the last read, so nothing falls in between.
            if holds(parse(&interface::get(group, &file, FILE)?))? {
                return Ok(true);
            }
            if deadline.has_passed() {
                return Ok(false);
            }
            tokio::select! {
                woken = file.wake() => woken?,
                paused = timer.pause(deadline.remaining_up_to(interval)) => paused?,
            }
            interval = LONGEST_INTERVAL.min(interval.saturating_mul(2));
        }
    }
}

fn parse(content: &[u8]) -> Reading {
    let has = |line: &[u8]| content.split(|byte| *byte == b'\n').any(|found| found == line);
    Reading { populated: has(b"populated 1"), frozen: has(b"frozen 1") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_whole_lines() {
        assert_eq!(parse(b"populated 1\nfrozen 0\n"), Reading { populated: true, frozen: false });
        assert_eq!(parse(b"populated 0\nfrozen 1\n"), Reading { populated: false, frozen: true });
        assert_eq!(parse(b"populated 1\n"), Reading { populated: true, frozen: false });
        assert_eq!(parse(b"frozen 10\nunpopulated 1\n"), Reading { populated: false, frozen: false });
    }
}
