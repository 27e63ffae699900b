//! Strings as execve(2) takes them, in one block: there are dozens of variables, and memory for each by itself takes longer
//! to get than all the rest of a plan.

use crate::error::{Error, Kind, Result};

/// Strings one after the other, each ended by a null byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings(Vec<u8>);

impl Strings {
    /// Those of a block in which a null byte ends each. One that is missing after the last is added.
    #[must_use]
    pub fn from_block(mut block: Vec<u8>) -> Self {
        if block.last().is_some_and(|last| *last != 0) {
            block.push(0);
        }
        Self(block)
    }

    /// Adds one that consists of these parts.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] when there is a null byte in it; nothing is added then.
    pub fn push(&mut self, parts: &[&[u8]]) -> Result<()> {
        if parts.iter().any(|part| part.contains(&0)) {
            return Err(null_byte(&parts.concat()));
        }
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0.push(0);
        Ok(())
    }

    /// All of them, each with the byte that ends it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Each without the byte that ends it.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ended().map(|string| string.strip_suffix(b"\0").unwrap_or(string))
    }

    /// Where each is, for as long as nothing is added or dropped.
    pub(super) fn addresses(&self) -> impl Iterator<Item = usize> {
        self.ended().map(|string| string.as_ptr().expose_provenance())
    }

    fn ended(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split_inclusive(|byte| *byte == 0)
    }
}

/// The error for what can never be executed, since there is a null byte in it.
#[must_use]
pub fn null_byte(text: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(text).replace('\0', "\\0");
    Error::new(Kind::InvalidArgument, "execve", format!("'{shown}' contains a null byte"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(strings: &Strings) -> Vec<&[u8]> {
        strings.iter().collect()
    }

    #[test]
    fn a_block_is_the_strings_that_were_pushed() {
        let mut pushed = Strings::default();
        for parts in [&[&b"A="[..], b"1"][..], &[], &[b"", b"B=2"]] {
            pushed.push(parts).unwrap();
        }
        assert_eq!(seen(&pushed), [&b"A=1"[..], b"", b"B=2"]);
        assert_eq!(pushed, Strings::from_block(b"A=1\0\0B=2".to_vec()));
        assert!(seen(&Strings::from_block(Vec::new())).is_empty());
    }

    #[test]
    fn a_null_byte_is_refused_and_shown() {
        let mut strings = Strings::default();
        let error = strings.push(&[b"a\0", b"b"]).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert!(error.to_string().contains(r"'a\0b' contains a null byte"), "{error}");
        assert!(seen(&strings).is_empty());
    }

    #[test]
    fn the_addresses_are_those_of_the_strings() {
        let strings = Strings::from_block(b"one\0\0three".to_vec());
        let first = strings.0.as_ptr().expose_provenance();
        assert_eq!(strings.addresses().collect::<Vec<_>>(), [first, first + 4, first + 5]);
    }
}
