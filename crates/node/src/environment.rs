//! How results reach one JavaScript thread: a queue, and one weak wake-up call for the whole batch.
//!
//! Each thread that runs JavaScript (the main thread, a worker) has one [`Environment`]. It numbers its
//! operations; a finished one puts its number and its value into the queue, and the first of a batch wakes the
//! thread, which drains the queue. The wake-up is weak: what keeps the program alive is decided in TypeScript.
//! Dropping the environment, as happens when a worker is terminated, drops its futures, and dropping undoes: it
//! waits for that, since the whole process may be about to end.

use std::collections::HashMap;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use kernel::{Errno, Error, Kind, Result};
use napi::bindgen_prelude::{Array, BufferSlice, Function, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::later::{self, Event};
use crate::reactor;

type WakeUp = ThreadsafeFunction<(), (), (), Status, false, true>;
/// How long a thread that ends waits for what it had under way to be undone, which takes some microseconds.
const PATIENCE: Duration = Duration::from_secs(1);

type Deliver = Box<dyn FnOnce(Env, &mut Array<'_>) -> napi::Result<()> + Send>;

/// The meeting point of one JavaScript thread and the background thread.
#[napi]
pub struct Environment {
    shared: Arc<Shared>,
}

struct Shared {
    wake_up: WakeUp,
    finished: Mutex<Vec<(u32, Deliver)>>,
    /// Dropping a sender cancels its operation.
    running: Mutex<HashMap<u32, oneshot::Sender<()>>>,
    /// How many futures exist, cancelled or not.
    futures: Mutex<usize>,
    undone: Condvar,
}

#[napi]
impl Environment {
    /// `wake_up` is called on the JavaScript thread whenever there is something to drain.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake_up: Function<(), ()>) -> napi::Result<Self> {
        let wake_up = wake_up.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self {
            shared: Arc::new(Shared {
                wake_up,
                finished: Mutex::default(),
                running: Mutex::default(),
                futures: Mutex::default(),
                undone: Condvar::new(),
            }),
        })
    }

    /// Everything that finished since the last call: number, value or failure, number, value or failure, …
    #[napi(catch_unwind, ts_return_type = "unknown[]")]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Array<'env>> {
        let finished = mem::take(&mut *lock(&self.shared.finished));
        let mut batch = env.create_array(0)?;
        for (id, deliver) in finished {
            batch.insert(id)?;
            // More bytes, or a longer string, than the engine can hold: the others of the batch are delivered all the same.
            if let Err(error) = deliver(*env, &mut batch) {
                batch.insert(Failure::from(undelivered(&error)))?;
            }
        }
        Ok(batch)
    }

    /// Tells an operation to stop and undo. It still finishes: with a failure, or with its value if it was faster.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: u32) {
        lock(&self.shared.running).remove(&id);
        later::begin_now();
    }
}

impl Environment {
    /// Runs a future on the background thread and delivers what it yields.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        id: u32,
        deliver: fn(T, Env, &mut Array<'_>) -> napi::Result<()>,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) {
        if let Some((runtime, operation)) = self.operation(id, deliver, work) {
            drop(runtime.spawn(operation));
        }
    }

    /// The same beside a future that goes on whatever becomes of this one; both begin with an event, or at once.
    pub(crate) fn run_beside<T: Send + 'static>(
        &self,
        id: u32,
        deliver: fn(T, Env, &mut Array<'_>) -> napi::Result<()>,
        event: Option<Event>,
        lasting: impl Future<Output = Result<()>> + Send + 'static,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) {
        if let Some((runtime, operation)) = self.operation(id, deliver, work) {
            let both = async move {
                drop(tokio::spawn(lasting));
                operation.await;
            };
            match event {
                Some(event) => event.begin(both),
                None => drop(runtime.spawn(both)),
            }
        }
    }

