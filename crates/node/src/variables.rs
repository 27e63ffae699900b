//! Our own variables, remembered: to read all of them through JavaScript takes as long as the rest of a spawn, to see that they
//! are still the same a tenth of that.

use std::sync::{Mutex, PoisonError};

use kernel::environment::consists_of;
use kernel::fork::Strings;
use kernel::{Error, Kind, Result};
use napi_derive::napi;

static REMEMBERED: Mutex<Option<Strings>> = Mutex::new(None);

/// Remembers variables, `NAME=value` and a null byte each, if this process has them, and in this order.
#[napi(catch_unwind)]
pub fn remember_variables(block: String) {
    let variables = Strings::from_block(block.into_bytes());
    replace(consists_of(&variables).then_some(variables));
}

/// True when this process has the variables that were remembered, and no others: to be asked before a spawn without them.
#[napi(catch_unwind)]
#[must_use]
pub fn has_remembered_variables() -> bool {
    remembered().is_ok_and(|variables| consists_of(&variables))
}

/// As they were when they were remembered.
pub(crate) fn remembered() -> Result<Strings> {
    let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    remembered.ok_or_else(|| Error::new(Kind::InvalidArgument, "spawn", "no variables were remembered"))
}

fn replace(variables: Option<Strings>) {
    *REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner) = variables;
}
