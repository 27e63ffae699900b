//! Reading, writing, listing, links and descriptors, through both resolvers.
#![expect(clippy::expect_used, reason = "the functions shared by the tests fail by panicking")]

use std::os::fd::{AsFd, AsRawFd};

use kernel::{Errno, Kind};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy, content, parse};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd, read, write};
use testkit::Census;

fn procfs_of_both_resolvers() -> [Procfs; 2] {
    [Strategy::here().resolver, Resolver::Walk].map(|resolver| {
        Procfs::open_with(&Options::default(), &Strategy::here().resolving_by(resolver)).expect("a procfs")
    })
}

#[test]
fn files_of_this_process_are_read_whole_and_parsed() {
    let census = Census::take();
    for procfs in procfs_of_both_resolvers() {
        let own = |path: &[u8]| procfs.read(&Base::OwnProcess, path).unwrap();
        let pid = i32::try_from(std::process::id()).unwrap();
        let stat = parse::stat(&own(b"stat")).unwrap();
        let status = parse::status(&own(b"status"));
        assert_eq!((stat.pid, status.tgid(), status.ppid()), (pid, Some(pid), Some(stat.ppid)));
        assert!(stat.start_time > 0 && stat.virtual_bytes > 0 && !stat.rest.is_empty());
        assert!(
            parse::mountinfo(&own(b"mountinfo")).unwrap().iter().any(|mount| mount.filesystem == b"proc")
        );
        assert!(parse::cgroup(&own(b"cgroup")).is_ok());
        // Longer than one page.
        assert!(own(b"smaps").len() > 8192);
        assert_eq!(own(b"maps").last(), Some(&b'\n'));
    }
    census.assert_unchanged();
}

#[test]
fn one_thread_is_told_from_another() {
    for procfs in procfs_of_both_resolvers() {
        let here = Base::this_thread();
        let Base::Thread(tid) = here else { panic!("{here:?}") };
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| procfs.read(&here, b"status").unwrap()).join().unwrap()
        });
        assert_eq!(parse::status(&seen).pid(), Some(tid));
        assert_eq!(parse::status(&procfs.read(&here, b"status").unwrap()).pid(), Some(tid));
    }
}

#[test]
fn a_value_is_written_and_read_back() {
    for procfs in procfs_of_both_resolvers() {
        let here = Base::this_thread();
        procfs.write(&here, b"comm", b"renamed").unwrap();
        assert_eq!(procfs.read(&here, b"comm").unwrap(), b"renamed\n");
        let error = procfs.write(&Base::OwnProcess, b"oom_score_adj", b"no number").unwrap_err();
        assert_eq!((error.kind(), error.errno()), (Kind::InvalidArgument, Some(Errno::INVAL)));
        let error = procfs.write(&Base::OwnProcess, b"missing", b"x").unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }
}

#[test]
fn directories_are_listed() {
    for procfs in procfs_of_both_resolvers() {
        let tasks = procfs.readdir(&Base::OwnProcess, b"task").unwrap();
        assert!(tasks.contains(&std::process::id().to_string().into_bytes()));
        assert!(!tasks.iter().any(|name| name == b"." || name == b".."));
        assert!(procfs.readdir(&Base::Root, b"sys/kernel").unwrap().contains(&b"pid_max".to_vec()));
        let error = procfs.readdir(&Base::OwnProcess, b"status").unwrap_err();
        assert!(error.is(Errno::NOTDIR), "{error}");
    }
}

#[test]
fn links_are_read_and_other_files_are_not_links() {
    for procfs in procfs_of_both_resolvers() {
        let exe = procfs.readlink(&Base::OwnProcess, b"exe").unwrap();
        assert!(exe.starts_with(b"/"), "{exe:?}");
        assert_eq!(
            procfs.readlink(&Base::Root, b"self").unwrap(),
            std::process::id().to_string().into_bytes()
        );
        assert!(procfs.readlink(&Base::OwnProcess, b"ns/pid").unwrap().starts_with(b"pid:["));
        let error = procfs.readlink(&Base::OwnProcess, b"status").unwrap_err();
        assert_eq!((error.kind(), error.errno()), (Kind::InvalidArgument, Some(Errno::INVAL)));
    }
}

