//! Waiting until nobody lives in a group and below.

use std::time::Duration;

use kernel::Result;
use kernel::ready::Deadline;
use kernel::timer::Timer;

use crate::events::Events;
use crate::group::Cgroup;
use crate::layout::Version;
use crate::members::Reach;

/// Version 1 announces an empty group to no descriptor, so it is listed, after growing pauses.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// True once it is empty, false when the deadline passes first; it is looked at least once. What waits to be
/// reaped counts as gone. In version 1 a process outside our pid namespace is not seen.
///
/// # Errors
/// `Gone` once the group was removed.
pub(crate) async fn until_empty(group: &Cgroup, deadline: Deadline) -> Result<bool> {
    if group.version() == Version::V2 {
        return Events::open(group)?.until(deadline, |now| Ok(!now.populated)).await;
    }
    if group.pids(Reach::Subtree)?.is_empty() {
        return Ok(true);
    }
    let timer = Timer::new()?;
    let mut pause = FIRST_PAUSE;
    loop {
        timer.pause(deadline.remaining_up_to(pause)).await?;
        if group.pids(Reach::Subtree)?.is_empty() {
            return Ok(true);
        }
        if deadline.has_passed() {
            return Ok(false);
        }
        pause = LONGEST_PAUSE.min(pause.saturating_mul(2));
    }
}
