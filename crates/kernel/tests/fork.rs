//! Starting programs: what the child has, what it has not, what it reports, and what it leaves behind.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "one test makes a file to be executed")]

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use kernel::fork::{
    Closing, Credentials, Engine, Failure, Newborn, Outcome, Plan, ResourceLimit, Stage, Strategy, Strings,
};
use kernel::ready::{Deadline, blocking};
use kernel::wait::{self, Change, Events, Whom};
use kernel::{Capabilities, Errno, Feature, Support, fork, pidfd};
use rustix::process::{DumpableBehavior, dumpable_behavior};
use testkit::without::{Call, install};
use testkit::{Census, ScratchGroup};

/// Every way of starting a child that this kernel has, and those of older ones.
fn engines() -> Vec<Engine> {
    let best = Engine::choose(Capabilities::here());
    let legacy = Engine { strategy: Strategy::LegacyClone, ..best };
    let oldest = Engine { closing: Closing::OneByOne, ..legacy };
    vec![best, legacy, oldest]
}

fn strings(list: &[&str]) -> Strings {
    Strings::from_block(list.join("\0").into())
}

fn program(arguments: &[&str]) -> Plan {
    Plan {
        programs: strings(arguments.get(..1).unwrap()),
        arguments: strings(arguments),
        environment: strings(&["PATH=/usr/bin:/bin"]),
        ..Plan::default()
    }
}

fn shell(script: &str) -> Plan {
    program(&["/bin/sh", "-c", script])
}

fn start(engine: Engine, plan: Plan) -> Result<Newborn, Failure> {
    let mut newborn = fork::start(engine, plan)?;
    let outcome = loop {
        if let Some(outcome) = newborn.birth.poll().unwrap() {
            break outcome;
        }
        blocking(newborn.birth.pipe().unwrap().as_fd(), Deadline::NEVER).unwrap();
    };
    match outcome {
        Outcome::Started => Ok(newborn),
        Outcome::Failed(failure) => {
            assert_eq!(reap(&newborn), Change::Exited(127));
            Err(failure)
        }
    }
}

fn reap(newborn: &Newborn) -> Change {
    blocking(newborn.pidfd.as_fd(), Deadline::NEVER).unwrap();
    let by_handle = Capabilities::here().has(Feature::PidfdWaitid);
    let whom = if by_handle { Whom::Handle(newborn.pidfd.as_fd()) } else { Whom::Number(newborn.pid) };
    wait::poll(whom, Events::Exit).unwrap().unwrap().0.decode()
}

fn run(engine: Engine, plan: Plan) -> Change {
    reap(&start(engine, plan).unwrap())
}

fn null() -> Arc<OwnedFd> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap().into()
}

/// What it writes to its standard output; the other two are /dev/null.
fn output(engine: Engine, plan: Plan) -> String {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let descriptors = vec![None, Some(write.into()), None];
    let newborn = start(engine, Plan { descriptors, null: vec![0, 2], ..plan }).unwrap();
    let mut text = String::new();
    File::from(read).read_to_string(&mut text).unwrap();
    assert_eq!(reap(&newborn), Change::Exited(0), "{text}");
    text
}

fn failure(engine: Engine, plan: Plan) -> (Stage, Errno) {
    let failure = start(engine, plan).unwrap_err();
    (failure.stage, failure.errno)
}

#[test]
fn every_engine_reports_every_way_to_end() {
    for engine in engines() {
        for code in [0, 1, 7, 126, 127, 128, 255] {
            assert_eq!(run(engine, shell(&format!("exit {code}"))), Change::Exited(code), "{engine:?}");
        }
        for signal in [1, 2, 9, 13, 15, 25, 34, 64] {
            let change = run(engine, shell(&format!("kill -{signal} $$")));
            assert_eq!(change, Change::Signaled { signal, core_dumped: false }, "{engine:?}");
        }
    }
}

#[test]
fn a_child_has_only_the_descriptors_it_was_given() {
    // Without close-on-exec, as a careless addon would leave it; at both ends of the table.
    let _low = rustix::io::dup(null()).unwrap();
    let high = rustix::io::fcntl_dupfd_cloexec(null(), 900).unwrap();
    rustix::io::fcntl_setfd(&high, rustix::io::FdFlags::empty()).unwrap();
    for engine in engines() {
        // Listed by a child of the shell, whose own listing is not in it; `ls` does not work under every filter.
        let list = output(engine, shell("(cd /proc/$$/fd && echo *); true"));
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2"], "{engine:?}");
        assert_eq!(run(engine, shell("test ! -e /proc/$$/fd/0 -a ! -e /proc/$$/fd/1")), Change::Exited(0));
    }
}

