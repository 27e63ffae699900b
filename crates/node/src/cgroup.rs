//! Control groups for JavaScript.

mod freeze;
mod layout;
mod limits;
mod members;
mod watch;

pub(crate) use freeze::Lease;

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cgroup::{Matcher, Reach};
use kernel::{Error, Kind, Result};
use napi_derive::napi;

use crate::environment::{Environment, buffer, value};
use crate::failure::{Outcome, outcome};
use crate::process::Process;
use crate::{deadline, duration};

/// A control group.
#[napi]
pub struct Cgroup(Mutex<Option<Arc<cgroup::Cgroup>>>);

#[napi]
impl Cgroup {
    /// `hierarchy` is a controller, `name=…`, or empty for version 2.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn open(path: String, hierarchy: Option<String>) -> Outcome<Cgroup> {
        outcome(cgroup::Cgroup::open(Path::new(&path), to_matcher(hierarchy).as_ref()).map(Self::from))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn create(path: String, hierarchy: Option<String>) -> Outcome<Cgroup> {
        outcome(cgroup::Cgroup::create(Path::new(&path), to_matcher(hierarchy).as_ref()).map(Self::from))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn child(&self, name: String) -> Outcome<Cgroup> {
        outcome(self.get().and_then(|group| group.child(OsStr::new(&name))).map(Self::from))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn create_child(&self, name: String) -> Outcome<Cgroup> {
        outcome(self.get().and_then(|group| group.create_child(OsStr::new(&name))).map(Self::from))
    }

    #[napi(catch_unwind)]
    pub fn children(&self, environment: &Environment, id: u32) {
        let group = self.get();
        environment.block(id, value, move || {
            let names = group?.children()?;
            Ok(names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>())
        });
    }

    /// The version of its hierarchy, its path and its id.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn describe(&self) -> Outcome<GroupRecord> {
        outcome(self.get().map(|group| GroupRecord {
            version: group.version().number(),
            path: group.path().to_string_lossy().into_owned(),
            id: group.identity().inode,
            fd: group.as_fd().as_raw_fd(),
        }))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn add(&self, pid: i32) -> Outcome<()> {
        outcome(self.get().and_then(|group| group.add(pid)))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn add_process(&self, process: &Process) -> Outcome<()> {
        outcome(self.get().and_then(|group| {
            let process = process.get()?;
            group.add_held(process.pid(), || process.exists())
        }))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn contains(&self, pid: i32) -> Outcome<bool> {
        outcome(self.get().and_then(|group| group.contains(pid)))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn contains_process(&self, process: &Process) -> Outcome<bool> {
        outcome(self.get().and_then(|group| {
            let process = process.get()?;
            group.contains_held(process.pid(), process.pidfd().ok(), || process.exists())
        }))
    }

    #[napi(catch_unwind)]
    pub fn pids(&self, environment: &Environment, id: u32, recursive: bool) {
        let group = self.get();
        environment.block(id, value, move || group?.pids(to_reach(recursive)));
    }

    #[napi(catch_unwind)]
    pub fn kill(&self, environment: &Environment, id: u32, timeout_ms: f64, include_self: bool) {
        let group = self.get();
        let deadline = deadline(timeout_ms);
        environment.run(id, value, async move {
            let group = group?;
            if include_self { group.kill_including_self(deadline).await } else { group.kill(deadline).await }
        });
    }

    #[napi(catch_unwind)]
    pub fn stop(&self, environment: &Environment, id: u32, signal: i32, grace_ms: f64, timeout_ms: f64) {
        let group = self.get();
        let (grace, deadline) = (duration(grace_ms), deadline(timeout_ms));
        environment.run(id, value, async move { group?.stop(signal, grace, deadline).await });
    }

    #[napi(catch_unwind)]
    pub fn read_file(&self, environment: &Environment, id: u32, name: String) {
        let group = self.get();
        environment.block(id, buffer, move || group?.read_file(OsStr::new(&name)));
    }

    #[napi(catch_unwind)]
    pub fn write_file(&self, environment: &Environment, id: u32, name: String, content: String) {
        let group = self.get();
        environment.block(id, value, move || group?.write_file(OsStr::new(&name), content.as_bytes()));
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, environment: &Environment, id: u32, recursive: bool, timeout_ms: f64) {
        let group = self.get();
        let deadline = deadline(timeout_ms);
        environment.run(id, value, async move { group?.remove(to_reach(recursive), deadline).await });
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// What does not change while a group is open.
#[napi(object, object_from_js = false)]
pub struct GroupRecord {
    pub version: u8,
    pub path: String,
    pub id: u64,
    pub fd: i32,
}

impl From<cgroup::Cgroup> for Cgroup {
    fn from(group: cgroup::Cgroup) -> Self {
        Self(Mutex::new(Some(Arc::new(group))))
    }
}

impl Cgroup {
    /// The group, unless it was closed.
    pub(crate) fn get(&self) -> Result<Arc<cgroup::Cgroup>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| Error::new(Kind::Closed, "cgroup", "this Cgroup was closed before"))
    }
}

pub(crate) fn to_reach(recursive: bool) -> Reach {
    if recursive { Reach::Subtree } else { Reach::Itself }
}

pub(crate) fn to_matcher(hierarchy: Option<String>) -> Option<Matcher> {
    hierarchy.map(|hierarchy| match hierarchy.strip_prefix("name=") {
        Some(name) => Matcher::Name(name.to_owned()),
        None if hierarchy.is_empty() => Matcher::Unified,
        None => Matcher::Controller(hierarchy),
    })
}
