//! One service manager, at the other end of a connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use zbus::names::{OwnedUniqueName, UniqueName};
use zbus::{Connection, DynamicType, Message, OwnedVariant};

use crate::unit::object_path;

pub(crate) const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
pub(crate) const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const WELL_KNOWN: &str = "org.freedesktop.systemd1";
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// A connection that is kept, and what was learnt on it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) connection: Connection,
    /// Whether the manager has refused processes by pidfd.
    refuses_pidfds: Arc<AtomicBool>,
    /// Whether process 7 is the same one at both ends; not known before it is needed.
    shares_numbers: Arc<OnceLock<bool>>,
}

impl Line {
    pub(crate) fn new(connection: Connection, shares_numbers: Option<bool>) -> Self {
        let shares_numbers = shares_numbers.map_or_else(OnceLock::new, OnceLock::from);
        Self { connection, refuses_pidfds: Arc::default(), shares_numbers: Arc::new(shares_numbers) }
    }
}

/// A manager: who it is on its connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    line: Line,
    /// Requests go to it and signals come from it, not to or from whoever has the name at that moment. `None` on the manager's
    /// own socket, where nobody else is.
    pub(crate) owner: Option<OwnedUniqueName>,
}

impl Peer {
    /// Asks the bus who the manager is; starts none.
    pub(crate) async fn on(line: Line) -> zbus::Result<Self> {
        let mut peer = Self { line, owner: None };
        peer.owner = peer.who().await?;
        Ok(peer)
    }

    /// The same manager as it is named now: it has another name on the bus after it has executed itself again.
    pub(crate) async fn renewed(&self) -> zbus::Result<Self> {
        Self::on(self.line.clone()).await
    }

    async fn who(&self) -> zbus::Result<Option<OwnedUniqueName>> {
        if !self.line.connection.is_bus() {
            return Ok(None);
        }
        let reply =
            self.line.connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &WELL_KNOWN);
        reply.await?.body().deserialize::<UniqueName<'_>>().map(|owner| Some(owner.to_owned().into()))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.line.connection
    }

    pub(crate) fn refuses_pidfds(&self) -> bool {
        self.line.refuses_pidfds.load(Ordering::Relaxed)
    }

    pub(crate) fn remember_that_it_refuses_pidfds(&self) {
        self.line.refuses_pidfds.store(true, Ordering::Relaxed);
    }

    /// Whether numbers of processes mean to the manager what they mean to us. In another pid namespace they are those of
    /// strangers, whom it would move.
    pub(crate) async fn shares_numbers(&self) -> zbus::Result<bool> {
        let line = &self.line;
        if let Some(known) = line.shares_numbers.get() {
            return Ok(*known);
        }
        let Some(own) = line.connection.unique_name() else { return Ok(true) };
        let asked = "GetConnectionUnixProcessID";
        let reply = line.connection.call_method(Some(BUS), BUS_PATH, Some(BUS), asked, own).await?;
        let shares = reply.body().deserialize::<u32>()? == std::process::id();
        Ok(*line.shares_numbers.get_or_init(|| shares))
    }

    /// A request to the manager.
    pub(crate) async fn call<B: Serialize + DynamicType>(
        &self,
        member: &str,
        body: &B,
    ) -> zbus::Result<Message> {
        let owner = self.owner.as_deref();
        self.line.connection.call_method(owner, MANAGER_PATH, Some(MANAGER), member, body).await
    }

    /// A property of a unit, which is text.
    pub(crate) async fn unit_property(&self, unit: &str, property: &str) -> zbus::Result<String> {
        let path = object_path(unit).map_err(|error| zbus::Error::Failure(error.to_string()))?;
        let properties = Some("org.freedesktop.DBus.Properties");
        let owner = self.owner.as_deref();
        let reply =
            self.line.connection.call_method(owner, path, properties, "Get", &(UNIT, property)).await?;
        let value = reply.body().deserialize::<OwnedVariant>()?;
        String::try_from(value)
    }
}
