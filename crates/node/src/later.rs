//! Tasks for which the background thread is not woken: they begin when the next event wakes it, such as that by which a
//! child tells that it has started.
//!
//! To wake a thread takes several times as long as to register a descriptor, and whoever does it is the JavaScript thread.

use std::mem;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::Result;

use crate::reactor;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

static WAITING: Mutex<Vec<Task>> = Mutex::new(Vec::new());

/// An event that is to come, or has come already: while this is held the background thread does not go idle, so that it
/// finds the task whenever that was.
pub(crate) struct Event(MutexGuard<'static, Vec<Task>>);

/// That of what `register` registers with the background thread's runtime; `None` when that fails.
pub(crate) fn event(register: impl FnOnce() -> Result<()>) -> Option<Event> {
    let runtime = reactor::handle().ok()?;
    let waiting = waiting();
    let _entered = runtime.enter();
    register().ok().map(|()| Event(waiting))
}

impl Event {
    /// Runs a task from the event on, or from an earlier one.
    pub(crate) fn begin(mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.push(Box::pin(task));
    }
}

/// Begins all that wait. The background thread does so whenever it is about to go idle.
pub(crate) fn begin() {
    let tasks = mem::take(&mut *waiting());
    for task in tasks {
        drop(tokio::spawn(task));
    }
}

/// Begins all that wait, since something is to happen before their event. On any thread.
pub(crate) fn begin_now() {
    // Nor is the background thread started for nothing, by a program that ends.
    if waiting().is_empty() {
        return;
    }
    if let Ok(runtime) = reactor::handle() {
        let _entered = runtime.enter();
        begin();
    }
}

/// Valid after every statement, so a panic elsewhere does not spoil it.
fn waiting() -> MutexGuard<'static, Vec<Task>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}
