//! What happens to a group, as it happens.
//!
//! The kernel says that a file changed, never how often or into what, and holds notifications of one file 10 ms
//! apart. So a watch remembers what was last reported, reads the files after every wake-up, and reports the
//! difference: changes that undo each other in between are not seen, the latest state always is.

mod alarm;
mod removal;
mod report;

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kernel::ready::{Deadline, Watched};
use kernel::{Errno, Error, Kind, Result};
use rustix::fs::OFlags;

use crate::group::Cgroup;
use crate::interface;
use crate::keyed::optional;
use crate::layout::Version;
use alarm::Alarm;
use removal::Removal;
use report::Report;

/// How often to look without having been told. It matters for a group that is removed through another cgroup
/// namespace, whose directories are other inodes; of everything else the kernel tells.
const RECHECK: Duration = Duration::from_secs(1);
/// In version 1 the kernel tells of a lack of memory before it ends a process for it, and tells nothing afterwards: the
/// kill is looked for this soon, and then at growing intervals.
const AFTERMATH: Duration = Duration::from_millis(2);

/// The files that announce their changes (`POLLPRI`), and say in text what they are about. The first is the one that
/// every group of version 2 but the root has. Version 1 has `pids.events`, too.
const FILES: [&str; 3] = ["cgroup.events", "memory.events", "pids.events"];

/// Something that happened to a group or below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The first live process is there.
    Populated,
    /// The last one is gone.
    Empty,
    /// The kernel counts every task as stopped.
    Frozen,
    /// It does no more.
    Thawed,
    /// The group was removed; nothing follows.
    Removed,
    /// Memory could not be found within the limit: how often by now.
    Oom(u64),
    /// Processes were ended for lack of memory: how many by now.
    OomKill(u64),
    /// Memory was about to exceed its limit: how often by now.
    MemoryMax(u64),
    /// A fork was refused by the limit of tasks: how often by now.
    PidsMax(u64),
}

/// A group that is watched: what it was when last reported, and the descriptors that tell of changes. Nothing is registered
/// and nothing runs while nobody waits in [`Watch::next`].
///
/// # Blocking
/// Dropping it closes an inotify descriptor, for which the kernel takes some milliseconds.
#[derive(Debug)]
pub struct Watch {
    group: Arc<Cgroup>,
    files: Vec<Source>,
    alarm: Option<Alarm>,
    removal: Option<Removal>,
    reported: Report,
    /// When to look again without being told.
    pause: Duration,
    ended: bool,
}

#[derive(Debug)]
struct Source {
    name: &'static str,
    file: Arc<OwnedFd>,
}

impl Watch {
    /// Starts to watch: what happens after this is reported by [`Watch::next`].
    ///
    /// Controllers that are enabled for the group later are not followed.
    ///
    /// # Errors
    /// `Gone`; `InvalidArgument` for the root of version 2, which announces nothing; `Unsupported` in version 1 for a
    /// hierarchy of neither the memory nor the pids controller: it announces nothing.
    pub fn open(group: &Arc<Cgroup>) -> Result<Self> {
        let mut files = Vec::new();
        for name in FILES {
            let opened = optional(interface::open(group, name.as_bytes(), OFlags::RDONLY))?;
            files.extend(opened.map(|file| Source { name, file: Arc::new(file) }));
        }
        let alarm = Alarm::set(group)?;
        if files.is_empty() && alarm.is_none() {
            return Err(silent(group));
        }
        let mut watch = Self {
            group: Arc::clone(group),
            files,
            alarm,
            // Before the first reading, so that no removal falls in between.
            removal: Removal::announced(group),
            reported: Report::default(),
            pause: RECHECK,
            ended: false,
        };
        match watch.read()? {
            Some(now) => watch.reported = now,
            None => return Err(Error::os("read", Errno::NODEV).kind_is(Kind::Gone).at(group.path())),
        }
        Ok(watch)
    }

    /// What changed since the last call, as soon as something has. Empty once the removal was reported.
    ///
    /// Dropping the future loses nothing: the next call reports it.
    ///
    /// # Errors
    /// Those of reading interface files, and of a lack of descriptors.
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        while !self.ended {
            let events = self.changes()?;
            if !events.is_empty() {
                return Ok(events);
            }
            self.woken().await?;
        }
        Ok(Vec::new())
    }

    fn changes(&mut self) -> Result<Vec<Event>> {
        if let Some(removal) = &self.removal {
            removal.acknowledge()?;
        }
        let Some(now) = self.read()? else {
            self.ended = true;
            return Ok(self.reported.until_removed());
        };
        let events = self.reported.until(&now);
        self.reported = now;
        if self.alarm.is_some() && events.iter().any(|event| matches!(event, Event::Oom(_))) {
            self.pause = AFTERMATH;
        }
        Ok(events)
    }

    /// The state of the group; `None` when it was removed.
    fn read(&mut self) -> Result<Option<Report>> {
        let mut report = Report::default();
        let mut lost = Vec::new();
        for source in &self.files {
            match interface::get(&self.group, &source.file, source.name.as_bytes()) {
                Ok(content) => report.take(source.name, &content),
                Err(error) if error.kind() == Kind::Gone => lost.push(source.name),
                Err(error) => return Err(error),
            }
        }
        if let Some(alarm) = &mut self.alarm {
            match alarm.read(&self.group) {
                Ok(content) => report.take(alarm::FILE, &content),
                Err(error) if error.kind() == Kind::Gone => lost.push(alarm::FILE),
                Err(error) => return Err(error),
            }
            report.oom = Some(alarm.count());
        }
        if !self.group.exists()? {
            return Ok(None);
        }
        // A controller that is disabled takes its files along; the group stays.
        self.files.retain(|source| !lost.contains(&source.name));
        Ok(Some(report))
    }

    /// Waits until something may have changed. Registering reports what has happened since the files were read, so
    /// nothing falls in between.
    async fn woken(&mut self) -> Result<()> {
        let mut registered = Vec::new();
        for source in &self.files {
            registered.push(Watched::priority(Arc::clone(&source.file))?);
        }
        if let Some(alarm) = &self.alarm {
            registered.push(Watched::readable(alarm.descriptor())?);
        }
        if let Some(removal) = &self.removal {
            registered.push(Watched::readable(removal.descriptor())?);
        }
        let mut wakes: Vec<_> = registered.iter().map(|watched| Box::pin(watched.wake())).collect();
        let first = poll_fn(|context| {
            let woken = wakes.iter_mut().map(|wake| wake.as_mut().poll(context)).find(Poll::is_ready);
            woken.unwrap_or(Poll::Pending)
        });
        let woken = Deadline::after(self.pause).bound("poll", first).await;
        self.pause = RECHECK.min(self.pause.saturating_mul(2));
        match woken {
            Err(error) if error.kind() != Kind::TimedOut => Err(error),
            _ => Ok(()),
        }
    }
}

fn silent(group: &Cgroup) -> Error {
    match group.version() {
        Version::V1 => Error::new(Kind::Unsupported, "watch", "version 1 announces nothing of this group:")
            .hint("watch a group of version 2 ({ unified: true }), or one of the controllers memory or pids for its limits"),
        Version::V2 => Error::new(Kind::InvalidArgument, "watch", "the root of a hierarchy has no events:"),
    }
    .at(group.path())
}
