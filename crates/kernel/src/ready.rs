//! Waiting: until a descriptor is ready or a deadline passes. Nothing in procward sleeps in any other way.
//!
//! Two forms of one question. The functions here are for the background thread, whose runtime they register
//! with; [`blocking`] is for synchronous calls that wait on the thread that asked.
//!
//! # Safety
//! Registering a descriptor with the runtime is unsafe in tokio, because the registration must not outlive it;
//! [`Watched`] owns the descriptor.
#![expect(unsafe_code, reason = "tokio's registration of descriptors")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};

use crate::error::{Error, Kind, Result};

/// A point in time after which an operation gives up and undoes what it did; or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Waits for ever.
    pub const NEVER: Self = Self(None);

    /// This long from now. A time too far to represent is never.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// True once it has passed.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }

    /// What is left, at most `cap`.
    #[must_use]
    pub fn remaining_up_to(self, cap: Duration) -> Duration {
        self.remaining().map_or(cap, |left| left.min(cap))
    }

    /// What is left; `None` when it never comes.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Waits for it.
    pub async fn passed(self) {
        match self.0 {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }

    /// Runs `work` until the deadline; dropping `work` is how it is told to stop and undo.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] naming `op`.
    pub async fn bound<T>(self, op: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.0 {
            None => work.await,
            Some(at) => tokio::time::timeout_at(at.into(), work)
                .await
                .unwrap_or_else(|_| Err(Error::new(Kind::TimedOut, op, "the deadline passed"))),
        }
    }
}

/// A descriptor registered with the background thread. It can be registered once only: those who wait for the same
/// descriptor share the registration.
#[derive(Debug)]
pub struct Watched(AsyncFd<Arc<OwnedFd>>);

impl Watched {
    /// Registers for `POLLIN` and `POLLHUP`. Must be called on the background thread, or where its runtime was entered.
    ///
    /// # Errors
    /// The errno of `epoll_ctl(2)`.
    pub fn readable(fd: impl Into<Arc<OwnedFd>>) -> Result<Self> {
        Self::register(fd.into(), Interest::READABLE)
    }

    /// Registers for `POLLOUT` and `POLLERR`. Likewise.
    ///
    /// # Errors
    /// The errno of `epoll_ctl(2)`.
    pub fn writable(fd: impl Into<Arc<OwnedFd>>) -> Result<Self> {
        Self::register(fd.into(), Interest::WRITABLE)
    }

    /// Registers for `POLLPRI`, the event of cgroup and pressure files. Likewise.
    ///
    /// # Errors
    /// The errno of `epoll_ctl(2)`.
    pub fn priority(fd: impl Into<Arc<OwnedFd>>) -> Result<Self> {
        Self::register(fd.into(), Interest::PRIORITY)
    }

    fn register(fd: Arc<OwnedFd>, interest: Interest) -> Result<Self> {
        // SAFETY: the descriptor must stay open and the same until it is deregistered; the registration owns a
        // share of it, nobody can replace what is shared, and dropping deregisters before it lets go.
        let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
        registered.map(Self).map_err(|error| os("epoll_ctl", &error.into()))
    }

    /// Asks at every event until there is an answer. Many may do so on one registration: an event is put aside only by
    /// somebody who asked after it and got no answer.
    ///
    /// # Errors
    /// Those of `ask`, and the errno of `epoll_wait(2)`, when the runtime is shutting down.
    pub async fn until<T>(&self, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        loop {
            let mut guard =
                self.0.ready(Interest::READABLE).await.map_err(|error| os("epoll_wait", &error))?;
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            guard.clear_ready();
        }
    }

    /// Resolves at the next event. Edge-triggered: an event is reported once, so ask the descriptor before
    /// waiting and again after every wake.
    ///
    /// # Errors
    /// The errno of `epoll_wait(2)`, when the runtime is shutting down.
    pub async fn wake(&self) -> Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        let mut guard = self.0.ready(interest).await.map_err(|error| os("epoll_wait", &error))?;
        guard.clear_ready_matching(Ready::READABLE | Ready::WRITABLE | Ready::PRIORITY);
        Ok(())
    }
}

/// The registration that all who wait for a descriptor share while anybody does.
#[derive(Debug, Default)]
pub struct Shared(Mutex<Weak<Watched>>);

impl Shared {
    /// That of whoever waited first, or a new one as by [`Watched::readable`]. Always of the same descriptor.
    ///
    /// # Errors
    /// The errno of `epoll_ctl(2)`.
    pub fn readable(&self, fd: &Arc<OwnedFd>) -> Result<Arc<Watched>> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = shared.upgrade() {
            return Ok(watched);
        }
        let watched = Arc::new(Watched::readable(Arc::clone(fd))?);
        *shared = Arc::downgrade(&watched);
        Ok(watched)
    }
}

fn os(op: &'static str, error: &std::io::Error) -> Error {
    Error::os(op, Errno::from_io_error(error).unwrap_or(Errno::IO))
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}

/// Waits on the calling thread until `fd` is readable (`POLLIN`) or the deadline passes; true when readable.
///
/// # Errors
/// The errno of poll(2).
pub fn blocking(fd: BorrowedFd<'_>, deadline: Deadline) -> Result<bool> {
    blocking_any(&[fd], deadline).map(|ready| ready.is_some())
}

/// Waits on the calling thread until `fd` hangs up (`POLLHUP`) or the deadline passes; true when it did. Being
/// readable does not end it: a pidfd is readable from exit on, and hangs up when the process was reaped.
///
/// # Errors
/// The errno of poll(2).
pub fn blocking_hang_up(fd: BorrowedFd<'_>, deadline: Deadline) -> Result<bool> {
    poll_until(&mut [PollFd::new(&fd, PollFlags::empty())], deadline).map(|ready| ready.is_some())
}

/// Waits on the calling thread until one of `fds` is readable, and says which; `None` when the deadline passed.
///
/// # Errors
/// The errno of poll(2).
pub fn blocking_any(fds: &[BorrowedFd<'_>], deadline: Deadline) -> Result<Option<usize>> {
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    poll_until(&mut polled, deadline)
}

fn poll_until(polled: &mut [PollFd<'_>], deadline: Deadline) -> Result<Option<usize>> {
    loop {
        let timeout = deadline
            .remaining()
            .map(|left| Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        match poll(polled, timeout.as_ref()) {
            Ok(0) if deadline.has_passed() => return Ok(None),
            // A timer may fire a little early, and a signal may interrupt: neither is an answer.
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(polled.iter().position(|fd| !fd.revents().is_empty())),
            Err(errno) => return Err(Error::os("poll", errno)),
        }
    }
}
