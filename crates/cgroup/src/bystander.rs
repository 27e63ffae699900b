//! Who blocks a freeze or survives a kill, and why: state and wait channel, as /proc tells them.

use kernel::{Bystander, Error};
use procfs::{Base, Procfs, parse};

use crate::freeze::waits_for_vfork_child;
use crate::group::Cgroup;
use crate::layout::Version;
use crate::matcher::Matcher;
use crate::{interface, members};

/// More tasks are not looked at: the list is for people, and the group may hold a hundred thousand.
const LIMIT: usize = 1024;
/// Where one process is held by the version 1 freezer, the others mostly are too.
const SUSPECTS: usize = 8;

/// Where a task waits that counts as frozen in version 2: stopped by the freezer, by a signal or a tracer, or
/// for its vfork child, which is stopped itself.
const STOPPED_IN: [&str; 6] =
    ["do_freezer_trap", "get_signal", "do_signal_stop", "ptrace_stop", "wait_for_vfork_done", "kernel_clone"];

/// The processes of a group and below that live, by their first thread.
pub(crate) fn living(group: &Cgroup) -> Vec<Bystander> {
    by_process(look_at(group).into_iter().filter(|task| !matches!(task.state, 'Z' | 'X')))
}

/// Who has not stopped although the group was asked to freeze.
#[derive(Debug)]
pub(crate) struct Blocking<'a> {
    group: &'a Cgroup,
    running: Vec<Task>,
    /// Frozen in version 1, or asleep where nothing can wake them: both look the same since 6.1.
    doubtful: Vec<Task>,
}

impl<'a> Blocking<'a> {
    /// To be called while the request stands.
    pub(crate) fn look(group: &'a Cgroup) -> Self {
        let (mut running, mut doubtful) = (Vec::new(), Vec::new());
        for task in look_at(group) {
            let waits_in = |names: &[&str]| task.wchan.as_deref().is_some_and(|wchan| names.contains(&wchan));
            match (group.version(), task.state) {
                (_, 'Z' | 'X') | (Version::V2, 'T' | 't') => {}
                (Version::V2, _) if waits_in(&STOPPED_IN) => {}
                // Where nothing tells what it sleeps in: the request woke it, so that it sleeps for that now.
                (Version::V2, 'S') if task.wchan.is_none() => {}
                (Version::V2, 'D') if task.wchan.is_none() && task.waits_for_vfork_child => {}
                (Version::V1, 'D') if waits_in(&["__refrigerator"]) => {}
                (Version::V1, 'D') => doubtful.push(task),
                _ => running.push(task),
            }
        }
        Self { group, running, doubtful }
    }

    /// To be called once the request was withdrawn: who was frozen has left that state with it, and who still
    /// sleeps so was not. Where the group stays frozen, the doubt stays too.
    pub(crate) fn look_again(self) -> Vec<Bystander> {
        let Self { group, running, doubtful } = self;
        let is_thawed = group.freeze_state().is_ok_and(|state| state.by.is_none());
        let asleep =
            look_for(doubtful.iter().map(|task| task.id)).into_iter().filter(|task| task.state == 'D');
        let asleep: Vec<Task> = if is_thawed { asleep.collect() } else { Vec::new() };
        let nobody = running.is_empty() && asleep.is_empty();
        by_process(running.into_iter().chain(if nobody { doubtful } else { asleep }))
    }
}

/// Adds the processes to an error, and the remedy when the freezer of version 1 holds one of them: that
/// neither counts as frozen in version 2, nor lets a signal through.
pub(crate) fn explain(error: Error, processes: Vec<Bystander>) -> Error {
    // Before 6.1 such a task waits in __refrigerator; since then it stays in the function that it slept in, so
    // only its group tells.
    let mut suspects = processes.iter().filter(|process| process.state == 'D').take(SUSPECTS);
    let is_held = suspects.any(|process| is_frozen_in_version_1(process.pid));
    let error = error.processes(processes);
    if is_held {
        error.hint("a process is frozen by its version 1 freezer group; thaw that one first")
    } else {
        error
    }
}

fn is_frozen_in_version_1(pid: i32) -> bool {
    let freezer = Matcher::Controller("freezer".to_owned());
    let state = Cgroup::of(pid, Some(&freezer)).and_then(|group| interface::read(&group, b"freezer.state"));
    state.is_ok_and(|state| state != b"THAWED\n")
}

/// One task as /proc shows it.
#[derive(Debug)]
struct Task {
    id: i32,
    process: i32,
    state: char,
    wchan: Option<String>,
    waits_for_vfork_child: bool,
}

/// What cannot be read is left out: this decorates an error and must not replace it.
fn look_at(group: &Cgroup) -> Vec<Task> {
    look_for(members::tasks_of_all(group).unwrap_or_default().into_iter())
}

fn look_for(tasks: impl Iterator<Item = i32>) -> Vec<Task> {
    let Ok(procfs) = procfs::shared() else { return Vec::new() };
    tasks.take(LIMIT).filter_map(|id| describe(&procfs, id)).collect()
}

fn describe(procfs: &Procfs, id: i32) -> Option<Task> {
    let read = |file: &[u8]| procfs.read(&Base::Pid(id), file);
    let state = parse::stat(&read(b"stat").ok()?).ok()?.state;
    // "0" stands for a running task, and for what we may not know.
    let wchan = read(b"wchan").ok().and_then(|name| String::from_utf8(name).ok());
    let wchan = wchan.filter(|name| !matches!(name.as_str(), "" | "0"));
    let waits_for_vfork_child = state == 'D' && waits_for_vfork_child(procfs, id);
    Some(Task { id, process: members::process_of(procfs, id)?, state, wchan, waits_for_vfork_child })
}

/// One entry for each process, that of its first task.
fn by_process(tasks: impl Iterator<Item = Task>) -> Vec<Bystander> {
    let mut found: Vec<Bystander> =
        tasks.map(|Task { process, state, wchan, .. }| Bystander { pid: process, state, wchan }).collect();
    found.sort_by_key(|process| process.pid);
    found.dedup_by_key(|process| process.pid);
    found
}