    /// What is to run, and where. `None` when there is no background thread, which is then delivered.
    fn operation<T: Send + 'static>(
        &self,
        id: u32,
        deliver: fn(T, Env, &mut Array<'_>) -> napi::Result<()>,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Option<(Handle, impl Future<Output = ()> + Send + 'static)> {
        let shared = Arc::clone(&self.shared);
        let runtime = match reactor::handle() {
            Ok(runtime) => runtime,
            Err(error) => {
                shared.finish(id, deliver, Err(error));
                return None;
            }
        };
        let (sender, cancelled) = oneshot::channel();
        lock(&shared.running).insert(id, sender);
        *lock(&shared.futures) += 1;
        let operation = async move {
            let answer = {
                let work = pin!(caught(work));
                tokio::select! {
                    answer = work => answer,
                    _ = cancelled => Err(Error::new(Kind::Closed, "cancel", "the operation was cancelled")),
                }
                // Dropped here: what it changed is undone before anybody hears of it.
            };
            shared.finish(id, deliver, answer);
            *lock(&shared.futures) -= 1;
            shared.undone.notify_all();
        };
        Some((runtime, operation))
    }

    /// Runs a short call that may block on a thread of its own and delivers what it returns.
    pub(crate) fn block<T: Send + 'static>(
        &self,
        id: u32,
        deliver: fn(T, Env, &mut Array<'_>) -> napi::Result<()>,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) {
        let shared = &self.shared;
        let runtime = match reactor::handle() {
            Ok(runtime) => runtime,
            Err(error) => return shared.finish(id, deliver, Err(error)),
        };
        let slot = Arc::new(Mutex::new(Some(work)));
        let (queued, finisher) = (Arc::clone(&slot), Arc::clone(shared));
        let task = move || {
            let Some(work) = lock(&queued).take() else { return };
            let caught = catch_unwind(AssertUnwindSafe(work));
            finisher.finish(id, deliver, caught.unwrap_or_else(|_| Err(panicked())));
        };
        // Where there is no thread yet and none can be started the runtime panics, and keeps the task for the next one:
        // taken out of its slot, it is not done after it was told to have failed.
        let accepted = catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(task))));
        if accepted.is_err() && lock(&slot).take().is_some() {
            let refused = Error::os("clone", Errno::AGAIN).context("start a thread that may block");
            shared.finish(id, deliver, Err(refused));
        }
    }
}

impl Shared {
    fn finish<T: Send + 'static>(
        &self,
        id: u32,
        deliver: fn(T, Env, &mut Array<'_>) -> napi::Result<()>,
        answer: Result<T>,
    ) {
        lock(&self.running).remove(&id);
        let deliver: Deliver = match answer {
            Ok(value) => Box::new(move |env, batch| deliver(value, env, batch)),
            Err(error) => Box::new(move |_, batch| batch.insert(Failure::from(error))),
        };
        let first = {
            let mut finished = lock(&self.finished);
            finished.push((id, deliver));
            finished.len() == 1
        };
        if first {
            // Fails only while the environment is torn down, when nobody waits any more.
            self.wake_up.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        lock(&self.shared.running).clear();
        later::begin_now();
        let futures = lock(&self.shared.futures);
        // A poisoned lock ends the wait, as the deadline does: neither is worth more than ending.
        let _ = self.shared.undone.wait_timeout_while(futures, PATIENCE, |futures| *futures > 0);
    }
}

/// Delivers a value as it converts itself.
pub(crate) fn value<T: ToNapiValue>(value: T, _: Env, batch: &mut Array<'_>) -> napi::Result<()> {
    batch.insert(value)
}

/// Delivers bytes as a Buffer of the engine's own memory: external memory is refused by Electron.
pub(crate) fn buffer(bytes: Vec<u8>, env: Env, batch: &mut Array<'_>) -> napi::Result<()> {
    batch.insert(&BufferSlice::copy_from(&env, bytes)?)
}

/// A panic ends the operation, and nothing else.
async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Err(panicked())))
    })
    .await
}

fn undelivered(error: &napi::Error) -> Error {
    Error::new(Kind::Os, "deliver", "the result cannot be given to JavaScript").detail(error.reason.clone())
}

fn panicked() -> Error {
    Error::new(Kind::Os, "internal", "internal error: a background task panicked; please report it")
}

/// The data behind these locks is valid after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
