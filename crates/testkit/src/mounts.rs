//! A mount namespace for one closure, and the two mounts that hostile tests are made of.
#![expect(unsafe_code, reason = "unshare(2) is unsafe in rustix, because it can split the descriptor table")]

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Runs `body` on a thread of its own, in a mount namespace of its own that nothing leaks out of, and returns
/// what it returned. A panic in `body` continues in the caller.
///
/// Only that thread is in the namespace: look at it through `/proc/thread-self`, not `/proc/self`. Programs that
/// `body` starts are in it too, and it lasts as long as they do.
///
/// # Panics
/// When the namespace cannot be made: say `require!(mounts)` first.
pub fn in_private_mounts<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    let title = thread::current().name().unwrap_or("private mounts").to_owned();
    let outcome = thread::scope(|scope| {
        let enter_and_run = || {
            enter_private_mounts().unwrap_or_else(|error| panic!("no private mount namespace: {error}"));
            body()
        };
        // The name travels along because `require!` reports the test by it.
        match thread::Builder::new().name(title).spawn_scoped(scope, enter_and_run) {
            Ok(thread) => thread.join(),
            Err(error) => panic!("no thread for a private mount namespace: {error}"),
        }
    });
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Puts the calling thread, for the rest of its life, into a mount namespace of its own.
pub(crate) fn enter_private_mounts() -> io::Result<()> {
    // SAFETY: unshare asks that no thread comes to see another's descriptors in a table that was split off. Only
    // the mount namespace (and with it root and working directory) is unshared; the descriptor table stays shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    // A new namespace is still a peer of the old one: without this, each mount below would appear there as well.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    Ok(())
}

/// Mounts `source` over `target`, as `mount --bind` does.
///
/// # Panics
/// When the kernel refuses.
pub fn bind(source: impl AsRef<Path>, target: impl AsRef<Path>) {
    let (source, target) = (source.as_ref(), target.as_ref());
    mount_bind(source, target)
        .unwrap_or_else(|error| panic!("mount --bind {} {}: {error}", source.display(), target.display()));
}

/// Mounts an empty tmpfs over `target`.
///
/// # Panics
/// When the kernel refuses.
pub fn mount_tmpfs(target: impl AsRef<Path>) {
    let target = target.as_ref();
    mount("tmpfs", target, "tmpfs", MountFlags::NODEV | MountFlags::NOSUID, None)
        .unwrap_or_else(|error| panic!("mount -t tmpfs {}: {error}", target.display()));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_mount_inside_is_not_seen_outside() {
        crate::require!(mounts);
        let inside = in_private_mounts(|| {
            mount_tmpfs("/tmp");
            fs::read_to_string("/proc/thread-self/mountinfo").unwrap()
        });
        let outside = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        assert_eq!(tmpfs_on_tmp(&inside), tmpfs_on_tmp(&outside) + 1);
    }

    fn tmpfs_on_tmp(mountinfo: &str) -> usize {
        mountinfo.lines().filter(|line| line.contains(" /tmp ") && line.contains(" - tmpfs ")).count()
    }

    #[test]
    fn a_panic_inside_continues_outside() {
        crate::require!(mounts);
        let panic = catch_unwind(|| in_private_mounts(|| panic!("from inside"))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"from inside"));
    }
}
