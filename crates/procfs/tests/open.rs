//! Opening: both resolvers, on every root that can be had, give the same answers to one table of questions.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::{AsFd, OwnedFd};

use kernel::{Capabilities, Errno, Feature, Kind, Support};
use procfs::{Base, Guarantee, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy, Subset};
use rustix::fs::{FileType, fstat};
use testkit::Census;

/// Every combination of root, resolver and source of mount ids that this machine offers.
fn every_procfs() -> Vec<(String, Procfs)> {
    let mut all = Vec::new();
    for origin in Origin::LADDER {
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            for ids in
                [MountIdSource::Unique, MountIdSource::Statx, MountIdSource::Fdinfo, MountIdSource::None]
            {
                let strategy = Strategy::here().only(origin).resolving_by(resolver).mount_ids_from(ids);
                let name = format!("{} {} {}", origin.name(), resolver.name(), ids.name());
                match Procfs::open_with(&Options::default(), &strategy) {
                    Ok(procfs) => all.push((name, procfs)),
                    Err(error) => assert_ne!(origin, Origin::Host, "{error}"),
                }
            }
        }
    }
    all
}

/// What came of an attempt to open: the type of the file, or kind and errno.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Opened(FileType),
    Refused(Kind, Option<Errno>),
}

fn outcome(answer: kernel::Result<OwnedFd>) -> Outcome {
    match answer {
        Ok(file) => Outcome::Opened(FileType::from_raw_mode(fstat(file).expect("fstat").st_mode)),
        Err(error) => Outcome::Refused(error.kind(), error.errno()),
    }
}

#[test]
fn both_resolvers_agree_on_every_root() {
    use FileType::{Directory, RegularFile, Symlink};
    use Outcome::{Opened, Refused};
    let own = Base::OwnProcess;
    let nofollow = How::flags(0o400_000).unwrap();
    let rows: Vec<(Base, &[u8], How, Outcome)> = vec![
        (own, b"status", How::READ, Opened(RegularFile)),
        (own, b"status", How::PATH, Opened(RegularFile)),
        (own, b"./net//unix", How::READ, Opened(RegularFile)),
        (own, b"", How::READ, Opened(Directory)),
        (own, b"", How::PATH, Opened(Directory)),
        (own, b".", How::READ.directory(), Opened(Directory)),
        (own, b"fd", How::READ, Opened(Directory)),
        (own, b"fd/", How::READ, Opened(Directory)),
        (own, b"status/", How::READ, Refused(Kind::Os, Some(Errno::NOTDIR))),
        (own, b"status/x", How::READ, Refused(Kind::Os, Some(Errno::NOTDIR))),
        (own, b"status", How::READ.directory(), Refused(Kind::Os, Some(Errno::NOTDIR))),
        (own, b"fd", How::WRITE, Refused(Kind::Os, Some(Errno::ISDIR))),
        (own, b"missing", How::READ, Refused(Kind::NotFound, Some(Errno::NOENT))),
        (own, b"missing/x", How::READ, Refused(Kind::NotFound, Some(Errno::NOENT))),
        (own, b"..", How::READ, Refused(Kind::Escape, None)),
        (own, b"fd/..", How::READ, Refused(Kind::Escape, None)),
        (own, b"fd/../status", How::READ, Refused(Kind::Escape, None)),
        (own, b"/status", How::READ, Refused(Kind::Escape, None)),
        (own, b"stat\0us", How::READ, Refused(Kind::InvalidArgument, None)),
        (own, &[b'a'; 300], How::READ, Refused(Kind::NotFound, Some(Errno::NOENT))),
        // Magic links: in the middle, at the end, as themselves, and on request.
        (own, b"root/etc/passwd", How::READ, Refused(Kind::MagicLink, Some(Errno::LOOP))),
        (own, b"root/etc", How::READ.follow(), Refused(Kind::MagicLink, Some(Errno::LOOP))),
        (own, b"exe", How::READ, Refused(Kind::MagicLink, Some(Errno::LOOP))),
        (own, b"cwd/", How::READ, Refused(Kind::MagicLink, Some(Errno::LOOP))),
        (own, b"exe", How::PATH, Opened(Symlink)),
        (own, b"exe", How::READ.follow(), Opened(RegularFile)),
        (own, b"exe", How::PATH.follow(), Opened(RegularFile)),
        (own, b"cwd/", How::READ.follow(), Opened(Directory)),
        (own, b"cwd", How::READ.directory().follow(), Opened(Directory)),
        (own, b"ns/mnt", How::READ.follow(), Opened(RegularFile)),
        (own, b"exe/", How::READ.follow(), Refused(Kind::Os, Some(Errno::NOTDIR))),
        (own, b"status", How::READ.follow(), Opened(RegularFile)),
        (own, b"missing", How::READ.follow(), Refused(Kind::NotFound, Some(Errno::NOENT))),
        // Ordinary links are followed, and handed out themselves with O_PATH.
        (Base::Root, b"self", How::READ, Opened(Directory)),
        (Base::Root, b"self/status", How::READ, Opened(RegularFile)),
        (Base::Root, b"self/", How::PATH, Opened(Directory)),
        (Base::Root, b"self", How::PATH, Opened(Symlink)),
        (Base::Root, b"self", nofollow, Refused(Kind::Os, Some(Errno::LOOP))),
        (Base::Root, b"self", nofollow.directory(), Refused(Kind::Os, Some(Errno::NOTDIR))),
        (own, b"exe", nofollow, Refused(Kind::Os, Some(Errno::LOOP))),
        (Base::Root, b"thread-self/status", How::READ, Opened(RegularFile)),
        (Base::Root, b"mounts", How::READ, Opened(RegularFile)),
        (Base::Root, b"net/unix", How::READ, Opened(RegularFile)),
        (Base::Root, b"", How::READ, Opened(Directory)),
        (Base::Root, b"self/exe/x", How::READ, Refused(Kind::MagicLink, Some(Errno::LOOP))),
        (Base::this_thread(), b"status", How::READ, Opened(RegularFile)),
        (Base::this_thread(), b"", How::PATH, Opened(Directory)),
        (Base::Pid(i32::MAX), b"status", How::READ, Refused(Kind::NotFound, Some(Errno::NOENT))),
        (Base::Pid(0), b"status", How::READ, Refused(Kind::InvalidArgument, None)),
        // Global files, whether the handle hides them or not.
        (Base::Root, b"uptime", How::READ, Opened(RegularFile)),
        (Base::Root, b"sys/kernel/pid_max", How::READ, Opened(RegularFile)),
        (Base::Root, b"missing", How::READ, Refused(Kind::NotFound, Some(Errno::NOENT))),
    ];
    let census = Census::take();
    for (name, procfs) in every_procfs() {
        for (base, path, how, expected) in &rows {
            let found = outcome(procfs.open_file(base, path, *how));
            let path = String::from_utf8_lossy(path);
            assert_eq!(found, *expected, "{name}: {base:?} {path} {how:?}");
        }
    }
    census.assert_unchanged();
}

