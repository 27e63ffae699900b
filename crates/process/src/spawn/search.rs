//! Where the child looks for a program that was given by name.

use kernel::fork::{Stage, Strings};
use kernel::{Errno, Result};

/// What execvp(3) takes when the environment has no `PATH`.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The paths to try, in order. The search is that of the child's environment, as for every program it starts itself;
/// an empty entry is its working directory.
pub(super) fn candidates(program: &[u8], environment: &Strings) -> Result<Strings> {
    let mut candidates = Strings::default();
    if program.is_empty() {
        return Err(super::failed(Stage::Exec, "execve", Errno::NOENT));
    }
    if program.contains(&b'/') {
        candidates.push(&[program])?;
        return Ok(candidates);
    }
    let path = environment.iter().find_map(|entry| entry.strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH);
    for directory in path.split(|byte| *byte == b':') {
        let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        candidates.push(&[directory, slash, program])?;
    }
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(program: &str, path: Option<&str>) -> Vec<String> {
        let environment = path.map_or_else(String::new, |path| format!("PATH={path}"));
        let list = candidates(program.as_bytes(), &Strings::from_block(environment.into_bytes())).unwrap();
        list.iter().map(|path| String::from_utf8(path.to_vec()).unwrap()).collect()
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
