//! Arbitrary bytes for the parser of the units on a path.
#![no_main]

#[path = "../naming.rs"]
mod naming;

libfuzzer_sys::fuzz_target!(|data: &[u8]| naming::unit(data));
