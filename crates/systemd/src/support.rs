//! Which managers are there, by the files they leave; these are the documented signs, and each is a path.

use std::env;
use std::path::{Path, PathBuf};

use kernel::{Errno, Feature, Finding};
use rustix::fs::{FileType, stat};

/// Observes a feature of systemd; `None` for any other feature.
///
/// The system manager is there when /run/systemd/system is a directory, as `sd_booted(3)` defines it. A user
/// manager is there when its private socket is, below `$XDG_RUNTIME_DIR` or below `/run/user/<uid>`.
#[must_use]
pub fn support(feature: Feature) -> Option<Finding> {
    match feature {
        Feature::SystemdSystem => Some(look(&[PathBuf::from("/run/systemd/system")], FileType::Directory)),
        Feature::SystemdUser => Some(look(&user_sockets(), FileType::Socket)),
        _ => None,
    }
}

fn user_sockets() -> Vec<PathBuf> {
    let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|directory| directory.is_absolute());
    let usual = Path::new("/run/user").join(rustix::process::geteuid().as_raw().to_string());
    given.into_iter().chain([usual]).map(|directory| directory.join("systemd/private")).collect()
}

/// Present when one of the paths is of that type; else what the first one is instead.
fn look(paths: &[PathBuf], wanted: FileType) -> Finding {
    let mut first = None;
    for path in paths {
        let finding = match stat(path) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == wanted => return Finding::PRESENT,
            Ok(_) => Finding::absent(Errno::NOENT, format!("{} is something else", path.display())),
            Err(errno @ (Errno::NOENT | Errno::NOTDIR)) => {
                Finding::absent(errno, format!("{} does not exist", path.display()))
            }
            // Nobody else's runtime directory may be looked into.
            Err(errno) => {
                let name = kernel::errno::name(errno);
                Finding::refused(errno, format!("{} cannot be looked at ({name})", path.display()))
            }
        };
        first.get_or_insert(finding);
    }
    first.unwrap_or(Finding::absent(Errno::NOENT, "there is no place to look in"))
}

#[cfg(test)]
mod tests {
    use kernel::Support;

    use super::*;

    #[test]
    fn a_directory_is_no_socket_and_what_is_missing_is_named() {
        let root = [PathBuf::from("/proc")];
        assert_eq!(look(&root, FileType::Directory), Finding::PRESENT);
        assert_eq!(look(&root, FileType::Socket).reason.as_deref(), Some("/proc is something else"));
        let missing = [PathBuf::from("/proc/none"), PathBuf::from("/proc")];
        assert_eq!(look(&missing, FileType::Socket).reason.as_deref(), Some("/proc/none does not exist"));
        assert_eq!(look(&missing, FileType::Directory).support, Support::Present);
    }

    #[test]
    fn only_features_of_systemd_are_answered() {
        assert!(support(Feature::SystemdSystem).is_some());
        assert!(support(Feature::SystemdUser).is_some());
        assert!(support(Feature::CgroupV2).is_none());
    }

    #[test]
    fn a_booted_system_manager_is_found() {
        testkit::require!(systemd);
        assert_eq!(support(Feature::SystemdSystem).map(|found| found.support), Some(Support::Present));
    }
}
