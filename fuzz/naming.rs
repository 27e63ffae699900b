//! What must hold for any bytes taken for a security tag, the name of a unit, or the path of a group.
//!
//! The fuzzer calls these on a nightly compiler; `cargo test` calls them with every seed and some mutations of it.
#![allow(dead_code, reason = "each fuzzer uses one of them")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use application::{SNAP, Scheme, Tag};

/// Panics where something does not hold for these bytes.
pub(crate) type Target = fn(&[u8]);

/// All of them, by name.
pub(crate) const ALL: [(&str, Target); 2] = [("tag", tag), ("unit", unit)];

const UUID: &str = "4706fe54-7802-4808-aa7e-ae8b567239e0";

/// A tag comes back from the units that are called after it.
pub(crate) fn tag(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(stem) = SNAP.unit_of(text) else {
        assert_eq!((SNAP.application_of)(text), None);
        return;
    };
    let application = (SNAP.application_of)(text).expect("a unit is that of a tag");
    assert!((SNAP.is_application)(application) && text.contains(application));
    assert!(!stem.contains('/') && stem.is_ascii());
    let scope = SNAP.tag_of(&format!("{stem}-{UUID}.scope"));
    assert_eq!(scope, Some(Tag { text: text.to_owned(), application: application.to_owned() }));
    let service = SNAP.tag_of(&format!("{stem}.service")).expect("a service is that of a tag");
    assert_eq!(service.application, application);
}

/// Whose a group is, is told by the first unit on its path, whatever is below.
pub(crate) fn unit(data: &[u8]) {
    let path = Path::new(OsStr::from_bytes(data));
    let Some(owner) = SNAP.owner_of(path) else { return };
    let text = path.to_str().expect("units are text");
    let mut names = text.split('/').filter(|name| !name.is_empty());
    assert_eq!(names.find(|name| SNAP.tag_of(name).is_some()), Some(owner.unit));
    check_tag(&SNAP, owner.unit, &owner.tag);
    assert_eq!(SNAP.owner_of(&path.join("below")), Some(owner.clone()));
    let inside = format!("/docker{}{text}", if text.starts_with('/') { "" } else { "/" });
    assert_eq!(SNAP.owner_of(Path::new(&inside)), None);
}

/// A unit is its tag, as units are written, and at most a random id.
fn check_tag(scheme: &Scheme, unit: &str, tag: &Tag) {
    assert_eq!((scheme.application_of)(&tag.text), Some(&*tag.application));
    assert!((scheme.is_application)(&tag.application));
    let stem = scheme.unit_of(&tag.text).expect("it is a tag");
    let rest = unit.strip_prefix(&*stem).expect("the tag first");
    let id = rest.strip_suffix(".scope").or_else(|| rest.strip_suffix(".service")).expect("a unit");
    let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    assert!(id.is_empty() || id.strip_prefix(['-', '.']).is_some_and(is_id));
}
