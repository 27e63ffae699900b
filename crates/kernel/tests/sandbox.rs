//! What a child inherits: the sandbox of the thread that starts it, and nothing else that was lying about.
#![expect(unsafe_code, reason = "landlock and the thread's own credentials are not in rustix")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use kernel::fork::{Closing, Engine, Outcome, Plan, Strategy, Strings, start};
use kernel::ready::{Deadline, blocking};
use kernel::wait::{self, Change, Events};
use kernel::{Capabilities, limits};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::Resource;

fn engines() -> Vec<Engine> {
    let best = Engine::choose(Capabilities::here());
    vec![best, Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne }]
}

fn shell(script: &str) -> Plan {
    let strings = |list: &[&str]| Strings::from_block(list.join("\0").into());
    Plan {
        programs: strings(&["/bin/sh"]),
        arguments: strings(&["sh", "-c", script]),
        environment: strings(&["PATH=/usr/bin:/bin"]),
        ..Plan::default()
    }
}

/// For reading only: a sandboxed thread cannot open it for more.
fn null() -> Arc<OwnedFd> {
    openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap().into()
}

/// What it prints, and how it ends.
fn output(engine: Engine, plan: Plan) -> (String, Change) {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut descriptors = vec![Some(null()), Some(write.into()), Some(null())];
    descriptors.extend(plan.descriptors);
    let mut newborn = start(engine, Plan { descriptors, ..plan }).unwrap();
    let mut text = String::new();
    File::from(read).read_to_string(&mut text).unwrap();
    blocking(newborn.birth.pipe().unwrap().as_fd(), Deadline::NEVER).unwrap();
    assert_eq!(newborn.birth.poll().unwrap(), Some(Outcome::Started), "{engine:?}");
    blocking(newborn.pidfd.as_fd(), Deadline::NEVER).unwrap();
    (text, wait::poll(wait::Whom::Number(newborn.pid), Events::Exit).unwrap().unwrap().0.decode())
}

/// A ruleset under which no file can be opened for writing.
fn nothing_written() -> OwnedFd {
    const WRITE_FILE: u64 = 1 << 1;
    let handled = WRITE_FILE;
    // SAFETY: landlock_create_ruleset requires a readable attribute of the given size; the local is one of eight bytes.
    let fd = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, 8_usize, 0_u32) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0).unwrap();
    // SAFETY: the descriptor must be open and ours alone; it was created by this call.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// On a thread that ends afterwards, and with it what was done to it.
fn on_a_thread(body: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(body).join().unwrap());
}

const WRITES: &str = "true > /dev/null && echo written || echo refused";

#[test]
fn a_thousand_strays_are_not_inherited() {
    let limit = limits::get(0, Resource::Nofile).unwrap();
    limits::set(0, Resource::Nofile, limits::Limit { soft: limit.hard, ..limit }).unwrap();
    // Without close-on-exec, as a careless library leaves them.
    let strays: Vec<OwnedFd> =
        (0..limit.hard.saturating_sub(200).min(1000)).map(|_| rustix::io::dup(null()).unwrap()).collect();
    for engine in engines() {
        let (list, exit) = output(engine, shell("(cd /proc/$$/fd && echo *); true"));
        assert_eq!((list.as_str(), exit), ("0 1 2\n", Change::Exited(0)), "{engine:?}");
        // Read by a program that handles no signal.
        let plan = shell("(cd /proc/$$/fd && echo *); ulimit -Sn; exec cat /proc/self/status");
        let (text, _) = output(engine, Plan { descriptors: vec![Some(null()), None, Some(null())], ..plan });
        assert!(text.starts_with(&format!("0 1 2 3 5\n{}\n", limit.hard)), "{engine:?}: {text}");
        for set in ["SigBlk", "SigIgn", "SigCgt"] {
            assert!(text.contains(&format!("\n{set}:\t0000000000000000\n")), "{engine:?}: {text}");
        }
    }
    drop(strays);
    limits::set(0, Resource::Nofile, limit).unwrap();
}

#[test]
fn a_ruleset_is_entered_by_the_child_and_not_by_us() {
    testkit::require!(landlock);
    let ruleset = nothing_written();
    for engine in engines() {
        let landlock = Some(rustix::io::fcntl_dupfd_cloexec(&ruleset, 0).unwrap());
        let open_before = openat(CWD, "/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        // What was open before stays usable: standard output, and a further descriptor.
        let script = format!("{WRITES}; echo more >&3");
        let confined = Plan {
            landlock,
            no_new_privileges: true,
            descriptors: vec![Some(open_before.into())],
            ..shell(&script)
        };
        assert_eq!(output(engine, confined), ("refused\n".to_owned(), Change::Exited(0)), "{engine:?}");
        assert_eq!(output(engine, shell(WRITES)).0, "written\n");
    }
}

#[test]
fn the_sandbox_of_the_thread_that_starts_it_holds_in_the_child() {
    testkit::require!(landlock);
    let ruleset = nothing_written();
    for engine in engines() {
        on_a_thread(|| {
            rustix::thread::set_no_new_privs(true).unwrap();
            // SAFETY: landlock_restrict_self takes a descriptor and flags, and touches no memory.
            let entered =
                unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
            assert_eq!(entered, 0);
            let script = format!("{WRITES}; grep ^NoNewPrivs /proc/self/status");
            assert_eq!(output(engine, shell(&script)).0, "refused\nNoNewPrivs:\t1\n", "{engine:?}");
        });
    }
    assert_eq!(output(engines().remove(0), shell(WRITES)).0, "written\n");
}

#[test]
fn the_ids_of_the_thread_that_starts_it_are_those_of_the_child() {
    testkit::require!(root);
    for engine in engines() {
        on_a_thread(|| {
            // SAFETY: setresuid takes three numbers; called raw, it changes this thread alone.
            let changed = unsafe { libc::syscall(libc::SYS_setresuid, 1234, 1234, 1234) };
            assert_eq!(changed, 0);
            assert_eq!(output(engine, shell("id -u")).0, "1234\n", "{engine:?}");
        });
    }
    assert!(rustix::process::geteuid().is_root());
}
