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
        'D' => waits_for_vfork_child(procfs, task),
        _ => true,
    })
}

/// Of a task that sleeps uninterruptibly: by the function that it waits in, or by the call that it made where the kernel
/// does not tell the function. On x86 it tells none before 5.16 (5.10: `0` for every task), nor to those who may not
/// read it. What the call is takes the right to trace.
pub(crate) fn waits_for_vfork_child(procfs: &Procfs, task: i32) -> bool {
    match procfs.read(&Base::Pid(task), b"wchan").as_deref() {
        Ok(name) if !matches!(name, b"" | b"0") => {
            [b"kernel_clone".as_slice(), b"wait_for_vfork_done"].contains(&name)
        }
        _ => procfs.read(&Base::Pid(task), b"syscall").is_ok_and(|call| is_vfork(&call)),
    }
}

/// `/proc/<pid>/syscall`: the number of the call in decimal, its arguments in hexadecimal. `running` is none.
fn is_vfork(call: &[u8]) -> bool {
    let mut words = str::from_utf8(call).unwrap_or_default().split_ascii_whitespace();
    let number = words.next().and_then(|word| word.parse().ok());
    let first = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    number.zip(first).is_some_and(|(number, first)| kernel::fork::may_wait_for_child(number, first))
}

#[cfg(test)]
mod tests {
    use super::is_vfork;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn calls_that_wait_for_the_child_are_told_from_others() {
        // vfork, posix_spawn of glibc by clone and by clone3; fork, read, and what is not in a call.
        for call in ["58 0x0 0x7ffd 0x1", "56 0x4111 0x7f24", "435 0x7ffd5e 0x58"] {
            assert!(is_vfork(call.as_bytes()), "{call}");
        }
        for call in ["56 0x1200011 0x0", "0 0x4111 0x7ffd", "-1 0x7ffd 0x4111", "running\n", ""] {
            assert!(!is_vfork(call.as_bytes()), "{call}");
        }
    }
}
