//! Processes held by handle: identity, signals, exits, and the start of new ones.
//!
//! A [`Process`] is one particular process, found once and then held by a pidfd: what is done to it can never reach
//! another that was given the same number later. Its end is an event for everybody who holds it, and where the
//! kernel tells how it ended, they learn that too ([`Exit`]).
//!
//! A [`Command`] becomes a [`Child`] through [`spawn()`], on the thread that asks and without copying its memory. A
//! child is reaped by [`Child::reap_in_background`], by its own handle only: nobody else's children are waited for,
//! and no signal handler is installed. Dropping a handle never kills.
//!
//! The futures here need a tokio runtime with descriptors and timers; which one, `node` decides. Every wait has a
//! blocking twin that needs none.

mod capability;
mod child;
mod directory;
mod exit;
mod handle;
mod hold;
mod identity;
mod limits;
mod list;
mod means;
mod place;
mod spawn;
mod support;
mod watch;

pub use capability::capability_number;
pub use child::{Child, Starting};
pub use directory::Directory;
pub use exit::Exit;
pub use handle::{Process, ProcessInfo};
pub use identity::Identity;
pub use kernel::fork::{Credentials, Stage};
pub use kernel::limits::Limit;
pub use kernel::pidfd::{Ids, Scope};
pub use kernel::wait::{Change, Status, Usage};
pub use limits::{change_limit, resource_limit, resource_named};
pub use list::{Row, list};
pub use means::Means;
pub use place::Place;
pub use rustix::process::Resource;
pub use spawn::{
    Bounds, Collected, Command, IdMap, Namespaces, Stdio, UserNamespace, pipe, replace, spawn, spawn_with,
};
pub use support::support;
