//! The bytes of a path as the kernel takes them. They are nearly always few and then kept in place: to allocate them
//! would be most of what a look-up costs besides the system call.

use std::ffi::CStr;

use kernel::Errno;

/// Room for `self/task/<tid>/` and the longest names that procfs itself has, terminated.
const SHORT: usize = 64;

/// A text that grows, and ends with a NUL.
#[derive(Debug)]
pub(crate) enum Text {
    /// The first `length` bytes, fewer than all; the others are zero.
    Short { bytes: [u8; SHORT], length: usize },
    /// What did not fit, terminated.
    Long(Vec<u8>),
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self::Short { bytes: [0; SHORT], length: 0 }
    }

    pub(crate) fn push(&mut self, more: &[u8]) {
        if let Self::Short { bytes, length } = self
            && more.len() < SHORT - *length
            && let Some(room) = bytes.get_mut(*length..*length + more.len())
        {
            room.copy_from_slice(more);
            *length += more.len();
        } else {
            self.push_long(more);
        }
    }

    #[cold]
    fn push_long(&mut self, more: &[u8]) {
        match self {
            Self::Short { .. } => *self = Self::Long([self.as_bytes(), more, b"\0"].concat()),
            Self::Long(bytes) => {
                bytes.pop();
                bytes.extend_from_slice(more);
                bytes.push(0);
            }
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.terminated().split_last().map_or(&[], |(_nul, bytes)| bytes)
    }

    /// # Errors
    /// `EINVAL` when a NUL was pushed.
    pub(crate) fn as_c_str(&self) -> Result<&CStr, Errno> {
        CStr::from_bytes_with_nul(self.terminated()).map_err(|_| Errno::INVAL)
    }

    fn terminated(&self) -> &[u8] {
        match self {
            Self::Short { bytes, length } => bytes.get(..=*length).unwrap_or(bytes),
            Self::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        let mut text = Self::new();
        text.push(bytes);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_no_longer_fit_move_out_and_stay_the_same() {
        let (mut text, mut expected) = (Text::new(), Vec::new());
        for length in 0..40 {
            let more = vec![b'a'; length];
            text.push(&more);
            expected.extend(more);
            for text in [&text, &Text::from(expected.as_slice())] {
                assert_eq!(text.as_bytes(), expected);
                assert_eq!(text.as_c_str().unwrap().to_bytes(), expected);
                assert_eq!(matches!(text, Text::Short { .. }), expected.len() < SHORT);
            }
        }
    }

    #[test]
    fn the_last_byte_in_place_is_the_terminator() {
        for (length, is_short) in [(SHORT - 1, true), (SHORT, false)] {
            let text = Text::from(vec![b'a'; length].as_slice());
            assert_eq!(matches!(text, Text::Short { .. }), is_short);
            assert_eq!(text.as_c_str().unwrap().to_bytes().len(), length);
        }
    }

    #[test]
    fn a_nul_cuts_nothing_off() {
        for length in [1, SHORT] {
            let mut text = Text::from(vec![b'a'; length].as_slice());
            text.push(b"\0b");
            assert_eq!(text.as_c_str(), Err(Errno::INVAL));
        }
    }
}
