//! What a child may do: namespaces, capabilities, seccomp, in every way of starting one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails by panicking"
)]

use std::os::fd::{AsFd, OwnedFd};

use kernel::Errno;
use kernel::fork::{Closing, Engine, Strategy};
use kernel::ready::{Deadline, blocking};
use process::{Change, Command, Credentials, Exit, IdMap, Namespaces, Process, Scope, Stdio, UserNamespace};
use process::{capability_number, spawn_with};

fn engines() -> Vec<Engine> {
    let best = Engine::choose(kernel::Capabilities::here());
    vec![best, Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne }]
}

fn shell(script: &str) -> Command {
    let command = Command::new("/bin/sh").argument("-c").argument(script).variable(b"PATH", b"/usr/bin:/bin");
    command.descriptor(Stdio::Null).descriptor(Stdio::Pipe).descriptor(Stdio::Inherit)
}

fn drain(stream: &OwnedFd) -> String {
    let mut text = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        blocking(stream.as_fd(), Deadline::NEVER).unwrap();
        match rustix::io::read(stream, &mut buffer).unwrap() {
            0 => return String::from_utf8(text).unwrap(),
            filled => text.extend_from_slice(&buffer[..filled]),
        }
    }
}

fn run(engine: Engine, command: Command) -> (String, Change) {
    let mut starting = spawn_with(command, engine).unwrap();
    let stdout = starting.take_streams().remove(1).unwrap();
    let child = starting.started_blocking().unwrap();
    let text = drain(&stdout);
    match child.wait_blocking(Deadline::NEVER).unwrap().unwrap() {
        Exit::Known { status, .. } => (text, status.decode()),
        Exit::Unknown => panic!("unknown exit"),
    }
}

fn output(engine: Engine, command: Command) -> String {
    let (text, change) = run(engine, command);
    assert_eq!(change, Change::Exited(0), "{engine:?}: {text}");
    text
}

fn number(capability: &str) -> u8 {
    capability_number(capability).unwrap()
}

fn one(inside: u32, outside: u32) -> Vec<IdMap> {
    vec![IdMap { inside, outside, count: 1 }]
}

#[test]
fn a_new_user_namespace_has_the_ids_it_was_given_from_the_first_step() {
    testkit::require!(userns);
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    for engine in engines() {
        let maps = UserNamespace { uid_map: one(7, uid), gid_map: one(8, gid), setgroups: false };
        let command = shell("id -u; id -g; cat /proc/self/setgroups").user_namespace(maps);
        assert_eq!(output(engine, command), "7\n8\ndeny\n", "{engine:?}");
        // Root inside, whoever that is outside: enough for every other kind.
        let maps = UserNamespace { uid_map: one(0, uid), gid_map: one(0, gid), setgroups: false };
        let kinds =
            [Namespaces::PID, Namespaces::NETWORK, Namespaces::UTS, Namespaces::IPC, Namespaces::MOUNT];
        let kinds = kinds.into_iter().fold(Namespaces::CGROUP, Namespaces::and);
        let command = shell("echo $$; grep -c : /proc/self/net/dev").user_namespace(maps).namespaces(kinds);
        assert_eq!(output(engine, command), "1\n1\n", "{engine:?}");
    }
}

#[test]
fn maps_that_the_kernel_refuses_fail_the_start_and_leave_nothing() {
    testkit::require!(userns);
    let own = Process::own().unwrap();
    own.identity().unwrap();
    let before = testkit::Census::take();
    for engine in engines() {
        let overlapping = [one(0, 0), one(0, 0)].concat();
        let maps = UserNamespace { uid_map: overlapping, gid_map: Vec::new(), setgroups: false };
        let error = spawn_with(shell("").user_namespace(maps), engine).unwrap_err();
        assert_eq!((error.spawn_stage(), error.errno()), (Some("id-map"), Some(Errno::INVAL)), "{error}");
    }
    before.assert_unchanged();
}

#[test]
fn what_is_unshared_is_new_and_what_is_entered_is_shared() {
    testkit::require!(root, timens);
    for engine in engines() {
        let script = "exec sleep 1000";
        let first = spawn_with(shell(script).unshare(Namespaces::UTS.and(Namespaces::TIME)), engine).unwrap();
        let first = first.started_blocking().unwrap();
        let name = |process: &Process| process.directory().unwrap().readlink(b"ns/uts").unwrap();
        assert_ne!(name(first.process()), name(&Process::own().unwrap()));
        let command = shell(script).enter_namespaces_of(first.process(), Namespaces::UTS);
        let second = spawn_with(command, engine).unwrap().started_blocking().unwrap();
        assert_eq!(name(first.process()), name(second.process()), "{engine:?}");
        for child in [first, second] {
            child.process().signal(9, Scope::Handle).unwrap();
            child.wait_blocking(Deadline::NEVER).unwrap();
        }
    }
}