#[test]
fn our_descriptors_are_named_and_opened_again() {
    let census = Census::take();
    for procfs in procfs_of_both_resolvers() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(procfs.fd_path(reader.as_raw_fd()).unwrap().starts_with(b"pipe:["));
        assert!(procfs.fd_path(0).is_ok());
        assert_eq!(procfs.fd_path(-1).unwrap_err().kind(), Kind::InvalidArgument);
        assert_eq!(procfs.fd_path(i32::MAX).unwrap_err().kind(), Kind::NotFound);

        let again = procfs.reopen(reader.as_fd(), How::flags(OFlags::NONBLOCK.bits()).unwrap()).unwrap();
        assert!(fcntl_getfl(&again).unwrap().contains(OFlags::NONBLOCK));
        assert!(!fcntl_getfl(&reader).unwrap().contains(OFlags::NONBLOCK));
        write(&writer, b"x").unwrap();
        let mut byte = [0; 1];
        assert_eq!(read(&again, &mut byte).unwrap(), 1);

        let path = procfs.open_file(&Base::OwnProcess, b"status", How::PATH).unwrap();
        let file = procfs.reopen(path.as_fd(), How::READ).unwrap();
        assert!(read(&file, &mut byte).is_ok());
        let link = procfs.open_file(&Base::OwnProcess, b"exe", How::PATH).unwrap();
        assert!(procfs.reopen(link.as_fd(), How::READ).unwrap_err().is(Errno::LOOP));
        // An inode without brackets in its name.
        let watch = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).unwrap();
        assert_eq!(procfs.fd_path(watch.as_raw_fd()).unwrap(), b"anon_inode:inotify");
    }
    census.assert_unchanged();
}

#[test]
fn every_descriptor_is_close_on_exec() {
    for procfs in procfs_of_both_resolvers() {
        for how in [How::READ, How::PATH, How::READ.follow()] {
            let file = procfs.open_file(&Base::OwnProcess, b"status", how).unwrap();
            assert_eq!(fcntl_getfd(&file).unwrap(), FdFlags::CLOEXEC);
        }
    }
}

#[test]
fn pidfds_are_described_by_their_fdinfo() {
    testkit::require!(pidfd);
    let child = testkit::sleeper();
    let pidfd = kernel::pidfd::open(child.pid()).unwrap();
    for procfs in procfs_of_both_resolvers() {
        let path = format!("fdinfo/{}", pidfd.as_raw_fd());
        let told = parse::fdinfo(&procfs.read(&Base::this_thread(), path.as_bytes()).unwrap());
        assert_eq!(told.pid(), Some(child.pid()));
    }
}

#[test]
fn a_mount_id_is_told_by_whatever_source_there_is() {
    testkit::require!(statx);
    for source in [MountIdSource::Unique, MountIdSource::Statx, MountIdSource::Fdinfo, MountIdSource::None] {
        let host = Strategy::here().only(Origin::Host).mount_ids_from(source);
        let procfs = Procfs::open_with(&Options::default(), &host).unwrap();
        let found = procfs.info().mount_id;
        // Before 6.8 there are no unique ids.
        assert!(
            found == source || (source, found) == (MountIdSource::Unique, MountIdSource::Statx),
            "{found:?}"
        );
    }
}

#[test]
fn the_mask_is_asked_for_without_mounting_anything() {
    let census = Census::take();
    let support = procfs::support(kernel::Feature::ProcSubsetPid);
    let opened = Procfs::open(&Options::default()).unwrap();
    let own = opened.info().origin == Origin::Fsopen;
    // Not the other way round: in a user namespace without a pid namespace the option is taken, and then the
    // instance is refused.
    assert!(support.is_present() || !own, "{support:?} {:?}", opened.info().attempts);
    drop(opened);
    census.assert_unchanged();
}

#[test]
fn an_open_file_tells_which_it_is() {
    let procfs = Procfs::open(&Options::default()).unwrap();
    let file = procfs.open_file(&Base::OwnProcess, b"comm", How::READ_WRITE).unwrap();
    let again = procfs.open_file(&Base::OwnProcess, b"comm", How::PATH).unwrap();
    assert_eq!(content::identify(file.as_fd()).unwrap(), content::identify(again.as_fd()).unwrap());
    assert!(!content::read_all(file.as_fd()).unwrap().is_empty());
}
