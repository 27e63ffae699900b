//! Open files of procfs for JavaScript.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Error, Kind, Result};
use napi_derive::napi;
use procfs::content::{self, FileIdentity};

use crate::environment::{Environment, buffer, value};
use crate::failure::{Outcome, outcome};

/// Which file it is. `mount_id` is absent where the kernel does not tell.
#[napi(object, object_from_js = false)]
pub struct StatRecord {
    pub dev: u64,
    pub ino: u64,
    pub mode: u32,
    pub mount_id: Option<u64>,
}

/// An open file. `None` once it was closed; reads and writes under way have a share of their own.
#[napi]
pub struct ProcFile(Mutex<Option<Arc<OwnedFd>>>);

#[napi]
impl ProcFile {
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn fd(&self) -> Outcome<i32> {
        outcome(self.get().map(|file| file.as_raw_fd()))
    }

    /// At most `length` bytes, from `position` or from where the last read ended.
    #[napi(catch_unwind)]
    pub fn read(&self, environment: &Environment, id: u32, length: u32, position: Option<f64>) {
        let file = self.get();
        environment.block(id, buffer, move || match position {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be a safe integer"
            )]
            Some(position) => content::read_at(file?.as_fd(), length as usize, position as u64),
            None => content::read_some(file?.as_fd(), length as usize),
        });
    }

    /// From where the last read ended to the end.
    #[napi(catch_unwind)]
    pub fn read_all(&self, environment: &Environment, id: u32) {
        let file = self.get();
        environment.block(id, buffer, move || content::read_all(file?.as_fd()));
    }

    /// One write(2); delivers how many bytes were taken.
    #[napi(catch_unwind)]
    pub fn write(&self, environment: &Environment, id: u32, data: &[u8]) {
        let (file, data) = (self.get(), data.to_vec());
        environment.block(id, value, move || {
            let taken = content::write_once(file?.as_fd(), &data)?;
            Ok(u32::try_from(taken).unwrap_or(u32::MAX))
        });
    }

    #[napi(catch_unwind)]
    #[must_use]
    pub fn stat(&self) -> Outcome<StatRecord> {
        outcome(self.get().and_then(|file| content::identify(file.as_fd())).map(StatRecord::from))
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl ProcFile {
    fn get(&self) -> Result<Arc<OwnedFd>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| Error::new(Kind::Closed, "procfs", "this ProcFile was closed before"))
    }
}

impl From<OwnedFd> for ProcFile {
    fn from(file: OwnedFd) -> Self {
        Self(Mutex::new(Some(Arc::new(file))))
    }
}

impl From<FileIdentity> for StatRecord {
    fn from(identity: FileIdentity) -> Self {
        Self { dev: identity.device, ino: identity.inode, mode: identity.mode, mount_id: identity.mount_id }
    }
}
