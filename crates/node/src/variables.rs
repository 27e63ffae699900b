//! Our own variables, remembered: to read all of them through JavaScript takes half as long as the rest of a spawn, to see that
//! they are still the same a twentieth of that.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::environment::consists_of;
use kernel::fork::Strings;
use kernel::{Error, Kind, Result};
use napi_derive::napi;

static REMEMBERED: Mutex<Option<Strings>> = Mutex::new(None);

/// Remembers variables, `NAME=value` and a null byte each, if this process has them, and in this order.
#[napi(catch_unwind)]
pub fn remember_variables(block: String) {
    let variables = Strings::from_block(block.into_bytes());
    *lock() = consists_of(&variables).then_some(variables);
}

/// True when this process has the variables that were remembered, and no others: to be asked before a spawn without them.
#[napi(catch_unwind)]
#[must_use]
pub fn has_remembered_variables() -> bool {
    lock().as_ref().is_some_and(consists_of)
}

/// As they were when they were remembered.
pub(crate) fn remembered() -> Result<Strings> {
    lock().clone().ok_or_else(|| Error::new(Kind::InvalidArgument, "spawn", "no variables were remembered"))
}

/// Valid after every statement, so a panic elsewhere does not spoil it.
fn lock() -> MutexGuard<'static, Option<Strings>> {
    REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}
