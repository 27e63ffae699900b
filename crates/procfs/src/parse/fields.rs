//! Text of the form `Key: value`, one a line, as `/proc/<pid>/status` and fdinfo have it.

/// The lines of such a text, in order, with nothing dropped: a line without a colon is kept as a key with an
/// empty value, and a key may occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// Takes every line apart at its first colon; blanks around the value are removed.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(
            super::lines(text)
                .map(|(_, line)| {
                    let mut parts = line.splitn(2, |byte| *byte == b':');
                    let key = parts.next().unwrap_or_default();
                    let value = parts.next().unwrap_or_default();
                    (key.to_vec(), value.trim_ascii().to_vec())
                })
                .collect(),
        )
    }

    /// The value of the first line with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.iter().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
    }

    /// Every line, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_colon_and_repeated_keys_are_kept() {
        let fields = Fields::parse(b"pos:\t0\ninotify wd:1 ino:2\ninotify wd:2 ino:3\nplain\n");
        assert_eq!(fields.iter().count(), 4);
        assert_eq!(fields.get("inotify wd"), Some(b"1 ino:2".as_slice()));
        assert_eq!(fields.get("plain"), Some(b"".as_slice()));
        assert_eq!(fields.get("absent"), None);
    }
}
