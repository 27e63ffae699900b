//! The version 1 dialect: freezer.state is asked by writing, again and again, and computed by reading.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use kernel::ready::Deadline;
use kernel::timer::Timer;
use kernel::{Capabilities, Feature, Kind, Result};
use rustix::fs::OFlags;
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

use super::{FreezeState, FrozenBy, Lease, Phase};
use crate::group::Cgroup;
use crate::interface;

const STATE: &[u8] = b"freezer.state";
const OWN: &[u8] = b"freezer.self_freezing";

/// How long it is asked again and looked without a pause, in turn with whatever else is to be done: most groups have
/// stopped by then, and on a busy machine, whoever pauses waits for its turn.
const EAGER: Duration = Duration::from_millis(1);
/// No event tells when a task stops, so these are the pauses between two looks that follow.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(2);
/// How long writing again may take to help before the tasks are let go for once; doubled each time.
const FIRST_PATIENCE: Duration = Duration::from_millis(250);
/// How long they are let go.
const RESPITE: Duration = Duration::from_millis(10);

/// What is done about tasks that do not stop when they are asked to.
///
/// The kernel asks each task once, when FROZEN is written. One that just then begins to wait for its vfork
/// child is passed over, and nothing asks it again: the group stays FREEZING for ever. Writing FROZEN again
/// asks everybody again, which is enough since the freezer was rewritten in 6.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insistence {
    /// FROZEN is written again before every look.
    Repeat,
    /// And where that has not helped for a quarter of a second, the tasks are let go for 10 ms. Meant for kernels before
    /// 6.1; everything that had stopped runs in between, so it is not done while another lease counts on the
    /// group.
    RepeatAndRelent,
}

impl Insistence {
    /// What this kernel needs. A feature of 6.9 is taken as evidence of the freezer of 6.1.
    #[must_use]
    pub fn suited(capabilities: &Capabilities) -> Self {
        if capabilities.has(Feature::PidfdProcessGroupSignal) { Self::Repeat } else { Self::RepeatAndRelent }
    }
}

/// Two open files of one group: what is asked and achieved, and whether it is the group's own request.
#[derive(Debug)]
pub(super) struct Switch {
    state: OwnedFd,
    own: OwnedFd,
}

impl Switch {
    pub(super) fn open(group: &Cgroup) -> Result<Self> {
        Ok(Self { state: open(group, STATE, OFlags::RDWR)?, own: open(group, OWN, OFlags::RDONLY)? })
    }

    pub(super) fn is_on(&self) -> rustix::io::Result<bool> {
        reads_one(&self.own)
    }

    pub(super) fn set(&self, on: bool) -> rustix::io::Result<()> {
        let value: &[u8] = if on { b"FROZEN" } else { b"THAWED" };
        retry_on_intr(|| pwrite(&self.state, value, 0)).map(drop)
    }
}

pub(super) fn state(group: &Cgroup) -> Result<FreezeState> {
    let own = reads_one(open(group, OWN, OFlags::RDONLY)?);
    let own = own.map_err(|errno| group.or_gone(kernel::Error::os("pread64", errno).at(group.path())))?;
    let phase = phase(group, open(group, STATE, OFlags::RDONLY)?)?;
    let by = if own { FrozenBy::Itself } else { FrozenBy::Ancestor };
    Ok(FreezeState { phase, by: (phase != Phase::Thawed).then_some(by) })
}

/// Whether every task has stopped, as the kernel finds by looking at each of them now.
pub(super) fn is_frozen(group: &Cgroup) -> Result<bool> {
    Ok(phase(group, open(group, STATE, OFlags::RDONLY)?)? == Phase::Frozen)
}

/// True once every task has stopped, false when the deadline passes first. It is looked at least once.
pub(super) async fn until_frozen(
    group: &Cgroup,
    lease: &Lease,
    insistence: Insistence,
    deadline: Deadline,
) -> Result<bool> {
    let file = open(group, STATE, OFlags::RDONLY)?;
    if phase(group, &file)? == Phase::Frozen {
        return Ok(true);
    }
    let timer = Timer::new()?;
    let eager_until = Instant::now() + EAGER;
    let mut pause = FIRST_PAUSE;
    let mut patience = FIRST_PATIENCE;
    let mut relents_at = Instant::now() + patience;
    while !deadline.has_passed() {
        if Instant::now() < eager_until {
            tokio::task::yield_now().await;
            lease.insist(group)?;
            if phase(group, &file)? == Phase::Frozen {
                return Ok(true);
            }
            continue;
        }
        timer.pause(deadline.remaining_up_to(pause)).await?;
        if insistence == Insistence::RepeatAndRelent && Instant::now() >= relents_at {
            if lease.relent(group)? {
                timer.pause(deadline.remaining_up_to(RESPITE)).await?;
            }
            patience = patience.saturating_mul(2);
            relents_at = Instant::now() + patience;
        }
        let asked_at = Instant::now();
        lease.insist(group)?;
        if phase(group, &file)? == Phase::Frozen {
            return Ok(true);
        }
        // Asking goes through every task: with ten thousand of them it takes longer than the pause, and what has
        // to stop needs the processor, too.
        pause = LONGEST_PAUSE.min(pause.saturating_mul(3) / 2).max(asked_at.elapsed());
    }
    Ok(false)
}

fn open(group: &Cgroup, file: &[u8], flags: OFlags) -> Result<OwnedFd> {
    interface::open(group, file, flags).map_err(|error| {
        if error.kind() != Kind::Unsupported {
            return error;
        }
        // The hierarchy has the freezer, and only its root has none of its files.
        error
            .kind_is(Kind::InvalidArgument)
            .detail("the root of a hierarchy can be neither frozen nor killed")
    })
}

fn phase(group: &Cgroup, file: impl AsFd) -> Result<Phase> {
    match interface::get(group, file, STATE)?.trim_ascii() {
        b"THAWED" => Ok(Phase::Thawed),
        b"FREEZING" => Ok(Phase::Freezing),
        b"FROZEN" => Ok(Phase::Frozen),
        other => {
            let detail = format!("the kernel reports the state '{}'", String::from_utf8_lossy(other));
            Err(kernel::Error::os("pread64", Errno::PROTO).detail(detail).at(group.path()))
        }
    }
}

fn reads_one(file: impl AsFd) -> rustix::io::Result<bool> {
    let mut value = [0_u8; 8];
    let length = retry_on_intr(|| pread(&file, &mut value, 0))?;
    Ok(length > 0 && value.starts_with(b"1"))
}
