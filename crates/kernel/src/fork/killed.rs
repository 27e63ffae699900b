//! Control groups that were killed as a whole, in which no child can be born any more.
//!
//! As seen on 6.18, a child counts as born before the last write to `cgroup.kill`, and dies at once, when the count of such
//! writes differs between its group and that of its *parent*, also where clone3 puts it elsewhere. A group that was
//! killed once therefore ends every child that is born in it, for as long as it exists; to join it is harmless.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::fstat;

/// Those that were killed longer ago have most likely been removed.
const REMEMBERED: usize = 1024;

/// Device and inode, which version 2 never gives to another group.
type Identity = (u64, u64);

static KILLED: Mutex<VecDeque<Identity>> = Mutex::new(VecDeque::new());

/// Has children join this group, of version 2, instead of being born in it: it is about to be killed through `cgroup.kill`.
pub fn remember_killed(device: u64, inode: u64) {
    let mut killed = lock();
    if killed.contains(&(device, inode)) {
        return;
    }
    if killed.len() == REMEMBERED {
        killed.pop_front();
    }
    killed.push_back((device, inode));
}

pub(super) fn was_killed(group: BorrowedFd<'_>) -> bool {
    let killed = lock();
    !killed.is_empty() && fstat(group).is_ok_and(|stat| killed.contains(&(stat.st_dev, stat.st_ino)))
}

fn lock() -> MutexGuard<'static, VecDeque<Identity>> {
    KILLED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        for inode in 0..=REMEMBERED as u64 {
            remember_killed(1, inode);
        }
        let killed = lock();
        assert_eq!(
            (killed.len(), killed.front(), killed.back()),
            (REMEMBERED, Some(&(1, 1)), Some(&(1, 1024)))
        );
    }
}
