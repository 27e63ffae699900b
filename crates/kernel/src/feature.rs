//! Everything that procward can do without: since when the kernel has it, and what is lost where it is missing.

/// One thing that a kernel, a seccomp profile or a host may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// openat2(2): one atomic look-up that cannot leave a tree, cross a mount or follow a magic link.
    Openat2,
    /// fsopen(2): a procfs instance of our own that nobody can mount over.
    Fsopen,
    /// `open_tree(2)`: a private copy of the host's procfs mount.
    OpenTree,
    /// `STATX_MNT_ID`: which mount a file belongs to, from one call.
    StatxMntId,
    /// The procfs mount option `subset=pid`: an instance without global files.
    ProcSubsetPid,
    /// `pidfd_open(2)`: a handle for any process.
    PidfdOpen,
    /// `pidfd_send_signal(2)`: a signal that cannot hit a recycled pid.
    PidfdSendSignal,
    /// waitid(2) with `P_PIDFD`: reaping exactly one child.
    PidfdWaitid,
    /// `PIDFD_GET_INFO`: ids, credentials and the control group of a process, race-free.
    PidfdInfo,
    /// `PIDFD_INFO_EXIT`: how a process ended, for everybody who holds its pidfd.
    PidfdExitInfo,
    /// `PIDFD_SIGNAL_PROCESS_GROUP`: a signal to a whole process group without naming it by number.
    PidfdProcessGroupSignal,
    /// `pidfd_getfd(2)`: a duplicate of another process's descriptor.
    PidfdGetfd,
    /// `process_mrelease(2)`: freeing the memory of a dying process at once.
    ProcessMrelease,
    /// clone3(2): the full set of creation flags.
    Clone3,
    /// `CLONE_INTO_CGROUP`: birth inside a control group, with no moment outside.
    CloneIntoCgroup,
    /// `close_range(2)`: children inherit only what they were given.
    CloseRange,
    /// User namespaces that this process may create.
    UserNamespaces,
    /// The version 1 freezer controller.
    CgroupV1Freezer,
    /// A mounted version 2 hierarchy.
    CgroupV2,
    /// `cgroup.freeze`.
    CgroupV2Freeze,
    /// `cgroup.kill`.
    CgroupV2Kill,
    /// Permission to create groups in the version 2 hierarchy.
    CgroupV2Write,
    /// A systemd system manager.
    SystemdSystem,
    /// A systemd user manager of this user.
    SystemdUser,
}

/// What happens where a feature is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Something weaker or slower is used; the text says what, and what is lost by it.
    Weaker(&'static str),
    /// Nothing; the text says what is refused.
    Nothing(&'static str),
}

impl Fallback {
    /// The text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Weaker(text) | Self::Nothing(text) => text,
        }
    }
}

struct Row {
    name: &'static str,
    since: &'static str,
    fallback: Fallback,
    fix: &'static str,
}

const SECCOMP: &str = "use a newer kernel, or allow the call in the seccomp profile";
const NEWER: &str = "use a newer kernel";

impl Feature {
    /// Every feature, in the order of the report.
    pub const ALL: [Self; 24] = [
        Self::Openat2,
        Self::Fsopen,
        Self::OpenTree,
        Self::StatxMntId,
        Self::ProcSubsetPid,
        Self::PidfdOpen,
        Self::PidfdSendSignal,
        Self::PidfdWaitid,
        Self::PidfdInfo,
        Self::PidfdExitInfo,
        Self::PidfdProcessGroupSignal,
        Self::PidfdGetfd,
        Self::ProcessMrelease,
        Self::Clone3,
        Self::CloneIntoCgroup,
        Self::CloseRange,
        Self::UserNamespaces,
        Self::CgroupV1Freezer,
        Self::CgroupV2,
        Self::CgroupV2Freeze,
        Self::CgroupV2Kill,
        Self::CgroupV2Write,
        Self::SystemdSystem,
        Self::SystemdUser,
    ];

