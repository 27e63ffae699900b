//! The report of what works here: each feature asked of the crate that owns it.

use kernel::{Capabilities, Fallback, Feature, Finding, PROBED};
use napi_derive::napi;

/// One row of the report. The last three are absent when the feature is there.
#[napi(object, object_from_js = false)]
pub struct FeatureRecord {
    pub name: String,
    pub status: String,
    pub since: String,
    pub reason: Option<String>,
    pub fallback: Option<String>,
    pub fix: Option<String>,
}

/// Every feature, in the order of the public type.
#[napi(catch_unwind)]
#[must_use]
pub fn features() -> Vec<FeatureRecord> {
    Feature::ALL.into_iter().map(report).collect()
}

fn report(feature: Feature) -> FeatureRecord {
    let reason = missing(feature);
    let status = match (&reason, feature.fallback()) {
        (None, _) => "yes",
        (Some(_), Fallback::Weaker(_)) => "degraded",
        (Some(_), Fallback::Nothing(_)) => "no",
    };
    FeatureRecord {
        name: feature.name().to_owned(),
        status: status.to_owned(),
        since: feature.since().to_owned(),
        fallback: reason.is_some().then(|| feature.fallback().text().to_owned()),
        fix: reason.is_some().then(|| feature.fix().to_owned()),
        reason,
    }
}

/// What was observed instead of the feature; `None` when it is there.
fn missing(feature: Feature) -> Option<String> {
    let finding = match feature {
        Feature::ProcSubsetPid => Ok(Some(Finding::of(procfs::support(feature)))),
        Feature::PidfdExitInfo | Feature::UserNamespaces => {
            process::support(feature).map(Finding::of).map(Some)
        }
        Feature::SystemdSystem | Feature::SystemdUser => Ok(systemd::support(feature)),
        _ if PROBED.contains(&feature) => Ok(Some(Finding::of(Capabilities::here().of(feature)))),
        _ => cgroup::support(feature),
    };
    finding.map_or_else(|error| Some(error.to_string()), |finding| finding?.reason)
}