#[test]
fn a_child_that_unshares_its_user_namespace_maps_itself() {
    testkit::require!(userns);
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    for engine in engines() {
        let maps = UserNamespace { uid_map: one(0, uid), gid_map: one(0, gid), setgroups: false };
        let kinds = Namespaces::USER.and(Namespaces::MOUNT);
        let command = shell("id -u; id -g; cat /proc/self/setgroups").unshare(kinds).user_namespace(maps);
        assert_eq!(output(engine, command), "0\n0\ndeny\n", "{engine:?}");
        let overlapping = [one(0, uid), one(0, uid)].concat();
        let maps = UserNamespace { uid_map: overlapping, gid_map: Vec::new(), setgroups: false };
        let refused = spawn_with(shell("").unshare(Namespaces::USER).user_namespace(maps), engine).unwrap();
        let error = refused.started_blocking().unwrap_err();
        assert_eq!((error.spawn_stage(), error.errno()), (Some("id-map"), Some(Errno::INVAL)), "{error}");
    }
}

#[test]
fn a_time_namespace_from_birth_begins_with_the_program() {
    testkit::require!(root, pidfd, timens);
    let ours = Process::own().unwrap().directory().unwrap().readlink(b"ns/time").unwrap();
    for engine in engines() {
        let command = shell("readlink /proc/self/ns/time").namespaces(Namespaces::TIME);
        assert_ne!(output(engine, command).trim_end().as_bytes(), ours, "{engine:?}");
    }
}

#[test]
fn mounts_of_a_child_stay_its_own() {
    testkit::require!(root, mounts);
    for engine in engines() {
        let script = "mount -t tmpfs none /mnt && grep -c ' /mnt ' /proc/self/mounts";
        assert_eq!(output(engine, shell(script).namespaces(Namespaces::MOUNT)), "1\n", "{engine:?}");
        let mounts = Process::own().unwrap().directory().unwrap().read(b"mounts").unwrap();
        assert!(!String::from_utf8_lossy(&mounts).contains(" /mnt "));
    }
}

#[test]
fn ambient_capabilities_outlive_the_change_of_user_and_all_others_are_dropped() {
    testkit::require!(root);
    let nobody = || Credentials { uid: 65534, gid: 65534, groups: Some(Vec::new()) };
    for engine in engines() {
        let all = (0..64).fold(shell("grep -E '^Cap' /proc/self/status"), Command::drop_capability);
        let command =
            all.credentials(nobody()).ambient_capability(number("net_bind_service")).no_new_privileges();
        let text = output(engine, command);
        let sets: Vec<&str> = text.lines().map(|line| line.rsplit('\t').next().unwrap()).collect();
        assert_eq!(sets, ["0000000000000400"; 5], "{engine:?}: {text}");
    }
}

#[test]
fn a_filter_lets_the_program_start_and_nothing_it_forbids() {
    // getppid answers EPERM: load the number, compare, return.
    let instruction = |code: u16, jt: u8, jf: u8, k: u32| {
        let mut bytes = code.to_ne_bytes().to_vec();
        bytes.extend([jt, jf]);
        bytes.extend(k.to_ne_bytes());
        bytes
    };
    let getppid = if cfg!(target_arch = "x86_64") { 110 } else { 173 };
    let filter = [
        instruction(0x20, 0, 0, 0),
        instruction(0x15, 0, 1, getppid),
        instruction(0x06, 0, 0, 0x0005_0000 | 1),
        instruction(0x06, 0, 0, 0x7fff_0000),
    ]
    .concat();
    for engine in engines() {
        let command =
            shell("grep -E '^Seccomp:' /proc/self/status").no_new_privileges().seccomp(filter.clone());
        assert_eq!(output(engine, command), "Seccomp:\t2\n", "{engine:?}");
        let unsound = spawn_with(shell("").seccomp(vec![0; 7]), engine).unwrap_err();
        assert_eq!(unsound.kind(), kernel::Kind::InvalidArgument);
        let error = spawn_with(shell("").no_new_privileges().seccomp(vec![0xff; 8]), engine).unwrap();
        let error = error.started_blocking().unwrap_err();
        assert_eq!((error.spawn_stage(), error.errno()), (Some("seccomp"), Some(Errno::INVAL)));
    }
}

#[test]
fn a_child_in_the_foreground_owns_its_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    for engine in engines() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let terminal =
            ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
                .unwrap();
        // Process group and foreground group of the terminal are the same for whoever has it.
        let command =
            Command::new("/usr/bin/cut").argument("-d ").argument("-f5,6,8").argument("/proc/self/stat");
        let command =
            command.session().controlling_terminal(0).descriptor(Stdio::Fd(terminal)).descriptor(Stdio::Pipe);
        let (text, change) = run(engine, command);
        assert_eq!(change, Change::Exited(0));
        let ids: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(ids, [ids[0]; 3], "{engine:?}");
    }
}
