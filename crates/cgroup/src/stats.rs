//! What a group uses now: one surface over the files of both versions.

use std::time::Duration;

use kernel::Result;

use crate::group::Cgroup;
use crate::keyed::{number, optional, text, value_of};
use crate::layout::Version;

/// What a group and everything below it use. `None` for what its hierarchy or the kernel does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of memory, page cache and kernel memory included. Controller memory.
    pub memory_bytes: Option<u64>,
    /// The most there ever was. Version 2 since 5.19.
    pub memory_peak_bytes: Option<u64>,
    /// Tasks: processes and threads. Controller pids.
    pub pids: Option<u64>,
    /// Time on all CPUs. Version 2 counts it without a controller; version 1 in the controller cpuacct.
    pub cpu_usage: Option<Duration>,
    /// How often the out-of-memory killer chose a process of it. Controller memory; version 1 since 4.13.
    pub oom_kills: Option<u64>,
}

impl Cgroup {
    /// Reads what the group uses. The numbers are read one after the other, each as of its moment.
    ///
    /// # Errors
    /// `Gone`; `PermissionDenied`.
    pub fn stats(&self) -> Result<Stats> {
        let stats = match self.version() {
            Version::V1 => self.stats_of_version_1()?,
            Version::V2 => self.stats_of_version_2()?,
        };
        if stats == Stats::default() {
            // A hierarchy that counts nothing; but a group that was removed has no files either.
            self.must_exist()?;
        }
        Ok(stats)
    }

    fn stats_of_version_2(&self) -> Result<Stats> {
        let usage = optional(text(self, "cpu.stat"))?;
        let events = optional(text(self, "memory.events"))?;
        Ok(Stats {
            memory_bytes: optional(number(self, "memory.current"))?,
            memory_peak_bytes: optional(number(self, "memory.peak"))?,
            pids: optional(number(self, "pids.current"))?,
            cpu_usage: usage
                .and_then(|usage| value_of(usage.as_bytes(), "usage_usec"))
                .map(Duration::from_micros),
            oom_kills: events.and_then(|events| value_of(events.as_bytes(), "oom_kill")),
        })
    }

    fn stats_of_version_1(&self) -> Result<Stats> {
        let control = optional(text(self, "memory.oom_control"))?;
        Ok(Stats {
            memory_bytes: optional(number(self, "memory.usage_in_bytes"))?,
            memory_peak_bytes: optional(number(self, "memory.max_usage_in_bytes"))?,
            pids: optional(number(self, "pids.current"))?,
            cpu_usage: optional(number(self, "cpuacct.usage"))?.map(Duration::from_nanos),
            oom_kills: control.and_then(|control| value_of(control.as_bytes(), "oom_kill")),
        })
    }
}
