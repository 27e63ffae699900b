//! One particular process, and what can be asked of it and done to it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use kernel::pidfd::{self, Credentials, Ids, Scope};
use kernel::ready::{Deadline, Watched};
use kernel::{Capabilities, Errno, Error, Feature, Kind, Result};

use procfs::Procfs;

use crate::directory::Directory;
use crate::exit::Exit;
use crate::hold::{Handle, Hold};
use crate::identity::{self, Identity};
use crate::means::Means;
use crate::watch;

/// A process, or a thread, that cannot be mistaken for another. Copies share the handle, which closes with the last.
///
/// Holding it keeps nothing alive and prevents nothing: the process ends, is reaped and its number given away as
/// if nobody held it. It only stays the one that is meant.
#[derive(Debug, Clone)]
pub struct Process(Arc<Held>);

#[derive(Debug)]
struct Held {
    pid: i32,
    /// Whether one thread is meant.
    thread: bool,
    means: Means,
    hold: Hold,
    identity: OnceLock<Identity>,
    /// Locked for writing while we reap it: under a reader's lock, the number of a child that exists stays its own.
    number: RwLock<()>,
}

/// What the kernel knows of a process while it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its ids, its parent's among them.
    pub ids: Ids,
    /// Its credentials.
    pub credentials: Credentials,
    /// The id of its version 2 control group; absent before 6.13.
    pub cgroup_id: Option<u64>,
}

impl Process {
    /// Finds the process with this id and holds it.
    ///
    /// The number is resolved here, once. If it came from somewhere that does not hold the process, compare
    /// [`Process::identity`].
    ///
    /// # Errors
    /// [`Kind::NotFound`] when there is none; [`Kind::InvalidArgument`] when the id is that of a thread, or cannot
    /// be one.
    ///
    /// # Kernel
    /// 5.3 for a pidfd. Below, its directory in /proc is held: signals are as safe (5.1), but waiting has to look
    /// again and again, and mostly comes too late to see how it ended.
    pub fn open(pid: i32) -> Result<Self> {
        Self::open_with(pid, Means::here())
    }

    /// The same by these means.
    ///
    /// # Errors
    /// As [`Process::open`].
    pub fn open_with(pid: i32, means: Means) -> Result<Self> {
        let hold = if means.pidfd_open {
            Hold::Handle(Handle::new(pidfd::open(pid)?))
        } else {
            Hold::Directory(Directory::find(pid)?)
        };
        Ok(Self::new(pid, false, means, hold))
    }

    /// Finds the thread with this id and holds it (6.9).
    ///
    /// # Errors
    /// As [`Process::open`]; [`Kind::InvalidArgument`] also before 6.9; [`Kind::Unsupported`] where `pidfd_open(2)` is
    /// missing or filtered.
    pub fn open_thread(tid: i32) -> Result<Self> {
        Capabilities::here().demand(Feature::PidfdOpen, "pidfd_open").map_err(|error| error.pid(tid))?;
        Ok(Self::new(tid, true, Means::here(), Hold::Handle(Handle::new(pidfd::open_thread(tid)?))))
    }

    /// This process.
    ///
    /// # Errors
    /// As [`Process::open`].
    pub fn own() -> Result<Self> {
        Self::open(rustix::process::getpid().as_raw_pid())
    }

    /// Finds the process that this identity was taken of.
    ///
    /// # Errors
    /// [`Kind::Gone`] when it has ended and was reaped, whether or not its number was given away.
    ///
    /// # Kernel
    /// 6.17 finds it by its inode. Below, it is found by its number and compared: inodes since 6.9, start times before.
    pub fn from_identity(identity: &Identity) -> Result<Self> {
        Self::from_identity_with(identity, Means::here())
    }

    /// The same by these means.
    ///
    /// # Errors
    /// As [`Process::from_identity`].
    pub fn from_identity_with(identity: &Identity, means: Means) -> Result<Self> {
        identity::find(identity, means)
    }

    pub(crate) fn hold(pid: i32, pidfd: OwnedFd, means: Means) -> Self {
        Self::new(pid, false, means, Hold::Handle(Handle::new(pidfd)))
    }

    fn new(pid: i32, thread: bool, means: Means, hold: Hold) -> Self {
        let (identity, number) = (OnceLock::new(), RwLock::new(()));
        Self(Arc::new(Held { pid, thread, means, hold, identity, number }))
    }

