//! A process that we started: how its start turned out, and its exit, which one of us reaps and all of us read.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::fork::{Birth, Failure, Newborn, Outcome, Stage};
use kernel::pidfd::Scope;
use kernel::ready::{self, Deadline, Watched};
use kernel::wait::{self, Events, Status, Whom};
use kernel::{Errno, Error, Kind, Result};
use rustix::process::Signal;
use tokio::sync::Notify;

use crate::exit::Exit;
use crate::handle::Process;
use crate::means::Means;
use crate::watch;

/// A process that we started and are to reap. Copies share it. Dropping never kills, and never leaves a zombie as long
/// as [`Child::reap_in_background`] runs.
#[derive(Debug, Clone)]
pub struct Child(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    process: Process,
    birth: Mutex<Birth>,
    birth_watched: ready::Shared,
    /// Locked while waitid is asked: whoever reaps stores the answer before anybody else can ask and be told that
    /// there is no such child.
    exit: Mutex<Option<Exit>>,
    /// Whether a background reaper runs; while it does, others wait for it instead of for the kernel.
    reaper: AtomicBool,
    changed: Notify,
}

/// A child that exists and may not have become the program yet.
#[derive(Debug)]
#[must_use = "a start can fail"]
pub struct Starting {
    child: Child,
    subject: Subject,
    streams: Vec<Option<OwnedFd>>,
    /// What was registered for its start and its end, for those who wait to share.
    announced: (Option<Arc<Watched>>, Option<Arc<Watched>>),
}

/// What was to be started, for errors.
#[derive(Debug)]
pub(crate) struct Subject {
    pub program: Vec<u8>,
    pub directory: Option<Vec<u8>>,
    pub root: Option<Vec<u8>>,
}

impl Subject {
    pub(crate) fn error(&self, failure: Failure) -> Error {
        use std::os::unix::ffi::OsStrExt;
        let Failure { stage, index, errno } = failure;
        let error = Error::os(stage.op(), errno).kind_is(Kind::SpawnFailed).stage(stage.name());
        let error = match (stage, index) {
            (Stage::Exec, Failure::NO_INTERPRETER) => error.detail(
                "the program is there, and what its first line names to interpret it, or what is to load it, is not",
            ),
            (Stage::Exec, Failure::IS_DIRECTORY) => error.detail("it is a directory"),
            (Stage::Descriptors, Failure::NULL_DEVICE) => return error.at("/dev/null"),
            _ => error,
        };
        let path = match stage {
            Stage::Exec => Some(&self.program),
            Stage::Cwd => self.directory.as_ref(),
            Stage::Root => self.root.as_ref(),
            _ => None,
        };
        match path {
            Some(path) => error.at(std::ffi::OsStr::from_bytes(path)),
            None => error,
        }
    }
}

impl Starting {
    pub(crate) fn new(newborn: Newborn, subject: Subject, streams: Vec<Option<OwnedFd>>) -> Self {
        let child = Child(Arc::new(Shared {
            process: Process::hold(newborn.pid, newborn.pidfd, Means::here()),
            birth: Mutex::new(newborn.birth),
            birth_watched: ready::Shared::default(),
            exit: Mutex::new(None),
            reaper: AtomicBool::new(false),
            changed: Notify::new(),
        }));
        Self { child, subject, streams, announced: (None, None) }
    }

    /// The child. Until the start is known it may still fail to become the program.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Our ends of the child's pipes, by its descriptor numbers. They do not block. Taken once.
    #[must_use]
    pub fn take_streams(&mut self) -> Vec<Option<OwnedFd>> {
        std::mem::take(&mut self.streams)
    }

    /// Registers what tells of its start and of its end with the runtime that the calling thread has entered, which is woken
    /// by either, before anybody waits for it there.
    ///
    /// # Errors
    /// The errno of `epoll_ctl(2)`.
    pub fn announce(&mut self) -> Result<()> {
        self.announced = (self.child.0.watch_birth()?, self.child.0.watch_end()?);
        Ok(())
    }

