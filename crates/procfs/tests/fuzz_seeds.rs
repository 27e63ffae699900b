//! The short round of the fuzzer, on any compiler: every seed, and mutations of it that are the same every time.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "the mutations stay inside what they mutate")]
#![expect(clippy::disallowed_methods, reason = "the seeds are files of the repository")]

#[path = "../../../fuzz/mutations.rs"]
mod mutations;
#[path = "../../../fuzz/targets.rs"]
mod targets;

/// What a mutation may bring in that chance would take long to find.
const WORDS: [&[u8]; 12] = [
    b"..",
    b"/",
    b"self",
    b"thread-self",
    b"exe",
    b"fd",
    b"\0",
    b":",
    b" - ",
    b"\\040",
    b")",
    b"18446744073709551616",
];

/// One test, so that nothing else in this process changes what the resolvers see.
#[test]
fn every_seed_and_its_mutations_keep_what_the_fuzzer_checks() {
    mutations::check_all(&targets::ALL, &WORDS);
}
