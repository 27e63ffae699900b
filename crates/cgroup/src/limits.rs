//! What a group may use at most: one surface over the files of both versions.
//!
//! Setting happens in three steps, so that a refusal leaves everything as it was: check the values, plan every
//! write with what stands there now, write. A write that the kernel refuses takes back those before it.

mod cpu;
mod memory;
mod plan;

use kernel::{Error, Kind, Result};

use crate::controller::explain;
use crate::group::Cgroup;
use crate::keyed::{text, unreadable};
use plan::Plan;

/// The most that a group may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceiling<T> {
    /// This much.
    At(T),
    /// No limit of this group's own; those above it may have some.
    Max,
}

/// The limits of a group. An error stands for each that the group cannot have, and says where it could be had.
#[derive(Debug)]
pub struct Limits {
    /// Bytes of memory before the group's own processes are ended for lack of it.
    pub memory_max: Result<Ceiling<u64>>,
    /// Bytes of memory from which on its processes are slowed down. Version 2 alone.
    pub memory_high: Result<Ceiling<u64>>,
    /// Bytes of swap. Version 1 counts memory and swap together; this is the difference.
    pub swap_max: Result<Ceiling<u64>>,
    /// Tasks: processes and threads.
    pub pids_max: Result<Ceiling<u64>>,
    /// How many CPUs' worth of time.
    pub cpu_max: Result<Ceiling<f64>>,
    /// Its share of busy CPUs beside other groups: 1 to 10000, 100 by default. In version 1 converted as the
    /// kernel does, 1024 shares for 100.
    pub cpu_weight: Result<u64>,
}

/// Limits to set; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NewLimits {
    /// See [`Limits::memory_max`].
    pub memory_max: Option<Ceiling<u64>>,
    /// See [`Limits::memory_high`].
    pub memory_high: Option<Ceiling<u64>>,
    /// See [`Limits::swap_max`].
    pub swap_max: Option<Ceiling<u64>>,
    /// See [`Limits::pids_max`].
    pub pids_max: Option<Ceiling<u64>>,
    /// See [`Limits::cpu_max`]: from 0.001 to 1000000.
    pub cpu_max: Option<Ceiling<f64>>,
    /// See [`Limits::cpu_weight`].
    pub cpu_weight: Option<u64>,
}

impl Cgroup {
    /// Reads the limits. What the kernel rounded shows as it was rounded.
    ///
    /// # Errors
    /// `Unsupported` when the group can have none of them, with the reason of the first; `Gone`.
    pub fn limits(&self) -> Result<Limits> {
        let limits = Limits {
            memory_max: memory::max(self),
            memory_high: memory::high(self),
            swap_max: memory::swap(self),
            pids_max: pids(self),
            cpu_max: cpu::max(self),
            cpu_weight: cpu::weight(self),
        };
        let failures = [
            limits.memory_max.as_ref().err(),
            limits.memory_high.as_ref().err(),
            limits.swap_max.as_ref().err(),
            limits.pids_max.as_ref().err(),
            limits.cpu_max.as_ref().err(),
            limits.cpu_weight.as_ref().err(),
        ];
        if let Some(failure) = failures.iter().flatten().find(|error| error.kind() != Kind::Unsupported) {
            return Err((*failure).clone());
        }
        match limits.memory_max {
            Err(error) if failures.iter().all(Option::is_some) => Err(error),
            memory_max => Ok(Limits { memory_max, ..limits }),
        }
    }

    /// Sets limits: all of them or, when one is refused, none.
    ///
    /// A process of the group may be ended for lack of memory before this returns, when it uses more than it
    /// now may.
    ///
    /// # Errors
    /// `InvalidArgument` for a value out of range, and where the kernel refuses one; `Unsupported` for a limit
    /// that the group cannot have; `Busy` when version 1 cannot free as much memory; `PermissionDenied`; `Gone`.
    /// Should what was written before not go back, the error says so.
    pub fn set_limits(&self, new: &NewLimits) -> Result<()> {
        check(self, new)?;
        let mut plan = Plan::of(self);
        memory::plan(&mut plan, new)?;
        if let Some(pids) = new.pids_max {
            plan.add("pids.max", write_down(pids)).map_err(|error| explain(error, self, "pids"))?;
        }
        cpu::plan(&mut plan, new)?;
        plan.carry_out()
    }
}

fn pids(group: &Cgroup) -> Result<Ceiling<u64>> {
    ceiling(group, "pids.max").map_err(|error| explain(error, group, "pids"))
}

/// Refused here, values out of range cannot stop half-way what was begun.
fn check(group: &Cgroup, new: &NewLimits) -> Result<()> {
    /// The kernel counts pages, and reads a number of bytes as a signed one in version 1.
    const MOST_BYTES: u64 = i64::MAX.cast_unsigned();
    /// The largest number of pids that any configuration has.
    const MOST_PIDS: u64 = 1 << 22;
    let refuse = |what: &'static str| Err(Error::new(Kind::InvalidArgument, "write", what).at(group.path()));
    let above =
        |ceiling: Option<Ceiling<u64>>, most| matches!(ceiling, Some(Ceiling::At(value)) if value > most);
    if [new.memory_max, new.memory_high, new.swap_max].iter().any(|bytes| above(*bytes, MOST_BYTES)) {
        return refuse("a limit of memory is at most 2^63-1 bytes");
    }
    if above(new.pids_max, MOST_PIDS) {
        return refuse("a limit of pids is at most 4194304");
    }
    if matches!(new.cpu_max, Some(Ceiling::At(cores)) if !cpu::CORES.contains(&cores)) {
        return refuse("a limit of CPUs is from 0.001 to 1000000");
    }
    if new.cpu_weight.is_some_and(|weight| !cpu::WEIGHTS.contains(&weight)) {
        return refuse("a weight is from 1 to 10000");
    }
    Ok(())
}

/// A file with a number or `max`.
fn ceiling(group: &Cgroup, file: &'static str) -> Result<Ceiling<u64>> {
    let text = text(group, file)?;
    match text.trim() {
        "max" => Ok(Ceiling::Max),
        number => number.parse().map(Ceiling::At).map_err(|_| unreadable(group, file, &text)),
    }
}

/// As such a file takes it.
fn write_down(ceiling: Ceiling<u64>) -> String {
    match ceiling {
        Ceiling::At(value) => value.to_string(),
        Ceiling::Max => "max".to_owned(),
    }
}
