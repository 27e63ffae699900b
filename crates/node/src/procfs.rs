//! procfs handles for JavaScript.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Error, Kind, Result, errno, fork};
use napi::Env;
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use process::Place;
use procfs::{Base, Guarantee, How, Options};

use crate::environment::{Environment, buffer, value};
use crate::failure::{Outcome, outcome};
use crate::process::Process;
use crate::procfile::ProcFile;

/// What was achieved when a handle was opened.
#[napi(object, object_from_js = false)]
pub struct ProcfsRecord {
    pub origin: String,
    pub detached: bool,
    pub subset: String,
    pub resolver: String,
    pub mount_id: String,
    pub attempts: Vec<Attempt>,
}

/// A stronger step that failed.
#[napi(object, object_from_js = false)]
pub struct Attempt {
    pub step: String,
    pub code: String,
    pub message: String,
}

/// How to open a handle.
#[napi(object, object_to_js = false)]
pub struct ProcfsPlan {
    pub unmasked: bool,
    pub require: Vec<String>,
    pub allow_same_procfs: bool,
    pub retry_attached: bool,
}

/// How to open a file: flags as open(2) takes them.
#[napi(object, object_to_js = false)]
pub struct OpenPlan {
    pub flags: u32,
    pub directory: bool,
    pub path_only: bool,
    pub follow: bool,
}

impl OpenPlan {
    fn to_how(&self) -> Result<How> {
        let mut how = How::flags(self.flags)?;
        if self.directory {
            how = how.directory();
        }
        if self.path_only {
            how = how.path_only();
        }
        Ok(if self.follow { how.follow() } else { how })
    }
}

/// A procfs handle: one of its own, or the one that the process shares.
#[napi]
pub struct Procfs(Source);

enum Source {
    /// Asked for anew by every operation, so that a root that was closed behind our back is made again.
    Shared,
    /// `None` once it was closed.
    Owned(Mutex<Option<Arc<procfs::Procfs>>>),
}

