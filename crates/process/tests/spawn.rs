//! Starting programs: options, streams, failures and what they leave, in every way there is.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails by panicking"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use kernel::fork::{Closing, Engine, Strategy, Strings};
use kernel::ready::{Deadline, blocking};
use kernel::{Capabilities, Errno, Kind};
use process::{Change, Command, Credentials, Exit, Resource, Stdio};
use testkit::{Census, ScratchGroup};
use tokio::runtime::Builder;

fn engines() -> Vec<Engine> {
    let best = Engine::choose(Capabilities::here());
    let oldest = Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne };
    vec![best, oldest]
}

fn shell(script: &str) -> Command {
    Command::new("sh").argument("-c").argument(script).variable(b"PATH", b"/usr/bin:/bin")
}

/// Everything that comes out of a stream of ours, which does not block.
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

fn output(engine: Engine, command: Command) -> String {
    let command = command.descriptor(Stdio::Null).descriptor(Stdio::Pipe).descriptor(Stdio::Inherit);
    let mut starting = process::spawn_with(command, engine).unwrap();
    let stdout = starting.take_streams().remove(1).unwrap();
    let child = starting.started_blocking().unwrap();
    let text = drain(&stdout);
    assert_eq!(exit(&child), Change::Exited(0), "{text}");
    text
}

fn exit(child: &process::Child) -> Change {
    match child.wait_blocking(Deadline::NEVER).unwrap().unwrap() {
        Exit::Known { status, .. } => status.decode(),
        Exit::Unknown => panic!("unknown exit"),
    }
}

/// Taken when what is opened once and kept, the shared /proc, is open.
fn census() -> Census {
    process::Process::own().unwrap().identity().unwrap();
    Census::take()
}

#[test]
fn input_comes_back_as_output() {
    for engine in engines() {
        let command = Command::new("cat").descriptor(Stdio::Pipe).descriptor(Stdio::Pipe);
        let mut starting = process::spawn_with(command, engine).unwrap();
        let mut streams = starting.take_streams();
        let (stdout, stdin) = (streams.remove(1).unwrap(), streams.remove(0).unwrap());
        let child = starting.started_blocking().unwrap();
        File::from(stdin).write_all(b"to and fro").unwrap();
        assert_eq!(drain(&stdout), "to and fro");
        assert_eq!(exit(&child), Change::Exited(0));
    }
}

#[test]
fn a_further_pipe_goes_both_ways() {
    let command =
        shell("read line <&3; echo \"$line back\" >&3").descriptor(Stdio::Null).descriptor(Stdio::Null);
    let mut starting = process::spawn(command.descriptor(Stdio::Null).descriptor(Stdio::Pipe)).unwrap();
    let stream = starting.take_streams().remove(3).unwrap();
    let child = starting.started_blocking().unwrap();
    rustix::io::write(&stream, b"there\n").unwrap();
    assert_eq!(drain(&stream), "there back\n");
    assert_eq!(exit(&child), Change::Exited(0));
}

#[test]
fn the_environment_is_what_was_given_and_nothing_else() {
    for engine in engines() {
        let command = Command::new("/usr/bin/env").variable(b"ONE", b"1=1").variable(b"TWO", b"");
        assert_eq!(output(engine, command), "ONE=1=1\nTWO=\n");
    }
}

#[test]
fn options_reach_the_child() {
    for engine in engines() {
        let command = shell("pwd; umask; ulimit -Sn; nice; echo $0")
            .directory("/usr")
            .umask(0o77)
            .niceness(5)
            .resource_limit(Resource::Nofile, Some(64), None);
        assert_eq!(output(engine, command), "/usr\n0077\n64\n5\nsh\n", "{engine:?}");
        let named = Command::new("/bin/sh").argv(Strings::from_block(b"other\0-c\0echo $0".into()));
        assert_eq!(output(engine, named), "other\n");
    }
}

#[test]
fn a_root_is_entered_and_not_left() {
    testkit::require!(root);
    let error = process::spawn(shell("").root("/sys")).unwrap().started_blocking().unwrap_err();
    // Nothing of ours is in there, the shell included: the change of root has happened.
    assert_eq!((error.spawn_stage(), error.errno()), (Some("exec"), Some(Errno::NOENT)));
    let error = process::spawn(shell("").root("/nonexistent")).unwrap().started_blocking().unwrap_err();
    assert_eq!((error.spawn_stage(), error.path().unwrap().to_str()), (Some("root"), Some("/nonexistent")));
}