    /// [`Child::reap_in_background`], by what was registered for its end.
    ///
    /// # Errors
    /// Likewise.
    pub fn reap_in_background(&mut self) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        let (reaping, end) = (self.child.reap_in_background(), self.announced.1.take());
        async move {
            let _shared = end;
            reaping.await
        }
    }

    /// Resolves when the program is being executed. Dropping the future leaves the child as it is.
    ///
    /// # Errors
    /// [`Kind::SpawnFailed`] with the stage that failed; the child has then been reaped. Where the kernel does not let us learn
    /// how it went, the child is ended, and the stage is the first one.
    pub async fn started(self) -> Result<Child> {
        let outcome = self.child.0.until(Shared::born, Shared::watch_birth).await;
        if let Outcome::Failed(failure) = outcome.map_err(|error| self.lost(error))? {
            // Where that fails, why it could not be started is still what matters.
            let _reaped = self.child.wait().await;
            return Err(self.subject.error(failure));
        }
        Ok(self.child)
    }

    /// The same on the calling thread. It takes as long as the kernel needs to execute the program.
    ///
    /// # Errors
    /// As [`Starting::started`].
    pub fn started_blocking(self) -> Result<Child> {
        if let Outcome::Failed(failure) = self.child.0.born_blocking().map_err(|error| self.lost(error))? {
            // It has said its last word and exits at once.
            let _reaped = self.child.wait_blocking(Deadline::NEVER);
            return Err(self.subject.error(failure));
        }
        Ok(self.child)
    }

    /// How the start turned out cannot be learnt. Who asked for it gets no handle, so what may run by now is ended.
    fn lost(&self, error: Error) -> Error {
        let _gone = self.child.process().signal(Signal::KILL.as_raw(), Scope::Handle);
        error.kind_is(Kind::SpawnFailed).stage(Stage::Clone.name()).context("learn how the start turned out")
    }
}

impl Child {
    /// The process that it is.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.0.process
    }

    /// Waits for the end of the child and reaps it, however many or few others wait for it: to be run on the
    /// background thread from birth, so that no zombie is left when nobody asks. It also returns the memory that the
    /// child was started with.
    ///
    /// # Errors
    /// The errno of registering with the runtime. Others who wait then wait for themselves, and meet the same.
    pub fn reap_in_background(&self) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        let shared = Arc::clone(&self.0);
        shared.reaper.store(true, Ordering::Release);
        let reaping = Reaping(shared);
        async move {
            let shared = &reaping.0;
            // One after the other would leave a zombie where an unrelated fork keeps the status pipe open.
            let born = std::pin::pin!(async {
                let outcome = shared.alone(Shared::born, Shared::watch_birth).await;
                let outcome = outcome.inspect_err(|_| shared.fend_for_themselves())?;
                // Whoever waits for the start is told first.
                tokio::task::yield_now().await;
                if !matches!(outcome, Outcome::Failed(_)) {
                    shared.identify();
                }
                Ok(())
            });
            let ended = std::pin::pin!(shared.alone(Shared::ended, Shared::watch_end));
            both(born, ended).await
        }
    }

    /// Resolves with its exit, for as many as ask. Dropping the future changes nothing for others.
    ///
    /// # Errors
    /// The errno of waiting.
    pub async fn wait(&self) -> Result<Exit> {
        self.0.until(Shared::ended, Shared::watch_end).await
    }

    /// The same on the calling thread; `None` when the deadline passes first.
    ///
    /// # Errors
    /// The errno of poll(2).
    pub fn wait_blocking(&self, deadline: Deadline) -> Result<Option<Exit>> {
        let pidfd = self.0.process.pidfd()?;
        loop {
            if let Some(exit) = self.0.ended()? {
                return Ok(Some(exit));
            }
            if !ready::blocking(pidfd, deadline)? {
                return Ok(None);
            }
            if let Some(exit) = self.0.ended()? {
                return Ok(Some(exit));
            }
            // It has exited and is not ours to reap: somebody else is about to.
            if !self.0.process.is_alive()? && !ready::blocking_hang_up(pidfd, deadline)? {
                return Ok(None);
            }
        }
    }

    /// Its exit if it has ended, reaping it if nobody has; without waiting.
    ///
    /// # Errors
    /// The errno of waitid(2), other than that somebody else was first.
    pub fn try_reap(&self) -> Result<Option<Exit>> {
        self.0.ended()
    }

    /// Stopped or continued since last asked; `None` when neither.
    ///
    /// # Errors
    /// [`Kind::Gone`] once it has been reaped.
    pub fn poll_state(&self) -> Result<Option<Status>> {
        let about = |error: Error| if error.is(Errno::CHILD) { error.kind_is(Kind::Gone) } else { error };
        let changed = self.0.whom().and_then(|whom| wait::poll(whom, Events::StopOrContinue));
        changed
            .map(|changed| changed.map(|(status, _)| status))
            .map_err(|error| about(error).pid(self.0.process.pid()))
    }
}

impl Shared {
    fn born(&self) -> Result<Option<Outcome>> {
        let mut birth = held(&self.birth);
        let known = birth.pipe().is_none();
        let outcome = birth.poll()?;
        drop(birth);
        if outcome.is_some() && !known {
            self.changed.notify_waiters();
        }
        Ok(outcome)
    }

