//! Defects that safe procfs libraries are known to have had: each row and test keeps one of them out of here.
#![expect(clippy::expect_used, clippy::panic, reason = "the functions shared by the tests fail by panicking")]

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kernel::{Errno, Kind};
use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy, Subset, parse};
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, fstat, inotify, memfd_create, openat};
use rustix::mount::{MountFlags, mount};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use testkit::without::{self, Call};
use testkit::{Census, bind, count_syscalls, in_private_mounts, mount_tmpfs};

/// More calls than any refusal costs, and fewer than one that tries again and again. A look at a descriptor costs one
/// call where statx tells mounts apart, else a walk to its fdinfo.
fn patience() -> usize {
    if testkit::need::statx().is_ok() { 60 } else { 400 }
}

/// Both resolvers, where there are two, on the strongest root and on the host.
fn every_procfs(options: &Options) -> Vec<(String, Procfs)> {
    let mut all = Vec::new();
    for resolver in [Strategy::here().resolver, Resolver::Walk] {
        for strategy in [Strategy::here(), Strategy::here().only(Origin::Host)] {
            let procfs = Procfs::open_with(options, &strategy.resolving_by(resolver)).expect("a procfs");
            all.push((format!("{} {}", procfs.info().origin.name(), resolver.name()), procfs));
        }
    }
    all
}

/// Runs `body` on a thread to which these calls are answered with `errno`.
fn on_a_thread_without(calls: &[i64], errno: Errno, body: impl FnOnce() + Send) {
    let calls: Vec<Call> = calls.iter().map(|number| Call { number: *number, when: None }).collect();
    let deprived = || {
        without::install(&calls, errno.raw_os_error().cast_unsigned()).expect("a filter");
        body();
    };
    std::thread::scope(|scope| scope.spawn(deprived).join().expect("the thread"));
}

/// Every verb once: what there is is found, and what there is not is said not to be there.
fn assert_works(name: &str, procfs: &Procfs) {
    let own = Base::OwnProcess;
    let status = procfs.read(&own, b"status").unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(parse::status(&status).tgid(), i32::try_from(std::process::id()).ok(), "{name}");
    assert!(!procfs.readlink(&own, b"exe").expect("a link").is_empty(), "{name}");
    assert!(!procfs.readdir(&own, b"task").expect("a directory").is_empty(), "{name}");
    drop(
        procfs.open_file(&own, b"exe", How::READ.follow()).unwrap_or_else(|error| panic!("{name}: {error}")),
    );
    let missing = procfs.read(&own, b"missing").expect_err("no such file");
    assert_eq!(missing.kind(), Kind::NotFound, "{name}: {missing}");
    assert_eq!(procfs.read(&own, b"exe").expect_err("a link").kind(), Kind::MagicLink, "{name}");
}

// A library that asked faccessat2 about its own error messages overflowed the stack where that call was missing.
#[test]
fn neither_answers_nor_errors_need_faccessat2() {
    for errno in [Errno::NOSYS, Errno::PERM] {
        on_a_thread_without(&[libc::SYS_faccessat2, libc::SYS_faccessat], errno, || {
            for (name, procfs) in every_procfs(&Options::default()) {
                assert_works(&name, &procfs);
            }
        });
    }
}

/// A way of mounting /proc, and what an ordinary user is told there of global files, of missing ones, of process 1.
struct Sandbox {
    options: &'static std::ffi::CStr,
    subset: Subset,
    global: Option<Kind>,
    missing: Kind,
    first: Option<Kind>,
}

const SANDBOXES: [Sandbox; 4] = [
    Sandbox {
        options: c"hidepid=noaccess",
        subset: Subset::None,
        global: None,
        missing: Kind::NotFound,
        first: Some(Kind::PermissionDenied),
    },
    Sandbox {
        options: c"hidepid=invisible",
        subset: Subset::None,
        global: None,
        missing: Kind::NotFound,
        first: Some(Kind::Masked),
    },
    Sandbox {
        options: c"subset=pid",
        subset: Subset::Pid,
        global: Some(Kind::Masked),
        missing: Kind::Masked,
        first: None,
    },
    Sandbox {
        options: c"hidepid=ptraceable,subset=pid",
        subset: Subset::Pid,
        global: Some(Kind::Masked),
        missing: Kind::Masked,
        first: Some(Kind::Masked),
    },
];

/// Runs `body` as an ordinary user who sees /proc mounted with these options.
fn in_a_sandbox<T: Send>(options: &std::ffi::CStr, body: impl FnOnce() -> T + Send) -> Result<T, String> {
    let enter = || {
        mount("proc", "/proc", "proc", MountFlags::empty(), Some(options))?;
        let (uid, gid) = (Uid::from_raw(65534), Gid::from_raw(65534));
        // Groups first: after the user has changed there is no right to change them, and group 0 sees everything.
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)
    };
    // A user namespace may map no other user, and may not mount.
    in_private_mounts(|| enter().map(|()| body()).map_err(|errno: Errno| format!("sandbox: {errno}")))
}

