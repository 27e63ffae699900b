//! Who is whose: the processes of an application, the application of a process, and whether a unit has it.

use std::collections::BTreeMap;
use std::path::Path;

use cgroup::{Reach, path_of, tracking_path_in};
use kernel::{Error, Kind, Result};

use crate::family::{Family, Means, freezer};

impl Family {
    /// The processes of an application by their tags: those in its groups and below, ascending. A tag without processes is
    /// left out. A snapshot: of what vanishes meanwhile nothing is said, and each may have ended since.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for what no application is called; [`Kind::Unsupported`] where the hierarchy that systemd
    /// tracks processes with is not mounted.
    pub fn pids_of(&self, application: &str) -> Result<BTreeMap<String, Vec<i32>>> {
        let mut by_tag: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        self.tracked(application, |tag, group| {
            match group.pids(Reach::Subtree) {
                Ok(pids) if !pids.is_empty() => by_tag.entry(tag.text).or_default().extend(pids),
                // Removed since it was found.
                Err(error) if error.kind() != Kind::Gone => return Err(error),
                _ => {}
            }
            Ok(())
        })?;
        for pids in by_tag.values_mut() {
            pids.sort_unstable();
            // A process may move from one of the groups to another between the looks.
            pids.dedup();
        }
        Ok(by_tag)
    }

    /// The application that a process belongs to: by where systemd tracks it, else in version 1 by the freezer's group.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when there is no such process, or it belongs to none; those of procfs.
    pub fn name_of(&self, pid: i32) -> Result<String> {
        let tracked = tracking_path_in(pid, self.version()).and_then(|path| self.below_top(&path));
        if let Ok(path) = &tracked
            && let Some(owner) = self.scheme.owner_of(path)
        {
            return Ok(owner.tag.application);
        }
        let nobodys = || {
            let why = format!("the process belongs to no application of the family {}:", self.scheme.name);
            Error::new(Kind::NotFound, "read", why).pid(pid)
        };
        let Means::Freezer(root) = &self.means else { return tracked.and_then(|_| Err(nobodys())) };
        let path = root.below(&path_of(pid, &freezer())?)?;
        self.by_freezer(&path).ok_or_else(nobodys)
    }

    /// Succeeds when systemd runs a process as the service of a tag.
    ///
    /// # Errors
    /// [`Kind::CannotTrack`] when it is anywhere else, or systemd does not track it; [`Kind::InvalidArgument`] for what is no tag;
    /// [`Kind::NotFound`] when there is no such process.
    pub fn confirm_service(&self, tag: &str, pid: i32) -> Result<()> {
        let unit = format!("{}.service", self.scheme.unit_of(tag)?);
        let elsewhere = |place: &str| {
            Error::new(Kind::CannotTrack, "read", format!("{place}, and not in {unit}:")).pid(pid)
        };
        let path = match tracking_path_in(pid, self.version()) {
            Ok(path) => path,
            Err(error) if error.kind() == Kind::NotFound && error.errno().is_none() => {
                return Err(elsewhere("systemd does not track the process"));
            }
            Err(error) => return Err(error),
        };
        if self.scheme.owner_of(&self.below_top(&path)?).is_some_and(|owner| owner.unit == unit) {
            return Ok(());
        }
        Err(elsewhere(&format!("the process is in '{}'", path.display())))
    }

    /// By the first name of a path below the top of the freezer's hierarchy.
    fn by_freezer(&self, path: &Path) -> Option<String> {
        let first = path.to_str()?.split('/').find(|name| !name.is_empty())?;
        let name = first.strip_prefix(self.scheme.freezer)?;
        (self.scheme.is_application)(name).then(|| name.to_owned())
    }
}
