//! A path below a base, checked and normalised once, so that both resolvers are asked the same question.

mod text;

use std::ffi::CStr;

use kernel::{Errno, Error, Kind, Result};

use crate::base::Base;
use text::Text;

/// `PATH_MAX` of the kernel, its terminating NUL included.
const PATH_MAX: usize = 4096;

/// A relative path of plain names joined by single slashes; `.` when there are none.
#[derive(Debug)]
pub(crate) struct Subpath {
    text: Text,
    /// The path ended in a slash or named the base itself: it must be a directory, and a link there is followed.
    pub(crate) must_be_directory: bool,
}

/// Whose files a path is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody's: a global file.
    Everybody,
    /// This process or one of its threads.
    Ourselves,
    /// The process with this number.
    Process(i32),
}

impl Subpath {
    /// Joins a base and a path.
    pub(crate) fn new(base: Base, path: &[u8]) -> Result<Self> {
        Self::join(&base.prefix()?, path)
    }

    /// A path below a directory that the caller holds.
    pub(crate) fn below(path: &[u8]) -> Result<Self> {
        Self::join(b"", path)
    }

    fn join(prefix: &[u8], path: &[u8]) -> Result<Self> {
        if path.contains(&0) {
            return Err(Error::new(Kind::InvalidArgument, "procfs", "a path cannot contain NUL"));
        }
        if path.first() == Some(&b'/') {
            return Err(Error::new(Kind::Escape, "procfs", "the path is absolute"));
        }
        let mut must_be_directory = true;
        let mut text = Text::new();
        text.push(prefix);
        for component in path.split(|byte| *byte == b'/') {
            must_be_directory = matches!(component, b"" | b".");
            if must_be_directory {
                continue;
            }
            // Not left to the resolver: openat2 would allow those that stay below the root.
            if component == b".." {
                return Err(Error::new(Kind::Escape, "procfs", "the path contains '..'"));
            }
            if !text.as_bytes().is_empty() {
                text.push(b"/");
            }
            text.push(component);
        }
        if text.as_bytes().is_empty() {
            text.push(b".");
        }
        if text.as_bytes().len() >= PATH_MAX {
            return Err(Error::os("openat", Errno::NAMETOOLONG));
        }
        Ok(Self { text, must_be_directory })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// What the kernel takes.
    pub(crate) fn as_c_str(&self) -> std::result::Result<&CStr, Errno> {
        self.text.as_c_str()
    }

    /// The names, in order; none for the base itself.
    pub(crate) fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.as_bytes().split(|byte| *byte == b'/').filter(|component| *component != b".")
    }

    /// The directory that holds the last component, and its name there; `None` for the base itself.
    pub(crate) fn split_last(&self) -> Option<(Self, &[u8])> {
        let name = self.components().next_back()?;
        let parent = self.as_bytes().strip_suffix(name)?;
        let parent = parent.strip_suffix(b"/").unwrap_or(parent);
        let text = Text::from(if parent.is_empty() { b"." } else { parent });
        Some((Self { text, must_be_directory: true }, name))
    }

    /// Whose file it is, when it is looked up from the root.
    pub(crate) fn owner(&self) -> Owner {
        match self.components().next() {
            Some(b"self" | b"thread-self") => Owner::Ourselves,
            Some(name) if name.iter().all(u8::is_ascii_digit) => {
                let number = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
                number.map_or(Owner::Everybody, Owner::Process)
            }
            _ => Owner::Everybody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_dots_are_normalised() {
        let rows: [(&[u8], &[u8], bool); 7] = [
            (b"status", b"status", false),
            (b"./net//unix", b"net/unix", false),
            (b"fd/", b"fd", true),
            (b"fd/.", b"fd", true),
            (b"", b".", true),
            (b"././", b".", true),
            (b"...", b"...", false),
        ];
        for (path, text, must_be_directory) in rows {
            let path = Subpath::below(path).unwrap();
            assert_eq!((path.as_bytes(), path.must_be_directory), (text, must_be_directory));
        }
    }

    #[test]
    fn what_leaves_the_base_is_refused() {
        for path in [b"..".as_slice(), b"a/../b", b"/status", b"//", b"fd/.."] {
            assert_eq!(Subpath::below(path).unwrap_err().kind(), Kind::Escape, "{path:?}");
        }
        assert_eq!(Subpath::below(b"a\0b").unwrap_err().kind(), Kind::InvalidArgument);
        assert!(Subpath::below(&[b'a'; PATH_MAX]).unwrap_err().is(Errno::NAMETOOLONG));
    }

    #[test]
    fn the_owner_is_told_by_the_first_name() {
        let owner = |base, path| Subpath::new(base, path).unwrap().owner();
        assert_eq!(owner(Base::Root, b"sys/kernel"), Owner::Everybody);
        assert_eq!(owner(Base::Root, b"7/stat"), Owner::Process(7));
        assert_eq!(owner(Base::Pid(7), b""), Owner::Process(7));
        assert_eq!(owner(Base::this_thread(), b"x"), Owner::Ourselves);
        assert_eq!(owner(Base::Root, b""), Owner::Everybody);
    }

    #[test]
    fn the_last_name_is_split_off() {
        let path = Subpath::new(Base::OwnProcess, b"fd/3").unwrap();
        let (parent, name) = path.split_last().unwrap();
        assert_eq!((parent.as_bytes(), name), (b"self/fd".as_slice(), b"3".as_slice()));
        let (parent, _) = parent.split_last().unwrap();
        let (parent, name) = parent.split_last().unwrap();
        assert_eq!((parent.as_bytes(), name), (b".".as_slice(), b"self".as_slice()));
    }
}
