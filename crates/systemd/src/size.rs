//! Amounts and lists of numbers as people write them: `512M`, `50%`, `infinity`, `0-3,7`.

/// What an amount is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// So many.
    Of(u64),
    /// A part of all there is, in parts of 2³².
    Share(u32),
}

/// Reads `infinity`, a number with or without `K`, `M`, `G`, `T` (of 1024), or a percentage.
pub(crate) fn amount(text: &str) -> Option<Amount> {
    if text == "infinity" {
        return Some(Amount::Of(u64::MAX));
    }
    if let Some(percent) = text.strip_suffix('%') {
        let percent = decimal(percent).filter(|percent| *percent <= 100)?;
        return u32::try_from(percent * u64::from(u32::MAX) / 100).ok().map(Amount::Share);
    }
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let unit = units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    decimal(digits)?.checked_mul(1 << shift).map(Amount::Of)
}

/// Reads a list of numbers and ranges into a set of bits, the lowest first.
pub(crate) fn bits(text: &str) -> Option<Vec<u8>> {
    const HIGHEST: u64 = 8191;
    let mut set = Vec::new();
    for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (decimal(from)?, decimal(to).filter(|to| *to <= HIGHEST)?);
        if from > to {
            return None;
        }
        for number in from..=to {
            let at = usize::try_from(number / 8).ok()?;
            if set.len() <= at {
                set.resize(at + 1, 0);
            }
            *set.get_mut(at)? |= 1 << (number % 8);
        }
    }
    Some(set)
}

/// Digits only: no sign, no spaces.
fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_systemd_reads_them() {
        assert_eq!(amount("0"), Some(Amount::Of(0)));
        assert_eq!(amount("512M"), Some(Amount::Of(512 << 20)));
        assert_eq!(amount("infinity"), Some(Amount::Of(u64::MAX)));
        assert_eq!(amount("100%"), Some(Amount::Share(u32::MAX)));
        assert_eq!(amount("50%"), Some(Amount::Share(u32::MAX / 2)));
        for nonsense in
            ["", "-1", "+1", "1.5G", "M", "101%", "%", "12 M", "99999999999999999999", "99999999T"]
        {
            assert_eq!(amount(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_list_is_a_set_of_bits() {
        assert_eq!(bits("0-2,9"), Some(vec![0b111, 0b10]));
        assert_eq!(bits("1 3"), Some(vec![0b1010]));
        assert_eq!(bits(""), Some(vec![]));
        for nonsense in ["a", "3-1", "-", "1-", "0-99999999999"] {
            assert_eq!(bits(nonsense), None, "{nonsense}");
        }
    }
}
