//! A naming scheme on a host: where its groups are, and finding those of an application.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cgroup::{Cgroup, Layout, Matcher, Step, Version};
use kernel::{Error, Kind, Result};

use crate::scheme::{Scheme, Tag};

/// The applications of one scheme, where they are looked for.
#[derive(Debug)]
pub struct Family {
    pub(crate) scheme: Scheme,
    pub(crate) means: Means,
    tracking: Root,
}

/// How an application is frozen.
#[derive(Debug)]
pub(crate) enum Means {
    /// Each of its groups that systemd tracks processes with: version 2.
    Groups,
    /// Its one group of version 1's freezer.
    Freezer(Root),
}

/// What a search starts from.
#[derive(Debug)]
pub(crate) enum Root {
    /// All that we see of a hierarchy, as it is mounted when it is asked.
    Hierarchy(Matcher),
    /// What is below a group.
    Group(Cgroup),
}

impl Family {
    /// The applications of this host: by version 2 where that leads, else by the hierarchy named `systemd` and the freezer.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where no hierarchy is mounted; those of [`Layout::detect`].
    pub fn here(scheme: &Scheme) -> Result<Self> {
        match Layout::detect(&*procfs::shared()?)?.version() {
            Some(version) => Ok(Self::of_version(scheme, version)),
            None => Err(Error::new(Kind::Unsupported, "open", "control groups are not mounted here")),
        }
    }

    /// The same for a version that the caller knows to lead.
    #[must_use]
    pub fn of_version(scheme: &Scheme, version: Version) -> Self {
        let (tracking, means) = match version {
            Version::V2 => (Matcher::Unified, Means::Groups),
            Version::V1 => (Matcher::Name("systemd".to_owned()), Means::Freezer(Root::Hierarchy(freezer()))),
        };
        Self { scheme: *scheme, means, tracking: Root::Hierarchy(tracking) }
    }

    /// The applications below a group that stands for the top, and for version 1 with one of the freezer that does.
    #[must_use]
    pub fn below(scheme: &Scheme, tracking: Cgroup, freezer: Option<Cgroup>) -> Self {
        let means = freezer.map_or(Means::Groups, |group| Means::Freezer(Root::Group(group)));
        Self { scheme: *scheme, means, tracking: Root::Group(tracking) }
    }

    /// The version that it goes by.
    pub(crate) fn version(&self) -> Version {
        match self.means {
            Means::Groups => Version::V2,
            Means::Freezer(_) => Version::V1,
        }
    }

    /// The groups in which systemd tracks an application, in the order of their paths, each with its tag.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where the hierarchy is not mounted; those of [`Cgroup::walk`].
    pub(crate) fn tracked<T>(
        &self,
        application: &str,
        mut visit: impl FnMut(Tag, Cgroup) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.scheme.check(application)?;
        self.tracking.with(|start| {
            let walk = start.walk(|path| self.judge(start.path(), path, application))?;
            let mut found = Vec::new();
            for group in walk {
                let group = group?;
                if let Some(tag) = self.tag_of(group.path()) {
                    found.push(visit(tag, group)?);
                }
            }
            Ok(found)
        })
    }

    /// The group of version 1's freezer; `None` for an application that has not got one, and never ran.
    pub(crate) fn freezer_group(&self, root: &Root, application: &str) -> Result<Option<Cgroup>> {
        self.scheme.check(application)?;
        let name = format!("{}{application}", self.scheme.freezer);
        match root.with(|start| start.child(OsStr::new(&name))) {
            Ok(group) => Ok(Some(group)),
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What remains of the path of a process below the top of the tracking hierarchy.
    pub(crate) fn below_top(&self, path: &Path) -> Result<PathBuf> {
        self.tracking.below(path)
    }

    /// Has this done on a thread that may block: a walk goes through every group of the host.
    pub(crate) async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let family = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || look(&family)).await;
        answer.unwrap_or_else(|_| Err(Error::new(Kind::Closed, "walk", "the runtime is shutting down")))
    }

    /// Nothing above a group that is judged is a unit of the family: there the walk would have stopped.
    fn judge(&self, top: &Path, path: &Path, application: &str) -> Step {
        let is_foreign = |name: &OsStr| name.to_str().is_some_and(|name| self.scheme.is_foreign(name));
        if path.parent() == Some(top) && path.file_name().is_some_and(is_foreign) {
            return Step::Skip;
        }
        match self.tag_of(path) {
            Some(tag) if tag.application == application => Step::Take,
            Some(_) => Step::Skip,
            None => Step::Enter,
        }
    }

    fn tag_of(&self, path: &Path) -> Option<Tag> {
        self.scheme.tag_of(path.file_name()?.to_str()?)
    }
}

impl Root {
    /// Shows the group that the search starts from.
    fn with<T>(&self, use_it: impl FnOnce(&Cgroup) -> Result<T>) -> Result<T> {
        let matcher = match self {
            Self::Group(group) => return use_it(group),
            Self::Hierarchy(matcher) => matcher,
        };
        let layout = Layout::detect(&*procfs::shared()?)?;
        let Some(mount) = layout.hierarchy(matcher).and_then(|hierarchy| hierarchy.mounts.first()) else {
            let why = format!("{matcher} is mounted nowhere in sight");
            return Err(Error::new(Kind::Unsupported, "open", why));
        };
        use_it(&Cgroup::open(Path::new(OsStr::from_bytes(&mount.root)), Some(matcher))?)
    }

    /// What remains of a path below the group that the search starts from: all of it where that is out of sight.
    pub(crate) fn below(&self, path: &Path) -> Result<PathBuf> {
        let start = match self.with(|start| Ok(start.path().to_path_buf())) {
            Err(error) if error.kind() == Kind::Unsupported => return Ok(path.to_path_buf()),
            start => start?,
        };
        Ok(path.strip_prefix(start).unwrap_or(path).to_path_buf())
    }
}

pub(crate) fn freezer() -> Matcher {
    Matcher::Controller("freezer".to_owned())
}
