//! What this layer can say about the kernel: whether a procfs of our own may be masked.

use kernel::{Capabilities, Errno, Feature, Support};

use crate::root;

/// Asks for a feature that this crate answers for ([`Feature::ProcSubsetPid`]); the others are those of the
/// kernel crate.
///
/// Nothing is mounted: an unfinished context takes the option or refuses it. A passing condition is taken for
/// presence, as everywhere; it is not remembered.
#[must_use]
pub fn support(feature: Feature) -> Support {
    if feature != Feature::ProcSubsetPid {
        return Capabilities::here().of(feature);
    }
    match root::probe_mask() {
        Ok(()) => Support::Present,
        Err(errno) => Support::classify(errno, Errno::FAULT).unwrap_or(Support::Present),
    }
}
