//! Control groups for one test, below the root of a hierarchy, removed with everything in them on drop.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use crate::child::pause;

/// How every scratch group's name starts: nothing else is ever thawed, killed or removed.
const PREFIX: &str = "procward-test-";
/// How long a group may stay busy after everything in it was killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A fresh control group of one test.
#[derive(Debug)]
pub struct ScratchGroup {
    path: PathBuf,
    name: String,
}

impl ScratchGroup {
    /// A group in the version 2 hierarchy. `tag` makes its name readable; the name is unique anyway.
    ///
    /// # Panics
    /// When it cannot be made: say `require!(cgroup2)` first.
    #[must_use]
    pub fn v2(tag: &str) -> Self {
        Self::try_v2(tag).unwrap_or_else(|why| panic!("no scratch group: {why}"))
    }

    /// A group in the version 1 hierarchy of `controller` (`name=systemd` for a named one).
    ///
    /// # Panics
    /// When it cannot be made: say `require!(freezer1)` or the like first.
    #[must_use]
    pub fn v1(controller: &str, tag: &str) -> Self {
        Self::try_v1(controller, tag).unwrap_or_else(|why| panic!("no scratch group: {why}"))
    }

    /// The absolute path of its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its path below the root of the hierarchy, as `/proc/<pid>/cgroup` writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Moves a process into it.
    ///
    /// # Panics
    /// When the kernel refuses.
    pub fn add(&self, pid: i32) {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
            .unwrap_or_else(|error| panic!("{pid} does not go into {}: {error}", self.path.display()));
    }

    pub(crate) fn try_v2(tag: &str) -> Result<Self, String> {
        let found = hierarchies().into_iter().find(|hierarchy| hierarchy.controllers.is_empty());
        Self::below(&found.ok_or("no cgroup2 filesystem is mounted")?, tag)
    }

    pub(crate) fn try_v1(controller: &str, tag: &str) -> Result<Self, String> {
        let has = |hierarchy: &Hierarchy| hierarchy.controllers.iter().any(|name| name == controller);
        let found = hierarchies().into_iter().find(has);
        Self::below(&found.ok_or_else(|| format!("no version 1 hierarchy has {controller}"))?, tag)
    }

    fn below(hierarchy: &Hierarchy, tag: &str) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let leaf = format!("{PREFIX}{tag}-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = hierarchy.mount_point.join(&leaf);
        fs::create_dir(&path).map_err(|error| format!("mkdir {}: {error}", path.display()))?;
        Ok(Self { path, name: format!("{}/{leaf}", hierarchy.root.trim_end_matches('/')) })
    }
}

/// Thaws, kills and removes everything below. A group that cannot be removed fails the test.
impl Drop for ScratchGroup {
    fn drop(&mut self) {
        let limit = Instant::now() + PATIENCE;
        while let Err(error) = clear_and_remove(&self.path) {
            if Instant::now() > limit {
                let why = format!("scratch group {} stays: {error}", self.path.display());
                assert!(thread::panicking(), "{why}");
                let _ = io::stderr().write_all(format!("{why}\n").as_bytes());
                return;
            }
            // SIGKILL is not death: the group is busy until everything in it has exited, and version 1 announces
            // an empty group to no descriptor.
            pause();
        }
    }
}

