//! Memory and swap. Version 1 limits memory, and memory with swap; version 2 memory, and swap.

use kernel::{Error, Kind, Result};

use super::plan::Plan;
use super::{Ceiling, NewLimits, ceiling, write_down};
use crate::controller::explain;
use crate::group::Cgroup;
use crate::keyed::number;
use crate::layout::Version;

const CONTROLLER: &str = "memory";
const MEMORY_1: &str = "memory.limit_in_bytes";
const MEMORY_AND_SWAP_1: &str = "memory.memsw.limit_in_bytes";
/// What version 1 shows for "no limit": the most pages that it can count, in bytes. 64 KiB are the largest pages
/// that any kernel has.
const UNLIMITED_1: u64 = i64::MAX.cast_unsigned() - 0xffff;

pub(super) fn max(group: &Cgroup) -> Result<Ceiling<u64>> {
    let found = match group.version() {
        Version::V1 => ceiling_1(group, MEMORY_1),
        Version::V2 => ceiling(group, "memory.max"),
    };
    found.map_err(|error| explain(error, group, CONTROLLER))
}

pub(super) fn high(group: &Cgroup) -> Result<Ceiling<u64>> {
    match group.version() {
        Version::V1 => Err(no_throttle(group)),
        Version::V2 => ceiling(group, "memory.high").map_err(|error| explain(error, group, CONTROLLER)),
    }
}

pub(super) fn swap(group: &Cgroup) -> Result<Ceiling<u64>> {
    let found = match group.version() {
        Version::V1 => both_1(group).map(|(memory, both)| difference(memory, both)),
        Version::V2 => ceiling(group, "memory.swap.max"),
    };
    found.map_err(|error| explain(error, group, CONTROLLER))
}

pub(super) fn plan(plan: &mut Plan<'_>, new: &NewLimits) -> Result<()> {
    let group = plan.group();
    let planned = match group.version() {
        Version::V1 => plan_1(plan, new),
        Version::V2 => plan_2(plan, new),
    };
    planned.map_err(|error| explain(error, group, CONTROLLER))
}

fn plan_2(plan: &mut Plan<'_>, new: &NewLimits) -> Result<()> {
    let rows =
        [("memory.high", new.memory_high), ("memory.max", new.memory_max), ("memory.swap.max", new.swap_max)];
    for (file, ceiling) in rows {
        if let Some(ceiling) = ceiling {
            plan.add(file, write_down(ceiling))?;
        }
    }
    Ok(())
}

fn plan_1(plan: &mut Plan<'_>, new: &NewLimits) -> Result<()> {
    if new.memory_high.is_some() {
        return Err(no_throttle(plan.group()));
    }
    if new.memory_max.is_none() && new.swap_max.is_none() {
        return Ok(());
    }
    let group = plan.group();
    let (memory, both) = match both_1(group) {
        Ok(found) => found,
        // Without swap accounting there is the one file only.
        Err(error) if error.kind() == Kind::Unsupported && new.swap_max.is_none() => {
            return plan.add(MEMORY_1, write_down_1(new.memory_max.unwrap_or(Ceiling::Max)));
        }
        Err(error) => return Err(error),
    };
    let new_memory = new.memory_max.unwrap_or(memory);
    let new_both = match (new_memory, new.swap_max.unwrap_or_else(|| difference(memory, both))) {
        (_, Ceiling::Max) => Ceiling::Max,
        (Ceiling::At(memory), Ceiling::At(swap)) => Ceiling::At(memory.saturating_add(swap)),
        // Lifting the limit of memory lifts that of the sum.
        (Ceiling::Max, Ceiling::At(_)) if new.swap_max.is_none() => Ceiling::Max,
        (Ceiling::Max, Ceiling::At(_)) => {
            let detail = "version 1 counts memory and swap together: swap is limited only where memory is";
            return Err(Error::new(Kind::InvalidArgument, "write", detail).at(group.path()));
        }
    };
    // The sum may never be below memory alone: it goes up first, and down last.
    let (memory_file, both_file) = (write_down_1(new_memory), write_down_1(new_both));
    if size(new_both) >= size(both) {
        plan.add(MEMORY_AND_SWAP_1, both_file)?;
        plan.add(MEMORY_1, memory_file)
    } else {
        plan.add(MEMORY_1, memory_file)?;
        plan.add(MEMORY_AND_SWAP_1, both_file)
    }
}

/// The limits of memory and of memory with swap.
fn both_1(group: &Cgroup) -> Result<(Ceiling<u64>, Ceiling<u64>)> {
    Ok((ceiling_1(group, MEMORY_1)?, ceiling_1(group, MEMORY_AND_SWAP_1)?))
}

/// What is left for swap.
fn difference(memory: Ceiling<u64>, both: Ceiling<u64>) -> Ceiling<u64> {
    match (memory, both) {
        (Ceiling::At(memory), Ceiling::At(both)) => Ceiling::At(both.saturating_sub(memory)),
        _ => Ceiling::Max,
    }
}

fn ceiling_1(group: &Cgroup, file: &'static str) -> Result<Ceiling<u64>> {
    number(group, file).map(|bytes| if bytes >= UNLIMITED_1 { Ceiling::Max } else { Ceiling::At(bytes) })
}

/// -1 lifts a limit in version 1.
fn write_down_1(ceiling: Ceiling<u64>) -> String {
    match ceiling {
        Ceiling::At(bytes) => bytes.to_string(),
        Ceiling::Max => "-1".to_owned(),
    }
}

fn size(ceiling: Ceiling<u64>) -> u64 {
    match ceiling {
        Ceiling::At(bytes) => bytes,
        Ceiling::Max => u64::MAX,
    }
}

fn no_throttle(group: &Cgroup) -> Error {
    Error::new(Kind::Unsupported, "open", "version 1 does not slow a group down by its memory:")
        .at(group.path())
        .hint("use version 2, or memory.soft_limit_in_bytes, which is something else, through writeFile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_is_what_the_sum_leaves() {
        assert_eq!(difference(Ceiling::At(3), Ceiling::At(10)), Ceiling::At(7));
        assert_eq!(difference(Ceiling::At(3), Ceiling::At(3)), Ceiling::At(0));
        assert_eq!(difference(Ceiling::At(3), Ceiling::Max), Ceiling::Max);
        assert_eq!(difference(Ceiling::Max, Ceiling::Max), Ceiling::Max);
    }

    #[test]
    fn no_page_size_hides_the_absence_of_a_limit() {
        for page in [4096, 16384, 65536] {
            assert!(i64::MAX.cast_unsigned() / page * page >= UNLIMITED_1, "{page}");
        }
    }
}
