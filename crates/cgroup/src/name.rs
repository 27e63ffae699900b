//! What can be the path of a group, and the name of a group or of a file in it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use kernel::{Error, Kind, Result};

/// Refuses a path that no group can have, or that leads out of what we can see.
pub(crate) fn check_path(path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    let refuse = |kind, detail| Err(Error::new(kind, "open", detail).at(path));
    if !bytes.starts_with(b"/") {
        return refuse(Kind::InvalidArgument, "a group's path begins with a slash");
    }
    if bytes.contains(&0) || bytes.contains(&b'\n') {
        return refuse(Kind::InvalidArgument, "no group has NUL or a newline in its path");
    }
    if bytes.split(|byte| *byte == b'/').any(|name| name == b".") {
        return refuse(Kind::InvalidArgument, "a group's path has no '.' in it");
    }
    if bytes.split(|byte| *byte == b'/').any(|name| name == b"..") {
        return refuse(Kind::Escape, "a path with '..' leads out of what this namespace shows");
    }
    Ok(())
}

/// Refuses what can be neither the name of a group nor that of a file in it.
pub(crate) fn check_name(name: &OsStr) -> Result<()> {
    let bytes = name.as_bytes();
    let refused = bytes.is_empty()
        || bytes == b"."
        || bytes == b".."
        || bytes.iter().any(|byte| matches!(byte, 0 | b'/' | b'\n'));
    if !refused {
        return Ok(());
    }
    let detail = "a name is not empty, '.' or '..', and has no slash, newline or NUL";
    Err(Error::new(Kind::InvalidArgument, "open", detail).at(Path::new(name)))
}