#[test]
fn a_directory_that_the_caller_holds_follows_the_same_rules() {
    let rows: Vec<(&[u8], How, Option<Kind>)> = vec![
        (b"status", How::READ, None),
        (b"", How::READ, None),
        (b"net/unix", How::READ, None),
        (b"exe", How::READ.follow(), None),
        (b"exe", How::READ, Some(Kind::MagicLink)),
        (b"root/etc", How::READ, Some(Kind::MagicLink)),
        (b"../uptime", How::READ, Some(Kind::Escape)),
        (b"missing", How::READ, Some(Kind::NotFound)),
    ];
    for (name, procfs) in every_procfs() {
        // Our number in the pid namespace of that procfs, which need not be ours.
        let number = procfs.readlink(&Base::Root, b"self").unwrap();
        let dir = procfs.open_pid_dir(String::from_utf8(number).unwrap().parse().unwrap()).unwrap();
        for (path, how, refused) in &rows {
            let found = procfs.open_in(dir.as_fd(), path, *how).err().map(|error| error.kind());
            let title = format!("{name}: {} {how:?}", String::from_utf8_lossy(path));
            if found == Some(Kind::Masked) {
                // Not opened here by this kernel (5.10), which the way from the root makes up for.
                assert!(path.starts_with(b"net/") && procfs.info().subset == Subset::Pid, "{title}");
                assert!(procfs.open_file(&Base::OwnProcess, path, *how).is_ok(), "{title}");
            } else {
                assert_eq!(found, *refused, "{title}");
            }
        }
    }
}

#[test]
fn the_directory_of_a_reaped_process_stays_its_own() {
    let child = testkit::sleeper();
    let procfs = Procfs::open(&Options::default()).unwrap();
    let dir = procfs.open_pid_dir(child.pid()).unwrap();
    drop(child);
    let error = procfs.read_in(dir.as_fd(), b"stat").unwrap_err();
    assert!(matches!(error.kind(), Kind::Gone | Kind::NotFound), "{error}");
}

