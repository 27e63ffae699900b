//! Names of units: what they may consist of, and where a unit is found on the bus.

use std::fmt::Write;

use kernel::{Error, Kind, Result};
use zbus::{Guid, ObjectPath};

/// The limit of systemd, of which a random id (32 digits, 4 dashes), a dash and `.scope` are ours.
const NAME_MAX: usize = 255 - 37 - ".scope".len();
const SLICE_MAX: usize = 255;

/// Checks the part of a name that the caller chooses.
///
/// # Errors
/// [`Kind::InvalidArgument`].
pub(crate) fn check_name(name: &str) -> Result<()> {
    let fits = (1..=NAME_MAX).contains(&name.len());
    if !fits || name.starts_with('@') || !name.bytes().all(|byte| is_plain(byte) || byte == b'@') {
        return Err(invalid(format!(
            "the name of a unit has 1 to {NAME_MAX} letters, digits, or characters of \":-_.\\@\" and does not start with \
             \"@\": {name:?} is none"
        )));
    }
    Ok(())
}

/// Checks the name of a slice.
///
/// # Errors
/// [`Kind::InvalidArgument`].
pub(crate) fn check_slice(slice: &str) -> Result<()> {
    let fine = slice.len() <= SLICE_MAX
        && slice.strip_suffix(".slice").is_some_and(|stem| {
            let dashes = stem.starts_with('-') || stem.ends_with('-') || stem.contains("--");
            stem == "-" || (!stem.is_empty() && !dashes && stem.bytes().all(is_plain))
        });
    if fine {
        return Ok(());
    }
    Err(invalid(format!(
        "the name of a slice is \"a.slice\", or \"a-b.slice\" for one below it: {slice:?} is none"
    )))
}

/// A unit that nobody else has.
pub(crate) fn unique(name: &str) -> String {
    let digits = Guid::generate().to_string();
    let mut unit = name.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if [0, 8, 12, 16, 20].contains(&at) {
            unit.push('-');
        }
        unit.push(digit);
    }
    unit.push_str(".scope");
    unit
}

/// Where a unit is on the bus: what is no letter or digit is written as its code, and so is a digit at the start.
pub(crate) fn object_path(unit: &str) -> Result<ObjectPath<'static>> {
    let mut path = "/org/freedesktop/systemd1/unit/".to_owned();
    for (at, byte) in unit.bytes().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' => path.push(char::from(byte)),
            b'0'..=b'9' if at > 0 => path.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => drop(write!(path, "_{byte:02x}")),
        }
    }
    ObjectPath::try_from(path).map_err(|error| invalid(format!("{unit:?} is no name of a unit ({error})")))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":-_.\\".contains(&byte)
}

pub(crate) fn invalid(detail: String) -> Error {
    Error::new(Kind::InvalidArgument, "StartTransientUnit", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units_are_those_that_systemd_takes() {
        let long = "a".repeat(NAME_MAX);
        for good in ["a", r"snap.pkg\x2bcomp.hook.install", "a@b", "0:_-.", &long] {
            assert!(check_name(good).is_ok(), "{good}");
            assert!(unique(good).len() <= 255);
        }
        let longer = "a".repeat(NAME_MAX + 1);
        for bad in ["", "@a", "a/b", "a b", "a+b", "ä", "a\0", &longer] {
            assert_eq!(check_name(bad).unwrap_err().kind(), Kind::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn names_of_slices_say_what_is_above_them() {
        for good in ["-.slice", "app.slice", "app-x-y.slice"] {
            assert!(check_slice(good).is_ok(), "{good}");
        }
        for bad in
            ["", ".slice", "app", "a--b.slice", "-a.slice", "a-.slice", "a@b.slice", "a/b.slice", "app.scope"]
        {
            assert!(check_slice(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_unit_is_the_name_and_a_random_id() {
        let (one, two) = (unique("build"), unique("build"));
        assert_ne!(one, two);
        let id = one.strip_prefix("build-").and_then(|rest| rest.strip_suffix(".scope")).unwrap();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn a_path_on_the_bus_hides_what_it_may_not_contain() {
        assert_eq!(
            object_path("0a-1.scope").unwrap().as_str(),
            "/org/freedesktop/systemd1/unit/_30a_2d1_2escope"
        );
    }
}
