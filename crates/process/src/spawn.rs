//! Starting a program: the command, its descriptors, and the step from one to the other.

mod collect;
mod command;
mod namespaces;
mod replace;
mod search;
mod stdio;

use std::ffi::CString;
use std::os::fd::OwnedFd;

use kernel::fork::{self, Engine, Plan, ResourceLimit, Stage};
use kernel::limits::Limit;
use kernel::{Capabilities, Errno, Error, Kind, Result};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::thread::{CapabilitySet, capability_is_in_bounding_set};

use crate::child::{Starting, Subject};
use crate::handle::Process;
use crate::limits;
pub use collect::{Bounds, Collected};
pub use command::Command;
pub use namespaces::{IdMap, Namespaces, UserNamespace};
pub use replace::replace;
pub use stdio::{Stdio, pipe};

/// Starts a program. Returns as soon as the child exists; [`Starting`] tells whether it became the program.
///
/// The child is created on the calling thread and inherits what belongs to that thread: credentials, landlock rules,
/// `no_new_privs`, processors. The call takes some 50 µs whatever the size of this process.
///
/// # Errors
/// [`Kind::SpawnFailed`] with the stage; [`Kind::InvalidArgument`] for what can never be executed: a null byte, an
/// environment name that is empty or contains `=`, options that exclude each other; [`Kind::Unsupported`] before 5.4.
pub fn spawn(command: Command) -> Result<Starting> {
    spawn_with(command, Engine::choose(Capabilities::here()))
}

/// The same in a chosen way.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_with(command: Command, engine: Engine) -> Result<Starting> {
    command.check()?;
    let (born, unshared) = command.namespaces_by_time();
    let subject = Subject {
        program: command.program,
        directory: command.directory.clone(),
        root: command.root.clone(),
    };
    let (maps, own_maps) = match command.user_namespace {
        Some(maps) if unshared.has(Namespaces::USER) => (None, own_maps(&maps)?),
        maps => (maps, Vec::new()),
    };
    let writes_about_itself = !own_maps.is_empty() || command.oom_score_adjust.is_some();
    let stdio::Provided { descriptors, null, ours } = stdio::provide(command.stdio)?;
    let plan = Plan {
        programs: search::candidates(&subject.program, &command.environment)?,
        arguments: command.argv,
        environment: command.environment,
        descriptors,
        null,
        session: command.session,
        process_group: command.process_group,
        foreground: command.foreground,
        controlling_terminal: command.controlling_terminal,
        detach_terminal: command.detach_terminal,
        ignored_signals: set(&command.ignored_signals),
        namespaces: born.flags(),
        held_back: maps.is_some(),
        entered: entered(command.entered)?,
        unshared: unshared.flags(),
        own_maps,
        procfs: writes_about_itself.then(procfs_root).transpose()?,
        root: command.root.map(string).transpose()?,
        directory: command.directory.map(string).transpose()?,
        resource_limits: command.resource_limits.iter().map(complete).collect::<Result<_>>()?,
        umask: command.umask,
        niceness: command.niceness,
        processors: command.processors,
        oom_score_adjust: command.oom_score_adjust,
        cgroups: command.cgroups,
        credentials: command.credentials,
        parent_death_signal: command.parent_death_signal,
        no_new_privileges: command.no_new_privileges,
        dropped_capabilities: known(command.dropped_capabilities)?,
        ambient_capabilities: command.ambient_capabilities,
        landlock: command.landlock,
        seccomp: command.seccomp.map(|filter| instructions(&filter)),
    };
    let mut newborn = fork::start(engine, plan).map_err(|failure| subject.error(failure))?;
    let release = newborn.release.take();
    let starting = Starting::new(newborn, subject, ours);
    if let (Some(maps), Some(release)) = (maps, release) {
        let given = maps.give(starting.child().process(), &release);
        drop(release);
        if let Err(error) = given {
            // Not released, it ends at once; what it says about that is less than what we know.
            let _cancelled = starting.started_blocking();
            return Err(namespaces::unmapped(error));
        }
    }
    Ok(starting)
}

fn own_maps(maps: &UserNamespace) -> Result<Vec<(CString, CString)>> {
    let files = maps.files().map(|(file, text)| [format!("self/{file}"), text].map(String::into_bytes));
    files.map(|[file, text]| Ok((string(file)?, string(text)?))).collect()
}

fn procfs_root() -> Result<OwnedFd> {
    procfs::shared()?.open_file(&procfs::Base::Root, b"", procfs::How::PATH.directory())
}

fn entered(list: Vec<(Process, Namespaces)>) -> Result<Vec<(OwnedFd, u64)>> {
    list.into_iter()
        .map(|(process, namespaces)| {
            let copy = fcntl_dupfd_cloexec(process.pidfd()?, 0);
            let refuse = |errno| failed(Stage::Unshare, "fcntl(F_DUPFD_CLOEXEC)", errno).pid(process.pid());
            Ok((copy.map_err(refuse)?, namespaces.flags()))
        })
        .collect()
}

/// Of these capabilities those that this kernel knows: it refuses to drop others.
fn known(asked: u64) -> Result<u64> {
    let mut known = 0;
    for bit in (0..u64::BITS).map(|number| 1_u64 << number).filter(|bit| asked & bit != 0) {
        match capability_is_in_bounding_set(CapabilitySet::from_bits_retain(bit)) {
            Ok(_) => known |= bit,
            Err(Errno::INVAL) => {}
            Err(errno) => return Err(failed(Stage::Capabilities, "prctl(PR_CAPBSET_READ)", errno)),
        }
    }
    Ok(known)
}

fn instructions(filter: &[u8]) -> Vec<u64> {
    filter.as_chunks::<8>().0.iter().map(|instruction| u64::from_ne_bytes(*instruction)).collect()
}

/// As the kernel's sets: signal 1 is the lowest bit.
fn set(signals: &[i32]) -> u64 {
    signals.iter().fold(0, |set, signal| set | 1_u64.rotate_left(signal.saturating_sub(1).cast_unsigned()))
}

/// A half that was not given stays what it is; the kernel takes both or none.
fn complete(asked: &command::PartialLimit) -> Result<ResourceLimit> {
    let Limit { soft, hard } = limits::own(asked.resource, asked.soft, asked.hard)?;
    Ok(ResourceLimit { resource: asked.resource as u32, soft, hard })
}

fn string(bytes: Vec<u8>) -> Result<CString> {
    CString::new(bytes).map_err(|error| fork::null_byte(&error.into_vec()))
}

/// A failure of our own before the child exists.
fn failed(stage: Stage, op: &'static str, errno: Errno) -> Error {
    Error::os(op, errno).kind_is(Kind::SpawnFailed).stage(stage.name())
}
