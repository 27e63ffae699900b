//! Tags as parts of unit names: what a unit may not be called stands there as `\xNN`.

use std::borrow::Cow;
use std::fmt::Write;

/// What stands for itself. systemd escapes dashes, too, where they would be taken for slashes; tags are no paths.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'.' | b'-')
}

/// A text as it stands in the name of a unit.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

/// The text that [`escape`] has written so; `None` for what it would not have written. Two units never stand for one text.
pub(crate) fn unescape(escaped: &str) -> Option<Cow<'_, str>> {
    if escaped.bytes().all(is_plain) {
        return Some(Cow::Borrowed(escaped));
    }
    let mut pieces = escaped.split('\\');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.strip_prefix('x')?.get(..2)?;
        let rest = piece.get(3..)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let text = String::from_utf8(bytes).ok()?;
    (escape(&text) == escaped).then_some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_unit_may_not_be_called_is_escaped_and_comes_back() {
        for (text, escaped) in [
            ("snap.pkg.app", "snap.pkg.app"),
            ("snap.pkg+comp.hook.install", r"snap.pkg\x2bcomp.hook.install"),
            ("+", r"\x2b"),
            ("a\\b", r"a\x5cb"),
            ("ä", r"\xc3\xa4"),
            ("", ""),
        ] {
            assert_eq!(escape(text), escaped);
            assert_eq!(unescape(escaped).as_deref(), Some(text));
        }
    }

    #[test]
    fn another_way_of_writing_a_tag_is_another_unit() {
        for other in [r"\x61", r"\x2B", r"\x2", r"\", r"\y2b", r"\x+2", "a+b", r"\xff", "ä", r"\xä", r"\x2b\"]
        {
            assert_eq!(unescape(other), None, "{other}");
        }
    }
}
