//! Control groups as handles: where the hierarchies are, one group, freezing, ending, watching, limiting, removing.
//!
//! A [`Cgroup`] is a directory descriptor with its inode number, never a path that is looked up again: a
//! group that was removed and made anew under the same name is another group, and the old handle says
//! [`Kind::Gone`](kernel::Kind::Gone).
//!
//! # Guarantees
//! - A look-up stays below the mount of its hierarchy, on that mount, and follows no link ([`Lookup`]).
//! - [`Cgroup::freeze`] succeeds only when every task has stopped: never on what was asked for, and not on
//!   the kernel's word alone where that comes too early. A freeze that fails, passes its deadline or is
//!   dropped leaves the group as it was found.
//! - A group that holds this process, itself or below, is not frozen, and is killed only when that is asked
//!   for.
//! - Leases of one group compose: it thaws with the last one, and not at all if it was frozen before the
//!   first.
//! - A [`Watch`] may miss that a state came and went, never which state there is.
//! - [`Cgroup::set_limits`] sets all that it is given or, when one is refused, puts the others back.
//! - Interface files are never created or truncated, and a value is written by one write(2).
//!
//! # What it does not do
//! - It cannot thaw after this process was killed: a lease lives as long as its process.
//! - It cannot tell its own freeze from one that another process asks for while a lease is held.
//! - A task in uninterruptible sleep neither freezes nor dies; the errors name it.
//! - Version 1 hierarchies other than the freezer's cannot freeze, and a fork bomb in one of their groups is
//!   killed one by one, without standing still.
//!
//! Asynchronous methods wait on the runtime of the thread that polls them; every future is `Send`.

mod layout;
mod matcher;
mod membership;

mod group;
mod lookup;
mod name;
mod top;

mod interface;
mod members;
mod tree;
mod walk;

mod controller;
mod keyed;
mod limits;
mod stats;
mod watch;

mod empty;
mod events;
mod freeze;
mod kill;
mod remove;
mod signal;
mod stop;

mod bystander;
mod protect;
mod support;

pub use freeze::{
    FreezeState, FrozenBy, Insistence, Lease, Phase, Thaw, freeze_all, freeze_all_with, freeze_those_left,
    keeps_frozen, thaw_for_good,
};
pub use group::Cgroup;
pub use kill::Killing;
pub use layout::{Hierarchy, Layout, Mode, MountPoint, Version};
pub use limits::{Ceiling, Limits, NewLimits};
pub use lookup::{Identity, Lookup};
pub use matcher::Matcher;
pub use members::Reach;
pub use membership::{path_of, still_held, tracking_path_in, tracking_path_of};
pub use protect::Whereabouts;
pub use stats::Stats;
pub use support::support;
pub use walk::{Step, Walk};
pub use watch::{Event, Watch};
