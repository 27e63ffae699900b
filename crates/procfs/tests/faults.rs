//! Every system call of every operation fails, in every way: each time an error or success, and never a descriptor left.
//!
//! `PROCWARD_FAULTS=1` takes all errors instead of one of each kind (`testkit::errnos`).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints its table"
)]

use std::os::fd::AsFd;

use kernel::Result;
use procfs::{Base, How, Options, Origin, Procfs, Resolver, Strategy};
use testkit::{errnos, fail_each_call};

/// Runs it once for each of its calls and each error; what it answers in spite of one must be the truth.
fn fail<T: Send + PartialEq + std::fmt::Debug>(
    title: &str,
    truth: Option<&T>,
    operation: impl Fn() -> Result<T> + Sync,
) {
    let check = |(), outcome: Result<T>| {
        if let (Some(truth), Ok(answer)) = (truth, outcome) {
            assert_eq!(&answer, truth, "{title}");
        }
    };
    match fail_each_call(errnos(), || (), |()| operation(), check) {
        Ok(faults) => println!("{title}: {} runs: {faults}", faults.runs()),
        Err(why) => println!("SKIPPED {title}: {why}"),
    }
}

/// Every way of having a root, with both ways of looking up where they are there.
fn roots() -> Vec<(String, Procfs)> {
    let mut roots = Vec::new();
    for origin in Origin::LADDER {
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            let strategy = Strategy { origins: vec![origin], resolver, ..Strategy::here() };
            if let Ok(root) = Procfs::open_with(&Options::default(), &strategy) {
                roots.push((format!("{origin:?}, {resolver:?}"), root));
            }
        }
    }
    roots
}

#[test]
fn every_operation_bears_it() {
    // In turn: what another one has under way would be taken for something left behind.
    a_root_is_made_or_not();
    what_is_read_is_true_or_an_error();
}

fn a_root_is_made_or_not() {
    fail("Procfs::open", None, || Procfs::open(&Options::default()).map(drop));
}

fn what_is_read_is_true_or_an_error() {
    for (name, root) in roots() {
        let own = Base::OwnProcess;
        let comm = root.read(&own, b"comm").unwrap();
        let exe = root.readlink(&own, b"exe").unwrap();
        fail(&format!("read, {name}"), Some(&comm), || root.read(&own, b"comm"));
        fail(&format!("readlink, {name}"), Some(&exe), || root.readlink(&own, b"exe"));
        fail(&format!("readdir, {name}"), None, || root.readdir(&own, b"ns"));
        fail(&format!("open, {name}"), Some(&()), || root.open_file(&own, b"status", How::READ).map(drop));
        fail(&format!("follow, {name}"), Some(&()), || {
            root.open_file(&own, b"exe", How::READ.follow()).map(drop)
        });
        let file = root.open_file(&own, b"comm", How::READ).unwrap();
        fail(&format!("reopen, {name}"), Some(&()), || root.reopen(file.as_fd(), How::READ).map(drop));
        fail(&format!("write, {name}"), Some(&()), || root.write(&own, b"comm", &comm));
    }
}
