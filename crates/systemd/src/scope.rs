//! A scope that was made: stopped, frozen, thawed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};
use tokio::runtime::Handle;

use crate::bus::Buses;
use crate::endpoint::{Bus, Endpoint};
use crate::job::{Removals, failed, judge, path_in};
use crate::member::holds_us;
use crate::peer::Peer;
use crate::refusal;

/// A scope that was made.
#[derive(Debug)]
pub struct Scope {
    pub(crate) unit: String,
    pub(crate) cgroup_path: PathBuf,
    pub(crate) endpoint: Endpoint,
    pub(crate) buses: Arc<Buses>,
}

impl Scope {
    /// The whole name, with the random id and `.scope`.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Its group, as `/proc/<pid>/cgroup` writes it.
    #[must_use]
    pub fn cgroup_path(&self) -> &Path {
        &self.cgroup_path
    }

    /// Whose manager made it.
    #[must_use]
    pub fn bus(&self) -> Bus {
        self.endpoint.bus
    }

    /// Ends its processes as its properties say (by default SIGTERM, and SIGKILL after 90 s), and returns once the manager has
    /// stopped it. A scope that is gone already is stopped.
    ///
    /// # Errors
    /// [`Kind::SelfProtected`] when it holds this process; those of [`Buses::create`].
    ///
    /// # Cancellation
    /// Stopping goes on.
    pub async fn stop(&self) -> Result<()> {
        const STOP: &str = "StopUnit";
        self.refuse_ourselves(STOP)?;
        let peer = self.buses.reach(&self.endpoint).await?;
        let mut removals = Removals::of(&peer).await.map_err(failed(STOP))?;
        let body = (self.unit.as_str(), "replace");
        let job = match removals.while_waiting(peer.call(STOP, &body)).await {
            Ok(reply) => path_in(&reply).map_err(failed(STOP))?,
            Err(error) => {
                let error = refusal::error(STOP, &error);
                return if error.kind() == Kind::Gone { Ok(()) } else { Err(error) };
            }
        };
        let ending = removals.end_of(&peer, &job, &self.unit, |state| match state {
            "inactive" | "failed" => Some("done"),
            _ => None,
        });
        judge(STOP, &self.unit, &ending.await.map_err(failed(STOP))?)
    }

    /// Freezes all its processes; returns once the manager says that they are frozen. Repeated, it does nothing.
    ///
    /// # Errors
    /// [`Kind::SelfProtected`] when it holds this process; [`Kind::Unsupported`] before systemd 246 and on version 1 groups;
    /// [`Kind::Gone`] when the scope is; [`Kind::TimedOut`]; those of [`Buses::create`].
    ///
    /// # Cancellation
    /// Dropping the future thaws, unless the scope was frozen before.
    pub async fn freeze(&self, deadline: Deadline) -> Result<()> {
        const FREEZE: &str = "FreezeUnit";
        self.refuse_ourselves(FREEZE)?;
        let work = async {
            let peer = self.buses.reach(&self.endpoint).await?;
            let state = peer.unit_property(&self.unit, "FreezerState").await;
            if state.is_ok_and(|state| state == "frozen") {
                return Ok(());
            }
            let mut undo = Thawing { peer: Some(peer.clone()), unit: &self.unit };
            let frozen = peer.call(FREEZE, &self.unit).await.map_err(|error| refused(FREEZE, &error));
            // A freeze whose answer did not come may happen yet, and nobody would thaw it.
            if !frozen.as_ref().is_err_and(|error| error.kind() == Kind::TimedOut) {
                undo.peer = None;
            }
            frozen.map(drop)
        };
        deadline.bound(FREEZE, work).await
    }

    /// Thaws it. Repeated, it does nothing.
    ///
    /// # Errors
    /// Those of [`Scope::freeze`], but for the first.
    pub async fn thaw(&self, deadline: Deadline) -> Result<()> {
        const THAW: &str = "ThawUnit";
        let work = async {
            let peer = self.buses.reach(&self.endpoint).await?;
            peer.call(THAW, &self.unit).await.map(drop).map_err(|error| refused(THAW, &error))
        };
        deadline.bound(THAW, work).await
    }

    fn refuse_ourselves(&self, op: &'static str) -> Result<()> {
        if !holds_us(&self.unit)? {
            return Ok(());
        }
        let why = format!("{op}: this process is in {}", self.unit);
        Err(Error::new(Kind::SelfProtected, op, why).hint("a scope ends by itself with its last process"))
    }
}

/// A manager that does not know the request at all is an older one.
fn refused(op: &'static str, error: &zbus::Error) -> Error {
    let unknown = refusal::name(error).is_some_and(|name| name.ends_with(".UnknownMethod"));
    let error = refusal::error(op, error);
    if unknown { error.kind_is(Kind::Unsupported) } else { error }
}

/// Thaws when it is dropped, unless what it guards against was ruled out.
struct Thawing<'a> {
    peer: Option<Peer>,
    unit: &'a str,
}

impl Drop for Thawing<'_> {
    fn drop(&mut self) {
        let (Some(peer), Ok(runtime)) = (self.peer.take(), Handle::try_current()) else { return };
        let unit = self.unit.to_owned();
        drop(runtime.spawn(async move { drop(peer.call("ThawUnit", &unit).await) }));
    }
}
