//! Process handles for JavaScript.

use std::os::fd::{AsRawFd, IntoRawFd};
use std::sync::{Mutex, PoisonError};

use kernel::pidfd::Scope;
use kernel::{Error, Kind, Result};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use process::{Exit, Identity, ProcessInfo};

use crate::deadline;
use crate::environment::{Environment, value};
use crate::failure::{Outcome, outcome};
use crate::limits::{LimitRecord, resource_of, word};

/// What tells a process from every other.
#[napi(object, object_from_js = false)]
pub struct IdentityRecord {
    pub boot_id: String,
    pub pid: i32,
    pub start_time: String,
    pub inode: Option<String>,
}

/// Ids, credentials and control group. Ids of users and groups: real, effective, saved, file system.
#[napi(object, object_from_js = false)]
pub struct InfoRecord {
    pub pid: i32,
    pub ppid: i32,
    pub tgid: i32,
    pub uid: Vec<u32>,
    pub gid: Vec<u32>,
    pub cgroup_id: Option<u64>,
}

/// How a process ended. `raw` is absent when the kernel does not tell, `usage` when somebody else reaped it.
#[napi(object, object_from_js = false)]
pub struct ExitRecord {
    pub raw: Option<i32>,
    /// Without names: to make an object of them takes time that every exit costs the thread of the program.
    #[napi(
        ts_type = "[userMs: number, systemMs: number, maxRssBytes: number, minorFaults: number, majorFaults: number, \
        blockInputs: number, blockOutputs: number, voluntarySwitches: number, involuntarySwitches: number]"
    )]
    pub usage: Option<Vec<f64>>,
}

/// What stands for a pidfd where the kernel has none.
const NO_PIDFD: i32 = -1;

/// A process that is held.
#[napi]
pub struct Process {
    pid: i32,
    /// `None` once it was closed. Operations under way keep their own share of the descriptor.
    held: Mutex<Option<process::Process>>,
}

#[napi]
impl Process {
    #[napi(catch_unwind)]
    #[must_use]
    pub fn open(pid: i32, thread: bool) -> Outcome<Process> {
        let opened = if thread { process::Process::open_thread(pid) } else { process::Process::open(pid) };
        outcome(opened.map(Self::from))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn own() -> Outcome<Process> {
        outcome(process::Process::own().map(Self::from))
    }

    /// Decimal strings, checked to be digits; one that is too large for the kernel is nobody's.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn from_identity(
        boot_id: String,
        pid: i32,
        start_time: String,
        inode: Option<String>,
    ) -> Outcome<Process> {
        let identity = Identity {
            boot_id,
            pid,
            start_time: start_time.parse().unwrap_or(u64::MAX),
            inode: inode.map(|inode| inode.parse().unwrap_or(u64::MAX)),
        };
        outcome(process::Process::from_identity(&identity).map(Self::from))
    }

    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn pidfd(&self) -> Outcome<i32> {
        outcome(self.get().map(|process| process.pidfd().map_or(NO_PIDFD, |pidfd| pidfd.as_raw_fd())))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn identity(&self) -> Outcome<IdentityRecord> {
        outcome(self.get().and_then(|process| process.identity().map(IdentityRecord::from)))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn is_alive(&self) -> Outcome<bool> {
        outcome(self.get().and_then(|process| process.is_alive()))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn signal(&self, signal: i32, scope: Option<String>) -> Outcome<()> {
        let scope = match scope.as_deref() {
            Some("process") => Scope::Process,
            Some("thread") => Scope::Thread,
            Some("group") => Scope::Group,
            _ => Scope::Handle,
        };
        outcome(self.get().and_then(|process| process.signal(signal, scope)))
    }

    #[napi(catch_unwind)]
    pub fn wait(&self, environment: &Environment, id: u32) {
        let process = self.get();
        environment.run(id, value, async move { process?.wait().await.map(ExitRecord::from) });
    }

    /// Null when the time passed.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn wait_sync(&self, timeout_ms: f64) -> Outcome<Option<ExitRecord>> {
        let exit = self.get().and_then(|process| process.wait_blocking(deadline(timeout_ms)));
        outcome(exit.map(|exit| exit.map(ExitRecord::from)))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn info(&self) -> Outcome<InfoRecord> {
        outcome(self.get().and_then(|process| process.info()).map(InfoRecord::from))
    }

    /// The caller owns what it gets.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn duplicate_fd(&self, descriptor: i32) -> Outcome<i32> {
        let duplicate = self.get().and_then(|process| process.duplicate_fd(descriptor));
        outcome(duplicate.map(IntoRawFd::into_raw_fd))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn release_memory(&self) -> Outcome<()> {
        outcome(self.get().and_then(|process| process.release_memory()))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_resource_limit(&self, resource: String) -> Outcome<LimitRecord> {
        let limit = self.get().and_then(|process| process.resource_limit(resource_of(&resource)?));
        outcome(limit.map(LimitRecord::from))
    }

    /// Changes what is given, and answers with the limit in force afterwards.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn set_resource_limit(
        &self,
        resource: String,
        soft: Option<BigInt>,
        hard: Option<BigInt>,
    ) -> Outcome<LimitRecord> {
        let (soft, hard) = (word(soft.as_ref()), word(hard.as_ref()));
        let changed =
            self.get().and_then(|process| process.change_limit(resource_of(&resource)?, soft, hard));
        outcome(changed.map(LimitRecord::from))
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Process {
    /// The process, for one operation.
    pub(crate) fn get(&self) -> Result<process::Process> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| {
            Error::new(Kind::Closed, "process", "this Process was closed before").pid(self.pid)
        })
    }
}

impl From<process::Process> for Process {
    fn from(process: process::Process) -> Self {
        Self { pid: process.pid(), held: Mutex::new(Some(process)) }
    }
}

impl From<&Identity> for IdentityRecord {
    fn from(identity: &Identity) -> Self {
        Self {
            boot_id: identity.boot_id.clone(),
            pid: identity.pid,
            start_time: identity.start_time.to_string(),
            inode: identity.inode.map(|inode| inode.to_string()),
        }
    }
}

impl From<ProcessInfo> for InfoRecord {
    fn from(info: ProcessInfo) -> Self {
        Self {
            pid: info.ids.pid,
            ppid: info.ids.ppid,
            tgid: info.ids.tgid,
            uid: info.credentials.uid.to_vec(),
            gid: info.credentials.gid.to_vec(),
            cgroup_id: info.cgroup_id,
        }
    }
}

impl From<Exit> for ExitRecord {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Known { status, usage } => Self { raw: Some(status.0), usage: usage.map(in_order) },
            Exit::Unknown => Self { raw: None, usage: None },
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "JavaScript numbers are exact up to 2^53, and no counter here gets there"
)]
fn in_order(usage: kernel::wait::Usage) -> Vec<f64> {
    let ms = |time: std::time::Duration| time.as_micros() as f64 / 1000.0;
    let times = [ms(usage.user), ms(usage.system)];
    let counts = [
        usage.max_rss_bytes,
        usage.minor_faults,
        usage.major_faults,
        usage.block_inputs,
        usage.block_outputs,
        usage.voluntary_switches,
        usage.involuntary_switches,
    ];
    times.into_iter().chain(counts.map(|count| count as f64)).collect()
}
