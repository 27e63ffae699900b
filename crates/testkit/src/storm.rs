//! Processes that do one thing as fast as they can, in groups that are frozen and killed meanwhile.
//!
//! A storm is the test program, started again for the one of its tests that is called `storm`, and whose only line is
//! `Storm::be_one_if_asked()`.
//!
//! # Safety
//! What is forked from a program with several threads may call async-signal-safe functions only, and does.
#![expect(unsafe_code, reason = "fork, vfork and signal dispositions of the child that is the storm")]

use std::env;
use std::ffi::{c_int, c_void};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::thread;

use crate::child::{self, Child};

const KIND: &str = "PROCWARD_TEST_STORM";
const GROUPS: &str = "PROCWARD_TEST_STORM_GROUPS";
/// A storm that its test forgot ends by itself after so many seconds.
const LIFETIME: u32 = 120;

/// What a storm does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Four processes fork and reap, again and again.
    Fork,
    /// Eight start a program as `posix_spawn` does, sharing their memory with the child until it runs.
    Spawn,
    /// Thirty-two do the same.
    ManySpawn,
    /// Eight wait for children of vfork, which end at once.
    Vfork,
    /// One waits for its child of vfork, which sleeps.
    Parent,
    /// Four threads start and join others.
    Thread,
    /// Four use the processor, and nothing else.
    Hog,
    /// One process whose first thread has ended, so that it looks like a zombie, and two others use the processor.
    Leaderless,
    /// One uses the processor before everybody else: `SCHED_FIFO`.
    RealTime,
    /// One process of two thousand threads that sleep.
    Crowd,
    /// Every process forks for ever, twice over and into new sessions. Only in a group with a limit.
    Bomb,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Fork,
        Self::Spawn,
        Self::ManySpawn,
        Self::Vfork,
        Self::Parent,
        Self::Thread,
        Self::Hog,
        Self::Leaderless,
        Self::RealTime,
        Self::Crowd,
        Self::Bomb,
    ];
}

/// A storm that rages, until it is dropped or killed.
#[derive(Debug)]
pub struct Storm(Child);

/// How many rounds a test of storms goes: `PROCWARD_ROUNDS`, or a few.
#[must_use]
pub fn rounds(few: u32) -> u32 {
    env::var("PROCWARD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(few)
}

impl Storm {
    /// Starts a storm in groups of several hierarchies, and returns when it is in all of them and begins.
    ///
    /// # Panics
    /// When it cannot be started, or joined a group without need.
    #[must_use]
    pub fn start(kind: Kind, groups: &[&Path]) -> Self {
        let program = env::current_exe().unwrap_or_else(|error| panic!("who are we: {error}"));
        let mut places = String::new();
        for group in groups {
            let _ = writeln!(places, "{}", group.display());
        }
        let mut command = Command::new(program);
        command.args(["storm", "--exact", "--nocapture", "--test-threads=1"]);
        command
            .env(KIND, format!("{kind:?}"))
            .env(GROUPS, places)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut storm = child::start(&mut command);
        // What the harness of tests has to say comes first.
        while !storm.line().ends_with("ready") {}
        Self(storm)
    }

    /// The process that was started; there are others.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.0.pid()
    }

    /// In the child: becomes what the environment asks for, and does not return. Elsewhere: returns.
    ///
    /// # Panics
    /// When a group cannot be joined.
    pub fn be_one_if_asked() {
        let Ok(kind) = env::var(KIND) else { return };
        for group in env::var(GROUPS).unwrap_or_default().lines() {
            fs::write(Path::new(group).join("cgroup.procs"), process::id().to_string())
                .unwrap_or_else(|error| panic!("cannot join {group}: {error}"));
        }
        let kind = Kind::ALL.into_iter().find(|known| format!("{known:?}") == kind);
        limit_lifetime();
        match kind {
            Some(Kind::Fork) => in_processes(4, || reap(fork_or_wait(|| {}))),
            Some(Kind::Spawn) => in_processes(8, spawn),
            Some(Kind::ManySpawn) => in_processes(32, spawn),
            Some(Kind::Vfork) => in_processes(8, || vfork(end_at_once)),
            Some(Kind::Parent) => parent(),
            Some(Kind::Thread) => in_threads(4, || drop(thread::spawn(|| {}).join())),
            Some(Kind::Hog) => in_processes(4, std::hint::spin_loop),
            Some(Kind::Leaderless) => leaderless(),
            Some(Kind::RealTime) => real_time(),
            Some(Kind::Crowd) => in_threads(2000, thread::park),
            Some(Kind::Bomb) => bomb(),
            None => panic!("no such storm"),
        }
    }
}

