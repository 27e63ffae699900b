//! Arbitrary bytes for the parser of security tags.
#![no_main]

#[path = "../naming.rs"]
mod naming;

libfuzzer_sys::fuzz_target!(|data: &[u8]| naming::tag(data));