#[test]
fn failures_are_told_apart_and_name_the_file() {
    let cases = [
        (Command::new("/nonexistent/program"), "exec", Errno::NOENT, Some("/nonexistent/program")),
        (Command::new("nonexistent-program"), "exec", Errno::NOENT, Some("nonexistent-program")),
        (Command::new("/etc/passwd"), "exec", Errno::ACCESS, Some("/etc/passwd")),
        (shell("").directory("/nonexistent"), "cwd", Errno::NOENT, Some("/nonexistent")),
        (shell("").directory("/etc/passwd"), "cwd", Errno::NOTDIR, Some("/etc/passwd")),
        (shell("").process_group(1 << 22), "process-group", Errno::PERM, None),
    ];
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for (command, stage, errno, path) in cases {
        let starting = process::spawn(command).unwrap();
        let error = runtime.block_on(starting.started()).unwrap_err();
        assert_eq!(error.kind(), Kind::SpawnFailed);
        assert_eq!((error.spawn_stage(), error.errno()), (Some(stage), Some(errno)), "{error}");
        assert_eq!(error.path().and_then(std::path::Path::to_str), path, "{error}");
    }
    let error = process::spawn(shell("").descriptor(Stdio::Number(9999))).unwrap_err();
    assert_eq!((error.spawn_stage(), error.errno()), (Some("descriptors"), Some(Errno::BADF)));
    let error = process::spawn(Command::new("")).unwrap_err();
    assert_eq!((error.spawn_stage(), error.errno()), (Some("exec"), Some(Errno::NOENT)));
}

#[test]
fn what_can_never_work_is_refused_before_a_child_exists() {
    let commands = [
        Command::new("sh\0"),
        shell("\0"),
        shell("").variable(b"A", b"\0"),
        shell("").variable(b"", b"value"),
        shell("").variable(b"A=B", b"value"),
        shell("").directory("/\0"),
        shell("").session().process_group(0),
        shell("").controlling_terminal(0),
        shell("").session().controlling_terminal(0),
        shell("").ignore_signal(0),
        shell("").ignore_signal(65),
    ];
    for command in commands {
        let shown = format!("{command:?}");
        assert_eq!(process::spawn(command).unwrap_err().kind(), Kind::InvalidArgument, "{shown}");
    }
}

#[test]
fn failures_leave_nothing_behind() {
    let before = census();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for n in 0..200 {
        let command = Command::new("/nonexistent")
            .descriptor(Stdio::Pipe)
            .descriptor(Stdio::Pipe)
            .descriptor(Stdio::Null);
        let starting = process::spawn(command).unwrap();
        if n % 2 == 0 {
            starting.started_blocking().unwrap_err();
        } else {
            let reaper = starting.child().reap_in_background();
            runtime.block_on(async {
                let reaper = tokio::spawn(reaper);
                starting.started().await.unwrap_err();
                reaper.await.unwrap().unwrap();
            });
        }
    }
    drop(runtime);
    before.assert_unchanged();
}

#[test]
fn five_hundred_at_once_all_end_once() {
    let before = census();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for n in 0..500_u32 {
            let code = u8::try_from(n % 256).unwrap();
            let starting = process::spawn(shell(&format!("exit {code}"))).unwrap();
            tokio::spawn(starting.child().reap_in_background());
            tasks.push(tokio::spawn(async move {
                let child = starting.started().await.unwrap();
                let Exit::Known { status, usage } = child.wait().await.unwrap() else {
                    panic!("unknown exit")
                };
                assert_eq!(status.decode(), Change::Exited(code));
                assert!(usage.is_some());
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(runtime);
    before.assert_unchanged();
}

#[test]
fn credentials_and_privileges_are_those_of_the_command() {
    testkit::require!(root);
    for engine in engines() {
        let nobody = Credentials { uid: 65534, gid: 65534, groups: Some(Vec::new()) };
        let command =
            shell("id -u; id -G; grep NoNewPrivs /proc/self/status").credentials(nobody).no_new_privileges();
        assert_eq!(output(engine, command), "65534\n65534\nNoNewPrivs:\t1\n", "{engine:?}");
    }
}

#[test]
fn a_child_is_born_in_the_group_it_was_given() {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    testkit::require!(cgroup2);
    for engine in engines() {
        let group = ScratchGroup::v2("spawn");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, group.path(), flags, Mode::empty()).unwrap();
        let text = output(engine, shell("cat /proc/self/cgroup").cgroup(directory));
        assert!(text.lines().any(|line| line == format!("0::{}", group.name())), "{engine:?}: {text}");
    }
}

#[test]
fn a_child_that_outlives_its_start_does_not_outlive_its_parent_thread() {
    let child = std::thread::spawn(|| {
        let command = Command::new("/bin/sleep").argument("1000").parent_death_signal(9);
        process::spawn(command).unwrap().started_blocking().unwrap()
    });
    assert_eq!(exit(&child.join().unwrap()), Change::Signaled { signal: 9, core_dumped: false });
}

#[test]
fn dropping_everything_kills_nothing() {
    let command = shell("read line; echo alive").descriptor(Stdio::Pipe).descriptor(Stdio::Pipe);
    let mut starting = process::spawn(command).unwrap();
    let mut streams = starting.take_streams();
    let (stdout, stdin) = (streams.remove(1).unwrap(), streams.remove(0).unwrap());
    let held = process::Process::open(starting.child().process().pid()).unwrap();
    let reaper = starting.child().reap_in_background();
    drop(starting);
    File::from(stdin).write_all(b"\n").unwrap();
    let mut text = String::new();
    blocking(stdout.as_fd(), Deadline::NEVER).unwrap();
    rustix::io::ioctl_fionbio(&stdout, false).unwrap();
    File::from(stdout).read_to_string(&mut text).unwrap();
    assert_eq!(text, "alive\n");
    Builder::new_current_thread().enable_all().build().unwrap().block_on(reaper).unwrap();
    assert!(!held.exists().unwrap());
}