fn say_ready() {
    let _ = io::stdout().write_all(b"ready\n");
}

fn limit_lifetime() {
    // SAFETY: alarm asks for nothing; SIGALRM has its default action here, which ends the process.
    unsafe { libc::alarm(LIFETIME) };
}

fn fork() -> libc::pid_t {
    // SAFETY: fork asks that the child of a program with several threads calls async-signal-safe functions only;
    // the children here fork, wait, yield, spawn, set their session and alarm, and end.
    unsafe { libc::fork() }
}

fn end() -> ! {
    // SAFETY: _exit asks for nothing, and runs nothing of the parent's in a child.
    unsafe { libc::_exit(0) }
}

/// Forks a child that does `work` and ends; in the parent, its pid.
fn fork_or_wait(work: impl Fn()) -> libc::pid_t {
    let child = fork();
    if child == 0 {
        work();
        end();
    }
    if child < 0 {
        thread::yield_now();
    }
    child
}

fn reap(child: libc::pid_t) {
    if child > 0 {
        // SAFETY: waitpid asks for a null or writable status; null is passed. The child is this process's own.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
}

fn in_processes(count: usize, work: fn()) {
    for _ in 0..count {
        let for_ever = || {
            limit_lifetime();
            loop {
                work();
            }
        };
        fork_or_wait(for_ever);
    }
    say_ready();
    loop {
        // SAFETY: pause asks for nothing.
        unsafe { libc::pause() };
    }
}

fn in_threads(count: usize, work: fn()) {
    let start = |_| {
        thread::spawn(move || {
            loop {
                work();
            }
        })
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    say_ready();
    for thread in threads {
        drop(thread.join());
    }
}

/// glibc's `posix_spawn` shares the memory with the child and waits for it, as vfork does.
fn spawn() {
    let mut child = 0;
    let mut argv = [c"true".as_ptr().cast_mut(), std::ptr::null_mut()];
    let envp = [std::ptr::null_mut()];
    // SAFETY: posix_spawn asks for a writable pid, a path, and null-terminated arrays of C strings, which live here;
    // null stands for no actions and no attributes. It is async-signal-safe in glibc and musl.
    let failed = unsafe {
        libc::posix_spawn(
            &raw mut child,
            c"/bin/true".as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            argv.as_mut_ptr(),
            envp.as_ptr(),
        )
    };
    if failed == 0 {
        reap(child);
    }
}

extern "C" fn end_at_once(_: *mut c_void) -> c_int {
    0
}

extern "C" fn sleep_on(_: *mut c_void) -> c_int {
    limit_lifetime();
    loop {
        // SAFETY: pause asks for nothing.
        unsafe { libc::pause() };
    }
}

fn parent() {
    say_ready();
    vfork(sleep_on);
}

fn vfork(child: extern "C" fn(*mut c_void) -> c_int) {
    const STACK: usize = 16 * 1024;
    let mut stack = [0_u128; STACK / size_of::<u128>()];
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: clone asks for the top of a stack that nobody else uses while the child lives, aligned to 16 bytes: this
    // frame's array of 16-byte integers, and the parent waits (CLONE_VFORK). The functions that are given use little of it.
    let child = unsafe { libc::clone(child, top.cast(), flags, std::ptr::null_mut()) };
    reap(child);
}

/// Forks first: the threads that the harness of tests has are not those that are to be left. Starting threads takes
/// memory, which glibc and musl keep possible after a fork.
fn leaderless() {
    let work = || {
        limit_lifetime();
        for _ in 0..2 {
            drop(thread::spawn(|| {
                loop {
                    std::hint::spin_loop();
                }
            }));
        }
        say_ready();
        // SAFETY: this ends the calling thread alone, and leaves its stack as it is: nothing on it is used by others.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    };
    reap(fork_or_wait(work));
}

fn real_time() {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: sched_setscheduler asks for readable parameters, which live here; 0 is the calling thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    say_ready();
    loop {
        std::hint::spin_loop();
    }
}

fn bomb() {
    // SAFETY: ignoring SIGCHLD replaces no handler of this program; it makes the kernel reap.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    say_ready();
    loop {
        // A child of a child, every other one in a session of its own: nothing but its group knows it.
        if fork() == 0 {
            // SAFETY: setsid asks for nothing.
            unsafe { libc::setsid() };
            if fork() != 0 {
                end();
            }
            limit_lifetime();
        }
        thread::yield_now();
    }
}
