//! Applications by name: which groups are theirs, who lives there, and freezing, thawing and ending all of it as one.
//!
//! systemd gives each start of an application a unit of its own, whose name tells whose it is. How, is a [`Scheme`]: a
//! value, of which [`SNAP`] is one. A [`Family`] is a scheme on a host: it walks the groups that systemd tracks processes
//! with, and uses what `cgroup` can do with each that it finds.
//!
//! # Guarantees
//! - A group belongs to the application that the outermost unit on its path names. What a container, or another
//!   application, makes below its own group is taken for nobody else's.
//! - A group that vanishes while others are looked at is left out, and hides no other.
//! - [`Family::freeze`] succeeds when every group that a last look finds is frozen: the kernel's word, as in `cgroup`. A
//!   freeze that fails, passes its deadline or is dropped leaves everything as it was found.
//! - [`Family::kill`] succeeds when a last look finds nobody. It begins with nothing if this process is among them.
//!
//! # What it does not do
//! - In version 2 the group that this process is in is not frozen: whoever shares it runs on.
//! - It cannot hinder somebody from starting the application again right after the last look.
//!
//! Asynchronous functions wait on the tokio runtime of the thread that polls them, and walk on its blocking threads.

mod end;
mod escape;
mod family;
mod freeze;
mod scheme;
mod snap;
mod who;

pub use family::Family;
pub use scheme::{Ending, Owner, Scheme, Tag};
pub use snap::SNAP;

/// The scheme of that name; `None` for one that is not there.
#[must_use]
pub fn scheme(name: &str) -> Option<&'static Scheme> {
    const SCHEMES: [&Scheme; 1] = [&SNAP];
    SCHEMES.into_iter().find(|scheme| scheme.name == name)
}
