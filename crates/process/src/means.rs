//! What a handle may use of the kernel: chosen when a process is opened, so that operations never probe.

use kernel::{Capabilities, Feature, Support};

use crate::support::support;

/// The calls that a handle makes. Where one is missing there is another way, and what is lost by it is told by the
/// feature of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each call that may be missing, independent of the others"
)]
pub struct Means {
    /// `pidfd_open(2)`: a handle of the kernel's. Else the directory in /proc.
    pub pidfd_open: bool,
    /// `pidfd_send_signal(2)`. Else kill(2), after a look whether the number is still its own.
    pub send_signal: bool,
    /// `pidfd_send_signal(2)` with scopes (6.9). Else they are refused.
    pub scopes: bool,
    /// waitid(2) with `P_PIDFD`. Else by number, which is a child's own until it is reaped.
    pub waitid: bool,
    /// `open_by_handle_at(2)` on pidfds (6.17), which needs `PIDFD_GET_INFO`. Else number, inode and start time.
    pub inodes: bool,
    /// `PIDFD_GET_INFO`. Else `/proc/<pid>/status` of the same process.
    pub info: bool,
    /// `PIDFD_INFO_EXIT`: the exit of any process. Else what its zombie shows in /proc, to those who may trace it.
    pub exits: bool,
}

impl Means {
    /// All that this kernel has.
    #[must_use]
    pub fn here() -> Self {
        let here = Capabilities::here();
        Self {
            pidfd_open: here.has(Feature::PidfdOpen),
            send_signal: here.has(Feature::PidfdSendSignal),
            scopes: here.has(Feature::PidfdProcessGroupSignal),
            waitid: here.has(Feature::PidfdWaitid),
            inodes: here.has(Feature::PidfdInfo),
            info: here.has(Feature::PidfdInfo),
            exits: true,
        }
    }

    /// Whether the kernel tells everybody how a process ended. Only one that was seen to forget exits is believed to:
    /// where the probe could not be made, waiting for the process to be reaped is right anyway, since what the handle
    /// then says is asked in any case. The probe takes a child, so it is left until somebody waits.
    pub(crate) fn tell_exits(self) -> bool {
        self.exits && self.info && !matches!(support(Feature::PidfdExitInfo), Ok(Support::Absent(_)))
    }
}
