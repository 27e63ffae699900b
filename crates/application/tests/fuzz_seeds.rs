//! The short round of the fuzzer, on any compiler: every seed, and mutations of it that are the same every time.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "the mutations stay inside what they mutate")]
#![expect(clippy::disallowed_methods, reason = "the seeds are files of the repository")]

#[path = "../../../fuzz/mutations.rs"]
mod mutations;
#[path = "../../../fuzz/naming.rs"]
mod targets;

const WORDS: [&[u8]; 12] = [
    b"snap.",
    b".hook.",
    b"+",
    b"\\x2b",
    b"_key",
    b"-",
    b".",
    b"/",
    b".scope",
    b".service",
    b"-4706fe54-7802-4808-aa7e-ae8b567239e0",
    b"/docker/",
];

#[test]
fn every_seed_and_its_mutations_keep_what_the_fuzzer_checks() {
    mutations::check_all(&targets::ALL, &WORDS);
}