    /// Its id. A number for people and logs: once the process was reaped, it may be another's.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.0.pid
    }

    /// The handle itself.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where it is held by its directory in /proc.
    pub fn pidfd(&self) -> Result<BorrowedFd<'_>> {
        self.0.hold.handle().map(AsFd::as_fd).map_err(|error| error.pid(self.pid()))
    }

    /// True until it exits; a zombie is not alive.
    ///
    /// # Errors
    /// The errno of poll(2), or those of procfs.
    pub fn is_alive(&self) -> Result<bool> {
        self.0.hold.is_alive()
    }

    /// True until it was reaped: a zombie still exists, and its number is still its own.
    ///
    /// # Errors
    /// The errno of `pidfd_send_signal(2)`, or those of procfs.
    pub fn exists(&self) -> Result<bool> {
        self.0.hold.exists(self.0.means.send_signal).map_err(|error| error.pid(self.pid()))
    }

    /// Sends a signal; 0 only checks for permission. A zombie takes it, to no effect.
    ///
    /// # Errors
    /// [`Kind::Gone`] once it was reaped; [`Kind::PermissionDenied`]; [`Kind::InvalidArgument`] for a number that is no
    /// signal; [`Kind::Unsupported`] for a scope other than [`Scope::Handle`] before 6.9.
    ///
    /// # Kernel
    /// 5.1. Below, it is sent by number right after a look whether the process still exists: to a child of ours just as
    /// safe, for anybody else there is a moment in between.
    pub fn signal(&self, signal: i32, scope: Scope) -> Result<()> {
        let lack = |feature: Feature| {
            let error = Error::os("pidfd_send_signal", Errno::NOSYS).lacks(feature);
            error.hint(feature.fix()).pid(self.pid())
        };
        match self.0.means {
            means if scope != Scope::Handle && !means.scopes => Err(lack(Feature::PidfdProcessGroupSignal)),
            means if means.send_signal => {
                self.0.hold.send_signal(signal, scope).map_err(|error| error.pid(self.pid()))
            }
            _ if scope != Scope::Handle || self.0.thread => Err(lack(Feature::PidfdSendSignal)),
            _ => self.signal_by_number(signal),
        }
    }

    fn signal_by_number(&self, signal: i32) -> Result<()> {
        let _its_own = self.0.number.read().unwrap_or_else(PoisonError::into_inner);
        // No look afterwards: the signal may have ended it.
        if self.exists()? { pidfd::kill(self.pid(), signal) } else { Err(self.gone("kill")) }
    }

    /// Does what the kernel offers by number only, between two looks whether the number is its own.
    pub(crate) fn by_number<T>(&self, op: &'static str, act: impl FnOnce(i32) -> Result<T>) -> Result<T> {
        let _its_own = self.0.number.read().unwrap_or_else(PoisonError::into_inner);
        if !self.exists()? {
            return Err(self.gone(op));
        }
        let answer = act(self.pid());
        if self.exists()? { answer.map_err(|error| error.pid(self.pid())) } else { Err(self.gone(op)) }
    }

    fn gone(&self, op: &'static str) -> Error {
        Error::os(op, Errno::SRCH).pid(self.pid())
    }

    /// Keeps signals by number waiting while its number is given up.
    pub(crate) fn giving_up_number(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.number.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its ids, credentials and control group, as of now.
    ///
    /// # Errors
    /// [`Kind::Gone`] once it was reaped.
    ///
    /// # Kernel
    /// 6.13. Below, `/proc/<pid>/status` of the same process, without the id of its control group.
    pub fn info(&self) -> Result<ProcessInfo> {
        let gone = || self.gone("ioctl(PIDFD_GET_INFO)");
        let handle = match self.0.hold.handle() {
            Ok(handle) if self.0.means.info => handle,
            _ => return self.directory()?.info(),
        };
        let info = pidfd::info(handle.as_fd()).map_err(|error| error.pid(self.pid()))?;
        Ok(ProcessInfo {
            ids: info.ids.ok_or_else(gone)?,
            credentials: info.credentials.ok_or_else(gone)?,
            cgroup_id: info.cgroup_id,
        })
    }

    /// What tells it from every other process since boot, and across boots. Taken at the first question.
    ///
    /// # Errors
    /// [`Kind::Gone`] when it was reaped before it was first asked for.
    pub fn identity(&self) -> Result<&Identity> {
        if let Some(known) = self.0.identity.get() {
            return Ok(known);
        }
        let taken = identity::take(self)?;
        Ok(self.0.identity.get_or_init(|| taken))
    }

    /// Whether its identity is known.
    pub(crate) fn is_identified(&self) -> bool {
        self.0.identity.get().is_some()
    }

    /// [`Process::identity`] of a child of ours that we do not reap meanwhile, so that its number is its own: unless
    /// somebody else reaped it, which is asked afterwards.
    pub(crate) fn identify_unreaped(&self) -> Result<()> {
        let taken = identity::take_unreaped(self)?;
        if self.exists()? {
            let _known_already = self.0.identity.set(taken);
        }
        Ok(())
    }

    /// Its own /proc directory.
    ///
    /// # Errors
    /// [`Kind::Gone`] once it was reaped, even if its number was given away.
    pub fn directory(&self) -> Result<Directory> {
        self.directory_in(procfs::shared()?)
    }

    /// The same in a procfs of one's own.
    ///
    /// # Errors
    /// As [`Process::directory`].
    pub fn directory_in(&self, procfs: Arc<Procfs>) -> Result<Directory> {
        Directory::of(self, procfs)
    }

    /// Duplicates one of its descriptors for us, close-on-exec.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when it has no such descriptor; [`Kind::PermissionDenied`] unless we could attach to it as a
    /// tracer; [`Kind::Gone`]; [`Kind::Unsupported`] before 5.6.
    pub fn duplicate_fd(&self, descriptor: i32) -> Result<OwnedFd> {
        let duplicate = || {
            Capabilities::here().demand(Feature::PidfdGetfd, "pidfd_getfd")?;
            pidfd::duplicate(self.pidfd()?, descriptor)
        };
        duplicate().map_err(|error| error.pid(self.pid()))
    }

    /// Gives the memory of a process back that was killed and has not exited yet. Nothing is left to be done for one
    /// that has.
    ///
    /// # Errors
    /// [`Kind::Busy`] when it is not dying; [`Kind::Gone`] once it was reaped; [`Kind::PermissionDenied`];
    /// [`Kind::Unsupported`] before 5.15.
    pub fn release_memory(&self) -> Result<()> {
        let release = || {
            Capabilities::here().demand(Feature::ProcessMrelease, "process_mrelease")?;
            pidfd::release_memory(self.pidfd()?)
        };
        match release() {
            Err(error) if error.kind() == Kind::Gone && self.exists()? => Ok(()),
            answer => answer.map_err(|error| error.pid(self.pid())),
        }
    }

    /// Resolves when it has ended, child of ours or not, and tells how where the kernel does.
    ///
    /// Where it tells (6.15), that is when its parent has reaped it: until then nobody else is told. Dropping the
    /// future leaves nothing behind. For our own children use [`Child::wait`](crate::Child::wait).
    ///
    /// All who wait for one process at the same time must run on the same runtime: they share one registration.
    ///
    /// # Errors
    /// The errno of `epoll_ctl(2)`, or those of procfs.
    ///
    /// # Kernel
    /// 6.15 for every exit. Below, it resolves as soon as it has exited, with [`Exit::Known`] when its zombie could be
    /// seen by somebody who may trace it, else with [`Exit::Unknown`].
    pub async fn wait(&self) -> Result<Exit> {
        watch::ended(self).await
    }

    /// The same on the calling thread; `None` when the deadline passes first.
    ///
    /// # Errors
    /// The errno of poll(2).
    pub fn wait_blocking(&self, deadline: Deadline) -> Result<Option<Exit>> {
        watch::ended_blocking(self, deadline)
    }

    /// The registration for its end that all who wait share; `None` where nothing announces it.
    pub(crate) fn watch(&self) -> Result<Option<Arc<Watched>>> {
        match &self.0.hold {
            Hold::Handle(handle) => handle.watch().map(Some).map_err(|error| error.pid(self.pid())),
            Hold::Directory(_) => Ok(None),
        }
    }

    pub(crate) fn means(&self) -> Means {
        self.0.means
    }

    pub(crate) fn held_by(&self) -> &Hold {
        &self.0.hold
    }
}
