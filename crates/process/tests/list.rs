//! The table of processes: complete, of whole rows, whatever comes and goes meanwhile.

use std::thread;

use kernel::Errno;
use kernel::ready::Deadline;
use process::{Command, Row, Scope, list};
use rustix::fs::stat;
use rustix::mount::{MountFlags, mount};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use testkit::without::{Call, install};
use testkit::{Census, in_private_mounts, shell, sleeper};

fn row(rows: &[Row], pid: i32) -> Option<&Row> {
    rows.iter().find(|row| row.stat.pid == pid)
}

#[test]
fn every_process_is_a_row_of_its_own_numbers() {
    let child = sleeper();
    let rows = list().unwrap();
    let found = row(&rows, child.pid()).unwrap();
    assert_eq!(found.stat.ppid, std::process::id().cast_signed());
    assert_eq!(found.command_line, b"sleep\x001000\0");
    assert_eq!(found.uid, rustix::process::geteuid().as_raw());
    assert!(!found.is_kernel_thread() && found.resident_bytes() > 0);
    let own = row(&rows, found.stat.ppid).unwrap();
    assert!(own.started_ms() <= found.started_ms() && own.cpu_ms() < found.started_ms());
    assert!(rows.is_sorted_by_key(|row| row.stat.pid));
}

#[test]
fn threads_that_share_the_work_leave_nobody_out_and_name_nobody_twice() {
    let before = Census::take();
    let children: Vec<_> = (0..300).map(|_| sleeper()).collect();
    let rows = list().unwrap();
    assert!(rows.is_sorted_by(|one, next| one.stat.pid < next.stat.pid));
    for child in &children {
        assert_eq!(row(&rows, child.pid()).unwrap().command_line, b"sleep\x001000\0");
    }
    drop(children);
    before.assert_unchanged();
}

#[test]
fn whom_the_proc_of_the_host_hides_is_listed_all_the_same() {
    testkit::require!(root, mounts, fsopen);
    let child = sleeper();
    in_private_mounts(|| {
        mount("proc", "/proc", "proc", MountFlags::empty(), Some(c"hidepid=invisible,gid=1")).unwrap();
        // With it root may trace everybody, and sees whom it may trace.
        let mut own = capabilities(None).unwrap();
        own.effective.remove(CapabilitySet::SYS_PTRACE);
        own.permitted.remove(CapabilitySet::SYS_PTRACE);
        set_capabilities(None, own).unwrap();
        assert_eq!(stat("/proc/1").err(), Some(Errno::NOENT));
        let rows = list().unwrap();
        assert!(row(&rows, 1).is_some() && row(&rows, child.pid()).is_some());
    });
}

#[test]
fn every_means_that_is_missing_has_another() {
    let child = sleeper();
    for missing in [&["open_tree"][..], &["open_tree", "fsopen"], &["openat2"]] {
        for refusal in [Errno::NOSYS, Errno::PERM] {
            let listed = || {
                let calls: Vec<_> = missing.iter().map(|name| Call::parse(name).unwrap()).collect();
                install(&calls, refusal.raw_os_error().cast_unsigned()).unwrap();
                let rows = list().unwrap();
                assert_eq!(row(&rows, child.pid()).unwrap().command_line, b"sleep\x001000\0", "{missing:?}");
            };
            // For this thread only, and what it starts.
            thread::scope(|scope| scope.spawn(listed).join().unwrap());
        }
    }
}

#[test]
fn a_command_line_may_be_longer_than_any_buffer() {
    let long = "x".repeat(100_000);
    let mut child = shell(&format!("echo ready; kill -STOP $$; : {long}"));
    assert_eq!(child.line(), "ready");
    let rows = list().unwrap();
    assert!(row(&rows, child.pid()).unwrap().command_line.ends_with(format!("{long}\0").as_bytes()));
}

#[test]
fn what_ends_meanwhile_is_left_out_and_nothing_stays_open() {
    let before = Census::take();
    for _ in 0..20 {
        let children: Vec<_> = (0..20).map(|_| sleeper()).collect();
        let ending = thread::spawn(move || drop(children));
        assert!(list().unwrap().len() > 1);
        ending.join().unwrap();
    }
    before.assert_unchanged();
}

#[test]
fn a_zombie_has_a_row_without_a_command_line() {
    let child =
        process::spawn(Command::new("/bin/sleep").argument("1000")).unwrap().started_blocking().unwrap();
    child.process().signal(9, Scope::Handle).unwrap();
    // Ended and not reaped: nobody has waited for it yet.
    while child.process().is_alive().unwrap() {
        thread::yield_now();
    }
    let rows = list().unwrap();
    let zombie = row(&rows, child.process().pid()).unwrap();
    assert!(zombie.stat.is_zombie() && zombie.command_line.is_empty(), "{zombie:?}");
    child.wait_blocking(Deadline::NEVER).unwrap();
}
