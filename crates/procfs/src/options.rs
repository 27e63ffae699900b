//! What a caller wants of a procfs, and how a test chooses the means.

use kernel::{Capabilities, Error, Feature, Kind, Result};

use crate::info::{Attempt, Info, MountIdSource, Origin, Resolver, Subset};

/// How to open a procfs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// No `subset=pid` and no `hidepid`: global files are visible. Such a handle is worth stealing (a leaked
    /// one reaches sysctls and sysrq), so close it soon.
    pub unmasked: bool,
    /// Refuse instead of settling for less.
    pub require: Vec<Guarantee>,
    /// Open through the attached /proc of the host what is denied through a detached root and not there. `AppArmor`
    /// rules name paths, and in a detached mount `/proc/sys/kernel/x` has the path `/sys/kernel/x`, which no rule
    /// allows. The second look-up is made by openat2, once, and refuses everything that is mounted in the way; it
    /// is not made for magic links, nor for processes by number, since /proc may be of another pid namespace.
    /// Without openat2 there is none.
    pub retry_attached: bool,
    /// [`How::allowing_same_procfs`](crate::How::allowing_same_procfs) for all that is read through the handle.
    pub allow_same_procfs: bool,
}

/// A property that a caller may insist on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guarantee {
    /// The mount belongs to no mount namespace: nobody can mount over it any more.
    Detached,
    /// Nothing is mounted over any of its files, and nothing can be. A detached copy of a mount that already
    /// was mounted over has only the second half.
    NoOvermounts,
    /// Look-ups are made by openat2(2), atomically.
    Openat2,
    /// Global files are hidden (`subset=pid`).
    Masked,
}

impl Guarantee {
    const ALL: [Self; 4] = [Self::Detached, Self::NoOvermounts, Self::Openat2, Self::Masked];

    /// The one with this name in the public surface.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guarantee| guarantee.name() == name)
    }

    /// The name in the public surface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detached => "detached",
            Self::NoOvermounts => "no-overmounts",
            Self::Openat2 => "openat2",
            Self::Masked => "masked",
        }
    }

    const fn is_met_by(self, info: &Info) -> bool {
        match self {
            Self::Detached => info.detached,
            Self::NoOvermounts => info.origin.is_free_of_overmounts(),
            Self::Openat2 => matches!(info.resolver, Resolver::Openat2),
            Self::Masked => matches!(info.subset, Subset::Pid),
        }
    }

    const fn feature(self) -> Feature {
        match self {
            Self::Detached | Self::NoOvermounts => Feature::Fsopen,
            Self::Openat2 => Feature::Openat2,
            Self::Masked => Feature::ProcSubsetPid,
        }
    }
}

impl Options {
    /// Without a mask, for global files.
    #[must_use]
    pub fn unmasked() -> Self {
        Self { unmasked: true, ..Self::default() }
    }

    /// Refuses options that contradict each other.
    pub(crate) fn check(&self) -> Result<()> {
        if self.unmasked && self.require.contains(&Guarantee::Masked) {
            return Err(Error::new(
                Kind::InvalidArgument,
                "procfs",
                "a procfs cannot be opened unmasked and be required to be masked",
            ));
        }
        Ok(())
    }

    /// Refuses a procfs that is less than what is required, naming the guarantee.
    pub(crate) fn accept(&self, info: &Info) -> Result<()> {
        let Some(unmet) = self.require.iter().find(|guarantee| !guarantee.is_met_by(info)) else {
            return Ok(());
        };
        let mut why = format!(
            "'{}' is required; what could be had is {} with {}",
            unmet.name(),
            info.origin.name(),
            info.resolver.name()
        );
        if let Some(attempt) = info.attempts.first() {
            why = format!("{why} ({}: {})", attempt.step, attempt.error);
        }
        Err(Error::new(Kind::Unsupported, "procfs", why).lacks(unmet.feature()).hint(unmet.feature().fix()))
    }
}

/// The means to try, strongest first. Programs use [`Strategy::here`]; tests take means away.
#[derive(Debug, Clone)]
pub struct Strategy {
    /// Where the root may come from, in this order; the first that works is taken.
    pub origins: Vec<Origin>,
    /// Who walks paths.
    pub resolver: Resolver,
    /// The best source of mount ids to try.
    pub mount_ids: MountIdSource,
    /// What the capabilities ruled out before anything was tried; shown in [`Info::attempts`].
    pub ruled_out: Vec<Attempt>,
}

impl Strategy {
    /// What the running kernel allows.
    #[must_use]
    pub fn here() -> Self {
        Self::of(Capabilities::here())
    }

    /// What these capabilities allow.
    ///
    /// Only what is absent is left out. What was refused for want of privilege is tried again, because a thread
    /// may gain privilege (by entering a user namespace) after the question was answered.
    #[must_use]
    pub fn of(capabilities: &Capabilities) -> Self {
        let mut ruled_out = Vec::new();
        let mut origins = Vec::with_capacity(4);
        for origin in Origin::LADDER {
            match origin.feature().map(|feature| capabilities.of(feature)) {
                Some(kernel::Support::Absent(errno)) => {
                    ruled_out.push(Attempt::ruled_out(origin.name(), errno));
                }
                _ => origins.push(origin),
            }
        }
        let resolver = match capabilities.of(Feature::Openat2).errno() {
            None => Resolver::Openat2,
            Some(errno) => {
                ruled_out.push(Attempt::ruled_out(Resolver::Openat2.name(), errno));
                Resolver::Walk
            }
        };
        let mount_ids =
            if capabilities.has(Feature::StatxMntId) { MountIdSource::Unique } else { MountIdSource::Fdinfo };
        Self { origins, resolver, mount_ids, ruled_out }
    }

    /// The same, with the root from one place only.
    #[must_use]
    pub fn only(mut self, origin: Origin) -> Self {
        self.origins = vec![origin];
        self
    }

    /// The same, with this resolver.
    #[must_use]
    pub fn resolving_by(mut self, resolver: Resolver) -> Self {
        self.resolver = resolver;
        self
    }

    /// The same, with mount ids from this source or a lesser one.
    #[must_use]
    pub fn mount_ids_from(mut self, source: MountIdSource) -> Self {
        self.mount_ids = source;
        self
    }
}
