//! What safety costs: the system calls of each operation, counted, against what was promised.
#![expect(clippy::print_stdout, reason = "the numbers are for who wants to see them")]

use std::os::fd::AsFd;

use kernel::Kind;
use procfs::{Base, Guarantee, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy};
use testkit::count_syscalls;

/// A masked instance of our own, as the shared one is.
fn has_own_instance() -> bool {
    let options = Options { require: vec![Guarantee::NoOvermounts, Guarantee::Masked], ..Options::default() };
    let own = Procfs::open(&options).map(drop).map_err(|error| error.to_string());
    testkit::need::met("fsopen", own, module_path!())
}

/// Counts the calls of an operation once it is warm; `None`, loudly, where nothing can be counted.
fn count<T: Send>(title: &str, operation: impl Fn() -> T + Send + Sync) -> Option<usize> {
    drop(operation());
    let (calls, answer) = match count_syscalls(&operation) {
        Ok((_, calls)) => (calls, Ok(())),
        Err(why) => (Vec::new(), Err(why)),
    };
    if !testkit::need::met("seccomp listener", answer, module_path!()) {
        return None;
    }
    // Closing a descriptor, the standard library checks with F_GETFD that it is open, in debug builds only.
    let sum = calls.iter().filter(|(call, _)| *call != libc::SYS_fcntl).map(|(_, count)| count).sum();
    println!("{title}: {sum} {calls:?}");
    Some(sum)
}

/// What is promised, and what is done for it.
type Row<'a> = (&'a str, usize, Box<dyn Fn() + Send + Sync + 'a>);

#[test]
fn a_file_of_ours_through_the_shared_root_costs_no_more_than_was_promised() {
    testkit::require!(openat2, statx);
    if !has_own_instance() {
        return;
    }
    let own = Base::OwnProcess;
    let shared = || procfs::shared().expect("a procfs");
    let procfs = shared();
    let (reader, _writer) = std::io::pipe().unwrap();
    // Each with the closing of what it opened.
    let rows: [Row<'_>; 8] = [
        ("open", 2, Box::new(|| drop(procfs.open_file(&own, b"status", How::READ).unwrap()))),
        ("readlink", 1, Box::new(|| drop(procfs.readlink(&own, b"exe").unwrap()))),
        // To ask for the shared root is to make sure that it is still there.
        ("shared, open", 3, Box::new(|| drop(shared().open_file(&own, b"status", How::READ).unwrap()))),
        ("shared, readlink", 2, Box::new(|| drop(shared().readlink(&own, b"exe").unwrap()))),
        // Which thread this is, and whether it is the one that was asked for.
        ("thread", 4, Box::new(|| drop(procfs.open_file(&Base::this_thread(), b"stat", How::READ).unwrap()))),
        ("follow", 6, Box::new(|| drop(procfs.open_file(&own, b"exe", How::READ.follow()).unwrap()))),
        ("read", 4, Box::new(|| drop(procfs.read(&own, b"comm").unwrap()))),
        // Two more looks make sure that it is the same file.
        ("reopen", 9, Box::new(|| drop(procfs.reopen(reader.as_fd(), How::READ).unwrap()))),
    ];
    for (title, budget, operation) in rows {
        let Some(calls) = count(title, operation) else { return };
        assert!(calls <= budget, "{title}: {calls} calls, {budget} were promised");
    }
}

#[test]
fn a_walk_costs_a_step_and_a_look_for_each_component() {
    testkit::require!(statx);
    let walk = Strategy::here().resolving_by(Resolver::Walk);
    for origin in Origin::LADDER {
        let Ok(procfs) = Procfs::open_with(&Options::default(), &walk.clone().only(origin)) else { continue };
        if procfs.info().mount_id == MountIdSource::Fdinfo {
            continue;
        }
        // Without the closing of the file itself.
        let open = || procfs.open_file(&Base::OwnProcess, b"status", How::READ).unwrap();
        let Some(calls) = count(&format!("walk, {}", origin.name()), open) else { return };
        assert!(calls <= 12, "{calls} calls, 12 were promised");
    }
}

#[test]
fn a_miss_below_a_process_makes_no_other_root() {
    if !has_own_instance() {
        return;
    }
    let procfs = Procfs::open(&Options::default()).unwrap();
    let child = testkit::sleeper();
    for base in [Base::OwnProcess, Base::this_thread(), Base::Pid(child.pid())] {
        let miss = || {
            let error = procfs.open_file(&base, b"no such file", How::READ).unwrap_err();
            assert_eq!(error.kind(), Kind::NotFound, "{error}");
        };
        let counted = count_syscalls(miss);
        let Ok(((), calls)) = counted else {
            let _ = testkit::need::met("seccomp listener", counted.map(drop), module_path!());
            return;
        };
        let built = [libc::SYS_fsopen, libc::SYS_fsmount, libc::SYS_open_tree];
        assert!(calls.iter().all(|(call, _)| !built.contains(call)), "{base:?}: {calls:?}");
    }
}
