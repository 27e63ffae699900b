//! What this kernel answers: probes whose arguments can fail in one way only, and their results as a value.
//!
//! Nobody else decides that the kernel lacks something. A probe creates nothing, passes arguments that a kernel
//! with the feature must reject with one known error, and remembers only [`Support`]; a moment without free
//! descriptors is never taken for an old kernel.

use std::sync::OnceLock;

use rustix::io::Errno;

use crate::errno;
use crate::error::{Error, Result};
use crate::feature::Feature;
use crate::probe;

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is there and may be used.
    Present,
    /// The kernel has not got it, or a filter says so.
    Absent(Errno),
    /// The kernel has it; privilege or a filter keeps it from us.
    Refused(Errno),
}

impl Support {
    /// True when it may be used.
    #[must_use]
    pub const fn is_present(self) -> bool {
        matches!(self, Self::Present)
    }

    /// What the kernel answered instead.
    #[must_use]
    pub const fn errno(self) -> Option<Errno> {
        match self {
            Self::Present => None,
            Self::Absent(errno) | Self::Refused(errno) => Some(errno),
        }
    }

    /// Reads the answer to a probe: `expected` proves presence, the numbers of a missing or refused call mean
    /// what they say, and anything else is a passing condition that proves nothing.
    #[must_use]
    pub const fn classify(answer: Errno, expected: Errno) -> Option<Self> {
        // One number may be both: pidfd_open(-1) answers EINVAL because it is there.
        if answer.raw_os_error() == expected.raw_os_error() {
            return Some(Self::Present);
        }
        match answer {
            Errno::NOSYS | Errno::INVAL | Errno::NOTTY | Errno::OPNOTSUPP => Some(Self::Absent(answer)),
            Errno::PERM | Errno::ACCESS => Some(Self::Refused(answer)),
            _ => None,
        }
    }
}

/// What was observed of a feature that has no system call of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it may be used.
    pub support: Support,
    /// What was seen instead of it; `None` when it is present.
    pub reason: Option<String>,
}

impl Finding {
    /// It is there.
    pub const PRESENT: Self = Self { support: Support::Present, reason: None };

    /// The answer of a probe, in the words of its error number.
    #[must_use]
    pub fn of(support: Support) -> Self {
        let say = |errno| format!("{}: {}", errno::name(errno), errno::description(errno));
        Self { support, reason: support.errno().map(say) }
    }

    /// It is missing, and this was seen instead.
    #[must_use]
    pub fn absent(errno: Errno, reason: impl Into<String>) -> Self {
        Self { support: Support::Absent(errno), reason: Some(reason.into()) }
    }

    /// It is there and kept from us.
    #[must_use]
    pub fn refused(errno: Errno, reason: impl Into<String>) -> Self {
        Self { support: Support::Refused(errno), reason: Some(reason.into()) }
    }
}

/// The system calls of this kernel, probed on first question and remembered; or, in tests, whatever was assumed.
#[derive(Debug)]
pub struct Capabilities {
    assumed: Vec<(Feature, Support)>,
    known: [OnceLock<Support>; PROBED.len()],
}

/// The features that a system call answers for. The others belong to `process`, `procfs`, `cgroup` and `systemd`.
pub const PROBED: [Feature; 14] = [
    Feature::Openat2,
    Feature::Fsopen,
    Feature::OpenTree,
    Feature::StatxMntId,
    Feature::PidfdOpen,
    Feature::PidfdSendSignal,
    Feature::PidfdWaitid,
    Feature::PidfdInfo,
    Feature::PidfdProcessGroupSignal,
    Feature::PidfdGetfd,
    Feature::ProcessMrelease,
    Feature::Clone3,
    Feature::CloneIntoCgroup,
    Feature::CloseRange,
];

static HERE: Capabilities = Capabilities::unknown();

impl Capabilities {
    const fn unknown() -> Self {
        Self { assumed: Vec::new(), known: [const { OnceLock::new() }; PROBED.len()] }
    }

    /// Those of the running kernel.
    #[must_use]
    pub fn here() -> &'static Self {
        &HERE
    }

    /// Those of the running kernel, except for what is assumed: how a test chooses a strategy.
    #[must_use]
    pub fn assuming(assumed: &[(Feature, Support)]) -> Self {
        Self { assumed: assumed.to_vec(), ..Self::unknown() }
    }

    /// What is known of a feature. Those that no system call answers for are [`Support::Absent`] here.
    #[must_use]
    pub fn of(&self, feature: Feature) -> Support {
        if let Some((_, support)) = self.assumed.iter().find(|(assumed, _)| *assumed == feature) {
            return *support;
        }
        let Some(cell) =
            PROBED.iter().position(|probed| *probed == feature).and_then(|at| self.known.get(at))
        else {
            return Support::Absent(Errno::NOSYS);
        };
        if let Some(support) = cell.get() {
            return *support;
        }
        match probe::ask(feature) {
            Ok(support) => *cell.get_or_init(|| support),
            // A passing condition: assume presence now and ask again next time. The operation itself will tell.
            Err(_) => Support::Present,
        }
    }

    /// True when a feature may be used.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.of(feature).is_present()
    }

    /// Refuses, naming the feature, its fallback's absence and the remedy, unless it may be used.
    ///
    /// # Errors
    /// [`Kind::Unsupported`](crate::Kind::Unsupported) with the errno of the probe.
    pub fn demand(&self, feature: Feature, op: &'static str) -> Result<()> {
        match self.of(feature).errno() {
            None => Ok(()),
            Some(errno) => Err(Error::os(op, errno).lacks(feature).hint(feature.fix())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transient_errno_is_never_taken_for_absence() {
        for transient in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR, Errno::AGAIN] {
            assert_eq!(Support::classify(transient, Errno::FAULT), None);
        }
    }

    #[test]
    fn missing_and_refused_are_told_apart() {
        assert_eq!(Support::classify(Errno::NOSYS, Errno::FAULT), Some(Support::Absent(Errno::NOSYS)));
        assert_eq!(Support::classify(Errno::PERM, Errno::FAULT), Some(Support::Refused(Errno::PERM)));
        assert_eq!(Support::classify(Errno::INVAL, Errno::INVAL), Some(Support::Present));
    }

    #[test]
    fn an_assumption_wins_over_the_kernel() {
        let assumed = Capabilities::assuming(&[(Feature::Openat2, Support::Absent(Errno::NOSYS))]);
        assert!(!assumed.has(Feature::Openat2));
        let error = assumed.demand(Feature::Openat2, "openat2").unwrap_err();
        assert_eq!((error.kind(), error.feature()), (crate::Kind::Unsupported, Some(Feature::Openat2)));
    }
}
