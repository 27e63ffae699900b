//! Where the hierarchies are, for JavaScript.

use cgroup::{Layout, Mode};
use napi_derive::napi;

use crate::failure::{Outcome, outcome};

/// The hierarchies of this host.
#[napi(object, object_from_js = false)]
pub struct LayoutRecord {
    pub mode: String,
    pub version: u8,
    pub hierarchies: Vec<HierarchyRecord>,
}

/// One of them.
#[napi(object, object_from_js = false)]
pub struct HierarchyRecord {
    pub id: u32,
    pub version: u8,
    pub controllers: Vec<String>,
    pub name: Option<String>,
    pub mount_point: Option<String>,
    pub writable: bool,
}

/// The hierarchies of this host.
#[napi(catch_unwind)]
#[must_use]
pub fn cgroup_layout() -> Outcome<LayoutRecord> {
    outcome(procfs::shared().and_then(|procfs| Layout::detect(&procfs)).map(LayoutRecord::from))
}

impl From<Layout> for LayoutRecord {
    fn from(layout: Layout) -> Self {
        let mode = match layout.mode {
            Mode::Unified => "unified",
            Mode::Hybrid => "hybrid",
            Mode::Legacy => "legacy",
            Mode::None => "none",
        };
        Self {
            mode: mode.to_owned(),
            version: layout.version().map_or(0, cgroup::Version::number),
            hierarchies: layout.hierarchies.into_iter().map(HierarchyRecord::from).collect(),
        }
    }
}

impl From<cgroup::Hierarchy> for HierarchyRecord {
    fn from(hierarchy: cgroup::Hierarchy) -> Self {
        Self {
            id: hierarchy.id,
            version: hierarchy.version.number(),
            controllers: hierarchy.controllers,
            name: hierarchy.name,
            mount_point: hierarchy.mounts.first().map(|mount| mount.path.to_string_lossy().into_owned()),
            writable: hierarchy.mounts.first().is_some_and(|mount| mount.writable),
        }
    }
}
