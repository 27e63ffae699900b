//! The features that only a real child can answer for.

use std::os::fd::AsFd;
use std::sync::OnceLock;

use kernel::fork::{Engine, probe_exit};
use kernel::{Capabilities, Errno, Error, Feature, Kind, Result, Support, pidfd};

const CLONE_NEWUSER: u64 = 0x1000_0000;

/// What is known of a feature: those of this crate are probed with a child that exits at once and that nobody
/// notices, the first time they are asked for; all others are those of [`Capabilities`].
///
/// # Errors
/// A passing condition (`EAGAIN`, `ENOMEM`, `EMFILE`), from which nothing was learnt; it is not remembered.
pub fn support(feature: Feature) -> Result<Support> {
    static EXIT_INFO: OnceLock<Support> = OnceLock::new();
    static USER_NAMESPACES: OnceLock<Support> = OnceLock::new();
    let (known, probe): (_, fn() -> Result<Support>) = match feature {
        Feature::PidfdExitInfo => (&EXIT_INFO, exit_info),
        Feature::UserNamespaces => (&USER_NAMESPACES, user_namespaces),
        _ => return Ok(Capabilities::here().of(feature)),
    };
    if let Some(support) = known.get() {
        return Ok(*support);
    }
    let support = probe()?;
    Ok(*known.get_or_init(|| support))
}

/// Whether a process that was reaped still has an exit to tell.
fn exit_info() -> Result<Support> {
    let here = Capabilities::here();
    if let Some(errno) = here.of(Feature::PidfdInfo).errno() {
        return Ok(Support::Absent(errno));
    }
    let reaped = match probe_exit(Engine::choose(here), 0) {
        Ok(reaped) => reaped,
        Err(error) => return refused(error),
    };
    match pidfd::info(reaped.as_fd()) {
        Ok(info) if info.exit_status.is_some() => Ok(Support::Present),
        Ok(_) => Ok(Support::Absent(Errno::SRCH)),
        Err(error) if error.kind() == Kind::Gone => Ok(Support::Absent(Errno::SRCH)),
        Err(error) => Err(error),
    }
}

fn user_namespaces() -> Result<Support> {
    match probe_exit(Engine::choose(Capabilities::here()), CLONE_NEWUSER) {
        Ok(_) => Ok(Support::Present),
        // user.max_user_namespaces is 0 or reached, or namespaces are nested too deeply.
        Err(error) if error.is(Errno::NOSPC) || error.is(Errno::USERS) => {
            Ok(Support::Refused(error.errno().unwrap_or(Errno::NOSPC)))
        }
        Err(error) => refused(error),
    }
}

/// No number of clone or waitid proves presence by itself, so one that cannot be the answer stands for it.
fn refused(error: Error) -> Result<Support> {
    let answer = error.errno().unwrap_or(Errno::NOSYS);
    match answer {
        Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE => Err(error),
        Errno::PERM | Errno::ACCESS => Ok(Support::Refused(answer)),
        _ => Ok(Support::Absent(answer)),
    }
}