// A library that asked its less masked handle about every miss, and that handle another one, recursed until it
// had no descriptors left. Another one said nothing when "unmasked" could not be had.
#[test]
fn in_every_sandbox_a_miss_ends_soon_and_says_whether_it_may_be_hidden() {
    testkit::require!(root, mounts);
    let census = Census::take();
    for Sandbox { options, subset, global, missing, first } in SANDBOXES {
        let entered = in_a_sandbox(options, || {
            for unmasked in [false, true] {
                for (name, procfs) in every_procfs(&Options { unmasked, ..Options::default() }) {
                    let info = procfs.info();
                    assert_eq!((info.origin, info.subset), (Origin::Host, subset), "{options:?} {name}");
                    let rows: [(Base, &[u8], Option<Kind>); 4] = [
                        (Base::Root, b"uptime", global),
                        (Base::Root, b"missing", Some(missing)),
                        (Base::Pid(1), b"stat", first),
                        (Base::OwnProcess, b"missing", Some(Kind::NotFound)),
                    ];
                    for (base, path, expected) in rows {
                        let path_shown = String::from_utf8_lossy(path);
                        let ask = || procfs.read(&base, path).err().map(|error| error.kind());
                        assert_eq!(ask(), expected, "{options:?} {name} {base:?} {path_shown}");
                        if let Ok((_, calls)) = count_syscalls(ask) {
                            let sum: usize = calls.iter().map(|(_, count)| count).sum();
                            assert!(sum <= patience(), "{options:?} {name} {base:?} {path_shown}: {calls:?}");
                        }
                    }
                }
            }
        });
        if !testkit::need::met("sandbox", entered, module_path!()) {
            return;
        }
    }
    census.assert_unchanged();
}

// A library that trusted the host's own /proc to be harmless kept its descriptor for the life of the process.
#[test]
fn the_proc_of_the_host_is_never_kept_however_masked_it_is() {
    testkit::require!(root, mounts);
    let census = Census::take();
    let entered = in_a_sandbox(c"hidepid=ptraceable,subset=pid", || {
        let (first, second) = (procfs::shared().unwrap(), procfs::shared().unwrap());
        assert_eq!(first.info().origin, Origin::Host);
        assert!(!Arc::ptr_eq(&first, &second));
    });
    if testkit::need::met("sandbox", entered, module_path!()) {
        census.assert_unchanged();
    }
}

// A library whose error messages insisted on /proc/self panicked where /proc was something else.
#[test]
fn a_handle_answers_and_errs_as_before_when_proc_is_no_procfs_any_more() {
    testkit::require!(root, mounts);
    in_private_mounts(|| {
        let before = every_procfs(&Options::default());
        mount_tmpfs("/proc");
        for (name, procfs) in before {
            assert_works(&name, &procfs);
        }
        let host = Strategy::here().only(Origin::Host);
        assert_eq!(Procfs::open_with(&Options::default(), &host).unwrap_err().kind(), Kind::NotProcfs);
    });
}

// A library that looked for the unmasked handle only below the base said that process 1 does not exist.
#[test]
fn a_process_that_the_mask_hides_is_found_by_every_verb_and_resolver() {
    testkit::require!(root);
    for resolver in [Strategy::here().resolver, Resolver::Walk] {
        let strategy = Strategy::here().resolving_by(resolver);
        let open = |options| Procfs::open_with(&options, &strategy).unwrap();
        let (masked, unmasked) = (open(Options::default()), open(Options::unmasked()));
        let first = Base::Pid(1);
        let kind = |error: kernel::Error| error.kind();
        let both = [&unmasked, &masked];
        let [expected, found] = both.map(|procfs| procfs.read(&first, b"comm").map_err(kind));
        assert_eq!(found, expected, "{resolver:?}");
        let [expected, found] = both.map(|procfs| procfs.readlink(&first, b"cwd").map_err(kind));
        assert_eq!(found, expected, "{resolver:?}");
        let [expected, found] = both.map(|procfs| procfs.readdir(&first, b"ns").map_err(kind));
        assert_eq!(found, expected, "{resolver:?}");
        let [expected, found] = both.map(|procfs| procfs.open_pid_dir(1).map(drop).map_err(kind));
        assert_eq!(found, expected, "{resolver:?}");
    }
}

/// Runs one test of this binary in a process of its own, which `arrange` prepares; true in that process.
#[expect(clippy::disallowed_methods, reason = "a test may start programs")]
fn alone(test: &str, arrange: impl FnOnce(&mut Command)) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command.args(["--exact", test]).env("ALONE", "1");
    arrange(&mut command);
    assert!(command.status().expect("run this test").success());
    false
}