    /// The name in the public surface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The release that brought it: of the kernel, for the last two of systemd.
    #[must_use]
    pub const fn since(self) -> &'static str {
        self.row().since
    }

    /// What is used instead, and what is lost by it.
    #[must_use]
    pub const fn fallback(self) -> Fallback {
        self.row().fallback
    }

    /// What the user can do about it.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        self.row().fix
    }

    #[expect(clippy::too_many_lines, reason = "one table, a row for each feature")]
    const fn row(self) -> Row {
        use Fallback::{Nothing, Weaker};
        let (name, since, fallback, fix) = match self {
            Self::Openat2 => (
                "openat2",
                "5.6",
                Weaker(
                    "a walk that checks every component; on a /proc of the host a racing mount can be missed",
                ),
                "allow openat2 in the seccomp profile (systemd: RestrictSUIDSGID= and DynamicUser= block it)",
            ),
            Self::Fsopen => (
                "fsopen",
                "5.2",
                Weaker(
                    "the /proc of the host, every look-up verified; a mount over it is refused, not ignored",
                ),
                "run with CAP_SYS_ADMIN, or allow fsopen in the seccomp profile",
            ),
            Self::OpenTree => (
                "open_tree",
                "5.2",
                Weaker("the /proc of the host, every look-up verified"),
                "run with CAP_SYS_ADMIN, or allow open_tree in the seccomp profile",
            ),
            Self::StatxMntId => (
                "statx_mnt_id",
                "5.8",
                Weaker("mount ids from fdinfo: slower, and without openat2 easier to forge"),
                SECCOMP,
            ),
            Self::ProcSubsetPid => (
                "proc_subset_pid",
                "5.8",
                Weaker("no shared root: every handle is made anew, and global files are visible through it"),
                NEWER,
            ),
            Self::PidfdOpen => (
                "pidfd_open",
                "5.3",
                Weaker(
                    "a process is held by its directory in /proc: pidfd is -1, waiting looks every 50 ms and mostly \
                     misses the exit; children that we start get their pidfd from clone",
                ),
                SECCOMP,
            ),
            Self::PidfdSendSignal => (
                "pidfd_send_signal",
                "5.1",
                Weaker(
                    "kill, right after a look whether the process still exists: safe for our children; for others \
                     there is a moment in between",
                ),
                SECCOMP,
            ),
            Self::PidfdWaitid => (
                "pidfd_waitid",
                "5.4",
                Weaker("children are reaped by number, which is their own until then"),
                SECCOMP,
            ),
            Self::PidfdInfo => {
                ("pidfd_info", "6.13", Weaker("/proc/<pid>/status, checked against the handle"), NEWER)
            }
            Self::PidfdExitInfo => (
                "pidfd_exit_info",
                "6.15",
                Weaker(
                    "the exit of a process that is not our child is read from its zombie, by who may trace it and if it \
                     is there long enough; else it is 'unknown'",
                ),
                NEWER,
            ),
            Self::PidfdProcessGroupSignal => {
                ("pidfd_process_group_signal", "6.9", Nothing("signals to process groups are refused"), NEWER)
            }
            Self::PidfdGetfd => {
                ("pidfd_getfd", "5.6", Nothing("descriptors of others cannot be had"), SECCOMP)
            }
            Self::ProcessMrelease => {
                ("process_mrelease", "5.15", Weaker("the kernel frees the memory in its own time"), SECCOMP)
            }
            Self::Clone3 => (
                "clone3",
                "5.3",
                Weaker("clone with a pidfd: no birth inside a control group, no time namespaces"),
                "use a newer container runtime: old seccomp profiles answer EPERM or ENOSYS",
            ),
            Self::CloneIntoCgroup => (
                "clone_into_cgroup",
                "5.7",
                Weaker("the child moves itself before it runs the program: about 10 ms slower"),
                NEWER,
            ),
            Self::CloseRange => ("close_range", "5.9", Weaker("descriptors are closed one by one"), SECCOMP),
            Self::UserNamespaces => (
                "user_namespaces",
                "3.8",
                Nothing("namespaces need CAP_SYS_ADMIN"),
                "sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, or AppArmor's restriction",
            ),
            Self::CgroupV1Freezer => (
                "cgroup_v1_freezer",
                "2.6.28",
                Weaker("groups of version 2 freeze without a controller"),
                "mount the freezer controller, if version 2 is not there either",
            ),
            Self::CgroupV2 => (
                "cgroup_v2",
                "4.5",
                Weaker("groups of the version 1 freezer are frozen and ended"),
                "mount cgroup2",
            ),
            Self::CgroupV2Freeze => {
                ("cgroup_v2_freeze", "5.2", Weaker("groups of the version 1 freezer are frozen"), NEWER)
            }
            Self::CgroupV2Kill => {
                ("cgroup_v2_kill", "5.14", Weaker("members are frozen, held and killed one by one"), NEWER)
            }
            Self::CgroupV2Write => (
                "cgroup_v2_write",
                "4.5",
                Nothing("groups can be read, not made"),
                "run as root, or in a delegated scope: systemd-run --user --scope -p Delegate=yes",
            ),
            Self::SystemdSystem => (
                "systemd_system",
                "205",
                Weaker("groups are made without systemd"),
                "run on a host that was booted with systemd",
            ),
            Self::SystemdUser => (
                "systemd_user",
                "206",
                Nothing("an unprivileged user has no group of its own"),
                "log in through a session, or loginctl enable-linger",
            ),
        };
        Row { name, since, fallback, fix }
    }
}
