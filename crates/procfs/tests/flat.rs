//! Opening, reading and closing for a long time leaves nothing behind: no descriptor, no memory.
//!
//! One test, because it looks at the memory of the whole process.
#![expect(clippy::unwrap_used, reason = "the functions shared by the tests fail by panicking")]

use procfs::{Base, How, Options, Origin, Procfs, Resolver, Strategy};
use testkit::Census;

/// Rounds of each root; `PROCWARD_FLAT_ROUNDS=1000000` is the full count.
const ROUNDS: usize = 20_000;
/// What the allocator may keep for itself, in pages.
const SLACK: i64 = 256;

fn resident_pages(procfs: &Procfs) -> i64 {
    procfs::parse::stat(&procfs.read(&Base::OwnProcess, b"stat").unwrap()).unwrap().resident_pages
}

fn round(procfs: &Procfs) {
    let own = Base::OwnProcess;
    assert!(!procfs.read(&own, b"comm").unwrap().is_empty());
    drop(procfs.open_file(&Base::this_thread(), b"status", How::READ).unwrap());
    assert!(procfs.open_file(&own, b"missing", How::READ).is_err());
    drop(procfs.readlink(&own, b"exe").unwrap());
}

#[test]
fn descriptors_and_memory_stay_flat() {
    let rounds = std::env::var("PROCWARD_FLAT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let strategies = [
        Strategy::here(),
        Strategy::here().resolving_by(Resolver::Walk),
        Strategy::here().only(Origin::Host),
    ];
    for strategy in strategies {
        let procfs = Procfs::open_with(&Options::default(), &strategy).unwrap();
        (0..1_000).for_each(|_| round(&procfs));
        let (census, before) = (Census::take(), resident_pages(&procfs));
        (0..rounds.unwrap_or(ROUNDS)).for_each(|_| round(&procfs));
        let after = resident_pages(&procfs);
        assert!(after <= before + SLACK, "{before} pages became {after}");
        census.assert_unchanged();
    }
}
