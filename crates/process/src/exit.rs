//! How a process ended, as far as the kernel tells.

use kernel::wait::{Status, Usage};

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The kernel told.
    Known {
        /// The wait status.
        status: Status,
        /// What it used. Only whoever reaps a process is told.
        usage: Option<Usage>,
    },
    /// It is gone, and this kernel tells only its parent how (before 6.15).
    Unknown,
}