#[test]
fn errors_show_the_file_as_a_person_writes_it() {
    let procfs = Procfs::open(&Options::default()).unwrap();
    let shown = |base: Base, path: &[u8]| procfs.read(&base, path).unwrap_err().to_string();
    assert!(shown(Base::OwnProcess, b"nothing").contains("'/proc/self/nothing'"));
    assert!(shown(Base::Root, b"no/thing").contains("'/proc/no/thing'"));
    assert!(shown(Base::Pid(i32::MAX), b"stat").contains("'/proc/2147483647/stat'"));
}

#[test]
fn what_is_required_and_not_met_is_refused_by_name() {
    let host = Strategy::here().only(Origin::Host).resolving_by(Resolver::Walk);
    let rows = [
        (Guarantee::Detached, Feature::Fsopen),
        (Guarantee::NoOvermounts, Feature::Fsopen),
        (Guarantee::Openat2, Feature::Openat2),
    ];
    let census = Census::take();
    for (guarantee, feature) in rows {
        let options = Options { require: vec![guarantee], ..Options::default() };
        let error = Procfs::open_with(&options, &host).unwrap_err();
        assert_eq!((error.kind(), error.feature()), (Kind::Unsupported, Some(feature)));
        assert!(error.to_string().contains(guarantee.name()), "{error}");
    }
    census.assert_unchanged();
    let contradiction = Options { unmasked: true, require: vec![Guarantee::Masked], ..Options::default() };
    assert_eq!(Procfs::open(&contradiction).unwrap_err().kind(), Kind::InvalidArgument);
}

#[test]
fn every_guarantee_is_met_by_an_instance_of_our_own() {
    let only = Strategy::here().only(Origin::Fsopen);
    let own = Procfs::open_with(&Options::default(), &only).map(drop).map_err(|error| error.to_string());
    if !testkit::need::met("fsopen", own, module_path!()) {
        return;
    }
    let require = vec![Guarantee::Detached, Guarantee::NoOvermounts, Guarantee::Masked];
    let procfs = Procfs::open(&Options { require, ..Options::default() }).unwrap();
    assert_eq!((procfs.info().origin, procfs.info().subset), (Origin::Fsopen, Subset::Pid));
    let unmasked = Procfs::open(&Options::unmasked()).unwrap();
    assert_eq!((unmasked.info().origin, unmasked.info().subset), (Origin::Fsopen, Subset::None));
}

#[test]
fn what_the_kernel_lacks_is_listed_and_something_weaker_taken() {
    let absent = |feature| (feature, Support::Absent(Errno::NOSYS));
    let old = Capabilities::assuming(&[
        absent(Feature::Fsopen),
        absent(Feature::OpenTree),
        absent(Feature::Openat2),
        absent(Feature::StatxMntId),
    ]);
    let procfs = Procfs::open_with(&Options::default(), &Strategy::of(&old)).unwrap();
    let info = procfs.info();
    assert_eq!((info.origin, info.detached, info.resolver), (Origin::Host, false, Resolver::Walk));
    assert!(matches!(info.mount_id, MountIdSource::Fdinfo | MountIdSource::None));
    let steps: Vec<&str> = info.attempts.iter().map(|attempt| attempt.step).collect();
    assert_eq!(steps, ["fsopen", "open_tree", "open_tree_recursive", "openat2"]);
    assert!(info.attempts.iter().all(|attempt| attempt.error.is(Errno::NOSYS)));
    assert!(!procfs.read(&Base::OwnProcess, b"status").unwrap().is_empty());
}

#[test]
fn running_out_of_descriptors_is_reported_as_such() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The limit is of the whole process, so this test has one of its own.
    if std::env::var_os("OUT_OF_DESCRIPTORS").is_none() {
        return rerun_alone("running_out_of_descriptors_is_reported_as_such");
    }
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
    let error = Procfs::open(&Options::default()).unwrap_err();
    // Whoever looks for leaks when this ends opens files.
    setrlimit(Resource::Nofile, before).unwrap();
    assert!(error.is(Errno::MFILE), "{error}");
}

/// Runs one test of this binary in a process of its own.
#[expect(clippy::disallowed_methods, reason = "a test may start programs")]
fn rerun_alone(test: &str) {
    let own = std::env::current_exe().expect("the path of this test");
    let status = std::process::Command::new(own)
        .args(["--exact", test])
        .env("OUT_OF_DESCRIPTORS", "1")
        .status()
        .expect("run this test");
    assert!(status.success(), "{status}");
}
