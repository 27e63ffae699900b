//! Becoming another program: the search and the strings, for execve of this process.

use kernel::fork::{self, Image, Strings};
use kernel::{Error, Result};

/// Replaces this process by a program, given by path or by a name that is looked up in the `PATH` of the environment.
/// Returns only where that failed, with everything as it was.
///
/// The program has our descriptors 0 to 2 and those that are not close-on-exec, our credentials, limits and children; every
/// signal is at its default and none is blocked. The environment is `NAME=value` each.
///
/// # Errors
/// The errno of execve(2), with the path; [`Kind::InvalidArgument`](kernel::Kind::InvalidArgument) for a null byte in the path,
/// and on any thread but the main one.
#[must_use]
pub fn replace(program: &[u8], arguments: Strings, environment: Strings) -> Error {
    match image(program, arguments, environment) {
        Ok(image) => {
            use std::os::unix::ffi::OsStrExt;
            fork::replace(&image).at(std::ffi::OsStr::from_bytes(program))
        }
        Err(error) => error,
    }
}

fn image(program: &[u8], arguments: Strings, environment: Strings) -> Result<Image> {
    Ok(Image { programs: super::search::candidates(program, &environment)?, arguments, environment })
}
