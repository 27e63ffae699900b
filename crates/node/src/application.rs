//! Applications by name, for JavaScript. A version is that of the hierarchies that lead, where the caller knows better.

use std::sync::Arc;

use application::{Family, Scheme};
use cgroup::Version;
use kernel::{Error, Kind, Result};
use napi_derive::napi;

use crate::cgroup::Lease;
use crate::deadline;
use crate::environment::{Environment, value};

/// The processes of a tag.
#[napi(object, object_from_js = false)]
pub struct TagRecord {
    pub tag: String,
    pub pids: Vec<i32>,
}

/// Whether an application of the family may be called so.
#[napi(catch_unwind)]
#[must_use]
pub fn is_application(family: String, name: String) -> bool {
    application::scheme(&family).is_some_and(|scheme| (scheme.is_application)(&name))
}

/// The unit of a tag, without its ending; absent for what is no tag.
#[napi(catch_unwind)]
#[must_use]
pub fn unit_of_tag(family: String, tag: String) -> Option<String> {
    application::scheme(&family)?.unit_of(&tag).ok()
}

/// The application that a process belongs to.
#[napi(catch_unwind)]
pub fn application_of(environment: &Environment, id: u32, family: String, version: Option<u8>, pid: i32) {
    environment.block(id, value, move || open(&family, version)?.name_of(pid));
}

/// The processes of an application, by tag.
#[napi(catch_unwind)]
pub fn pids_of_application(
    environment: &Environment,
    id: u32,
    family: String,
    version: Option<u8>,
    name: String,
) {
    environment.block(id, value, move || {
        let by_tag = open(&family, version)?.pids_of(&name)?;
        Ok(by_tag.into_iter().map(|(tag, pids)| TagRecord { tag, pids }).collect::<Vec<_>>())
    });
}

/// Freezes an application. Delivers a lease.
#[napi(catch_unwind)]
pub fn freeze_application(
    environment: &Environment,
    id: u32,
    family: String,
    version: Option<u8>,
    name: String,
    timeout_ms: f64,
) {
    let deadline = deadline(timeout_ms);
    environment.run(id, value, async move {
        open(&family, version)?.freeze(&name, deadline).await.map(Lease::from)
    });
}

/// Thaws an application, whoever froze it.
#[napi(catch_unwind)]
pub fn thaw_application(
    environment: &Environment,
    id: u32,
    family: String,
    version: Option<u8>,
    name: String,
) {
    environment.run(id, value, async move { open(&family, version)?.thaw(&name).await });
}

/// Kills everything of an application.
#[napi(catch_unwind)]
pub fn kill_application(
    environment: &Environment,
    id: u32,
    family: String,
    version: Option<u8>,
    name: String,
    timeout_ms: f64,
) {
    let deadline = deadline(timeout_ms);
    environment.run(id, value, async move { open(&family, version)?.kill(&name, deadline).await });
}

/// Fails unless systemd runs a process as the service of a tag.
#[napi(catch_unwind)]
pub fn confirm_service(
    environment: &Environment,
    id: u32,
    family: String,
    version: Option<u8>,
    tag: String,
    pid: i32,
) {
    environment.block(id, value, move || open(&family, version)?.confirm_service(&tag, pid));
}

fn open(family: &str, version: Option<u8>) -> Result<Arc<Family>> {
    let scheme = scheme(family)?;
    let family = match version {
        None => Family::here(scheme)?,
        Some(1) => Family::of_version(scheme, Version::V1),
        Some(_) => Family::of_version(scheme, Version::V2),
    };
    Ok(Arc::new(family))
}

fn scheme(family: &str) -> Result<&'static Scheme> {
    application::scheme(family).ok_or_else(|| {
        Error::new(Kind::InvalidArgument, "scheme", format!("there is no family of applications {family:?}"))
    })
}
