//! CPU time: a quota in each period, and a weight beside other groups.

use std::ops::RangeInclusive;

use kernel::Result;

use super::plan::Plan;
use super::{Ceiling, NewLimits};
use crate::controller::explain;
use crate::group::Cgroup;
use crate::keyed::{number, text, unreadable};
use crate::layout::Version;

/// The least is the shortest quota that the kernel takes (1 ms) in the longest period (1 s).
pub(super) const CORES: RangeInclusive<f64> = 0.001..=1_000_000.0;
pub(super) const WEIGHTS: RangeInclusive<u64> = 1..=10_000;

const CONTROLLER: &str = "cpu";
const MAX_2: &str = "cpu.max";
const WEIGHT_2: &str = "cpu.weight";
const QUOTA_1: &str = "cpu.cfs_quota_us";
const PERIOD_1: &str = "cpu.cfs_period_us";
const SHARES_1: &str = "cpu.shares";
const SHORTEST_QUOTA_US: u64 = 1000;
const LONGEST_PERIOD_US: u64 = 1_000_000;

/// How much time in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bandwidth {
    /// `None` is no limit.
    quota_us: Option<u64>,
    period_us: u64,
}

pub(super) fn max(group: &Cgroup) -> Result<Ceiling<f64>> {
    bandwidth(group).map(Bandwidth::cores).map_err(|error| explain(error, group, CONTROLLER))
}

pub(super) fn weight(group: &Cgroup) -> Result<u64> {
    let found = match group.version() {
        Version::V1 => number(group, SHARES_1).map(weight_of),
        Version::V2 => number(group, WEIGHT_2),
    };
    found.map_err(|error| explain(error, group, CONTROLLER))
}

pub(super) fn plan(plan: &mut Plan<'_>, new: &NewLimits) -> Result<()> {
    let group = plan.group();
    let mut planned = Ok(());
    if let Some(ceiling) = new.cpu_max {
        planned = plan_max(plan, ceiling);
    }
    if let (Ok(()), Some(weight)) = (&planned, new.cpu_weight) {
        planned = match group.version() {
            Version::V1 => plan.add(SHARES_1, shares_of(weight).to_string()),
            Version::V2 => plan.add(WEIGHT_2, weight.to_string()),
        };
    }
    planned.map_err(|error| explain(error, group, CONTROLLER))
}

fn plan_max(plan: &mut Plan<'_>, ceiling: Ceiling<f64>) -> Result<()> {
    let before = bandwidth(plan.group())?;
    let after = before.at(ceiling);
    match plan.group().version() {
        Version::V1 => {
            // A longer period makes the quota that stands there a smaller part: nothing is let loose in between.
            if after.period_us != before.period_us {
                plan.add(PERIOD_1, after.period_us.to_string())?;
            }
            plan.add(QUOTA_1, after.quota_us.map_or("-1".to_owned(), |quota| quota.to_string()))
        }
        Version::V2 => {
            let quota = after.quota_us.map_or("max".to_owned(), |quota| quota.to_string());
            plan.add(MAX_2, format!("{quota} {}", after.period_us))
        }
    }
}

fn bandwidth(group: &Cgroup) -> Result<Bandwidth> {
    match group.version() {
        Version::V1 => {
            let quota = text(group, QUOTA_1)?;
            let quota_us = match quota.trim() {
                "-1" => None,
                number => Some(number.parse().map_err(|_| unreadable(group, QUOTA_1, &quota))?),
            };
            Ok(Bandwidth { quota_us, period_us: number(group, PERIOD_1)? })
        }
        Version::V2 => {
            let text = text(group, MAX_2)?;
            parse(&text).ok_or_else(|| unreadable(group, MAX_2, &text))
        }
    }
}

/// `max 100000`.
fn parse(text: &str) -> Option<Bandwidth> {
    let (quota, period) = text.trim().split_once(' ')?;
    let quota_us = if quota == "max" { None } else { Some(quota.parse().ok()?) };
    Some(Bandwidth { quota_us, period_us: period.parse().ok()? })
}

impl Bandwidth {
    #[expect(clippy::cast_precision_loss, reason = "the kernel takes at most 2^44 µs, far below 2^53")]
    fn cores(self) -> Ceiling<f64> {
        match self.quota_us {
            Some(quota) => Ceiling::At(quota as f64 / self.period_us as f64),
            None => Ceiling::Max,
        }
    }

    /// The same period with another quota, or the longest where the quota would be too short for the kernel.
    fn at(self, ceiling: Ceiling<f64>) -> Self {
        let Ceiling::At(cores) = ceiling else { return Self { quota_us: None, ..self } };
        let quota = quota_in(cores, self.period_us);
        if quota >= SHORTEST_QUOTA_US {
            return Self { quota_us: Some(quota), ..self };
        }
        Self { quota_us: Some(quota_in(cores, LONGEST_PERIOD_US)), period_us: LONGEST_PERIOD_US }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most a million cores times a million µs, and not negative: checked by those who call"
)]
fn quota_in(cores: f64, period_us: u64) -> u64 {
    (cores * period_us as f64).round() as u64
}

/// As the kernel converts: `sched_weight_from_cgroup` in kernel/sched/sched.h.
fn shares_of(weight: u64) -> u64 {
    (weight * 1024 + 50) / 100
}

/// As the kernel converts back: `sched_weight_to_cgroup`.
fn weight_of(shares: u64) -> u64 {
    (shares.saturating_mul(100).saturating_add(512) / 1024).clamp(*WEIGHTS.start(), *WEIGHTS.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_survive_the_way_through_shares() {
        assert_eq!((shares_of(1), shares_of(100), shares_of(10_000)), (10, 1024, 102_400));
        assert_eq!((weight_of(2), weight_of(1024), weight_of(262_144)), (1, 100, 10_000));
        for weight in WEIGHTS {
            assert_eq!(weight_of(shares_of(weight)), weight);
        }
    }

    #[test]
    fn a_quota_is_a_part_of_the_period_that_stands_there() {
        let usual = Bandwidth { quota_us: None, period_us: 100_000 };
        let rows = [
            (1.5, 150_000, 100_000),
            (0.01, 1000, 100_000),
            (0.0099, 9900, 1_000_000),
            (0.001, 1000, 1_000_000),
            (1_000_000.0, 100_000_000_000, 100_000),
        ];
        for (cores, quota, period) in rows {
            let at = usual.at(Ceiling::At(cores));
            assert_eq!(at, Bandwidth { quota_us: Some(quota), period_us: period }, "{cores}");
            assert_eq!(at.cores(), Ceiling::At(cores));
        }
        assert_eq!(Bandwidth { quota_us: Some(5000), period_us: 50_000 }.at(Ceiling::Max).period_us, 50_000);
    }

    #[test]
    fn both_forms_of_the_file_are_read() {
        assert_eq!(parse("max 100000\n"), Some(Bandwidth { quota_us: None, period_us: 100_000 }));
        assert_eq!(parse("5000 20000\n"), Some(Bandwidth { quota_us: Some(5000), period_us: 20_000 }));
        for nonsense in ["", "max", "1 2 3", "-1 5"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }
}
