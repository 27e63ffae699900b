//! The memory that children run in: what nobody asked about is given back, too. By itself, since it counts mappings.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the mappings of this process, which no other procfs has")]

use std::os::fd::AsFd;

use kernel::Capabilities;
use kernel::fork::{Engine, Plan, Strings, start};
use kernel::ready::{Deadline, blocking};
use kernel::wait::{self, Events, Whom};

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
fn a_child_that_nobody_asked_about_keeps_no_memory_once_it_is_dropped() {
    const CHILDREN: usize = 200;
    // A few stacks are kept for the next child; each is two mappings.
    const POOLED: usize = 2 * 8;
    // What the allocator maps for itself.
    const ALLOCATOR: usize = 16;
    let before = mappings();
    for _ in 0..CHILDREN {
        let programs = Strings::from_block(b"/bin/true".into());
        let plan = Plan { arguments: programs.clone(), programs, ..Plan::default() };
        let newborn = start(Engine::choose(Capabilities::here()), plan).unwrap();
        blocking(newborn.pidfd.as_fd(), Deadline::NEVER).unwrap();
        wait::poll(Whom::Number(newborn.pid), Events::Exit).unwrap().unwrap();
    }
    let after = mappings();
    assert!(after <= before + POOLED + ALLOCATOR, "{before} mappings before, {after} after");
}
