//! What the tests of the core need: promised needs, private mounts, scratch groups, a census, and calls taken away.
//!
//! A development dependency only. It never imitates kernel files: everything here makes a place on the running
//! kernel in which a test can do harm without harming anybody else, or finds out that there is no such place.
//!
//! - [`require!`] leaves a test early and loudly when the machine lacks something, and fails it where that was
//!   promised in the environment (`EXPECT=root,cgroup2`).
//! - [`in_private_mounts`], [`bind`], [`mount_tmpfs`] for everything that mounts.
//! - [`ScratchGroup`] for everything that needs a control group; [`sleeper`], [`shell`], [`inside`] and [`Storm`] for
//!   what lives in it; [`Stuck`] and [`Deaf`] for what can be neither frozen nor killed.
//! - [`run`] for what waits, [`run_time`] for who used the processor meanwhile.
//! - [`Census`] for what must not be left behind.
//! - [`count_syscalls`] for what must not cost more than it was promised to, [`list_syscalls`] for what must not be done;
//!   [`fail_each_call`] for what must not happen when one of them fails.
//! - The program `faults` runs a command that has its own calls fail, one by one ([`run_to_order`]).
//! - The program `without` runs a command to which chosen system calls are answered with an error.
#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests look at the machine from outside, by name, and start ordinary programs"
)]

mod calls;
mod census;
mod child;
mod deaf;
mod fault;
mod group;
mod listener;
mod mounts;
mod ordered;
mod processor;
mod report;
mod runtime;
mod spare;
mod storm;
mod stuck;

pub mod need;
pub mod without;

pub use calls::{Made, count_syscalls, list_syscalls};
pub use census::Census;
pub use child::{Child, inside, shell, sleeper};
pub use deaf::Deaf;
pub use fault::{Faults, errnos, fail_each_call};
pub use group::ScratchGroup;
pub use mounts::{bind, in_private_mounts, mount_tmpfs};
pub use ordered::{exit_code, run_to_order};
pub use processor::{run_time, work};
pub use report::report;
pub use runtime::{run, runtime};
pub use storm::{Kind, Storm, rounds};
pub use stuck::Stuck;
