//! Resource limits for JavaScript, by name.

use kernel::{Error, Kind, Result};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use process::{Limit, Resource, change_limit, resource_limit, resource_named};

use crate::failure::{Outcome, outcome};

/// Soft and hard, all bits set for no limit.
#[napi(object, object_from_js = false)]
pub struct LimitRecord {
    pub soft: u64,
    pub hard: u64,
}

/// A limit of this process.
#[napi(catch_unwind)]
#[must_use]
pub fn get_resource_limit(resource: String) -> Outcome<LimitRecord> {
    outcome(resource_of(&resource).and_then(resource_limit).map(LimitRecord::from))
}

/// Changes what is given of a limit of this process, and answers with the limit in force afterwards.
#[napi(catch_unwind)]
#[must_use]
pub fn set_resource_limit(
    resource: String,
    soft: Option<BigInt>,
    hard: Option<BigInt>,
) -> Outcome<LimitRecord> {
    let (soft, hard) = (word(soft.as_ref()), word(hard.as_ref()));
    let changed = resource_of(&resource).and_then(|resource| change_limit(resource, soft, hard));
    outcome(changed.map(LimitRecord::from))
}

pub(crate) fn resource_of(name: &str) -> Result<Resource> {
    let unknown = || Error::new(Kind::InvalidArgument, "prlimit64", format!("no resource is called {name}"));
    resource_named(name).ok_or_else(unknown)
}

/// Checked in TypeScript to fit.
pub(crate) fn word(value: Option<&BigInt>) -> Option<u64> {
    value.map(|value| value.get_u64().1)
}

impl From<Limit> for LimitRecord {
    fn from(limit: Limit) -> Self {
        Self { soft: limit.soft, hard: limit.hard }
    }
}
