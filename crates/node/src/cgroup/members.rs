//! Who is where: the group of a process, and the processes of a group as handles.

use std::path::PathBuf;

use cgroup::{Matcher, still_held};
use kernel::{Kind, Result};
use napi_derive::napi;

use super::{Cgroup, to_matcher, to_reach};
use crate::environment::{Environment, value};
use crate::process::Process;

/// The path of a process in a hierarchy: of the one that is held, where one is given, else of the one with this id.
#[napi(catch_unwind)]
pub fn cgroup_path_of(
    environment: &Environment,
    id: u32,
    pid: i32,
    process: Option<&Process>,
    hierarchy: Option<String>,
) {
    let holder = Holder::of(pid, process);
    let matcher = to_matcher(hierarchy).unwrap_or(Matcher::Unified);
    environment.block(id, value, move || holder?.ask(|pid| cgroup::path_of(pid, &matcher)).map(show));
}

/// The path of a process in the hierarchy that systemd tracks processes with.
#[napi(catch_unwind)]
pub fn tracking_path_of(environment: &Environment, id: u32, pid: i32, process: Option<&Process>) {
    let holder = Holder::of(pid, process);
    environment.block(id, value, move || holder?.ask(cgroup::tracking_path_of).map(show));
}

#[napi]
impl Cgroup {
    /// The group of a process.
    #[napi(catch_unwind)]
    pub fn of(
        environment: &Environment,
        id: u32,
        pid: i32,
        process: Option<&Process>,
        hierarchy: Option<String>,
    ) {
        let holder = Holder::of(pid, process);
        let matcher = to_matcher(hierarchy);
        let open = move |pid| cgroup::Cgroup::of(pid, matcher.as_ref());
        environment.block(id, value, move || holder?.ask(open).map(Self::from));
    }

    /// A handle for the process with this id, if it lives and is in the group; else null.
    #[napi(catch_unwind)]
    pub fn member(&self, environment: &Environment, id: u32, pid: i32, recursive: bool) {
        let group = self.get();
        environment.block(id, value, move || {
            let process = match process::Process::open(pid) {
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Gone) => return Ok(None),
                opened => opened?,
            };
            let held = group?.holds(to_reach(recursive), pid, process.pidfd().ok(), || process.exists())?;
            Ok((held && process.is_alive()?).then(|| Process::from(process)))
        });
    }
}

/// Whom a question is about.
struct Holder {
    pid: i32,
    process: Option<process::Process>,
}

impl Holder {
    fn of(pid: i32, process: Option<&Process>) -> Result<Self> {
        let process = process.map(Process::get).transpose()?;
        Ok(Self { pid: process.as_ref().map_or(pid, process::Process::pid), process })
    }

    fn ask<T>(self, question: impl FnOnce(i32) -> Result<T>) -> Result<T> {
        let answer = question(self.pid);
        match self.process {
            Some(process) => still_held(self.pid, answer, || process.exists()),
            None => answer,
        }
    }
}

fn show(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}
