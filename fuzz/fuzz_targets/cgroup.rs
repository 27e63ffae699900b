//! Arbitrary bytes for the parser of cgroup.
#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cgroup(data));
