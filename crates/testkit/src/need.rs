//! What a test needs from the machine: each need is a question put to the kernel, never a guess from a version.
#![expect(unsafe_code, reason = "a user namespace is tried in a child between fork and exec")]

use std::env;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{self, FsOpenFlags};
use rustix::process::{PidfdFlags, geteuid, getpid, pidfd_open};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::deaf::{self, DeafMount};
use crate::group::{self, ScratchGroup};
use crate::mounts::enter_private_mounts;

/// Leaves the test function with a loud line on standard error unless the machine has everything that is listed.
///
/// `SKIPPED freeze::a_frozen_group_stays_frozen: needs cgroup2 (no cgroup2 filesystem is mounted)`
///
/// Where the environment promised a need (`EXPECT=root,cgroup2`), its absence fails the test instead. The names
/// are the functions of [`need`](mod@crate::need).
#[macro_export]
macro_rules! require {
    ($($need:ident),+ $(,)?) => {
        $(
            if !$crate::need::met(stringify!($need), $crate::need::$need(), module_path!()) {
                return;
            }
        )+
    };
}

/// Those of a table's cases whose needs the machine has. A test that goes through the table says first, by [`require!`],
/// what makes at least one of them possible.
///
/// `available!(freezer1, pids1 => Version::V1; freeze2 => Version::V2)`
///
/// As there, a need that was promised fails the test if it is missing.
#[macro_export]
macro_rules! available {
    ($($($need:ident),+ => $case:expr);+ $(;)?) => {{
        let cases = [$(
            (true $(&& $crate::need::has(stringify!($need), $crate::need::$need(), module_path!()))+).then_some($case)
        ),+];
        cases.into_iter().flatten().collect::<Vec<_>>()
    }};
}

/// The answer to a need: met, or what is missing in a few words.
pub type Answer = Result<(), String>;

