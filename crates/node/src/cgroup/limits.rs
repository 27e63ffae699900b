//! Limits and use of a group for JavaScript.

use cgroup::{Ceiling, Limits, NewLimits, Stats};
use napi::Either;
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

use super::Cgroup;
use crate::environment::{Environment, value};
use crate::failure::{Outcome, outcome};

/// The limits of a group: each, or why there is none. Text is `max`.
#[napi(object, object_from_js = false)]
pub struct GroupLimitsRecord {
    pub memory_max_bytes: Outcome<Either<BigInt, String>>,
    pub memory_high_bytes: Outcome<Either<BigInt, String>>,
    pub swap_max_bytes: Outcome<Either<BigInt, String>>,
    pub pids_max: Outcome<Either<BigInt, String>>,
    pub cpu_max: Outcome<Either<f64, String>>,
    pub cpu_weight: Outcome<f64>,
}

/// Limits to set. Text is `max`.
#[napi(object, object_to_js = false)]
pub struct NewGroupLimitsRecord {
    pub memory_max_bytes: Option<Either<BigInt, String>>,
    pub memory_high_bytes: Option<Either<BigInt, String>>,
    pub swap_max_bytes: Option<Either<BigInt, String>>,
    pub pids_max: Option<Either<BigInt, String>>,
    pub cpu_max: Option<Either<f64, String>>,
    pub cpu_weight: Option<u32>,
}

/// What a group uses. Absent is what is not counted.
#[napi(object, object_from_js = false)]
pub struct GroupStatsRecord {
    pub memory_bytes: Option<u64>,
    pub memory_peak_bytes: Option<u64>,
    pub pids: Option<f64>,
    pub cpu_usage_ms: Option<f64>,
    pub oom_kills: Option<u64>,
}

#[napi]
impl Cgroup {
    #[napi(catch_unwind)]
    pub fn limits(&self, environment: &Environment, id: u32) {
        let group = self.get();
        environment.block(id, value, move || group?.limits().map(GroupLimitsRecord::from));
    }

    #[napi(catch_unwind)]
    pub fn set_limits(&self, environment: &Environment, id: u32, limits: NewGroupLimitsRecord) {
        let group = self.get();
        let limits = NewLimits::from(limits);
        environment.block(id, value, move || group?.set_limits(&limits));
    }

    #[napi(catch_unwind)]
    pub fn stats(&self, environment: &Environment, id: u32) {
        let group = self.get();
        environment.block(id, value, move || group?.stats().map(GroupStatsRecord::from));
    }
}

impl From<Limits> for GroupLimitsRecord {
    fn from(limits: Limits) -> Self {
        Self {
            memory_max_bytes: outcome(limits.memory_max.map(to_bytes)),
            memory_high_bytes: outcome(limits.memory_high.map(to_bytes)),
            swap_max_bytes: outcome(limits.swap_max.map(to_bytes)),
            pids_max: outcome(limits.pids_max.map(to_bytes)),
            cpu_max: outcome(limits.cpu_max.map(to_cores)),
            cpu_weight: outcome(limits.cpu_weight.map(to_number)),
        }
    }
}

impl From<NewGroupLimitsRecord> for NewLimits {
    fn from(limits: NewGroupLimitsRecord) -> Self {
        Self {
            memory_max: limits.memory_max_bytes.map(from_bytes),
            memory_high: limits.memory_high_bytes.map(from_bytes),
            swap_max: limits.swap_max_bytes.map(from_bytes),
            pids_max: limits.pids_max.map(from_bytes),
            cpu_max: limits.cpu_max.map(from_cores),
            cpu_weight: limits.cpu_weight.map(u64::from),
        }
    }
}

impl From<Stats> for GroupStatsRecord {
    fn from(stats: Stats) -> Self {
        Self {
            memory_bytes: stats.memory_bytes,
            memory_peak_bytes: stats.memory_peak_bytes,
            pids: stats.pids.map(to_number),
            cpu_usage_ms: stats.cpu_usage.map(|usage| usage.as_secs_f64() * 1000.0),
            oom_kills: stats.oom_kills,
        }
    }
}

fn to_bytes(ceiling: Ceiling<u64>) -> Either<BigInt, String> {
    match ceiling {
        Ceiling::At(value) => Either::A(BigInt::from(value)),
        Ceiling::Max => Either::B("max".to_owned()),
    }
}

fn to_cores(ceiling: Ceiling<f64>) -> Either<f64, String> {
    match ceiling {
        Ceiling::At(value) => Either::A(value),
        Ceiling::Max => Either::B("max".to_owned()),
    }
}

fn from_bytes(bytes: Either<BigInt, String>) -> Ceiling<u64> {
    match bytes {
        Either::A(number) => Ceiling::At(number.get_u64().1),
        Either::B(_) => Ceiling::Max,
    }
}

fn from_cores(cores: Either<f64, String>) -> Ceiling<f64> {
    match cores {
        Either::A(number) => Ceiling::At(number),
        Either::B(_) => Ceiling::Max,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of tasks, or a weight: far below 2^53")]
fn to_number(number: u64) -> f64 {
    number as f64
}
