//! Which hierarchy is meant.

use std::fmt;

use procfs::parse::Membership;

/// Names one hierarchy, in the terms of `/proc/<pid>/cgroup`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Matcher {
    /// Version 2.
    Unified,
    /// The version 1 hierarchy that this controller is attached to, alone or with others.
    Controller(String),
    /// The version 1 hierarchy that was mounted with `name=…` and no controller. One with both goes by its
    /// controllers.
    Name(String),
}

impl Matcher {
    /// True when a line of `/proc/<pid>/cgroup` belongs to this hierarchy.
    #[must_use]
    pub fn matches(&self, membership: &Membership) -> bool {
        self.selects(membership.hierarchy, &membership.controllers, membership.name.as_deref())
    }

    /// The path of the first line that matches. Lines of other hierarchies, known or not, are passed over.
    #[must_use]
    pub fn path_of<'a>(&self, memberships: &'a [Membership]) -> Option<&'a [u8]> {
        memberships
            .iter()
            .find(|membership| self.matches(membership))
            .map(|membership| membership.path.as_slice())
    }

    pub(crate) fn selects(&self, id: u32, controllers: &[String], name: Option<&str>) -> bool {
        match self {
            Self::Unified => id == 0 && controllers.is_empty() && name.is_none(),
            Self::Controller(wanted) => controllers.contains(wanted),
            Self::Name(wanted) => name == Some(wanted) && controllers.is_empty(),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unified => write!(f, "the version 2 hierarchy"),
            Self::Controller(controller) => write!(f, "the hierarchy of controller '{controller}'"),
            Self::Name(name) => write!(f, "the hierarchy named '{name}'"),
        }
    }
}