    fn ended(&self) -> Result<Option<Exit>> {
        let mut exit = held(&self.exit);
        if exit.is_some() {
            return Ok(*exit);
        }
        if !self.process.is_identified() {
            // It is not reaped before it was looked at, also when it ends just now.
            if self.process.is_alive()? {
                return Ok(None);
            }
            // What cannot be learnt is missed by whoever asks for it.
            let _taken = self.process.identify_unreaped();
        }
        let number = self.process.giving_up_number();
        let told = match self.whom().and_then(|whom| wait::poll(whom, Events::Exit)) {
            Ok(changed) => changed.map(|(status, usage)| Exit::Known { status, usage: Some(usage) }),
            // Somebody else waits for all children of this process, or SIGCHLD is ignored in it.
            Err(error) if error.is(Errno::CHILD) => watch::verdict(&self.process)?,
            Err(error) => return Err(error.pid(self.process.pid())),
        };
        drop(number);
        *exit = told;
        drop(exit);
        if told.is_some() {
            self.changed.notify_waiters();
        }
        Ok(told)
    }

    /// Those who wait for the reaper, which can no longer tell them, wait for themselves.
    fn fend_for_themselves(&self) {
        self.reaper.store(false, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Learns who it is while it runs, so that its end is told without delay. What ends too soon is asked as a zombie.
    fn identify(&self) {
        let reaped = held(&self.exit);
        if reaped.is_none() {
            let _taken = self.process.identify_unreaped();
        }
    }

    /// By number only while nobody has reaped it: then `ECHILD` is the answer, and never the exit of another child.
    fn whom(&self) -> Result<Whom<'_>> {
        if self.process.means().waitid {
            self.process.pidfd().map(Whom::Handle)
        } else if self.process.exists()? {
            Ok(Whom::Number(self.process.pid()))
        } else {
            Err(Error::os("waitid", Errno::CHILD))
        }
    }

    /// `None` when all is known already.
    fn watch_birth(&self) -> Result<Option<Arc<Watched>>> {
        let pipe = self.pipe();
        let watched = pipe.map(|pipe| self.birth_watched.readable(&pipe)).transpose();
        watched.map_err(|error| error.pid(self.process.pid()))
    }

    fn watch_end(&self) -> Result<Option<Arc<Watched>>> {
        self.process.watch()
    }

    /// A share of the status pipe, which another thread may give up at any moment.
    fn pipe(&self) -> Option<Arc<OwnedFd>> {
        held(&self.birth).pipe().cloned()
    }

    fn born_blocking(&self) -> Result<Outcome> {
        loop {
            if let Some(outcome) = self.born()? {
                return Ok(outcome);
            }
            if let Some(pipe) = self.pipe() {
                ready::blocking(pipe.as_fd(), Deadline::NEVER)?;
            }
        }
    }

    /// Asks, and while the answer is not there waits: for the background reaper where one runs, else by itself.
    async fn until<T>(&self, ask: Ask<T>, watch: Watch) -> Result<T> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on a change is not missed, so asking comes after.
            changed.as_mut().enable();
            if let Some(answer) = ask(self)? {
                return Ok(answer);
            }
            if !self.reaper.load(Ordering::Acquire) {
                return self.alone(ask, watch).await;
            }
            changed.await;
        }
    }

    async fn alone<T>(&self, ask: Ask<T>, watch: Watch) -> Result<T> {
        loop {
            if let Some(answer) = ask(self)? {
                return Ok(answer);
            }
            // What happened before the registration is its first event.
            if let Some(watched) = watch(self)? {
                return watched.until(|| ask(self)).await;
            }
        }
    }
}

type Ask<T> = fn(&Shared) -> Result<Option<T>>;
type Watch = fn(&Shared) -> Result<Option<Arc<Watched>>>;

/// The claim of the background reaper. Whoever waits for it is told when it ends, for whatever reason.
struct Reaping(Arc<Shared>);

impl Drop for Reaping {
    fn drop(&mut self) {
        self.0.fend_for_themselves();
    }
}

/// Waits for both, at the same time.
async fn both<A, B>(
    mut first: std::pin::Pin<&mut impl Future<Output = Result<A>>>,
    mut second: std::pin::Pin<&mut impl Future<Output = Result<B>>>,
) -> Result<()> {
    use std::task::Poll;
    let (mut one, mut other) = (None, None);
    std::future::poll_fn(move |context| {
        if one.is_none()
            && let Poll::Ready(done) = first.as_mut().poll(context)
        {
            one = Some(done.map(drop));
        }
        if other.is_none()
            && let Poll::Ready(done) = second.as_mut().poll(context)
        {
            other = Some(done.map(drop));
        }
        match (&one, &other) {
            (Some(one), Some(other)) => Poll::Ready(one.clone().and_then(|()| other.clone())),
            _ => Poll::Pending,
        }
    })
    .await
}

/// A panic elsewhere leaves no half-written state here: every value is stored at once.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
