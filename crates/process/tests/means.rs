//! Every way of holding a process answers the same at every stage, by whatever means the kernel leaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails by panicking")]

use std::time::Duration;

use kernel::ready::{Deadline, blocking};
use kernel::{Errno, Feature, Kind};
use process::{Change, Child, Command, Exit, Means, Process, Scope};
use testkit::Census;
use tokio::runtime::Builder;

fn pause() -> Child {
    process::spawn(Command::new("/bin/sleep").argument("1000")).unwrap().started_blocking().unwrap()
}

/// Those of this kernel, less every combination of them.
fn all_means() -> Vec<Means> {
    let here = Means::here();
    (0_u32..1 << 7)
        .map(|taken| {
            let keep = |at: u32, has: bool| has && taken & (1 << at) == 0;
            Means {
                pidfd_open: keep(0, here.pidfd_open),
                send_signal: keep(1, here.send_signal),
                scopes: keep(2, here.scopes),
                waitid: keep(3, here.waitid),
                inodes: keep(4, here.inodes),
                info: keep(5, here.info),
                exits: keep(6, here.exits),
            }
        })
        .collect()
}

/// Whether the kernel tells an exit, or the zombie has to be seen.
fn are_told(means: Means) -> bool {
    let known = process::support(Feature::PidfdExitInfo).unwrap().is_present();
    known && means.pidfd_open && means.info && means.exits
}

fn assert_killed(exit: Option<Exit>, means: Means) {
    let Some(Exit::Known { status, usage: None }) = exit else { panic!("{exit:?} by {means:?}") };
    assert_eq!(status.decode(), Change::Signaled { signal: 9, core_dumped: false }, "{means:?}");
}

#[test]
fn a_process_answers_the_same_by_all_means() {
    process::Process::own().unwrap().identity().unwrap();
    let before = Census::take();
    for means in all_means() {
        let child = pause();
        let pid = child.process().pid();
        let held = Process::open_with(pid, means).unwrap();
        assert_eq!(held.pidfd().is_ok(), means.pidfd_open);
        assert!(held.is_alive().unwrap() && held.exists().unwrap(), "{means:?}");
        held.signal(0, Scope::Handle).unwrap();
        assert_eq!(held.signal(1000, Scope::Handle).unwrap_err().kind(), Kind::InvalidArgument, "{means:?}");
        assert_eq!(held.info().unwrap().ids, child.process().info().unwrap().ids);
        assert_eq!(held.directory().unwrap().read(b"comm").unwrap(), b"sleep\n");
        let identity = held.identity().unwrap().clone();
        assert!(means.pidfd_open || identity.inode.is_none());
        let found = Process::from_identity_with(&identity, means).unwrap();
        assert_eq!((found.pid(), found.is_alive().unwrap()), (pid, true), "{means:?}");
        assert_eq!(held.wait_blocking(Deadline::after(Duration::from_millis(2))).unwrap(), None);

        held.signal(9, Scope::Handle).unwrap();
        blocking(child.process().pidfd().unwrap(), Deadline::NEVER).unwrap();
        assert!(!held.is_alive().unwrap() && held.exists().unwrap(), "{means:?}");
        held.signal(9, Scope::Handle).unwrap();
        assert_eq!(held.info().unwrap().ids.pid, pid);
        if !are_told(means) {
            assert_killed(held.wait_blocking(Deadline::NEVER).unwrap(), means);
        }
        child.wait_blocking(Deadline::NEVER).unwrap();

        assert!(!held.is_alive().unwrap() && !held.exists().unwrap(), "{means:?}");
        for error in [
            held.signal(9, Scope::Handle).unwrap_err(),
            held.info().unwrap_err(),
            held.directory().unwrap_err(),
            Process::from_identity_with(&identity, means).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.about_pid()), (Kind::Gone, Some(pid)), "{error} by {means:?}");
        }
        let exit = held.wait_blocking(Deadline::NEVER).unwrap();
        if are_told(means) {
            assert_killed(exit, means);
        } else {
            assert_eq!(exit, Some(Exit::Unknown), "{means:?}");
        }
    }
    before.assert_unchanged();
}

#[test]
fn a_number_that_is_no_process_is_refused_by_all_means() {
    let (to_worker, from_main) = std::sync::mpsc::channel::<()>();
    let (to_main, from_worker) = std::sync::mpsc::channel();
    let worker = std::thread::spawn(move || {
        to_main.send(rustix::thread::gettid().as_raw_pid()).unwrap();
        from_main.recv().unwrap_err();
    });
    let tid = from_worker.recv().unwrap();
    let ended = {
        let child = pause();
        child.process().signal(9, Scope::Handle).unwrap();
        child.wait_blocking(Deadline::NEVER).unwrap();
        child.process().pid()
    };
    for means in all_means() {
        for (number, kind) in [
            (ended, Kind::NotFound),
            (tid, Kind::InvalidArgument),
            (0, Kind::InvalidArgument),
            (-1, Kind::InvalidArgument),
        ] {
            let error = Process::open_with(number, means).unwrap_err();
            assert_eq!((error.kind(), error.about_pid()), (kind, Some(number)), "{error} by {means:?}");
            assert!(kind != Kind::NotFound || error.is(Errno::SRCH), "{error} by {means:?}");
        }
    }
    drop(to_worker);
    worker.join().unwrap();
}

#[test]
fn many_wait_for_one_by_all_means() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    process::Process::own().unwrap().identity().unwrap();
    let before = Census::take();
    for means in all_means() {
        let child = pause();
        let held = Process::open_with(child.process().pid(), means).unwrap();
        runtime.block_on(async {
            let waiting: Vec<_> = (0..10)
                .map(|_| {
                    let held = held.clone();
                    tokio::spawn(async move { held.wait().await })
                })
                .collect();
            tokio::task::yield_now().await;
            held.signal(9, Scope::Handle).unwrap();
            // Where the kernel does not tell, they resolve although nobody reaps it.
            if are_told(means) {
                child.wait().await.unwrap();
            }
            for one in waiting {
                assert_killed(Some(one.await.unwrap().unwrap()), means);
            }
        });
        child.wait_blocking(Deadline::NEVER).unwrap();
    }
    before.assert_unchanged();
}

#[test]
fn a_scope_is_refused_where_the_kernel_has_none() {
    let child = pause();
    let poor = Means { scopes: false, ..Means::here() };
    let held = Process::open_with(child.process().pid(), poor).unwrap();
    let error = held.signal(9, Scope::Group).unwrap_err();
    let about = (error.kind(), error.feature());
    assert_eq!(about, (Kind::Unsupported, Some(Feature::PidfdProcessGroupSignal)));
    assert!(held.is_alive().unwrap());
    child.process().signal(9, Scope::Handle).unwrap();
    child.wait_blocking(Deadline::NEVER).unwrap();
}