macro_rules! needs {
    ($($(#[doc = $doc:literal])+ $name:ident => $check:expr;)+) => {
        /// Every need there is: what `EXPECT` may list.
        pub const KNOWN: &[&str] = &[$(stringify!($name)),+];
        $(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// What is missing.
            pub fn $name() -> Answer {
                $check
            }
        )+
    };
}

needs! {
    /// The superuser of this user namespace.
    root => if geteuid().is_root() { Ok(()) } else { Err(format!("uid {}", geteuid().as_raw())) };
    /// A mount namespace of our own, to mount in.
    mounts => on_a_thread(|| enter_private_mounts().map_err(|error| format!("unshare: {error}")));
    /// A user namespace that an ordinary user may make.
    userns => try_userns();
    /// Time namespaces that a program enters when it is executed (Linux 6.2, where it was built with them).
    timens => try_timens();
    /// A version 1 hierarchy, of any controller, in which groups can be made.
    cgroup1 => group::v1_controllers().iter().any(|controller| ScratchGroup::try_v1(controller, "need").is_ok())
        .then_some(()).ok_or_else(|| "no version 1 hierarchy lets us make a group".to_owned());
    /// A version 2 hierarchy in which groups can be made.
    cgroup2 => ScratchGroup::try_v2("need").map(drop);
    /// The version 1 freezer.
    freezer1 => ScratchGroup::try_v1("freezer", "need").map(drop);
    /// The version 1 pids controller.
    pids1 => ScratchGroup::try_v1("pids", "need").map(drop);
    /// The version 1 memory controller.
    memory1 => ScratchGroup::try_v1("memory", "need").map(drop);
    /// The version 1 cpu controller.
    cpu1 => ScratchGroup::try_v1("cpu", "need").map(drop);
    /// A freezer of either version.
    freezer => freezer1().or_else(|first| freeze2().map_err(|second| format!("{first}; {second}")));
    /// `cgroup.freeze` (Linux 5.2).
    freeze2 => v2_has("cgroup.freeze");
    /// `cgroup.kill` (Linux 5.14).
    kill2 => v2_has("cgroup.kill");
    /// The pids controller on version 2, enabled for new groups.
    pids2 => v2_has("pids.max");
    /// The memory controller on version 2, enabled for new groups.
    memory2 => v2_has("memory.max");
    /// The cpu controller on version 2, enabled for new groups.
    cpu2 => v2_has("cpu.max");
    /// systemd and a message bus, installed and not necessarily running: a test starts them in namespaces of its own.
    systemd_binary => ["/usr/lib/systemd/systemd", "/usr/bin/dbus-daemon"].into_iter()
        .find(|path| !Path::new(path).exists()).map_or(Ok(()), |path| Err(format!("{path} does not exist")));
    /// `pidfd_open` (Linux 5.3).
    pidfd => pidfd_open(getpid(), PidfdFlags::empty()).map(drop).map_err(refused("pidfd_open"));
    /// `openat2` (Linux 5.6).
    openat2 => fs::openat2(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::empty())
        .map(drop).map_err(refused("openat2"));
    /// `fsopen` (Linux 5.2) and the privilege to use it.
    fsopen => mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).map(drop).map_err(refused("fsopen"));
    /// `statx` (Linux 4.11).
    statx => fs::statx(CWD, "/", AtFlags::empty(), StatxFlags::TYPE).map(drop).map_err(refused("statx"));
    /// `clone3` (Linux 5.3).
    clone3 => try_clone3();
    /// Landlock (Linux 5.13).
    landlock => try_landlock();
    /// FUSE, and a mount namespace to mount it in.
    fuse => on_a_thread(|| {
        enter_private_mounts().map_err(|error| format!("unshare: {error}"))?;
        DeafMount::new().map(drop)
    });
    /// The function that a task sleeps in is told rightly, or not at all: user-mode Linux names others.
    wchan => match deaf::where_a_sleeper_waits() {
        "0" => Ok(()),
        name if name.contains("nanosleep") => Ok(()),
        name => Err(format!("who sleeps is said to be in {name}")),
    };
    /// A running systemd.
    systemd => if Path::new("/run/systemd/system").is_dir() {
        Ok(())
    } else {
        Err("/run/systemd/system does not exist".to_owned())
    };
}

/// What [`require!`] does with an answer: true when the need is met.
///
/// # Panics
/// When it is not although `EXPECT` promised it, and when `EXPECT` lists a need that does not exist.
#[must_use]
pub fn met(name: &str, answer: Answer, module: &str) -> bool {
    let Some(why) = missing(name, answer) else { return true };
    tell(&format!("SKIPPED {}: needs {name} ({why})\n", title(module)));
    false
}

/// What [`available!`] does with an answer: true when the need is met.
///
/// # Panics
/// As [`met`].
#[must_use]
pub fn has(name: &str, answer: Answer, module: &str) -> bool {
    let Some(why) = missing(name, answer) else { return true };
    tell(&format!("IN PART {}: without {name} ({why})\n", title(module)));
    false
}

/// Why a need is not met, if it was not promised.
fn missing(name: &str, answer: Answer) -> Option<String> {
    let promised = env::var("EXPECT").unwrap_or_default();
    let promised = promises(&promised).unwrap_or_else(|unknown| {
        panic!("EXPECT promises `{unknown}`, which is no need; the needs are: {}", KNOWN.join(", "))
    });
    let why = answer.err()?;
    assert!(!promised.contains(&name), "EXPECT promised `{name}`, and it is missing: {why}");
    Some(why)
}

/// One write, past the capture of the test harness (which takes only what the print macros write): a skipped test
/// passes, and what a passing test printed is not shown.
fn tell(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

/// The needs that a value of `EXPECT` lists, or the first one that does not exist.
fn promises(expect: &str) -> Result<Vec<&str>, &str> {
    let listed = expect.split(',').map(str::trim).filter(|name| !name.is_empty());
    listed.map(|name| if KNOWN.contains(&name) { Ok(name) } else { Err(name) }).collect()
}

/// `crate::path::of_the_test`: the harness names a test's thread after it, without the crate.
fn title(module: &str) -> String {
    let krate = module.split("::").next().unwrap_or(module);
    match thread::current().name() {
        Some(test) if test != "main" => format!("{krate}::{test}"),
        _ => module.to_owned(),
    }
}

fn refused(call: &'static str) -> impl Fn(Errno) -> String {
    move |errno| format!("{call}: {errno}")
}

/// Asks on a thread that ends afterwards, for questions that change the thread that asks.
fn on_a_thread(question: impl FnOnce() -> Answer + Send) -> Answer {
    thread::scope(|scope| {
        scope.spawn(question).join().unwrap_or_else(|_| Err("the question panicked".to_owned()))
    })
}

fn v2_has(file: &str) -> Answer {
    let group = ScratchGroup::try_v2("need")?;
    if group.path().join(file).exists() { Ok(()) } else { Err(format!("no {file} in a new group")) }
}

/// `unshare(CLONE_NEWUSER)` fails in a process with several threads, as every test has: a child tries it.
fn try_userns() -> Answer {
    let mut command = Command::new("true");
    command.stdin(Stdio::null());
    let enter = || {
        // SAFETY: unshare asks that no thread comes to see another's descriptors in a table that was split off.
        // This child has one thread, and only the user namespace is unshared.
        unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.map_err(io::Error::from)
    };
    // SAFETY: pre_exec asks for async-signal-safe code between fork and exec: the closure makes one system call,
    // allocates nothing and takes no lock.
    unsafe { command.pre_exec(enter) };
    let status = command.status().map_err(|error| format!("unshare: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("true: {status}")) }
}

/// Before Linux 6.2 it is the program's own children that are in the new one.
fn try_timens() -> Answer {
    const LINK: &str = "/proc/self/ns/time";
    let ours = fs::readlink(LINK, Vec::new()).map_err(|errno| format!("{LINK}: {errno}"))?;
    let mut command = Command::new("unshare");
    command.args(["--time", "readlink", "--no-newline", LINK]).stderr(Stdio::null());
    let theirs = command.output().map_err(|error| format!("unshare: {error}"))?;
    if !theirs.status.success() {
        return Err(format!("unshare: {}", theirs.status));
    }
    if theirs.stdout == ours.as_bytes() { Err("a program stays in the old one".to_owned()) } else { Ok(()) }
}

/// Asks which version of its interface there is.
fn try_landlock() -> Answer {
    const VERSION: u32 = 1;
    let nothing = std::ptr::null::<u64>();
    // SAFETY: with this flag landlock_create_ruleset requires no attribute, and creates nothing.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, VERSION) };
    if version > 0 { Ok(()) } else { Err(format!("landlock: {}", io::Error::last_os_error())) }
}

fn try_clone3() -> Answer {
    // SAFETY: clone3 reads `size` bytes of arguments; with size 0 it reads none and, being shorter than the first
    // version of the structure, is answered EINVAL before anything is created.
    let answer = unsafe { libc::syscall(libc::SYS_clone3, std::ptr::null::<libc::clone_args>(), 0_usize) };
    let error = io::Error::last_os_error();
    match (answer, error.raw_os_error()) {
        (-1, Some(libc::EINVAL)) => Ok(()),
        _ => Err(format!("clone3: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_met_need_goes_on() {
        assert!(met("root", Ok(()), module_path!()));
    }

    #[test]
    fn a_promise_is_a_list_of_known_names() {
        assert_eq!(promises("root, cgroup2,"), Ok(vec!["root", "cgroup2"]));
        assert_eq!(promises("root,cgroups"), Err("cgroups"));
        assert_eq!(promises(""), Ok(vec![]));
    }

    #[test]
    fn a_test_is_reported_with_its_crate() {
        let named = thread::Builder::new().name("tests::it_works".to_owned());
        let reported = named.spawn(|| title("procfs::tests")).unwrap().join().unwrap();
        assert_eq!(reported, "procfs::tests::it_works");
    }

    #[test]
    fn questions_leave_no_group_and_no_descriptor_behind() {
        let census = crate::Census::take();
        for question in [mounts, userns, cgroup1, cgroup2, freezer1, kill2, pidfd, openat2, fsopen, clone3] {
            let _ = question();
        }
        census.assert_unchanged();
    }
}
