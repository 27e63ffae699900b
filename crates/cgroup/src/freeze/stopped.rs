//! Whether the tasks have stopped that the kernel leaves out when it reports `frozen 1`.
//!
//! When the last child group becomes frozen, the kernel marks its parent frozen too, without asking for the
//! parent's own tasks; an empty child is frozen at once. Measured on 6.18: eight busy tasks beside one empty
//! child ran on for 40 ms after `frozen 1`, which then went back to 0 until the last of them had stopped. So
//! the tasks of groups that have children are asked one by one.

use kernel::{Kind, Result};
use procfs::{Base, Procfs, parse};

use crate::group::Cgroup;
use crate::{members, tree};

/// True when every task has stopped that stands beside a child group, in `group` or below. A task that /proc
/// hides from us is believed to have.
pub(super) fn beside_children(group: &Cgroup) -> Result<bool> {
    let mut parents: Vec<Vec<u8>> = tree::below(group)?.iter().map(|path| parent(path)).collect();
    parents.sort_unstable();
    parents.dedup();
    if parents.is_empty() {
        return Ok(true);
    }
    let procfs = procfs::shared()?;
    for path in parents {
        let listed = members::tasks(group, &path)?;
        for task in &listed {
            if !has_stopped(&procfs, *task)? {
                return Ok(false);
            }
        }
        // A task that was forked after the listing is in the next one, and its parent forks no more.
        if members::tasks(group, &path)? != listed {
            return Ok(false);
        }
    }
    Ok(true)
}

fn parent(path: &[u8]) -> Vec<u8> {
    path.iter()
        .rposition(|byte| *byte == b'/')
        .map_or(Vec::new(), |at| path.iter().take(at).copied().collect())
}

/// The request wakes every task that sleeps interruptibly, so one that sleeps so afterwards has stopped. In
/// uninterruptible sleep it has not, unless it waits for its vfork child: that counts as frozen.
fn has_stopped(procfs: &Procfs, task: i32) -> Result<bool> {
    let stat = match procfs.read(&Base::Pid(task), b"stat") {
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone | Kind::PermissionDenied) => {
            return Ok(true);
        }
        answer => parse::stat(&answer?)?,
    };
    Ok(match stat.state {
        'R' => false,
        'D' => procfs.read(&Base::Pid(task), b"wchan").is_ok_and(|wchan| {
            [b"kernel_clone".as_slice(), b"wait_for_vfork_done"].contains(&wchan.as_slice())
        }),
        _ => true,
    })
}
