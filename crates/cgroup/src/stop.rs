//! Ending a group the polite way: a signal, some grace, then the kill.

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::ready::Deadline;
use kernel::{Kind, Result};

use crate::empty::until_empty;
use crate::group::Cgroup;
use crate::{freeze, kill, protect, signal};

/// How often it is looked for processes that were forked while the others were signalled.
const ROUNDS: usize = 16;

impl Cgroup {
    /// Sends a signal to every process in the group and below, once each, and kills what lives after `grace`, as
    /// [`Cgroup::kill`] does. One deadline for both: a grace that is longer is cut short by it.
    ///
    /// A freeze is withdrawn, so that the signal can be handled. A process that a foreign version 1 freezer
    /// group holds gets it when it is killed.
    ///
    /// # Errors
    /// Those of [`Cgroup::kill`]; `InvalidArgument` for a signal that does not exist.
    pub async fn stop(&self, signal: i32, grace: Duration, deadline: Deadline) -> Result<()> {
        protect::refuse_own(self, "stop")?;
        kill::demand_not_root(self)?;
        match self.ask_to_end(signal, grace, deadline).await {
            Ok(false) => {}
            // It was there when we began, and whoever removed it has seen it empty.
            Err(error) if error.kind() == Kind::Gone => return Ok(()),
            done => return done.map(drop),
        }
        match self.kill(deadline).await {
            Err(error) if error.kind() == Kind::Gone => Ok(()),
            outcome => outcome,
        }
    }

    /// True when everybody went.
    async fn ask_to_end(&self, signal: i32, grace: Duration, deadline: Deadline) -> Result<bool> {
        let mut asked = BTreeSet::new();
        for _ in 0..ROUNDS {
            let round = signal::send(self, signal, |pid| !asked.contains(&pid))?;
            if round.sent.is_empty() {
                // Who may not be asked cannot be killed either, which then says so.
                match round.refused.into_iter().find(|error| error.kind() == Kind::InvalidArgument) {
                    Some(error) => return Err(error),
                    None => break,
                }
            }
            asked.extend(round.sent);
        }
        freeze::withdraw(self)?;
        until_empty(self, Deadline::after(deadline.remaining_up_to(grace))).await
    }
}
