//! What the resolver answers to every kind of last component under every flag, on every root, by either resolver.
#![expect(clippy::unwrap_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::AsRawFd;

use kernel::{Errno, Kind};
use procfs::{Base, How, Options, Origin, Procfs, Resolver, Strategy};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::io::{FdFlags, fcntl_getfd};
use testkit::Census;

use FileType::{Directory, RegularFile, Symlink};

/// Every root that can be had here, with both resolvers.
fn every_procfs() -> Vec<(String, Procfs)> {
    let mut all = Vec::new();
    for origin in Origin::LADDER {
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            let strategy = Strategy::here().only(origin).resolving_by(resolver);
            if let Ok(procfs) = Procfs::open_with(&Options::unmasked(), &strategy) {
                all.push((format!("{} {}", origin.name(), resolver.name()), procfs));
            }
        }
    }
    assert!(!all.is_empty(), "not even the host has a procfs");
    all
}

type Expected = Result<FileType, (Kind, Option<Errno>)>;

const NOT_A_DIRECTORY: Expected = Err((Kind::Os, Some(Errno::NOTDIR)));
const A_LINK: Expected = Err((Kind::Os, Some(Errno::LOOP)));
const MAGIC: Expected = Err((Kind::MagicLink, Some(Errno::LOOP)));
const MISSING: Expected = Err((Kind::NotFound, Some(Errno::NOENT)));
const ESCAPE: Expected = Err((Kind::Escape, None));

fn answer(procfs: &Procfs, base: Base, path: &[u8], how: How) -> Expected {
    match procfs.open_file(&base, path, how) {
        Ok(file) => {
            assert_eq!(fcntl_getfd(&file).unwrap(), FdFlags::CLOEXEC);
            Ok(FileType::from_raw_mode(fstat(file).unwrap().st_mode))
        }
        Err(error) => Err((error.kind(), error.errno())),
    }
}

fn by(flags: OFlags) -> How {
    How::flags(flags.bits()).unwrap()
}

/// Asks every root each question, and lists all that went otherwise.
fn assert_table(rows: &[(Base, &[u8], How, Expected)]) {
    let census = Census::take();
    let mut otherwise = Vec::new();
    for (name, procfs) in every_procfs() {
        for (base, path, how, expected) in rows {
            let found = answer(&procfs, *base, path, *how);
            if found != *expected {
                let path = String::from_utf8_lossy(path);
                otherwise.push(format!("{name}: {base:?} {path} {how:?}: {found:?}, not {expected:?}"));
            }
        }
    }
    assert!(otherwise.is_empty(), "{}", otherwise.join("\n"));
    census.assert_unchanged();
}

#[test]
fn flags_mean_the_same_for_every_kind_of_last_component() {
    let (path, nofollow, directory) = (OFlags::PATH, OFlags::NOFOLLOW, OFlags::DIRECTORY);
    // A handle to a path is to the link itself: `O_PATH` implies `O_NOFOLLOW` unless a link is to be followed.
    let columns = [
        by(OFlags::RDONLY),
        by(nofollow),
        by(directory),
        by(directory | nofollow),
        by(path),
        by(path | nofollow),
        by(path | directory),
        by(path | directory | nofollow),
        by(OFlags::RDONLY).follow(),
        by(path).follow(),
        by(path | directory).follow(),
    ];
    let dir = Ok(Directory);
    let file = Ok(RegularFile);
    let link = Ok(Symlink);
    let no = NOT_A_DIRECTORY;
    let kinds: [(Base, &[u8], [Expected; 11]); 6] = [
        (Base::Root, b"tty", [dir, dir, dir, dir, dir, dir, dir, dir, dir, dir, dir]),
        (Base::Root, b"filesystems", [file, file, no, no, file, file, no, no, file, file, no]),
        // An ordinary link to a directory, one to a file, and magic ones.
        (Base::Root, b"self", [dir, A_LINK, dir, no, link, link, no, no, dir, dir, dir]),
        (Base::Root, b"mounts", [file, A_LINK, no, no, link, link, no, no, file, file, no]),
        (Base::OwnProcess, b"cwd", [MAGIC, A_LINK, MAGIC, no, link, link, no, no, dir, dir, dir]),
        (Base::OwnProcess, b"exe", [MAGIC, A_LINK, MAGIC, no, link, link, no, no, file, file, no]),
    ];
    let rows: Vec<_> = kinds
        .iter()
        .flat_map(|(base, path, row)| {
            columns.iter().zip(row).map(|(how, expected)| (*base, *path, *how, *expected))
        })
        .collect();
    assert_table(&rows);
}

