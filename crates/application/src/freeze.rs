//! Freezing and thawing all of an application.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use cgroup::{Cgroup, Lease, Whereabouts, freeze_those_left};
use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};

use crate::family::{Family, Means};

impl Family {
    /// Freezes an application, and resolves when everything in its groups has stopped. One that does not run is frozen at once,
    /// and what is started of it later runs.
    ///
    /// In version 2 these are all groups that systemd tracks it in, but for one that holds this process, itself or below,
    /// which is left out; groups that are made meanwhile are frozen, too. In version 1 it is the freezer's group.
    ///
    /// Dropping the future, an error or the deadline withdraws the requests, but for those that stood before.
    ///
    /// # Errors
    /// [`Kind::SelfProtected`] when version 1's group holds this process; [`Kind::TimedOut`] with the processes that did not stop;
    /// [`Kind::InvalidArgument`] for what no application is called; [`Kind::Unsupported`] where the hierarchy is not
    /// mounted; those of [`Cgroup::freeze`] but `Gone`.
    pub async fn freeze(self: &Arc<Self>, application: &str, deadline: Deadline) -> Result<Lease> {
        match self.means {
            Means::Groups => self.freeze_groups(application, deadline).await,
            Means::Freezer(_) => {
                let group = self.freezables(application).await?;
                freeze_those_left(&group.iter().collect::<Vec<_>>(), &[], deadline).await
            }
        }
    }

    /// Withdraws every request to freeze an application, whoever made it; leases have nothing left to thaw. What a group above
    /// freezes stays so.
    ///
    /// # Errors
    /// Those of [`Cgroup::thaw`] but `Gone`, for the first group that has one: the others are thawed all the same.
    pub async fn thaw(self: &Arc<Self>, application: &str) -> Result<()> {
        let mut outcome = Ok(());
        for group in self.freezables(application).await? {
            // The request is withdrawn by the first step; whether anybody runs already makes no difference.
            match group.thaw(Deadline::after(Duration::ZERO)).await {
                Err(error) if error.kind() != Kind::Gone => outcome = outcome.and(Err(error)),
                _ => {}
            }
        }
        outcome
    }

    async fn freeze_groups(self: &Arc<Self>, application: &str, deadline: Deadline) -> Result<Lease> {
        let mut lease = Lease::default();
        let mut known = HashSet::new();
        loop {
            let ourselves = Whereabouts::own();
            let mut others = Vec::new();
            for group in self.freezables(application).await? {
                if !ourselves.are_in(&group)? {
                    others.push(group);
                }
            }
            // What is new since the last look runs still, and may have been started by what was not frozen then.
            if others.iter().all(|group| known.contains(&group.identity())) {
                return Ok(lease);
            }
            if !known.is_empty() && deadline.has_passed() {
                let why = format!("groups of {application} were made until the deadline");
                return Err(Error::new(Kind::TimedOut, "freeze", why));
            }
            known.extend(others.iter().map(Cgroup::identity));
            let next = freeze_those_left(&others.iter().collect::<Vec<_>>(), &[], deadline).await?;
            // They share what both froze, so nothing runs in between.
            drop(mem::replace(&mut lease, next));
        }
    }

    /// The groups that a freeze of an application is asked of.
    async fn freezables(self: &Arc<Self>, application: &str) -> Result<Vec<Cgroup>> {
        let application = application.to_owned();
        self.look(move |family| match &family.means {
            Means::Groups => family.tracked(&application, |_, group| Ok(group)),
            Means::Freezer(root) => Ok(family.freezer_group(root, &application)?.into_iter().collect()),
        })
        .await
    }
}
