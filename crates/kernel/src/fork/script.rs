//! The plan as a list of system calls, written before the child exists: the child only performs it.
//!
//! Every number, address and decision is fixed here, by safe code in the parent. The order is the whole point and
//! stands in [`Script::write`]; a further option is a further line there.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use libc::c_long;
use rustix::fs::{Mode, OFlags, fstatfs, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use super::clone::Strategy;
use super::killed;
use super::plan::Plan;
use super::status::{Failure, Stage};
use super::strings::Strings;
use super::{Closing, Engine};

const CLONE_NEWNS: u64 = 0x2_0000;

/// One step of the child: what to do, and what to say if it fails.
#[derive(Debug)]
pub(super) struct Step {
    pub stage: Stage,
    pub index: u32,
    pub op: Op,
}

/// What a step does. Addresses are those of memory that the [`Script`] owns.
#[derive(Debug)]
pub(super) enum Op {
    /// A system call that must succeed.
    Call { number: c_long, arguments: [usize; 6] },
    /// A system call whose failure means that there was nothing to do.
    Try { number: c_long, arguments: [usize; 6] },
    /// Every signal to its default, those in the set to ignored.
    ResetSignals { ignored: u64 },
    /// Ends the child if its parent has ended: then this is a handle that is readable, or a pipe without a reader.
    EndUnlessAlive { parent: RawFd },
    /// Opens this file, as a descriptor that is numbered `least` or above, for [`Op::Give`].
    Open { path: usize, least: RawFd },
    /// Makes what was opened this descriptor.
    Give { target: usize },
    /// Waits for a byte on the first of these two ends, after closing the second.
    Await { pipe: [RawFd; 2] },
    /// Makes its process group the terminal's foreground.
    Foreground { terminal: RawFd },
    /// Writes a file of its own below this root of a procfs, where nothing is mounted over it.
    WriteOwn { procfs: RawFd, path: usize, data: usize, length: usize },
    /// Closes every descriptor from `first` on except `spare`, one by one.
    CloseOneByOne { first: RawFd, spare: RawFd },
    /// Executes the first candidate that can be.
    Exec { candidates: Vec<usize>, arguments: usize, environment: usize },
}

/// What the child reads.
#[derive(Debug)]
pub(super) struct Orders {
    pub steps: Vec<Step>,
    /// Where it reports the step that failed; closes when it executes the program.
    pub status: RawFd,
}

/// The orders and all the memory they point into. Moving it moves none of that memory: all of it is on the heap.
#[derive(Debug)]
pub(super) struct Script {
    pub orders: Box<Orders>,
    strings: Vec<CString>,
    lists: Vec<Strings>,
    words: Vec<Box<[u64]>>,
    groups: Vec<u32>,
}

/// Descriptors that must stay open until the child has its own copy of the table.
#[derive(Debug)]
pub(super) struct Given {
    kept: Vec<OwnedFd>,
    /// Those that become its own.
    sources: Vec<Arc<OwnedFd>>,
    /// The group that clone3 puts the child into.
    pub born_in: Option<OwnedFd>,
    /// What releases a child that is held back.
    pub release: Option<OwnedFd>,
}

impl Script {
    /// Writes the steps in the order in which each is still permitted and not yet undone by another.
    ///
    /// `status` is numbered above the child's descriptors (see [`above`]), so that giving the child its own does
    /// not overwrite it.
    pub(super) fn write(engine: Engine, mut plan: Plan, status: RawFd) -> Result<(Self, Given), Failure> {
        let orders = Box::new(Orders { steps: Vec::new(), status });
        let mut script =
            Self { orders, strings: Vec::new(), lists: Vec::new(), words: Vec::new(), groups: Vec::new() };
        let mut given = Given { kept: Vec::new(), sources: Vec::new(), born_in: None, release: None };
        script.surroundings(engine, &mut plan, &mut given)?;
        script.rights(&mut plan);
        script.restrictions(engine, &mut plan, &mut given)?;
        script.exec(plan.programs, plan.arguments, plan.environment);
        Ok((script, given))
    }

    /// First what is around it: group, session, terminal, namespaces, root.
    fn surroundings(&mut self, engine: Engine, plan: &mut Plan, given: &mut Given) -> Result<(), Failure> {
        // Or the change of user id takes them before they are made ambient.
        if plan.ambient_capabilities != 0 && plan.credentials.is_some() {
            self.call(Stage::Capabilities, libc::SYS_prctl, &[option(libc::PR_SET_KEEPCAPS), 1, 0, 0, 0]);
        }
        if !plan.null.is_empty() {
            let least = count(&plan.descriptors)?;
            let path = self.string(c"/dev/null".to_owned());
            self.step(Stage::Descriptors, Failure::NULL_DEVICE, Op::Open { path, least });
        }
        if plan.held_back {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(failure(Stage::IdMap))?;
            self.step(Stage::IdMap, 0, Op::Await { pipe: [read.as_raw_fd(), write.as_raw_fd()] });
            given.kept.push(read);
            given.release = Some(write);
        }
        // As near to birth as can be; a control group namespace, for one, begins at the group it is in.
        for (index, group) in (0_u32..).zip(plan.cgroups.drain(..)) {
            self.join(engine, index, group, given)?;
        }
        // While signals are still blocked, so that job control cannot stop the child half-way.
        if plan.session {
            self.call(Stage::Session, libc::SYS_setsid, &[]);
        }
        if let Some(group) = plan.process_group {
            self.call(Stage::ProcessGroup, libc::SYS_setpgid, &[0, signed(group)]);
        }
        if let Some(terminal) = plan.foreground.take() {
            self.step(Stage::Terminal, 0, Op::Foreground { terminal: terminal.as_raw_fd() });
            given.kept.push(terminal);
        }
        let procfs = plan.procfs.take();
        let its_proc = procfs.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        given.kept.extend(procfs);
        self.step(Stage::Signals, 0, Op::ResetSignals { ignored: plan.ignored_signals });
        for (index, (process, namespaces)) in (0_u32..).zip(plan.entered.drain(..)) {
            let arguments = [number(process.as_fd()), flags(namespaces)];
            self.indexed(Stage::Unshare, index, libc::SYS_setns, &arguments);
            given.kept.push(process);
        }
        if plan.unshared != 0 {
            self.call(Stage::Unshare, libc::SYS_unshare, &[flags(plan.unshared)]);
        }
        for (index, (file, content)) in (0_u32..).zip(plan.own_maps.drain(..)) {
            self.write_own(Stage::IdMap, index, its_proc, file, content);
        }
        // While /proc is the one that was opened, and before the rights to lower it are given up.
        if let Some(score) = plan.oom_score_adjust {
            let content = CString::new(score.to_string()).unwrap_or_default();
            self.write_own(Stage::OomScore, 0, its_proc, c"self/oom_score_adj".to_owned(), content);
        }
        if (plan.namespaces | plan.unshared) & CLONE_NEWNS != 0 {
            // Most hosts share / with all that is copied from it: what the child mounts would appear there.
            let (none, top) = (self.string(c"none".to_owned()), self.string(c"/".to_owned()));
            let private = flags(libc::MS_REC | libc::MS_PRIVATE);
            self.call(Stage::Mounts, libc::SYS_mount, &[none, top, 0, private, 0]);
        }
        if let Some(root) = plan.root.take() {
            let root = self.string(root);
            self.call(Stage::Root, libc::SYS_chroot, &[root]);
            // A working directory outside of the new root would be a way out of it.
            let top = self.string(c"/".to_owned());
            self.call(Stage::Root, libc::SYS_chdir, &[top]);
        }
        Ok(())
    }

    /// Then what it may use, while it has the rights of its parent; and then whose rights it has.
    fn rights(&mut self, plan: &mut Plan) {
        for limit in plan.resource_limits.drain(..) {
            let pair = self.words(Box::new([limit.soft, limit.hard]));
            let arguments = [0, limit.resource as usize, pair, 0];
            self.indexed(Stage::ResourceLimits, limit.resource, libc::SYS_prlimit64, &arguments);
        }
        if let Some(niceness) = plan.niceness {
            self.call(Stage::Scheduling, libc::SYS_setpriority, &[0, 0, signed(niceness)]);
        }
        if !plan.processors.is_empty() {
            let processors = std::mem::take(&mut plan.processors);
            let bytes = processors.len().wrapping_mul(size_of::<u64>());
            let set = self.words(processors.into_boxed_slice());
            self.indexed(Stage::Scheduling, 1, libc::SYS_sched_setaffinity, &[0, bytes, set]);
        }
        if let Some(umask) = plan.umask {
            // It cannot fail: it answers with the mask before.
            self.call(Stage::Descriptors, libc::SYS_umask, &[umask as usize]);
        }
        // What is to be ambient has to stay in the bounding set.
        for capability in bits(plan.dropped_capabilities & !plan.ambient_capabilities) {
            let arguments = [option(libc::PR_CAPBSET_DROP), capability as usize, 0, 0, 0];
            self.indexed(Stage::Capabilities, capability, libc::SYS_prctl, &arguments);
        }
        // Groups first, the user last: without the old user id the others can no longer be changed.
        if let Some(credentials) = plan.credentials.take() {
            if let Some(groups) = credentials.groups {
                self.groups = groups;
                let (count, list) = (self.groups.len(), self.groups.as_ptr().expose_provenance());
                self.call(Stage::Groups, libc::SYS_setgroups, &[count, list]);
            }
            let (gid, uid) = (credentials.gid as usize, credentials.uid as usize);
            self.call(Stage::Gid, libc::SYS_setresgid, &[gid, gid, gid]);
            self.call(Stage::Uid, libc::SYS_setresuid, &[uid, uid, uid]);
        }
        // With the new rights: a directory that the user may not enter is refused here, not discovered later.
        if let Some(directory) = plan.directory.take() {
            let directory = self.string(directory);
            self.call(Stage::Cwd, libc::SYS_chdir, &[directory]);
        }
    }

    /// Last what would be undone by a change of credentials, or would be in the way of anything before.
    fn restrictions(&mut self, engine: Engine, plan: &mut Plan, given: &mut Given) -> Result<(), Failure> {
        // A change of credentials clears it.
        if let Some(signal) = plan.parent_death_signal {
            let arguments = [option(libc::PR_SET_PDEATHSIG), signed(signal), 0, 0, 0];
            self.call(Stage::ParentDeathSignal, libc::SYS_prctl, &arguments);
            let parent = match pidfd_open(getpid(), PidfdFlags::empty()) {
                Ok(us) => {
                    let parent = us.as_raw_fd();
                    given.kept.push(us);
                    parent
                }
                // The reader of the status pipe is our parent. Weaker: an unrelated fork in it may hold a copy.
                Err(Errno::NOSYS | Errno::PERM) => self.orders.status,
                Err(errno) => return Err(failure(Stage::ParentDeathSignal)(errno)),
            };
            self.step(Stage::ParentDeathSignal, 1, Op::EndUnlessAlive { parent });
        }
        // Landlock and seccomp demand it of a child without CAP_SYS_ADMIN.
        if plan.no_new_privileges {
            let arguments = [option(libc::PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0];
            self.call(Stage::NoNewPrivileges, libc::SYS_prctl, &arguments);
        }
        if let Some(ruleset) = plan.landlock.take() {
            self.call(Stage::Landlock, libc::SYS_landlock_restrict_self, &[number(ruleset.as_fd()), 0]);
            given.kept.push(ruleset);
        }
        self.descriptors(engine, std::mem::take(&mut plan.descriptors), &plan.null, given)?;
        if plan.detach_terminal {
            self.call(Stage::Terminal, libc::SYS_ioctl, &[0, ioctl(libc::TIOCNOTTY), 0]);
        }
        if let Some(terminal) = plan.controlling_terminal {
            self.call(Stage::Terminal, libc::SYS_ioctl, &[terminal as usize, ioctl(libc::TIOCSCTTY), 0]);
        }
        self.ambient(plan.ambient_capabilities);
        // No handler is left that could run in our memory.
        let none = self.words(Box::new([0]));
        let arguments = [option(libc::SIG_SETMASK), none, 0, size_of::<u64>()];
        self.call(Stage::Signals, libc::SYS_rt_sigprocmask, &arguments);
        // A filter has to let nothing pass but what the program itself needs.
        if let Some(filter) = plan.seccomp.take() {
            const SET_MODE_FILTER: usize = 1;
            let length = filter.len() as u64;
            let instructions = self.words(filter.into_boxed_slice());
            // `struct sock_fprog`: a length of 16 bits, padding, a pointer. Both targets are little-endian.
            let program = self.words(Box::new([length, instructions as u64]));
            self.call(Stage::Seccomp, libc::SYS_seccomp, &[SET_MODE_FILTER, 0, program]);
        }
        Ok(())
    }

    /// Makes these capabilities permitted, inheritable and ambient, and drops all others: of those, execve gives a
    /// program nothing back, unless it is root's, and then by the bounding set.
    fn ambient(&mut self, capabilities: u64) {
        /// `_LINUX_CAPABILITY_VERSION_3`; then the id of the process, 0 for the caller.
        const HEADER: u64 = 0x2008_0522;
        const RAISE: usize = 2;
        if capabilities == 0 {
            return;
        }
        let (low, high) = (capabilities & u64::from(u32::MAX), capabilities >> 32);
        // Effective, permitted and inheritable of the lower 32 capabilities, then of the upper, four bytes each.
        let sets = Box::new([low | low << 32, low | high << 32, high | high << 32]);
        let (header, sets) = (self.words(Box::new([HEADER])), self.words(sets));
        self.call(Stage::Capabilities, libc::SYS_capset, &[header, sets]);
        for capability in bits(capabilities) {
            let arguments = [option(libc::PR_CAP_AMBIENT), RAISE, capability as usize, 0, 0];
            self.indexed(Stage::Capabilities, capability, libc::SYS_prctl, &arguments);
        }
    }

    /// Version 2 groups are joined at birth, where clone3 can and what is born there lives; all others by writing 0, which
    /// means the writer. The file is opened here: the kernel checks the permission of who opened it.
    fn join(&mut self, engine: Engine, index: u32, group: OwnedFd, given: &mut Given) -> Result<(), Failure> {
        const CGROUP2_SUPER_MAGIC: u64 = 0x6367_7270;
        let refuse = |errno| Failure { stage: Stage::Cgroup, index, errno };
        let version2 = fstatfs(&group).map_err(refuse)?.f_type.cast_unsigned() == CGROUP2_SUPER_MAGIC;
        let at_birth = version2 && engine.strategy == Strategy::Clone3 && given.born_in.is_none();
        if at_birth && !killed::was_killed(group.as_fd()) {
            given.born_in = Some(group);
            return Ok(());
        }
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let members = openat(&group, c"cgroup.procs", flags, Mode::empty()).map_err(refuse)?;
        let writer = self.string(c"0".to_owned());
        self.indexed(Stage::Cgroup, index, libc::SYS_write, &[number(members.as_fd()), writer, 1]);
        given.kept.push(members);
        Ok(())
    }

    /// Every source is numbered above every target, so no order of duplicating can overwrite one that is still
    /// needed, and each duplicate is a new descriptor, without close-on-exec. What was not given is closed at once:
    /// close-on-exec protects only against those who always remember it.
    fn descriptors(
        &mut self,
        engine: Engine,
        list: Vec<Option<Arc<OwnedFd>>>,
        null: &[u32],
        given: &mut Given,
    ) -> Result<(), Failure> {
        let count = count(&list)?;
        for (index, source) in (0_u32..).zip(list) {
            let target = index as usize;
            let Some(source) = source else {
                let close = Op::Try { number: libc::SYS_close, arguments: padded(&[target]) };
                let op = if null.contains(&index) { Op::Give { target } } else { close };
                self.step(Stage::Descriptors, index, op);
                continue;
            };
            let source = if source.as_raw_fd() < count {
                let copy = fcntl_dupfd_cloexec(&source, count);
                Arc::new(copy.map_err(|errno| Failure { stage: Stage::Descriptors, index, errno })?)
            } else {
                source
            };
            let arguments = [number(source.as_fd().as_fd()), target, 0];
            self.indexed(Stage::Descriptors, index, libc::SYS_dup3, &arguments);
            given.sources.push(source);
        }
        let status = self.orders.status;
        match engine.closing {
            Closing::Range => {
                let end = RawFd::MAX.cast_unsigned() as usize;
                let (first, spare) = (signed(count), signed(status));
                if status > count {
                    self.call(Stage::Descriptors, libc::SYS_close_range, &[first, spare.wrapping_sub(1), 0]);
                }
                self.call(Stage::Descriptors, libc::SYS_close_range, &[spare.wrapping_add(1), end, 0]);
            }
            Closing::OneByOne => {
                self.step(Stage::Descriptors, 0, Op::CloseOneByOne { first: count, spare: status });
            }
        }
        Ok(())
    }

    fn exec(&mut self, programs: Strings, arguments: Strings, environment: Strings) {
        let candidates = programs.addresses().collect();
        self.lists.push(programs);
        let arguments = self.pointers(arguments);
        let environment = self.pointers(environment);
        self.step(Stage::Exec, 0, Op::Exec { candidates, arguments, environment });
    }

    fn write_own(&mut self, stage: Stage, index: u32, procfs: RawFd, path: CString, content: CString) {
        let length = content.as_bytes().len();
        let (path, data) = (self.string(path), self.string(content));
        self.step(stage, index, Op::WriteOwn { procfs, path, data, length });
    }

    fn step(&mut self, stage: Stage, index: u32, op: Op) {
        self.orders.steps.push(Step { stage, index, op });
    }

    fn call(&mut self, stage: Stage, number: c_long, arguments: &[usize]) {
        self.indexed(stage, 0, number, arguments);
    }

    fn indexed(&mut self, stage: Stage, index: u32, number: c_long, arguments: &[usize]) {
        self.step(stage, index, Op::Call { number, arguments: padded(arguments) });
    }

    /// Keeps a string, and returns its address.
    fn string(&mut self, string: CString) -> usize {
        let address = string.as_ptr().expose_provenance();
        self.strings.push(string);
        address
    }

    /// Keeps words, and returns their address.
    fn words(&mut self, words: Box<[u64]>) -> usize {
        let address = words.as_ptr().expose_provenance();
        self.words.push(words);
        address
    }

    /// Keeps strings and the null-terminated array of their addresses, and returns the address of the array. A word
    /// is a pointer here: only 64-bit targets are supported.
    fn pointers(&mut self, strings: Strings) -> usize {
        let array = strings.addresses().map(|address| address as u64).chain(std::iter::once(0)).collect();
        self.lists.push(strings);
        self.words(array)
    }
}

fn count(descriptors: &[Option<Arc<OwnedFd>>]) -> Result<RawFd, Failure> {
    RawFd::try_from(descriptors.len()).map_err(|_| failure(Stage::Descriptors)(Errno::MFILE))
}

/// The same file under a number of `least` or more; the descriptor itself where it already has one.
pub(super) fn above(fd: OwnedFd, least: RawFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() >= least { Ok(fd) } else { fcntl_dupfd_cloexec(&fd, least) }
}

/// The numbers of the bits that are set.
fn bits(set: u64) -> impl Iterator<Item = u32> {
    (0..u64::BITS).filter(move |bit| set >> bit & 1 == 1)
}

/// A choice among a call's operations, which C passes as an int.
fn option(value: i32) -> usize {
    signed(value)
}

/// A bit set in a register.
#[expect(clippy::cast_possible_truncation, reason = "only 64-bit targets are supported")]
fn flags(value: u64) -> usize {
    value as usize
}

fn padded(arguments: &[usize]) -> [usize; 6] {
    let mut all = [0; 6];
    for (slot, argument) in all.iter_mut().zip(arguments) {
        *slot = *argument;
    }
    all
}

fn number(fd: BorrowedFd<'_>) -> usize {
    signed(fd.as_raw_fd())
}

/// A C int in a register: the kernel reads the lower half.
fn signed(value: i32) -> usize {
    value.cast_unsigned() as usize
}

/// The type of an ioctl's number differs between C libraries; the value does not.
fn ioctl(request: impl Into<i128>) -> usize {
    usize::try_from(request.into()).unwrap_or(usize::MAX)
}

fn failure(stage: Stage) -> impl Fn(Errno) -> Failure + Copy {
    move |errno| Failure { stage, index: 0, errno }
}
