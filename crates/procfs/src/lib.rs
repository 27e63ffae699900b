//! A /proc that cannot be lied about.
//!
//! # What it guarantees
//! Every operation acts on exactly the procfs file that was asked for, or fails with a kind that says why. That a
//! path "stays below /proc" would not be enough: a label written to `/proc/self/sched` is silently lost.
//!
//! A [`Procfs`] is a verified root descriptor: best an instance of our own, which nobody can mount over, at worst
//! the /proc of the host, where everything that is mounted in the way is met as [`Kind::Overmount`]. Which it
//! became is in [`Procfs::info`], and [`Options::require`] refuses less. Paths are resolved by openat2, or where
//! that is filtered by a walk that gives the same answers.
//!
//! # Against whom
//! An adversary who can influence the mount table that a privileged process sees (a container's configuration, a
//! volume on /proc, a racing mount), and one who reads descriptors that leaked. Not against the kernel, nor
//! against root in the same namespaces.
//!
//! # What is left on the /proc of the host
//! What is mounted in the way is met, and refused; under a storm of mounts that may be often. With openat2 look-ups
//! are atomic. The walk looks at each file that it has opened before it goes on, so it returns no other file than
//! openat2 would; but something that is mounted over the last component in just that moment is opened before it is
//! refused, which may wait (a pipe) or have effects (a device). A magic link is checked and then followed: the
//! answer counts if the mount table of the calling thread did not change meanwhile, so the thread must be in the
//! mount namespace that the handle was opened in, and [`Kind::Busy`] says that it changes all the time.
//!
//! Without openat2 and statx together, [`MountIdSource::Fdinfo`], all this rests on a file that can itself be mounted
//! over: an attacker who prepares another procfs file with the right numbers in it can pass off one file for another.
//! With [`MountIdSource::None`] any procfs file mounted over another is taken for it, unless the resolver is openat2,
//! and magic links are followed unchecked. [`Procfs::info`] tells, and [`Guarantee::Openat2`] refuses.
//!
//! # What it does not do
//! It does not know who a process is: a number may be reused at any time, and `process` is the crate that holds
//! a process and looks below its directory. It does not judge what a file says. It retries nothing, but for two
//! things: a global file or a process that a masked handle hides is looked up once more through an unmasked one
//! that lives for that call; and what a detached root denies, or meets a mount at, is looked up once in the attached
//! /proc, to say why or, where that was allowed ([`Options::retry_attached`], [`How::allowing_same_procfs`]), to
//! have it from there.
//!
//! Text is read by [`parse`], which is pure.
//!
//! ```
//! # fn main() -> kernel::Result<()> {
//! let procfs = procfs::shared()?;
//! let status = procfs::parse::status(&procfs.read(&procfs::Base::OwnProcess, b"status")?);
//! assert_eq!(status.tgid(), Some(i32::try_from(std::process::id()).unwrap()));
//! # Ok(())
//! # }
//! ```
//!
//! [`Kind::Overmount`]: kernel::Kind::Overmount
//! [`Kind::Busy`]: kernel::Kind::Busy

mod attached;
mod base;
mod everybody;
mod file;
mod handle;
mod how;
mod info;
mod link;
mod lookup;
mod mount_id;
mod options;
mod pids;
mod root;
mod shared;
mod subpath;
mod support;

pub mod content;
pub mod parse;

pub use base::Base;
pub use handle::Procfs;
pub use how::How;
pub use info::{Attempt, Info, MountIdSource, Origin, Resolver, Subset};
pub use options::{Guarantee, Options, Strategy};
pub use pids::Pids;
pub use shared::shared;
pub use support::support;
