//! Ending all of an application.

use std::sync::Arc;

use cgroup::{Cgroup, Reach, Whereabouts};
use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};
use tokio::task::JoinSet;

use crate::family::{Family, Means};

/// Groups that are ended together, after those of the stage before.
type Stage = Vec<Cgroup>;

impl Family {
    /// Kills everything of an application, forks included, and what is started of it meanwhile, and resolves when a look finds
    /// nobody. What was frozen is thawed by it.
    ///
    /// In version 1 the freezer's group is ended first, which holds nearly all and can be made to stand still, and then what
    /// systemd tracks and is not, or not yet, in it.
    ///
    /// Dropping the future ends the wait; the signals are sent.
    ///
    /// # Errors
    /// [`Kind::SelfProtected`], before anything is done, when this process is in one of the groups or below;
    /// [`Kind::Leftovers`] with those who live after the deadline, or if processes of it were started until then;
    /// [`Kind::InvalidArgument`] for what no application is called; those of [`Cgroup::kill`] but `Gone`, for the first group that
    /// has one: the others are ended all the same.
    pub async fn kill(self: &Arc<Self>, application: &str, deadline: Deadline) -> Result<()> {
        let mut stages = self.stages(application, |_| Ok(true)).await?;
        loop {
            let ourselves = Whereabouts::own();
            for group in stages.iter().flatten() {
                ourselves.refuse(group, "kill")?;
            }
            let mut outcome = Ok(());
            for stage in stages {
                outcome = outcome.and(end(stage, deadline).await);
            }
            outcome?;
            stages = self.stages(application, is_inhabited).await?;
            if stages.iter().all(Vec::is_empty) {
                return Ok(());
            }
            if deadline.has_passed() {
                let why = format!("processes of {application} were started until the deadline");
                return Err(Error::new(Kind::Leftovers, "kill", why));
            }
        }
    }

    async fn stages(
        self: &Arc<Self>,
        application: &str,
        counts: fn(&Cgroup) -> Result<bool>,
    ) -> Result<Vec<Stage>> {
        let application = application.to_owned();
        self.look(move |family| {
            let tracked = || -> Result<Stage> {
                let groups = family.tracked(&application, |_, group| Ok(counts(&group)?.then_some(group)))?;
                Ok(groups.into_iter().flatten().collect())
            };
            let Means::Freezer(root) = &family.means else { return Ok(vec![tracked()?]) };
            let mut frozen = Vec::new();
            if let Some(group) = family.freezer_group(root, &application)?
                && counts(&group)?
            {
                frozen.push(group);
            }
            match tracked() {
                // Without systemd there is nobody but those of the freezer.
                Err(error) if error.kind() == Kind::Unsupported => Ok(vec![frozen]),
                tracked => Ok(vec![frozen, tracked?]),
            }
        })
        .await
    }
}

fn is_inhabited(group: &Cgroup) -> Result<bool> {
    match group.pids(Reach::Subtree) {
        Err(error) if error.kind() == Kind::Gone => Ok(false),
        pids => Ok(!pids?.is_empty()),
    }
}

/// All at the same time: one that holds out must not protect the others.
async fn end(groups: Stage, deadline: Deadline) -> Result<()> {
    let mut endings = JoinSet::new();
    for group in groups {
        endings.spawn(async move { group.kill(deadline).await });
    }
    let mut outcome = Ok(());
    while let Some(ending) = endings.join_next().await {
        let ending =
            ending.unwrap_or_else(|_| Err(Error::new(Kind::Closed, "kill", "the runtime is shutting down")));
        match ending {
            Err(error) if error.kind() != Kind::Gone => outcome = outcome.and(Err(error)),
            _ => {}
        }
    }
    outcome
}
