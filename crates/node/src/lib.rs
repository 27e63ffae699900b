//! The Node-API binding: convert, call, wrap.
//!
//! A function here has three steps: convert the arguments, call one function of the core, wrap the answer. An
//! error of the core crosses as a value (`failure`) and is thrown by the TypeScript layer; a panic never
//! crosses (`catch_unwind` on every export). No decision is made here, and nothing here is public API: the
//! types that users see are those of the TypeScript layer.

// In a test build napi registers nothing and all of this would be unused; the tests of this crate are in __test__.
#![cfg(not(test))]
#![expect(
    missing_debug_implementations,
    unreachable_pub,
    reason = "the exports of this crate are reached and shown by JavaScript, not by Rust"
)]
#![expect(clippy::needless_pass_by_value, reason = "Node-API hands strings and lists over by value")]

mod application;
mod cgroup;
mod environment;
mod failure;
mod features;
mod later;
mod limits;
mod process;
mod processes;
mod procfile;
mod procfs;
mod reactor;
mod spawn;
mod systemd;
mod variables;

use std::time::Duration;

use kernel::ready::Deadline;
use napi_derive::napi;

/// The version that the TypeScript layer must have, too.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// A timeout in milliseconds; infinity, and whatever is too long to count, is never.
fn deadline(timeout_ms: f64) -> Deadline {
    Duration::try_from_secs_f64(timeout_ms / 1000.0).map_or(Deadline::NEVER, Deadline::after)
}

/// A time in milliseconds; infinity, and whatever is too long to count, is the longest there is.
fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX)
}
