//! How strangers end: what whoever holds one is told, against what its true parent's wait(2) got.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and the parent of strangers is a program that knows nothing of us"
)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use kernel::Feature;
use kernel::ready::Deadline;
use kernel::wait::Status;
use process::{Change, Exit, Means, Process, Scope};
use testkit::Census;
use tokio::runtime::{Builder, Runtime};

const ROLE: &str = "PROCWARD_TEST_PARENT";
const ANSWER: &str = "answer: ";

/// Another program, which starts one stranger after the other, and reaps it when it is told to.
struct Parent {
    program: std::process::Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Parent {
    /// This program again, of which only [`strangers_are_started_and_reaped`] runs; cores that are dumped as files
    /// land in `directory`.
    fn start_in(directory: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "strangers_are_started_and_reaped", "--nocapture"]).env(ROLE, "1");
        command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let answers = BufReader::new(program.stdout.take().unwrap());
        Self { orders: program.stdin.take(), program, answers }
    }

    fn answer_to(&mut self, order: &str) -> i32 {
        writeln!(self.orders.as_ref().unwrap(), "{order}").unwrap();
        // The harness prints, too, and on the same line.
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "no answer to {order}");
            if let Some((_, answer)) = line.trim_end().split_once(ANSWER) {
                return answer.parse().unwrap();
            }
        }
    }

    /// A stranger that runs this script of sh(1).
    fn begin(&mut self, script: &str, means: Means) -> Process {
        Process::open_with(self.answer_to(&format!("start {script}")), means).unwrap()
    }

    /// Its `read` returns.
    fn end_input(&mut self) {
        self.answer_to("end-input");
    }

    /// The truth.
    fn reap(&mut self) -> Status {
        Status(self.answer_to("reap"))
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        self.orders.take();
        self.program.wait().unwrap();
    }
}

/// The other program.
#[test]
fn strangers_are_started_and_reaped() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let mut child = None;
    for order in std::io::stdin().lines() {
        let order = order.unwrap();
        let answer = match order.split_once(' ') {
            Some((_, script)) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
                child.insert(command.spawn().unwrap()).id().cast_signed()
            }
            None if order == "end-input" => {
                drop(child.as_mut().and_then(|child| child.stdin.take()));
                0
            }
            None => child.take().unwrap().wait().unwrap().into_raw(),
        };
        println!("{ANSWER}{answer}");
    }
}

/// Where cores may be dumped, for as long as the test runs.
struct Scratch(PathBuf);

