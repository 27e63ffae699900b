//! Hidden files and processes: found where that is allowed, said to be hidden where it is not, never by recursion.

use kernel::{Errno, Kind};
use procfs::{Base, Options, Origin, Procfs, Resolver, Strategy, Subset, parse};
use rustix::mount::{MountFlags, mount};
use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use testkit::{Census, in_private_mounts};

#[test]
fn a_process_that_the_mask_hides_is_found_and_a_miss_below_it_is_final() {
    let procfs = Procfs::open(&Options::default()).unwrap();
    match procfs.read(&Base::Pid(1), b"stat") {
        Ok(text) => assert_eq!(parse::stat(&text).unwrap().pid, 1),
        // A sandbox that hides it for good says so.
        Err(error) => assert_eq!(error.kind(), Kind::Masked, "{error}"),
    }
    let error = procfs.read(&Base::Pid(1), b"no such file").unwrap_err();
    assert!(matches!(error.kind(), Kind::NotFound | Kind::Masked), "{error}");
    assert_eq!(procfs.read(&Base::Pid(i32::MAX), b"stat").unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_global_file_is_read_through_a_handle_that_lives_for_one_call() {
    let procfs = Procfs::open(&Options::default()).unwrap();
    let census = Census::take();
    assert!(!procfs.read(&Base::Root, b"uptime").unwrap().is_empty());
    assert_eq!(procfs.read(&Base::Root, b"no such file").unwrap_err().kind(), Kind::NotFound);
    census.assert_unchanged();
}

/// Makes the calling thread, for the rest of its life, what systemd's `ProtectProc=invisible` and
/// `ProcSubset=pid` make of a service.
fn enter_sandbox() -> rustix::io::Result<()> {
    mount("proc", "/proc", "proc", MountFlags::empty(), Some(c"hidepid=invisible,subset=pid"))?;
    let (uid, gid) = (Uid::from_raw(65534), Gid::from_raw(65534));
    // Groups first: after the user has changed there is no right to change them, and group 0 sees everything.
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

#[test]
fn in_a_sandbox_that_hides_for_good_what_is_missing_is_masked_and_the_rest_works() {
    testkit::require!(root, mounts);
    let census = Census::take();
    let entered = in_private_mounts(|| {
        // A user namespace may map no other user, and may not mount.
        enter_sandbox().map_err(|errno| format!("sandbox: {errno}"))?;
        for resolver in [Strategy::here().resolver, Resolver::Walk] {
            let strategy = Strategy::here().resolving_by(resolver);
            let procfs = Procfs::open_with(&Options::default(), &strategy).unwrap();
            let info = procfs.info();
            assert_eq!((info.origin, info.subset), (Origin::Host, Subset::Pid), "{:?}", info.attempts);
            assert!(!procfs.read(&Base::this_thread(), b"status").unwrap().is_empty());
            let hidden =
                [(Base::Root, b"uptime".as_slice()), (Base::Root, b"missing"), (Base::Pid(1), b"stat")];
            for (base, path) in hidden {
                let error = procfs.read(&base, path).unwrap_err();
                assert_eq!((error.kind(), error.errno()), (Kind::Masked, Some(Errno::NOENT)), "{error}");
            }
            assert_eq!(procfs.read(&Base::OwnProcess, b"missing").unwrap_err().kind(), Kind::NotFound);
        }
        Ok(())
    });
    if testkit::need::met("sandbox", entered, module_path!()) {
        census.assert_unchanged();
    }
}
