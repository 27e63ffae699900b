//! The one background thread: a current-thread runtime that waits for every descriptor and deadline.
//!
//! It starts with the first operation that waits, is shared by the main thread and all workers, and lives until
//! the process ends. Short calls that may block on the kernel (a read of a procfs file) run on at most
//! [`BLOCKING_THREADS`] further threads, which end when idle, so that they never delay a wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kernel::{Errno, Error, Result, thread};
use tokio::runtime::{Builder, Handle};

use crate::later;

/// Enough to keep slow files from holding fast ones up; few enough to go unnoticed in the host.
const BLOCKING_THREADS: usize = 4;
/// How long an idle one stays.
const IDLE: Duration = Duration::from_secs(5);

static HANDLE: Mutex<Option<Handle>> = Mutex::new(None);

/// The running thread, started now if need be. A failure to start is not remembered: it may be passing.
pub(crate) fn handle() -> Result<Handle> {
    let mut slot = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = slot.as_ref() {
        return Ok(handle.clone());
    }
    let handle = start().map_err(|error| {
        Error::os("clone", Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))
            .context("start the background thread")
    })?;
    Ok(slot.insert(handle).clone())
}

fn start() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_name("procward-block")
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(IDLE)
        .on_thread_start(thread::block_signals)
        .on_thread_park(later::begin)
        .build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name("procward".into()).spawn(move || {
        thread::block_signals();
        thread::take_short_turns();
        // A panic inside a task is caught by the runtime and reported to whoever waits for the task.
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}
