//! Freezing and thawing, for JavaScript.

use std::sync::{Arc, Mutex, PoisonError};

use cgroup::{FrozenBy, Phase, freeze_all};
use kernel::Result;
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use super::Cgroup;
use crate::deadline;
use crate::environment::{Environment, value};
use crate::failure::{Outcome, outcome};

/// What the kernel reports of a freeze.
#[napi(object, object_from_js = false)]
pub struct FreezeRecord {
    pub state: String,
    pub by: Option<String>,
}

/// Keeps groups frozen.
#[napi]
pub struct Lease(Arc<Mutex<Option<cgroup::Lease>>>);

/// Freezes groups as one. Delivers a lease.
#[napi(catch_unwind)]
pub fn freeze_groups(
    environment: &Environment,
    id: u32,
    groups: Vec<ClassInstance<'_, Cgroup>>,
    timeout_ms: f64,
    protect: Vec<i32>,
) {
    let groups: Result<Vec<Arc<cgroup::Cgroup>>> = groups.iter().map(|group| group.get()).collect();
    let deadline = deadline(timeout_ms);
    environment.run(id, value, async move {
        let groups = groups?;
        let groups: Vec<&cgroup::Cgroup> = groups.iter().map(AsRef::as_ref).collect();
        freeze_all(&groups, &protect, deadline).await.map(Lease::from)
    });
}

/// Whether this process keeps a group frozen, in any of its threads.
#[napi(catch_unwind)]
#[must_use]
pub fn keeps_frozen() -> bool {
    cgroup::keeps_frozen()
}

/// Thaws what this process holds frozen or is about to freeze, in every thread, and refuses what comes later.
#[napi(catch_unwind)]
pub fn thaw_for_good() {
    cgroup::thaw_for_good();
}

#[napi]
impl Cgroup {
    /// Delivers whether a group above keeps it frozen.
    #[napi(catch_unwind)]
    pub fn thaw(&self, environment: &Environment, id: u32, timeout_ms: f64) {
        let group = self.get();
        let deadline = deadline(timeout_ms);
        environment.run(id, value, async move { Ok(group?.thaw(deadline).await?.still_frozen_by_ancestor) });
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn freeze_state(&self) -> Outcome<FreezeRecord> {
        outcome(self.get().and_then(|group| group.freeze_state()).map(FreezeRecord::from))
    }
}

#[napi]
impl Lease {
    /// Thaws; a no-op once that worked. The kernel goes through every task, and may be busy moving others.
    #[napi(catch_unwind)]
    pub fn release(&self, environment: &Environment, id: u32) {
        let lease = Arc::clone(&self.0);
        environment.block(id, value, move || {
            let mut lease = lease.lock().unwrap_or_else(PoisonError::into_inner);
            lease.as_mut().map_or(Ok(()), cgroup::Lease::try_release)?;
            *lease = None;
            Ok(())
        });
    }
}

impl From<cgroup::Lease> for Lease {
    fn from(lease: cgroup::Lease) -> Self {
        Self(Arc::new(Mutex::new(Some(lease))))
    }
}

impl From<cgroup::FreezeState> for FreezeRecord {
    fn from(state: cgroup::FreezeState) -> Self {
        let phase = match state.phase {
            Phase::Thawed => "thawed",
            Phase::Freezing => "freezing",
            Phase::Frozen => "frozen",
        };
        let by = state.by.map(|by| match by {
            FrozenBy::Itself => "self",
            FrozenBy::Ancestor => "ancestor",
        });
        Self { state: phase.to_owned(), by: by.map(str::to_owned) }
    }
}
