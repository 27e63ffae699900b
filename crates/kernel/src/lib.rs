//! What the kernel can do, asked honestly.
//!
//! The lowest layer of procward: the one [`Error`], the [`Capabilities`] of the running kernel as a value,
//! waiting for descriptors and deadlines ([`ready`]), and the system calls that rustix lacks ([`pidfd`],
//! [`wait`], [`fork`], [`limits`], [`environment`]).
//!
//! It does not know procfs, control groups or policies, and it never retries, falls back or decides for the
//! caller. It is the only crate with unsafe code, each file of which says why.

mod error;
mod feature;
mod probe;
mod support;

pub mod environment;
pub mod errno;
pub mod fork;
pub mod limits;
pub mod pidfd;
pub mod ready;
pub mod signal;
pub mod thread;
pub mod timer;
pub mod wait;

pub use error::{Bystander, Error, Kind, Result};
pub use feature::{Fallback, Feature};
pub use rustix::io::Errno;
pub use support::{Capabilities, Finding, PROBED, Support};