/// One attempt; `Ok` when the directory is gone.
fn clear_and_remove(group: &Path) -> io::Result<()> {
    // From above: a group below a frozen one stays frozen, whatever its own file says.
    thaw(group);
    for child in children(group) {
        clear_and_remove(&child)?;
    }
    for pid in fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines() {
        if pid == process::id().to_string() {
            // A test moved itself in, and goes back to where the scratch group stands.
            let _ = fs::write(group.with_file_name("cgroup.procs"), pid);
        } else if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
            kill_member(group, pid);
        }
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// A number read from a group may belong to somebody else by now: the pidfd is taken first, then the group is
/// read again. Where the test took pidfds away, the number has to do.
fn kill_member(group: &Path, pid: Pid) {
    let pidfd = pidfd_open(pid, PidfdFlags::empty());
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    if members.lines().any(|line| line == pid.as_raw_nonzero().to_string()) {
        let sent = pidfd.and_then(|pidfd| pidfd_send_signal(pidfd, Signal::KILL));
        let _ = sent.or_else(|_| kill_process(pid, Signal::KILL));
    }
}

/// Both dialects; the file of the other one does not exist, and writing does not create it.
fn thaw(group: &Path) {
    for (file, value) in [("cgroup.freeze", "0"), ("freezer.state", "THAWED")] {
        if let Ok(mut file) = fs::OpenOptions::new().write(true).open(group.join(file)) {
            let _ = file.write_all(value.as_bytes());
        }
    }
}

/// Thaws the version 1 scratch group that a process is in, and those above it.
pub(crate) fn thaw_scratch_group_of(pid: u32) {
    let memberships = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let frozen_by = |line: &str| Some(line.split_once(":freezer:/")?.1.to_owned());
    let Some(name) = memberships.lines().find_map(frozen_by) else { return };
    let Some(start) = name.find(PREFIX) else { return };
    let Some(freezer) = hierarchies().into_iter().find(|h| h.controllers.iter().any(|c| c == "freezer"))
    else {
        return;
    };
    let mut group = freezer.mount_point;
    for part in name.get(start..).unwrap_or_default().split('/') {
        group.push(part);
        thaw(&group);
    }
}

fn children(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// One mounted hierarchy; without controllers it is version 2.
struct Hierarchy {
    mount_point: PathBuf,
    root: String,
    controllers: Vec<String>,
}

/// The controllers that version 1 hierarchies have here.
pub(crate) fn v1_controllers() -> Vec<String> {
    hierarchies().into_iter().flat_map(|hierarchy| hierarchy.controllers).collect()
}

fn hierarchies() -> Vec<Hierarchy> {
    let mountinfo = fs::read_to_string("/proc/thread-self/mountinfo").unwrap_or_default();
    mountinfo.lines().filter_map(hierarchy).collect()
}

/// A line of mountinfo: `38 31 0:35 ROOT MOUNT-POINT OPTIONS [TAGS…] - TYPE SOURCE SUPER-OPTIONS`.
fn hierarchy(line: &str) -> Option<Hierarchy> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, mount_point) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let controllers = match right.next()? {
        "cgroup2" => Vec::new(),
        "cgroup" => right
            .nth(1)?
            .split(',')
            .filter(|option| !["rw", "ro"].contains(option))
            .map(str::to_owned)
            .collect(),
        _ => return None,
    };
    Some(Hierarchy { mount_point: mount_point.into(), root: root.to_owned(), controllers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_goes_with_everything_in_it() {
        crate::require!(cgroup2);
        let group = ScratchGroup::v2("drop");
        let below = group.path().join("below");
        fs::create_dir(&below).unwrap();
        let mut child = crate::sleeper();
        fs::write(below.join("cgroup.procs"), child.pid().to_string()).unwrap();
        let membership = fs::read_to_string(format!("/proc/{}/cgroup", child.pid())).unwrap();
        assert!(membership.contains(&format!("0::{}/below\n", group.name())), "{membership}");
        let path = group.path().to_owned();
        drop(group);
        assert!(!path.exists());
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_frozen_child_may_be_dropped_before_its_group() {
        crate::require!(freezer1);
        let group = ScratchGroup::v1("freezer", "frozen");
        let child = crate::sleeper();
        group.add(child.pid());
        fs::write(group.path().join("freezer.state"), "FROZEN").unwrap();
        drop(child);
        drop(group);
    }

    #[test]
    fn a_hierarchy_is_read_from_its_line() {
        let v1 =
            hierarchy("37 31 0:34 /a /sys/fs/cgroup/x rw shared:9 - cgroup cgroup rw,cpu,cpuacct").unwrap();
        assert_eq!((v1.root.as_str(), v1.controllers), ("/a", vec!["cpu".to_owned(), "cpuacct".to_owned()]));
        let v2 = hierarchy("41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate").unwrap();
        assert!(v2.controllers.is_empty());
        assert!(hierarchy("27 1 254:0 / / rw - ext4 /dev/vda rw").is_none());
    }
}
