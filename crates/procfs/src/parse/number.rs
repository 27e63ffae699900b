//! Numbers in procfs text, read strictly: digits only, in range.

use std::str::FromStr;

/// Reads a decimal number; `None` unless the whole text is one.
pub(super) fn decimal<T: FromStr>(text: &[u8]) -> Option<T> {
    // `FromStr` takes a leading plus sign, which no kernel writes.
    if text.first() == Some(&b'+') {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads an octal number; `None` unless the whole text is one.
pub(super) fn octal(text: &[u8]) -> Option<u64> {
    if text.first() == Some(&b'+') {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()
}

/// Reads numbers separated by blanks; `None` when one of them is not a number.
pub(super) fn decimals<T: FromStr>(text: &[u8]) -> Option<Vec<T>> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(decimal).collect()
}