#[test]
fn the_null_device_has_every_number_it_is_to_have() {
    // More than are open here: what the child opens has the number of one of them at first.
    const COUNT: u32 = 200;
    let script = format!(
        "n=0; while [ $n -lt {COUNT} ]; do test -c /proc/$$/fd/$n -a /proc/$$/fd/$n -ef /dev/null || exit 1; n=$((n + 1)); done"
    );
    for engine in engines() {
        let descriptors = vec![None; COUNT as usize];
        let plan = Plan { descriptors, null: (0..COUNT).collect(), ..shell(&script) };
        assert_eq!(run(engine, plan), Change::Exited(0), "{engine:?}");
    }
}

#[test]
fn a_null_device_that_cannot_be_opened_is_told() {
    for engine in engines() {
        let refused = move || {
            let opens = Call { number: libc::SYS_openat, when: None };
            install(&[opens], libc::EIO.cast_unsigned()).unwrap();
            let told = Failure { stage: Stage::Descriptors, index: Failure::NULL_DEVICE, errno: Errno::IO };
            let plan = Plan { descriptors: vec![None], null: vec![0], ..program(&["/bin/true"]) };
            assert_eq!(start(engine, plan).unwrap_err(), told, "{engine:?}");
        };
        // For this thread only, and what it starts.
        std::thread::spawn(refused).join().unwrap();
    }
}

#[test]
fn descriptors_arrive_in_the_order_in_which_they_were_given() {
    for engine in engines() {
        let pipes: Vec<_> = (0..6).map(|_| rustix::pipe::pipe().unwrap()).collect();
        // Backwards, with a gap, and one that is given twice.
        let writers: Vec<_> = pipes.iter().map(|(_, write)| Arc::new(write.try_clone().unwrap())).collect();
        let mut descriptors: Vec<_> = writers.iter().rev().cloned().map(Some).collect();
        descriptors.insert(3, None);
        descriptors.push(writers.first().cloned());
        drop(writers);
        let script = "for n in 0 1 2 4 5 6 7; do echo $n >&$n; done; test ! -e /proc/$$/fd/3";
        assert_eq!(run(engine, Plan { descriptors, ..shell(script) }), Change::Exited(0), "{engine:?}");
        let mut read = Vec::new();
        for (reader, writer) in pipes {
            drop(writer);
            let mut text = String::new();
            File::from(reader).read_to_string(&mut text).unwrap();
            read.push(text.replace('\n', ""));
        }
        assert_eq!(read, ["67", "5", "4", "2", "1", "0"], "{engine:?}");
    }
}

#[test]
fn signals_are_at_their_default_and_none_is_blocked() {
    for engine in engines() {
        // The Rust runtime ignores SIGPIPE in this process.
        let masks = |plan: Plan| -> Vec<String> {
            let text = output(engine, plan);
            let sets = ["SigBlk:", "SigIgn:", "SigCgt:"]
                .map(|name| text.lines().find_map(|line| line.strip_prefix(name)));
            sets.map(|set| set.unwrap().trim().to_owned()).to_vec()
        };
        let status = || program(&["/bin/cat", "/proc/self/status"]);
        assert_eq!(masks(status()), ["0000000000000000"; 3], "{engine:?}");
        let keep = Plan { ignored_signals: 1 | 1 << 63, ..status() };
        assert_eq!(masks(keep)[1], "8000000000000001", "{engine:?}");
    }
}

