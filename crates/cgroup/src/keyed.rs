//! The text of interface files: one value, or one `key value` a line.

use kernel::{Error, Kind, Result};

use crate::group::Cgroup;
use crate::interface;

/// The number that follows a key.
pub(crate) fn value_of(content: &[u8], key: &str) -> Option<u64> {
    let text = std::str::from_utf8(content).ok()?;
    text.lines().find_map(|line| line.split_once(' ').filter(|(found, _)| *found == key)?.1.parse().ok())
}

/// A file that holds one number.
pub(crate) fn number(group: &Cgroup, file: &'static str) -> Result<u64> {
    let text = text(group, file)?;
    text.trim().parse().map_err(|_| unreadable(group, file, &text))
}

/// A file that holds text.
pub(crate) fn text(group: &Cgroup, file: &'static str) -> Result<String> {
    interface::read(group, file.as_bytes()).map(|content| String::from_utf8_lossy(&content).into_owned())
}

/// No kernel writes this.
pub(crate) fn unreadable(group: &Cgroup, file: &'static str, text: &str) -> Error {
    Error::new(Kind::Os, "parse", format!("not what the kernel writes ('{}'):", text.trim()))
        .at(group.path().join(file))
}

/// `None` for what the group does not have.
pub(crate) fn optional<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == Kind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_whole_first_word() {
        let text = b"low 1\noom 2\noom_kill 3\noom_kill_disable 4\nodd\nnot a number\n";
        assert_eq!(value_of(text, "oom"), Some(2));
        assert_eq!(value_of(text, "oom_kill"), Some(3));
        assert_eq!(value_of(text, "kill"), None);
        assert_eq!(value_of(text, "odd"), None);
        assert_eq!(value_of(text, "not"), None);
        assert_eq!(value_of(b"\xff 1\n", "oom"), None);
    }
}
