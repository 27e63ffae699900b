//! Running out of descriptors at every step: an operation succeeds or says EMFILE, and nothing is remembered of it.
//!
//! The limit is of the whole process, so each test has one of its own.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use std::fmt::Write as _;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;

use kernel::{Errno, Error, Kind};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::Census;

/// More descriptors than any operation needs at once.
const ENOUGH: u64 = 8;

/// What an operation came to, without what it opened.
type Outcome = Result<(), Error>;

/// An operation, by what a failing test calls it.
type Operation<'a> = (&'static str, Box<dyn Fn() -> Outcome + 'a>);

/// Runs one test of this binary in a process of its own; true in that process.
#[expect(clippy::disallowed_methods, reason = "a test may start programs")]
fn alone(test: &str, variables: &[(&str, String)]) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command.args(["--exact", test]).env("ALONE", "1").envs(variables.iter().map(|(key, value)| (key, value)));
    assert!(command.status().expect("run this test").success());
    false
}

/// Runs `body` with room for `free` more descriptors. Numbers below the highest are all taken first, so that the
/// limit, which is on numbers, is one on how many.
fn with_room_for<T>(free: u64, body: impl FnOnce() -> T) -> T {
    let before = getrlimit(Resource::Nofile);
    let highest = fcntl_dupfd_cloexec(std::io::stdin(), 100).expect("a high number").as_raw_fd();
    let mut fill = Vec::new();
    let lowest_free = loop {
        let next = fcntl_dupfd_cloexec(std::io::stdin(), 0).expect("a low number");
        if next.as_raw_fd() >= highest {
            break next.as_raw_fd();
        }
        fill.push(next);
    };
    let limit = u64::try_from(lowest_free).expect("a number") + free;
    setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..before }).expect("setrlimit");
    let answer = body();
    setrlimit(Resource::Nofile, before).expect("setrlimit");
    answer
}

fn strategies() -> Vec<(String, Strategy)> {
    let mut all = Vec::new();
    for resolver in [Strategy::here().resolver, Resolver::Walk] {
        for ids in [MountIdSource::Unique, MountIdSource::Fdinfo] {
            let here = Strategy::here().resolving_by(resolver).mount_ids_from(ids);
            all.push((format!("{resolver:?} {ids:?}"), here.clone()));
            all.push((format!("host {resolver:?} {ids:?}"), here.only(Origin::Host)));
        }
    }
    all
}

fn operations(procfs: &Procfs) -> Vec<Operation<'_>> {
    let own = Base::OwnProcess;
    vec![
        ("open", Box::new(move || procfs.open_file(&own, b"status", How::READ).map(drop))),
        ("open a global file", Box::new(|| procfs.read(&Base::Root, b"uptime").map(drop))),
        ("read", Box::new(move || procfs.read(&own, b"net/unix").map(drop))),
        ("readlink", Box::new(move || procfs.readlink(&own, b"exe").map(drop))),
        ("readlink of a global link", Box::new(|| procfs.readlink(&Base::Root, b"mounts").map(drop))),
        ("follow", Box::new(move || procfs.open_file(&own, b"exe", How::READ.follow()).map(drop))),
        ("readdir", Box::new(move || procfs.readdir(&own, b"task").map(drop))),
        ("fd_path", Box::new(|| procfs.fd_path(0).map(drop))),
        ("reopen", Box::new(|| procfs.reopen(std::io::stdin().as_fd(), How::PATH).map(drop))),
        ("first process", Box::new(|| procfs.open_pid_dir(1).map(drop))),
        ("miss", Box::new(|| procfs.read(&Base::Root, b"missing").map(drop))),
        ("magic link", Box::new(move || procfs.open_file(&own, b"exe", How::READ).map(drop))),
        ("magic link in the middle", Box::new(move || procfs.read(&own, b"cwd/x").map(drop))),
    ]
}

fn kind(outcome: &Outcome) -> Option<Kind> {
    outcome.as_ref().err().map(Error::kind)
}

fn is_emfile(outcome: &Outcome) -> bool {
    outcome.as_ref().is_err_and(|error| error.is(Errno::MFILE))
}

#[test]
fn an_operation_without_descriptors_says_so_or_answers_as_always() {
    if !alone("an_operation_without_descriptors_says_so_or_answers_as_always", &[]) {
        return;
    }
    for (name, strategy) in strategies() {
        let procfs = Procfs::open_with(&Options::default(), &strategy).unwrap();
        let before = format!("{:?}", procfs.info());
        for (title, operation) in operations(&procfs) {
            let expected = kind(&operation());
            let census = Census::take();
            let outcomes: Vec<Outcome> = (0..=ENOUGH).map(|free| with_room_for(free, &operation)).collect();
            for (free, outcome) in outcomes.iter().enumerate() {
                let is_right = is_emfile(outcome) || kind(outcome) == expected;
                assert!(is_right, "{name}: {title} with room for {free}: {outcome:?}, not {expected:?}");
            }
            assert!(outcomes.last().is_some_and(|last| kind(last) == expected), "{name}: {title}");
            // The limit is in force: nothing is opened without a descriptor.
            assert!(title != "open" || is_emfile(&outcomes[0]), "{name}: {:?}", outcomes[0]);
            census.assert_unchanged();
        }
        assert_eq!(format!("{:?}", procfs.info()), before, "{name}");
    }
}

#[test]
fn a_procfs_opened_without_descriptors_is_refused_and_never_a_lesser_one() {
    if !alone("a_procfs_opened_without_descriptors_is_refused_and_never_a_lesser_one", &[]) {
        return;
    }
    for (name, strategy) in strategies() {
        for options in [Options::default(), Options::unmasked()] {
            let open = || Procfs::open_with(&options, &strategy);
            let expected = format!("{:?}", open().unwrap().info());
            let census = Census::take();
            for free in 0..=ENOUGH {
                match with_room_for(free, open) {
                    Ok(procfs) => assert_eq!(format!("{:?}", procfs.info()), expected, "{name} {free}"),
                    Err(error) => {
                        assert!(error.is(Errno::MFILE) && free < ENOUGH, "{name} {free}: {error}");
                    }
                }
            }
            census.assert_unchanged();
        }
    }
}

#[test]
fn the_first_question_of_a_process_without_descriptors_is_asked_again() {
    let title = "the_first_question_of_a_process_without_descriptors_is_asked_again";
    let describe = |procfs: &Procfs| format!("{:?}", procfs.info());
    if std::env::var_os("ALONE").is_none() {
        let expected = describe(&Procfs::open(&Options::default()).unwrap());
        for free in 0..=4_u64 {
            alone(title, &[("ROOM", free.to_string()), ("EXPECTED", expected.clone())]);
        }
        return;
    }
    let free = std::env::var("ROOM").unwrap().parse().unwrap();
    let expected = std::env::var("EXPECTED").unwrap();
    let mut said = String::new();
    for outcome in with_room_for(free, || [procfs::shared().map(drop), procfs::shared().map(drop)]) {
        write!(said, "{outcome:?} ").unwrap();
        assert!(outcome.is_ok() || is_emfile(&outcome), "{free}: {said}");
    }
    assert_eq!(describe(&Procfs::open(&Options::default()).unwrap()), expected, "{free}: {said}");
    let shared = procfs::shared().unwrap();
    assert_eq!(describe(&shared), expected, "{free}: {said}");
    assert!(!shared.read(&Base::OwnProcess, b"status").unwrap().is_empty());
}