/// A directory of our own, removed when it goes out of scope.
struct Scratch(PathBuf);

impl Scratch {
    fn new(tag: &str) -> Self {
        let path = std::env::temp_dir().join(format!("procward-{tag}-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a scratch directory");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o700));
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

// A library that probed for openat2 by opening the working directory took the weaker resolver for good.
#[test]
fn a_working_directory_that_cannot_be_read_costs_nothing() {
    let scratch = Scratch::new("unreadable");
    let is_here = format!("{:?}", Strategy::here().resolver);
    let arrange = |command: &mut Command| {
        std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o111)).expect("chmod");
        command.current_dir(scratch.path()).env("RESOLVER", &is_here);
        if testkit::need::root().is_ok() {
            // Root reads everything.
            command.uid(65534).gid(65534);
        }
    };
    if alone("a_working_directory_that_cannot_be_read_costs_nothing", arrange) {
        let unreadable = openat(CWD, ".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        assert_eq!(unreadable.unwrap_err(), Errno::ACCESS);
        let procfs = Procfs::open(&Options::default()).unwrap();
        assert_eq!(format!("{:?}", procfs.info().resolver), std::env::var("RESOLVER").unwrap());
        assert_works("unreadable", &procfs);
        assert_eq!(procfs.info().resolver, Strategy::here().resolver);
    }
}

// The same, where the working directory is gone.
#[test]
fn a_working_directory_that_was_deleted_costs_nothing() {
    let scratch = Scratch::new("deleted");
    let is_here = format!("{:?}", Strategy::here().resolver);
    let arrange = |command: &mut Command| {
        command.current_dir(scratch.path()).env("RESOLVER", &is_here);
    };
    if alone("a_working_directory_that_was_deleted_costs_nothing", arrange) {
        std::fs::remove_dir(std::env::current_dir().unwrap()).unwrap();
        let procfs = Procfs::open(&Options::default()).unwrap();
        assert_eq!(format!("{:?}", procfs.info().resolver), std::env::var("RESOLVER").unwrap());
        assert!(procfs.readlink(&Base::this_thread(), b"cwd").unwrap().ends_with(b" (deleted)"));
        drop(procfs.open_file(&Base::this_thread(), b"cwd", How::PATH.follow()).unwrap());
    }
}

// A library that wanted positive numbers refused descriptor 0.
#[test]
fn descriptor_0_is_a_descriptor() {
    let arrange = |command: &mut Command| {
        command.stdin(Stdio::null());
    };
    if alone("descriptor_0_is_a_descriptor", arrange) {
        for (name, procfs) in every_procfs(&Options::default()) {
            assert_eq!(procfs.fd_path(0).unwrap(), b"/dev/null", "{name}");
            let again = procfs.reopen(std::io::stdin().as_fd(), How::READ).unwrap();
            assert_eq!(fstat(again).unwrap().st_rdev, fstat(std::io::stdin()).unwrap().st_rdev, "{name}");
        }
    }
}

// A library that took "another mount is in the way" for a passing condition tried 128 times again.
#[test]
fn an_overmount_is_refused_at_once() {
    testkit::require!(root, mounts);
    in_private_mounts(|| {
        bind("/dev/null", "/proc/self/status");
        bind("/proc/self/environ", "/proc/self/comm");
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            let strategy = Strategy::here().only(Origin::Host).resolving_by(resolver);
            let procfs = Procfs::open_with(&Options::unmasked(), &strategy).unwrap();
            for path in [b"status".as_slice(), b"comm"] {
                for how in [How::READ, How::PATH, How::READ.follow()] {
                    let ask =
                        || procfs.open_file(&Base::OwnProcess, path, how).err().map(|error| error.kind());
                    let counted = count_syscalls(ask);
                    if let Ok((answer, calls)) = counted {
                        assert_eq!(answer, Some(Kind::Overmount));
                        let atomic = calls.iter().find(|(call, _)| *call == libc::SYS_openat2);
                        assert!(atomic.is_none_or(|(_, count)| *count <= 2), "{resolver:?} {calls:?}");
                        let sum: usize = calls.iter().map(|(_, count)| count).sum();
                        assert!(sum <= patience(), "{resolver:?} {how:?}: {calls:?}");
                    }
                }
            }
        }
    });
}