#[test]
fn links_in_the_middle_are_followed_when_they_are_ordinary_only() {
    let own = Base::OwnProcess;
    let nofollow = by(OFlags::NOFOLLOW);
    assert_table(&[
        (Base::Root, b"self/status", How::READ, Ok(RegularFile)),
        (Base::Root, b"self/status", nofollow, Ok(RegularFile)),
        (Base::Root, b"net/unix", nofollow, Ok(RegularFile)),
        (Base::Root, b"net/unix", How::PATH, Ok(RegularFile)),
        (Base::Root, b"thread-self/fdinfo/0", How::READ, Ok(RegularFile)),
        (Base::Root, b"self/fd/0", How::PATH, Ok(Symlink)),
        (Base::Root, b"self/task", How::READ, Ok(Directory)),
        (Base::Root, b"thread-self/task", How::READ, MISSING),
        (own, b"fd/0", by(OFlags::RDWR), MAGIC),
        (own, b"fd/0", nofollow, A_LINK),
        (own, b"fd/0", How::PATH, Ok(Symlink)),
        (own, b"root/etc/passwd", How::READ, MAGIC),
        (own, b"root/etc/passwd", How::PATH, MAGIC),
        (own, b"root/etc/passwd", How::READ.follow(), MAGIC),
        (own, b"cwd/missing", nofollow, MAGIC),
        (own, b"exe/missing", How::READ, MAGIC),
        (own, b"ns/user", How::READ, MAGIC),
        (own, b"ns/user", nofollow, A_LINK),
        (own, b"ns/user", How::PATH, Ok(Symlink)),
        (own, b"ns/user", How::READ.follow(), Ok(RegularFile)),
        (own, b"ns/mnt/missing", How::READ, MAGIC),
        (own, b"ns/mnt/missing", How::PATH, MAGIC),
        (own, b"task/0", How::READ, MISSING),
        (Base::Root, b"self/exe", How::READ.follow(), Ok(RegularFile)),
        (Base::Root, b"thread-self/cwd", How::PATH.follow(), Ok(Directory)),
    ]);
}

#[test]
fn what_leaves_the_tree_or_is_no_path_is_refused_before_it_is_looked_up() {
    let own = Base::OwnProcess;
    assert_table(&[
        (Base::Root, b"..", How::READ, ESCAPE),
        (Base::Root, b"../proc", How::READ, ESCAPE),
        (Base::Root, b"/", How::READ, ESCAPE),
        (Base::Root, b"//", How::READ, ESCAPE),
        (Base::Root, b"/etc/passwd", How::READ, ESCAPE),
        (Base::Root, b"self/../cgroups", How::READ, ESCAPE),
        (Base::Root, b"missing/..", How::READ, ESCAPE),
        (own, b"../..", How::PATH, ESCAPE),
        (own, b"fd/..", How::READ.follow(), ESCAPE),
        (own, b"exe/..", How::READ.follow(), ESCAPE),
        (own, b"\0", How::READ, Err((Kind::InvalidArgument, None))),
        (own, b"", How::READ, Ok(Directory)),
        (own, b"", How::WRITE, Err((Kind::Os, Some(Errno::ISDIR)))),
        (own, b"....", How::READ, MISSING),
        (own, b"././/.//status", How::READ, Ok(RegularFile)),
        (own, b"status/.", How::READ, NOT_A_DIRECTORY),
        (own, b"cwd/.", How::READ, MAGIC),
        (own, &[b'x'; 5000], How::READ, Err((Kind::Os, Some(Errno::NAMETOOLONG)))),
        (Base::Root, "caf\u{e9}".as_bytes(), How::READ, MISSING),
        (Base::Root, b"\xff\xfe", How::READ, MISSING),
    ]);
}

#[test]
fn what_would_create_is_refused_whatever_goes_with_it() {
    for creating in [OFlags::CREATE, OFlags::EXCL, OFlags::TMPFILE] {
        for with in [OFlags::RDWR, OFlags::PATH, OFlags::TRUNC, OFlags::DIRECTORY] {
            let error = How::flags((creating | with).bits()).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArgument, "{creating:?} {with:?}");
        }
    }
}

#[test]
fn a_descriptor_of_the_link_to_itself_is_not_followed_for_ever() {
    for (name, procfs) in every_procfs() {
        let mut file = procfs.open_file(&Base::OwnProcess, b"status", How::PATH).unwrap();
        let path = format!("fd/{}", file.as_raw_fd()).into_bytes();
        let link = procfs.open_file(&Base::OwnProcess, &path, How::PATH).unwrap();
        // `fd/N` now refers to N, which refers to `fd/N`.
        rustix::io::dup3(&link, &mut file, rustix::io::DupFlags::CLOEXEC).unwrap();
        assert_eq!(answer(&procfs, Base::OwnProcess, &path, How::READ), MAGIC, "{name}");
        assert_eq!(answer(&procfs, Base::OwnProcess, &path, How::READ.follow()), A_LINK, "{name}");
        assert_eq!(answer(&procfs, Base::OwnProcess, &path, How::PATH), Ok(Symlink), "{name}");
    }
}

#[test]
fn the_flags_that_were_asked_for_are_those_that_the_file_has() {
    let wanted = OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOATIME | OFlags::SYNC;
    for (name, procfs) in every_procfs() {
        for mode in [OFlags::RDONLY, OFlags::WRONLY, OFlags::RDWR] {
            let how = by(mode | OFlags::APPEND | OFlags::NONBLOCK);
            let file = procfs.open_file(&Base::this_thread(), b"comm", how).unwrap();
            let flags = fcntl_getfl(&file).unwrap();
            assert_eq!(flags & OFlags::ACCMODE, mode, "{name}");
            assert_eq!(flags & wanted, OFlags::APPEND | OFlags::NONBLOCK, "{name}");
        }
    }
}