impl Scratch {
    fn new(tag: &str) -> Self {
        let path = std::env::temp_dir().join(format!("procward-{tag}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// All that this kernel has; without being told of exits; without handles.
fn all_means() -> [Means; 3] {
    let here = Means::here();
    [here, Means { exits: false, ..here }, Means { pidfd_open: false, ..here }]
}

fn are_told(means: Means) -> bool {
    let known = process::support(Feature::PidfdExitInfo).unwrap().is_present();
    known && means.pidfd_open && means.info && means.exits
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn until(what: &str, mut has_come: impl FnMut() -> bool) {
    let limit = Deadline::after(Duration::from_secs(20));
    while !has_come() {
        assert!(!limit.has_passed(), "in vain: {what}");
        std::thread::yield_now();
    }
}

fn until_it_exited(held: &Process) {
    until("it exits", || !held.is_alive().unwrap());
}

/// What whoever started it ignored, and its C library's own two signals, which glibc ignores in what it starts.
fn ignores(held: &Process, signal: i32) -> bool {
    let status = String::from_utf8(held.directory().unwrap().read(b"status").unwrap()).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    u64::from_str_radix(ignored, 16).unwrap() & (1 << (signal - 1)) != 0
}

/// Its parent reaps it before anybody waits for its end. Where the kernel does not tell, it is too late.
fn assert_told_afterwards(parent: &mut Parent, held: &Process, means: Means) -> Status {
    until_it_exited(held);
    let truth = parent.reap();
    let told = held.wait_blocking(Deadline::NEVER).unwrap();
    let expected = if are_told(means) { Exit::Known { status: truth, usage: None } } else { Exit::Unknown };
    assert_eq!(told, Some(expected), "{:?} by {means:?}", truth.decode());
    truth
}

/// Its parent reaps it while we wait. Where the kernel does not tell, the zombie does.
fn assert_told_meanwhile(
    parent: &mut Parent,
    held: &Process,
    means: Means,
    end: impl FnOnce(&mut Parent),
) -> Status {
    runtime().block_on(async {
        let waiting = tokio::spawn({
            let held = held.clone();
            async move { held.wait().await.unwrap() }
        });
        tokio::task::yield_now().await;
        end(parent);
        until_it_exited(held);
        let (truth, told) = if are_told(means) {
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished(), "told before its parent reaped it, by {means:?}");
            (parent.reap(), waiting.await.unwrap())
        } else {
            let told = waiting.await.unwrap();
            (parent.reap(), told)
        };
        assert_eq!(told, Exit::Known { status: truth, usage: None }, "{:?} by {means:?}", truth.decode());
        truth
    })
}

#[test]
fn every_exit_code_is_the_one_that_its_parent_got() {
    let scratch = Scratch::new("codes");
    let mut parent = Parent::start_in(&scratch.0);
    for means in all_means() {
        for code in 0..=u8::MAX {
            let held = parent.begin(&format!("read line; exit {code}"), means);
            let truth = if code % 2 == 0 {
                parent.end_input();
                assert_told_afterwards(&mut parent, &held, means)
            } else {
                assert_told_meanwhile(&mut parent, &held, means, Parent::end_input)
            };
            assert_eq!(truth.decode(), Change::Exited(code));
        }
    }
}

/// Signals whose default is not to end a process: SIGCHLD, SIGCONT, the four that stop, SIGURG and SIGWINCH.
const HARMLESS: [i32; 8] = [17, 18, 19, 20, 21, 22, 23, 28];

#[test]
fn every_signal_and_core_dump_is_the_one_that_its_parent_got() {
    let scratch = Scratch::new("signals");
    let mut parent = Parent::start_in(&scratch.0);
    let mut dumped = 0;
    // Whether a core is dumped is the kernel's and the host's affair: its parent knows.
    for limit in ["ulimit -S -c 0", "ulimit -c unlimited || ulimit -S -c $(ulimit -H -c)"] {
        for means in all_means() {
            for signal in (1..=64).filter(|signal| !HARMLESS.contains(signal)) {
                let held = parent.begin(&format!("{limit}; exec cat"), means);
                until("it runs", || held.directory().unwrap().read(b"comm").unwrap() == b"cat\n");
                if ignores(&held, signal) {
                    parent.end_input();
                    parent.reap();
                    continue;
                }
                let kill = || held.signal(signal, Scope::Handle).unwrap();
                let truth = if signal % 2 == 0 {
                    kill();
                    assert_told_afterwards(&mut parent, &held, means)
                } else {
                    assert_told_meanwhile(&mut parent, &held, means, |_| kill())
                };
                let Change::Signaled { signal: ended_by, core_dumped } = truth.decode() else {
                    panic!("{truth:?}")
                };
                assert_eq!(ended_by, signal);
                dumped += u32::from(core_dumped);
            }
        }
    }
    println!("{dumped} of them dumped a core");
}

#[test]
fn a_stranger_that_is_never_reaped_stays_pending_and_can_be_given_up() {
    Process::own().unwrap().identity().unwrap();
    let scratch = Scratch::new("never");
    let mut parent = Parent::start_in(&scratch.0);
    let means = Means::here();
    let before = Census::take();
    let runtime = runtime();
    for _ in 0..10 {
        let held = parent.begin("exit 5", means);
        until_it_exited(&held);
        if are_told(means) {
            assert_eq!(held.wait_blocking(Deadline::after(Duration::from_millis(2))).unwrap(), None);
            let given_up =
                runtime.block_on(async { tokio::time::timeout(Duration::from_millis(2), held.wait()).await });
            assert!(given_up.is_err());
        }
        assert!(held.exists().unwrap());
        assert_told_afterwards(&mut parent, &held, means);
    }
    drop(runtime);
    before.assert_unchanged();
}