// A library that remembered that statx worked could do nothing any more once a filter took it away.
#[test]
fn calls_may_be_taken_away_after_they_were_used() {
    let taken: [&[i64]; 4] = [
        &[libc::SYS_statx],
        &[libc::SYS_openat2],
        &[libc::SYS_statx, libc::SYS_openat2],
        &[libc::SYS_statx, libc::SYS_openat2, libc::SYS_fsopen, libc::SYS_open_tree],
    ];
    let before = every_procfs(&Options::default());
    for (name, procfs) in &before {
        assert_works(name, procfs);
    }
    for errno in [Errno::NOSYS, Errno::PERM] {
        for calls in taken {
            on_a_thread_without(calls, errno, || {
                for (name, procfs) in &before {
                    if matches!(procfs.info().origin, Origin::Fsopen | Origin::OpenTree) {
                        assert_works(&format!("{name} without {calls:?}"), procfs);
                        continue;
                    }
                    // Any other means would be weaker than what the handle says of itself.
                    let answer = procfs.open_file(&Base::OwnProcess, b"exe", How::READ.follow());
                    if let Err(error) = answer {
                        let kinds = [Kind::Unsupported, Kind::PermissionDenied];
                        assert!(kinds.contains(&error.kind()), "{name} without {calls:?}: {error}");
                    }
                }
                if calls == [libc::SYS_statx] {
                    for (name, procfs) in every_procfs(&Options::default()) {
                        let ids = procfs.info().mount_id;
                        assert!(!matches!(ids, MountIdSource::Unique | MountIdSource::Statx), "{name}");
                        assert_works(&format!("{name}, opened after"), &procfs);
                    }
                }
            });
        }
    }
}

// A manual that told people to open `exe` gave them a handle to the link in place of the program.
#[test]
fn the_program_of_a_process_is_had_by_following_and_never_by_accident() {
    for (name, procfs) in every_procfs(&Options::default()) {
        let refused = procfs.open_file(&Base::OwnProcess, b"exe", How::READ).unwrap_err();
        assert_eq!(refused.kind(), Kind::MagicLink, "{name}: {refused}");
        let program = procfs.open_file(&Base::OwnProcess, b"exe", How::READ.follow()).unwrap();
        assert_eq!(procfs::content::read_some(program.as_fd(), 4).unwrap(), b"\x7fELF", "{name}");
    }
}

// A binding that read links as text in some encoding changed the names of files.
#[test]
fn the_target_of_a_link_is_bytes() {
    let scratch = Scratch::new("bytes");
    let path = scratch.path().join(OsStr::from_bytes(b"\xff\xfe caf\xe9\n"));
    let file = File::create(&path).unwrap();
    let expected = std::fs::canonicalize(&path).unwrap();
    for (name, procfs) in every_procfs(&Options::default()) {
        assert_eq!(procfs.fd_path(file.as_raw_fd()).unwrap(), expected.as_os_str().as_bytes(), "{name}");
    }
}

/// One descriptor of everything that has no path.
fn nameless() -> Vec<(&'static str, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe().expect("pipe");
    let (family, kind) = (rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM);
    let mut all = vec![
        ("inotify", inotify::init(inotify::CreateFlags::CLOEXEC).expect("inotify_init1")),
        ("eventfd", eventfd(0, EventfdFlags::CLOEXEC).expect("eventfd2")),
        ("epoll", epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll_create1")),
        ("memfd", memfd_create("nameless", MemfdFlags::CLOEXEC).expect("memfd_create")),
        ("pipe reader", reader),
        ("pipe writer", writer),
        ("socket", rustix::net::socket(family, kind, None).expect("socket")),
    ];
    if testkit::need::pidfd().is_ok() {
        all.push(("pidfd", pidfd_open(getpid(), PidfdFlags::empty()).expect("pidfd_open")));
    }
    all
}

// A walk that knew anonymous files by the brackets in their names did not follow a link to those without.
#[test]
fn a_link_to_a_file_without_a_name_is_followed_as_the_kernel_does() {
    let base = Base::this_thread();
    for (title, fd) in nameless() {
        let expected = fstat(&fd).unwrap();
        let path = format!("fd/{}", fd.as_raw_fd());
        // What the kernel says without any of this: some of them cannot be opened again.
        let by_name = format!("/proc/thread-self/{path}");
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let plain = openat(CWD, by_name, flags, Mode::empty()).map(drop).err();
        let read = How::flags((OFlags::RDONLY | OFlags::NONBLOCK).bits()).unwrap().follow();
        for (name, procfs) in every_procfs(&Options::default()) {
            let handle = procfs.open_file(&base, path.as_bytes(), How::PATH.follow());
            let found = fstat(handle.unwrap_or_else(|error| panic!("{name} {title}: {error}"))).unwrap();
            assert_eq!((found.st_dev, found.st_ino), (expected.st_dev, expected.st_ino), "{name} {title}");
            let answer = procfs.open_file(&base, path.as_bytes(), read);
            assert_eq!(answer.err().map(|error| error.errno()), plain.map(Some), "{name} {title}");
        }
    }
}
