//! Starting a program: a child that shares our memory, on a stack of its own, until it executes.
//!
//! # Why not fork
//! fork copies the page tables of the parent, on the thread that asked: tens of milliseconds for a gigabyte.
//! `CLONE_VM` copies none, and without `CLONE_VFORK` the parent does not wait for the child either: the caller is
//! held for some 50 µs at any size. The price is that until execve two processes write to one memory, without
//! knowing of each other.
//!
//! # What may happen between clone and exec
//! The child was created in the middle of whatever our other threads were doing. They go on, in the same memory.
//!
//! - **No C library.** Its errno and locks belong to the thread that cloned; its setuid would signal *our* threads.
//!   Only system calls, by inline assembly.
//! - **No allocation, no locks, no freeing.** A lock may be held by a thread that does not exist in the child, and
//!   what the child frees is gone for us. All memory is prepared, and found by address.
//! - **No panic.** Unwinding would run the destructors of the parent's frames. No indexing, no checked arithmetic.
//! - **No signal handler.** It would run in our memory, believing to be on our thread. All signals are blocked
//!   around the clone, and unblocked in the child when no handler is left.
//! - **Nothing that belongs to memory.** What the kernel keeps per memory and not per task is ours, too: the
//!   dumpable flag, which a change of credentials clears, is put back afterwards; and the score for the out-of-memory
//!   killer, which the kernel gives to all who share memory, is the one thing for which the child does not share it
//!   with a thread that runs on.
//! - **Its stack and orders stay** until the kernel has given it other memory: until its end of the status pipe is
//!   closed, by execve or by exit. See [`Birth`].
//!
//! So the child decides nothing. The parent writes a [`Plan`] down as a list of system calls (`script`), and the child
//! performs it (`child`). What fails is reported as a record on a close-on-exec pipe: the stage, an index, the errno.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("children are created by assembly for x86-64 and arm64");

mod birth;
mod child;
mod clone;
mod dumpable;
mod killed;
mod plan;
mod probe;
mod raw;
mod replace;
mod script;
mod stack;
mod start;
mod status;
mod strings;
mod vfork;

pub use birth::{Birth, Outcome};
pub use clone::Strategy;
pub use killed::remember_killed;
pub use plan::{Credentials, Plan, ResourceLimit};
pub use probe::probe_exit;
pub use replace::{Image, replace};
pub use start::{Newborn, duplicate, start};
pub use status::{Failure, Stage};
pub use strings::{Strings, null_byte};
pub use vfork::may_wait_for_child;

use crate::feature::Feature;
use crate::support::Capabilities;

/// How a child gets rid of what it was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// `close_range` (5.9).
    Range,
    /// By listing /proc/self/fd.
    OneByOne,
}

/// How children are started on this kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Engine {
    /// How they are created.
    pub strategy: Strategy,
    /// How they get rid of what they were not given.
    pub closing: Closing,
}

impl Engine {
    /// The best that these capabilities allow.
    #[must_use]
    pub fn choose(capabilities: &Capabilities) -> Self {
        // One question for clone3 and for both flags that make it worth more than clone: the later came in 5.7.
        let clone3 = capabilities.has(Feature::Clone3) && capabilities.has(Feature::CloneIntoCgroup);
        Self {
            strategy: if clone3 { Strategy::Clone3 } else { Strategy::LegacyClone },
            closing: if capabilities.has(Feature::CloseRange) { Closing::Range } else { Closing::OneByOne },
        }
    }
}
