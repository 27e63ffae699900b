//! Where the child looks for a program that was given by name.

use std::ffi::CString;

use kernel::fork::Stage;
use kernel::{Errno, Result};

/// What execvp(3) takes when the environment has no `PATH`.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The paths to try, in order. The search is that of the child's environment, as for every program it starts itself;
/// an empty entry is its working directory.
pub(super) fn candidates(program: &[u8], environment: &[Vec<u8>]) -> Result<Vec<CString>> {
    if program.is_empty() {
        return Err(super::failed(Stage::Exec, "execve", Errno::NOENT));
    }
    if program.contains(&b'/') {
        return Ok(vec![super::string(program.to_vec())?]);
    }
    let path = environment.iter().find_map(|entry| entry.strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH);
    path.split(|byte| *byte == b':')
        .map(|directory| match directory {
            [] => super::string(program.to_vec()),
            _ => super::string([directory, b"/", program].concat()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(program: &str, path: Option<&str>) -> Vec<String> {
        let environment: Vec<_> = path.iter().map(|path| format!("PATH={path}").into_bytes()).collect();
        let list = candidates(program.as_bytes(), &environment).unwrap();
        list.into_iter().map(|path| path.into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_is_looked_up_in_every_directory_of_the_path() {
        assert_eq!(found("tool", Some("/a:/b")), ["/a/tool", "/b/tool"]);
        assert_eq!(found("tool", Some("/a::")), ["/a/tool", "tool", "tool"]);
        assert_eq!(found("tool", None), ["/bin/tool", "/usr/bin/tool"]);
    }

    #[test]
    fn a_path_is_itself() {
        assert_eq!(found("./tool", Some("/a")), ["./tool"]);
    }
}
