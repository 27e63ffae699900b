//! Children for JavaScript.

mod plan;
mod run;

use std::future::ready;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};
use napi::Env;
use napi::bindgen_prelude::Array;
use napi_derive::napi;
use process::Starting;

pub use plan::SpawnPlan;

use crate::environment::{Environment, value};
use crate::failure::{Outcome, outcome};
use crate::process::{ExitRecord, Process};
use crate::{deadline, later, reactor};

/// A process that we started, and that has become the program.
#[napi]
pub struct Child {
    pid: i32,
    /// `None` once it was closed; the thread that reaps it has a share of its own.
    held: Mutex<Option<process::Child>>,
    pipes: Mutex<Vec<Option<OwnedFd>>>,
}

/// Starts a program. The process exists when this returns; a `Child` is delivered once the program is being executed, or
/// why it is not. `entered` is the process of whose namespaces the plan speaks.
#[napi(catch_unwind)]
pub fn spawn(environment: &Environment, id: u32, plan: SpawnPlan, entered: Option<&Process>) {
    begin(environment, id, value, plan, entered, Deadline::NEVER, |mut starting| async move {
        let pipes = Mutex::new(starting.take_streams());
        let child = starting.started().await?;
        Ok(Child { pid: child.process().pid(), held: Mutex::new(Some(child)), pipes })
    });
}

/// Starts a program on this thread, whose rights it is to have, and goes on with it on the background thread: when the child
/// tells how its start turned out, unless there is a deadline to be kept before.
fn begin<T: Send + 'static, W: Future<Output = Result<T>> + Send + 'static>(
    environment: &Environment,
    id: u32,
    deliver: fn(T, Env, &mut Array<'_>) -> napi::Result<()>,
    plan: SpawnPlan,
    entered: Option<&Process>,
    deadline: Deadline,
    work: impl FnOnce(Starting) -> W,
) {
    match start(plan, entered) {
        Ok(mut starting) => {
            let patient = deadline == Deadline::NEVER;
            let event = patient.then(|| later::event(|| starting.announce())).flatten();
            let reaper = starting.reap_in_background();
            environment.run_beside(id, deliver, event, reaper, work(starting));
        }
        Err(error) => environment.run(id, deliver, ready(Err(error))),
    }
}

/// Only where there is a thread to reap it: a child must never be without one.
fn start(plan: SpawnPlan, entered: Option<&Process>) -> Result<Starting> {
    reactor::handle()?;
    process::spawn(plan.command(entered)?)
}

/// The two ends of a new pipe, the one to read from first. They belong to the caller.
#[napi(catch_unwind)]
#[must_use]
pub fn pipe(close_on_exec: bool, non_blocking: bool) -> Outcome<Vec<i32>> {
    let ends = process::pipe(close_on_exec, non_blocking);
    outcome(ends.map(|ends| ends.map(IntoRawFd::into_raw_fd).to_vec()))
}

/// Null for a name that Linux does not have.
#[napi(catch_unwind)]
#[must_use]
pub fn capability_number(name: String) -> Option<u8> {
    process::capability_number(&name)
}

#[napi]
impl Child {
    #[napi(catch_unwind)]
    #[must_use]
    pub fn process(&self) -> Outcome<Process> {
        outcome(self.get().map(|child| Process::from(child.process().clone())))
    }

    /// Our ends of its pipes by its descriptor numbers, -1 where there is none. They belong to the caller from then on.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_pipes(&self) -> Vec<i32> {
        let pipes = std::mem::take(&mut *lock(&self.pipes));
        pipes.into_iter().map(|pipe| pipe.map_or(-1, IntoRawFd::into_raw_fd)).collect()
    }

    #[napi(catch_unwind)]
    pub fn wait(&self, environment: &Environment, id: u32) {
        let child = self.get();
        environment.run(id, value, async move { child?.wait().await.map(ExitRecord::from) });
    }

    /// Null when the time passed.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn wait_sync(&self, timeout_ms: f64) -> Outcome<Option<ExitRecord>> {
        let exit = self.get().and_then(|child| child.wait_blocking(deadline(timeout_ms)));
        outcome(exit.map(|exit| exit.map(ExitRecord::from)))
    }

    /// The status word of a stop or continuation since last asked; null when there was none.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn poll_state(&self) -> Outcome<Option<i32>> {
        let status = self.get().and_then(|child| child.poll_state());
        outcome(status.map(|status| status.map(|status| status.0)))
    }

    /// Closes everything of it that was not taken. It is reaped all the same.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        lock(&self.held).take();
        lock(&self.pipes).clear();
    }
}

impl Child {
    fn get(&self) -> Result<process::Child> {
        lock(&self.held)
            .clone()
            .ok_or_else(|| Error::new(Kind::Closed, "process", "this Child was closed before").pid(self.pid))
    }
}

/// The data behind these locks is valid after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