#[test]
fn the_caller_keeps_its_own_signal_mask() {
    let mask = || {
        let status = read_by_name("/proc/thread-self/status");
        status.lines().find(|line| line.starts_with("SigBlk")).unwrap().to_owned()
    };
    let before = mask();
    for engine in engines() {
        run(engine, shell("exit 0"));
        assert_eq!(mask(), before);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test looks at the machine by name")]
fn read_by_name(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn failures_name_their_stage() {
    let cases: [(Plan, Stage, Errno); 7] = [
        (program(&["/nonexistent/program"]), Stage::Exec, Errno::NOENT),
        (program(&["/etc/passwd"]), Stage::Exec, Errno::ACCESS),
        (program(&["/etc"]), Stage::Exec, Errno::ACCESS),
        (Plan { directory: Some(c"/nonexistent".into()), ..shell("") }, Stage::Cwd, Errno::NOENT),
        (Plan { directory: Some(c"/etc/passwd".into()), ..shell("") }, Stage::Cwd, Errno::NOTDIR),
        (Plan { process_group: Some(1 << 22), ..shell("") }, Stage::ProcessGroup, Errno::PERM),
        (
            Plan { resource_limits: vec![ResourceLimit { resource: 7, soft: 9, hard: 8 }], ..shell("") },
            Stage::ResourceLimits,
            Errno::INVAL,
        ),
    ];
    for (plan, stage, errno) in cases {
        assert_eq!(failure(engines()[0], plan), (stage, errno));
    }
    for engine in engines() {
        assert_eq!(failure(engine, program(&["/nonexistent"])), (Stage::Exec, Errno::NOENT), "{engine:?}");
    }
}

#[test]
fn a_refused_candidate_is_remembered_while_the_search_goes_on() {
    for engine in engines() {
        let search = |candidates: &[&str]| Plan { programs: strings(candidates), ..shell("exit 5") };
        assert_eq!(run(engine, search(&["/nonexistent/sh", "/etc/passwd/sh", "/bin/sh"])), Change::Exited(5));
        assert_eq!(run(engine, search(&["/etc/passwd", "/bin/sh"])), Change::Exited(5));
        assert_eq!(failure(engine, search(&["/etc/passwd", "/nonexistent"])), (Stage::Exec, Errno::ACCESS));
        assert_eq!(failure(engine, search(&[])), (Stage::Exec, Errno::NOENT));
    }
}

#[test]
fn failures_leave_no_descriptor_and_no_zombie() {
    let before = Census::take();
    for engine in engines() {
        for _ in 0..200 {
            assert_eq!(failure(engine, program(&["/nonexistent"])), (Stage::Exec, Errno::NOENT));
        }
    }
    before.assert_unchanged();
}

#[test]
fn a_child_is_what_the_plan_says() {
    for engine in engines() {
        let fields = |plan| {
            let text = output(engine, plan);
            text.split_whitespace().map(|field| field.parse::<i32>().unwrap()).collect::<Vec<_>>()
        };
        let stat = || program(&["/usr/bin/cut", "-d ", "-f", "1,5,6,19", "/proc/self/stat"]);
        let session = fields(Plan { session: true, niceness: Some(7), ..stat() });
        assert_eq!(session, [session[0], session[0], session[0], 7]);
        let group = fields(Plan { process_group: Some(0), ..stat() });
        assert_eq!(group[..2], [group[0], group[0]]);
        assert_ne!(group[2], group[0]);
        let status = ["/bin/grep", "-E", "^(Umask|NoNewPrivs|Cpus_allowed_list)", "/proc/self/status"];
        let plan =
            Plan { umask: Some(0o27), no_new_privileges: true, processors: vec![1], ..program(&status) };
        assert_eq!(
            output(engine, plan),
            "Umask:\t0027\nNoNewPrivs:\t1\nCpus_allowed_list:\t0\n",
            "{engine:?}"
        );
        let limits = vec![ResourceLimit { resource: 7, soft: 111, hard: 222 }];
        let plan = Plan {
            resource_limits: limits,
            directory: Some(c"/usr/bin".into()),
            ..shell("ulimit -Sn; ulimit -Hn; pwd")
        };
        assert_eq!(output(engine, plan), "111\n222\n/usr/bin\n", "{engine:?}");
    }
}

#[test]
fn credentials_change_in_the_child_and_not_what_may_be_read_of_us() {
    testkit::require!(root);
    let before = dumpable_behavior().unwrap();
    assert_eq!(before, DumpableBehavior::Dumpable);
    for engine in engines() {
        let nobody = Credentials { uid: 65534, gid: 65533, groups: Some(vec![1001, 1002]) };
        let plan = Plan { credentials: Some(nobody), ..shell("id -u; id -g; id -G") };
        assert_eq!(output(engine, plan), "65534\n65533\n65533 1001 1002\n", "{engine:?}");
        let refused = Credentials { uid: 65534, gid: u32::MAX - 1, groups: None };
        if let Ok(newborn) = start(engine, Plan { credentials: Some(refused), ..shell("") }) {
            reap(&newborn);
        }
    }
    // Other tests of this binary start such children too, so the flag may be down for a moment.
    let settled = (0..1000).any(|_| {
        std::thread::yield_now();
        dumpable_behavior().unwrap() == before
    });
    assert!(settled);
}

#[test]
fn a_child_is_born_in_its_group() {
    testkit::require!(cgroup2);
    for engine in engines() {
        let group = ScratchGroup::v2("fork");
        let plan = Plan { cgroups: vec![directory(group.path())], ..shell("cat /proc/self/cgroup") };
        let text = output(engine, plan);
        assert!(text.lines().any(|line| line == format!("0::{}", group.name())), "{engine:?}: {text}");
    }
}

#[test]
fn a_child_moves_itself_into_a_group_of_version_1() {
    testkit::require!(freezer1);
    for engine in engines() {
        let group = ScratchGroup::v1("freezer", "fork");
        let plan = Plan { cgroups: vec![directory(group.path())], ..shell("cat /proc/self/cgroup") };
        let text = output(engine, plan);
        assert!(
            text.lines().any(|line| line.ends_with(&format!(":freezer:{}", group.name()))),
            "{engine:?}: {text}"
        );
    }
}

#[test]
fn what_is_no_group_is_refused_at_that_stage() {
    for engine in engines() {
        let plan = Plan { cgroups: vec![directory("/etc".as_ref())], ..shell("") };
        assert_eq!(failure(engine, plan), (Stage::Cgroup, Errno::NOENT), "{engine:?}");
    }
}

fn directory(path: &std::path::Path) -> OwnedFd {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

#[test]
fn a_child_ends_with_the_thread_that_spawned_it() {
    for engine in engines() {
        let plan = || Plan { parent_death_signal: Some(libc::SIGKILL), ..program(&["/bin/sleep", "1000"]) };
        let newborn = std::thread::spawn(move || start(engine, plan()).unwrap()).join().unwrap();
        assert_eq!(reap(&newborn), Change::Signaled { signal: 9, core_dumped: false }, "{engine:?}");
    }
}

#[test]
fn a_probe_leaves_nothing_and_its_exit_is_known() {
    let before = Census::take();
    for engine in engines() {
        let reaped = fork::probe_exit(engine, 0).unwrap();
        if Capabilities::here().has(Feature::PidfdInfo) {
            match pidfd::info(reaped.as_fd()) {
                Ok(info) => assert_eq!(info.exit_status, Some(0)),
                Err(error) => assert_eq!(error.kind(), kernel::Kind::Gone),
            }
        }
    }
    before.assert_unchanged();
}

#[test]
fn many_at_once_end_once_each() {
    let before = Census::take();
    let engine = engines()[0];
    let threads: Vec<_> = (0..4_u8)
        .map(|thread| {
            std::thread::spawn(move || {
                let children: Vec<_> = (0..125_u8)
                    .map(|n| {
                        let code = n ^ (thread * 60);
                        (code, fork::start(engine, shell(&format!("exit {code}"))).unwrap())
                    })
                    .collect();
                for (code, mut newborn) in children {
                    assert_eq!(reap(&newborn), Change::Exited(code));
                    while newborn.birth.poll().unwrap().is_none() {
                        blocking(newborn.birth.pipe().unwrap().as_fd(), Deadline::NEVER).unwrap();
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    before.assert_unchanged();
}

#[test]
fn the_engine_is_chosen_by_what_the_kernel_has() {
    let absent = Support::Absent(Errno::NOSYS);
    let choose = |assumed: &[(Feature, Support)]| Engine::choose(&Capabilities::assuming(assumed));
    let clone3 = (Feature::Clone3, Support::Present);
    let new = [clone3, (Feature::CloneIntoCgroup, Support::Present), (Feature::CloseRange, Support::Present)];
    assert_eq!(choose(&new), Engine { strategy: Strategy::Clone3, closing: Closing::Range });
    let old = [clone3, (Feature::CloneIntoCgroup, absent), (Feature::CloseRange, absent)];
    assert_eq!(choose(&old), Engine { strategy: Strategy::LegacyClone, closing: Closing::OneByOne });
}

#[test]
fn the_kernels_one_answer_for_two_mistakes_is_told_apart() {
    let directory = std::env::temp_dir();
    let script = directory.join(format!("procward-test-{}", std::process::id()));
    std::fs::write(&script, "#!/nonexistent/interpreter\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let named = |path: &std::path::Path| strings(&[path.to_str().unwrap()]);
    let cases = [
        (named(&script), Errno::NOENT, Failure::NO_INTERPRETER),
        (strings(&["/nonexistent"]), Errno::NOENT, 0),
        (named(&directory), Errno::ACCESS, Failure::IS_DIRECTORY),
        (strings(&["/etc/passwd"]), Errno::ACCESS, 0),
    ];
    for engine in engines() {
        for (programs, errno, index) in cases.clone() {
            let failed = start(engine, Plan { programs, ..program(&["true"]) }).unwrap_err();
            assert_eq!(failed, Failure { stage: Stage::Exec, index, errno }, "{engine:?}");
        }
    }
    std::fs::remove_file(&script).unwrap();
}
