//! A process that the freezer of version 1 holds, where neither the freezer of version 2 nor a signal reaches it.

use std::fs;
use std::time::{Duration, Instant};

use crate::child::{Child, sleeper};
use crate::group::ScratchGroup;

/// How long the kernel may take to stop one sleeping process.
const PATIENCE: Duration = Duration::from_secs(20);

/// The process, its frozen version 1 group, and its version 2 group.
#[derive(Debug)]
pub struct Stuck {
    /// The process.
    pub child: Child,
    /// The group that is frozen.
    pub v1: ScratchGroup,
    /// The group to act upon.
    pub v2: ScratchGroup,
}

impl Stuck {
    /// Makes one.
    ///
    /// # Panics
    /// When it cannot: say `require!(cgroup2, freezer1)` first.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let (v1, v2) = (ScratchGroup::v1("freezer", tag), ScratchGroup::v2(tag));
        let child = sleeper();
        v1.add(child.pid());
        v2.add(child.pid());
        let stuck = Self { child, v1, v2 };
        let state = stuck.v1.path().join("freezer.state");
        let limit = Instant::now() + PATIENCE;
        // Reading is what makes the kernel look, and writing again is what stops a straggler.
        while fs::read_to_string(&state).is_ok_and(|state| state != "FROZEN\n") {
            assert!(Instant::now() < limit, "the version 1 freezer does not finish");
            stuck.write("FROZEN");
        }
        stuck
    }

    /// Thaws the version 1 group.
    pub fn unstick(&self) {
        self.write("THAWED");
    }

    fn write(&self, state: &str) {
        let file = self.v1.path().join("freezer.state");
        fs::write(&file, state).unwrap_or_else(|error| panic!("{} {state}: {error}", file.display()));
    }
}
