//! Keeping this process dumpable while children that share its memory change their credentials.
//!
//! The kernel marks memory as not dumpable when a task that uses it changes user or group. The child uses ours
//! until it executes the program, so without this /proc/self of the *parent* would belong to root from then on,
//! and debuggers and core dumps would be refused.

use std::sync::{Mutex, PoisonError};

use rustix::process::{DumpableBehavior, dumpable_behavior, getegid, geteuid, set_dumpable_behavior};

/// What to go back to once the last such child has left our memory.
struct Before {
    children: usize,
    behavior: Option<DumpableBehavior>,
    owner: (rustix::process::Uid, rustix::process::Gid),
}

static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

/// Held for as long as one such child may run in our memory; dropping the last one restores.
#[derive(Debug)]
pub(super) struct Kept(());

impl Kept {
    pub(super) fn remember() -> Self {
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        let now = before.get_or_insert_with(|| Before {
            children: 0,
            behavior: dumpable_behavior().ok(),
            owner: (geteuid(), getegid()),
        });
        now.children = now.children.saturating_add(1);
        Self(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = before.as_mut() else { return };
        now.children = now.children.saturating_sub(1);
        if now.children > 0 {
            return;
        }
        let saved = now.behavior;
        // If this process itself changed credentials meanwhile, the kernel's verdict stands.
        let unchanged = now.owner == (geteuid(), getegid());
        *before = None;
        let Some(saved) = saved.filter(|saved| unchanged && dumpable_behavior().ok() != Some(*saved)) else {
            return;
        };
        // The third value, "readable by root only", cannot be set from user space. It comes from the sysctl
        // fs.suid_dumpable, and a child's change of credentials has set exactly that again.
        let _restored = set_dumpable_behavior(saved);
    }
}