#[napi]
impl Procfs {
    #[napi(catch_unwind)]
    pub fn open(environment: &Environment, id: u32, plan: ProcfsPlan) {
        environment.block(id, value, move || open(plan));
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn open_sync(plan: ProcfsPlan) -> Outcome<Procfs> {
        outcome(open(plan))
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn shared() -> Self {
        Self(Source::Shared)
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn info(&self) -> Outcome<ProcfsRecord> {
        outcome(self.get().map(|procfs| ProcfsRecord::from(procfs.info())))
    }

    /// `base` is a pid, or 0 for the root, -1 for this process, -2 for the thread that calls; a process wins over it.
    #[napi(catch_unwind)]
    pub fn read(
        &self,
        environment: &Environment,
        id: u32,
        base: i32,
        process: Option<&Process>,
        path: String,
    ) {
        let (procfs, place) = (self.get(), to_place(base, process));
        environment.block(id, buffer, move || place?.read(&procfs?, path.as_bytes()));
    }

    #[napi(catch_unwind)]
    pub fn read_sync<'env>(
        &self,
        env: &'env Env,
        base: i32,
        process: Option<&Process>,
        path: String,
    ) -> napi::Result<Outcome<BufferSlice<'env>>> {
        let read = || to_place(base, process)?.read(&self.get()?, path.as_bytes());
        copied(env, read())
    }

    #[napi(catch_unwind)]
    pub fn readlink(
        &self,
        environment: &Environment,
        id: u32,
        base: i32,
        process: Option<&Process>,
        path: String,
    ) {
        let (procfs, place) = (self.get(), to_place(base, process));
        environment.block(id, buffer, move || place?.readlink(&procfs?, path.as_bytes()));
    }

    #[napi(catch_unwind)]
    pub fn readlink_sync<'env>(
        &self,
        env: &'env Env,
        base: i32,
        process: Option<&Process>,
        path: String,
    ) -> napi::Result<Outcome<BufferSlice<'env>>> {
        let read = || to_place(base, process)?.readlink(&self.get()?, path.as_bytes());
        copied(env, read())
    }

    #[napi(catch_unwind)]
    pub fn readdir(
        &self,
        environment: &Environment,
        id: u32,
        base: i32,
        process: Option<&Process>,
        path: String,
    ) {
        let (procfs, place) = (self.get(), to_place(base, process));
        environment.block(id, value, move || {
            let names = place?.readdir(&procfs?, path.as_bytes())?;
            Ok(names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect::<Vec<_>>())
        });
    }

    #[napi(catch_unwind)]
    pub fn write(
        &self,
        environment: &Environment,
        id: u32,
        base: i32,
        process: Option<&Process>,
        path: String,
        data: &[u8],
    ) {
        let (procfs, place, data) = (self.get(), to_place(base, process), data.to_vec());
        environment.block(id, value, move || place?.write(&procfs?, path.as_bytes(), &data));
    }

    #[napi(catch_unwind)]
    pub fn open_file(
        &self,
        environment: &Environment,
        id: u32,
        base: i32,
        process: Option<&Process>,
        path: String,
        how: OpenPlan,
    ) {
        let (procfs, place) = (self.get(), to_place(base, process));
        environment.block(id, value, move || {
            place?.open(&procfs?, path.as_bytes(), how.to_how()?).map(ProcFile::from)
        });
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn open_file_sync(
        &self,
        base: i32,
        process: Option<&Process>,
        path: String,
        how: OpenPlan,
    ) -> Outcome<ProcFile> {
        let open = || to_place(base, process)?.open(&self.get()?, path.as_bytes(), how.to_how()?);
        outcome(open().map(ProcFile::from))
    }

    /// Where a descriptor of this process leads.
    #[napi(catch_unwind)]
    pub fn fd_path<'env>(&self, env: &'env Env, fd: i32) -> napi::Result<Outcome<BufferSlice<'env>>> {
        copied(env, self.get().and_then(|procfs| procfs.fd_path(fd)))
    }

    /// The descriptor is duplicated before this returns, so its owner may close it.
    #[napi(catch_unwind)]
    pub fn reopen(&self, environment: &Environment, id: u32, fd: i32, how: OpenPlan) {
        let procfs = self.get();
        let held = fork::duplicate(fd).map_err(|errno| Error::os("fcntl", errno));
        environment
            .block(id, value, move || procfs?.reopen(held?.as_fd(), how.to_how()?).map(ProcFile::from));
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        if let Source::Owned(slot) = &self.0 {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

impl Procfs {
    /// The handle, for one operation.
    pub(crate) fn get(&self) -> Result<Arc<procfs::Procfs>> {
        match &self.0 {
            Source::Shared => procfs::shared(),
            Source::Owned(slot) => slot
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
                .ok_or_else(|| Error::new(Kind::Closed, "procfs", "this Procfs was closed before")),
        }
    }
}

fn open(plan: ProcfsPlan) -> Result<Procfs> {
    let ProcfsPlan { unmasked, require, allow_same_procfs, retry_attached } = plan;
    let require = require.iter().filter_map(|name| Guarantee::from_name(name)).collect();
    let procfs = procfs::Procfs::open(&Options { unmasked, require, retry_attached, allow_same_procfs })?;
    Ok(Procfs(Source::Owned(Mutex::new(Some(Arc::new(procfs))))))
}

fn to_place(base: i32, process: Option<&Process>) -> Result<Place> {
    if let Some(process) = process {
        return Ok(Place::Of(process.get()?));
    }
    Ok(Place::Base(match base {
        0 => Base::Root,
        -1 => Base::OwnProcess,
        // Resolved here, on the thread that runs the JavaScript.
        -2 => Base::this_thread(),
        pid => Base::Pid(pid),
    }))
}

/// Bytes as a Buffer of the engine's own memory.
pub(crate) fn copied(env: &Env, bytes: Result<Vec<u8>>) -> napi::Result<Outcome<BufferSlice<'_>>> {
    Ok(match bytes {
        Ok(bytes) => Outcome::A(BufferSlice::copy_from(env, bytes)?),
        Err(error) => Outcome::B(error.into()),
    })
}

impl From<&procfs::Info> for ProcfsRecord {
    fn from(info: &procfs::Info) -> Self {
        Self {
            origin: info.origin.name().to_owned(),
            detached: info.detached,
            subset: info.subset.name().to_owned(),
            resolver: info.resolver.name().to_owned(),
            mount_id: info.mount_id.name().to_owned(),
            attempts: info.attempts.iter().map(Attempt::from).collect(),
        }
    }
}

impl From<&procfs::Attempt> for Attempt {
    fn from(attempt: &procfs::Attempt) -> Self {
        Self {
            step: attempt.step.to_owned(),
            code: attempt.error.errno().map_or("", errno::name).to_owned(),
            message: attempt.error.to_string(),
        }
    }
}
