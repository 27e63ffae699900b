//! Properties of a scope: values as callers write them, in the types that systemd wants.

use std::fmt;

use kernel::Result;
use zbus::Variant;

use crate::size::{Amount, amount, bits};
use crate::unit::invalid;

/// A value as the caller wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i128),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(list) => write!(f, "{list:?}"),
        }
    }
}

/// A property as it is sent.
pub(crate) type Property = (String, Variant<'static>);

/// What systemd wants for a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `t`; text may be an amount, or where `share` says so a percentage, which another property takes.
    Amount { share: bool },
    /// `u`.
    Unsigned,
    /// `i`.
    Signed,
    /// `b`.
    Flag,
    /// `s`.
    Text,
    /// `as`.
    List,
    /// `ay`: a set of bits.
    Set,
}

/// Said by options of their own, or not the caller's to say.
const RESERVED: &[&str] = &["PIDs", "PIDFDs", "Description", "Slice", "Delegate"];

/// One property in its type. A name that is not known here is sent in the type that the value has by nature, for the
/// manager to judge; its refusal names the property.
///
/// # Errors
/// [`Kind::InvalidArgument`](kernel::Kind::InvalidArgument) naming the property.
pub(crate) fn property(name: &str, setting: &Setting) -> Result<Property> {
    if RESERVED.contains(&name) {
        return Err(invalid(format!("{name:?} is not set as a property: it has an option of its own")));
    }
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(invalid(format!(
            "{name:?} is no name of a property: those have letters and digits only"
        )));
    }
    let shape = shape_of(name).unwrap_or_else(|| natural(setting));
    let sent = match (shape, setting) {
        (Shape::Amount { .. }, Setting::Number(number)) => u64::try_from(*number).ok().map(Variant::from),
        (Shape::Amount { share }, Setting::Text(text)) => match amount(text) {
            Some(Amount::Of(number)) => Some(Variant::from(number)),
            Some(Amount::Share(part)) if share => return Ok((format!("{name}Scale"), Variant::from(part))),
            _ => None,
        },
        (Shape::Unsigned, Setting::Number(number)) => u32::try_from(*number).ok().map(Variant::from),
        (Shape::Signed, Setting::Number(number)) => i32::try_from(*number).ok().map(Variant::from),
        (Shape::Flag, Setting::Flag(flag)) => Some(Variant::from(*flag)),
        (Shape::Text, Setting::Text(text)) => Some(Variant::from(text.clone())),
        (Shape::List, Setting::List(list)) => Some(Variant::from(list.clone())),
        (Shape::List, Setting::Text(text)) => Some(Variant::from(vec![text.clone()])),
        (Shape::Set, Setting::Text(text)) => bits(text).map(Variant::from),
        (Shape::Set, Setting::List(list)) => bits(&list.join(",")).map(Variant::from),
        (Shape::Set, Setting::Number(number)) => bits(&number.to_string()).map(Variant::from),
        _ => None,
    };
    let sent = sent.filter(|_| !has_nul(setting));
    sent.map(|sent| (name.to_owned(), sent))
        .ok_or_else(|| invalid(format!("property {name:?} must be {}; received {setting}", expected(shape))))
}

/// Whether its type is known here.
pub(crate) fn is_known(name: &str) -> bool {
    RESERVED.contains(&name) || shape_of(name.strip_suffix("Scale").unwrap_or(name)).is_some()
}

fn has_nul(setting: &Setting) -> bool {
    match setting {
        Setting::Text(text) => text.contains('\0'),
        Setting::List(list) => list.iter().any(|text| text.contains('\0')),
        Setting::Number(_) | Setting::Flag(_) => false,
    }
}

/// Those that a scope takes, from org.freedesktop.systemd1(5).
fn shape_of(name: &str) -> Option<Shape> {
    Some(match name {
        "MemoryMin" | "MemoryLow" | "MemoryHigh" | "MemoryMax" | "MemorySwapMax" | "MemoryZSwapMax"
        | "MemoryLimit" | "TasksMax" => Shape::Amount { share: true },
        "CPUWeight"
        | "StartupCPUWeight"
        | "CPUShares"
        | "StartupCPUShares"
        | "IOWeight"
        | "StartupIOWeight"
        | "BlockIOWeight"
        | "StartupBlockIOWeight"
        | "CPUQuotaPerSecUSec"
        | "CPUQuotaPeriodUSec"
        | "RuntimeMaxUSec"
        | "RuntimeRandomizedExtraUSec"
        | "TimeoutStopUSec" => Shape::Amount { share: false },
        "ManagedOOMMemoryPressureLimit" => Shape::Unsigned,
        "KillSignal" | "RestartKillSignal" | "FinalKillSignal" | "WatchdogSignal" => Shape::Signed,
        "CPUAccounting"
        | "MemoryAccounting"
        | "TasksAccounting"
        | "IOAccounting"
        | "BlockIOAccounting"
        | "IPAccounting"
        | "MemoryZSwapWriteback"
        | "DefaultDependencies"
        | "SendSIGKILL"
        | "SendSIGHUP"
        | "AddRef" => Shape::Flag,
        "KillMode"
        | "OOMPolicy"
        | "ManagedOOMSwap"
        | "ManagedOOMMemoryPressure"
        | "ManagedOOMPreference"
        | "DevicePolicy"
        | "CollectMode"
        | "Controller"
        | "User"
        | "Group"
        | "DelegateSubgroup"
        | "MemoryPressureWatch" => Shape::Text,
        "Documentation"
        | "DelegateControllers"
        | "Wants"
        | "Requires"
        | "BindsTo"
        | "PartOf"
        | "Conflicts"
        | "Before"
        | "After" => Shape::List,
        "AllowedCPUs" | "StartupAllowedCPUs" | "AllowedMemoryNodes" | "StartupAllowedMemoryNodes" => {
            Shape::Set
        }
        _ => return None,
    })
}

const fn natural(setting: &Setting) -> Shape {
    match setting {
        Setting::Text(_) => Shape::Text,
        Setting::Number(_) => Shape::Amount { share: false },
        Setting::Flag(_) => Shape::Flag,
        Setting::List(_) => Shape::List,
    }
}

const fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Amount { share: true } => {
            "a whole number from 0 to 2^64-1, or text as \"512M\", \"50%\" or \"infinity\""
        }
        Shape::Amount { share: false } => {
            "a whole number from 0 to 2^64-1, or text as \"512M\" or \"infinity\""
        }
        Shape::Unsigned => "a whole number from 0 to 2^32-1",
        Shape::Signed => "a whole number of 32 bits",
        Shape::Flag => "true or false",
        Shape::Text => "text without NUL",
        Shape::List => "a list of texts without NUL",
        Shape::Set => "numbers and ranges up to 8191, as \"0-3,7\"",
    }
}

#[cfg(test)]
mod tests {
    use kernel::Kind;

    use super::*;

    fn text(value: &str) -> Setting {
        Setting::Text(value.to_owned())
    }

    #[test]
    fn known_properties_have_the_types_that_systemd_wants() {
        let table = [
            ("MemoryMax", Setting::Number(1 << 20), "MemoryMax", Variant::from(1_u64 << 20)),
            ("MemoryMax", text("512K"), "MemoryMax", Variant::from(512_u64 << 10)),
            ("MemoryMax", text("infinity"), "MemoryMax", Variant::from(u64::MAX)),
            ("TasksMax", text("100%"), "TasksMaxScale", Variant::from(u32::MAX)),
            ("CPUWeight", Setting::Number(50), "CPUWeight", Variant::from(50_u64)),
            ("KillSignal", Setting::Number(9), "KillSignal", Variant::from(9_i32)),
            ("SendSIGHUP", Setting::Flag(true), "SendSIGHUP", Variant::from(true)),
            ("KillMode", text("mixed"), "KillMode", Variant::from("mixed".to_owned())),
            ("AllowedCPUs", text("0-1"), "AllowedCPUs", Variant::from(vec![3_u8])),
            (
                "After",
                Setting::List(vec!["a.target".to_owned()]),
                "After",
                Variant::from(vec!["a.target".to_owned()]),
            ),
        ];
        for (name, setting, sent, value) in table {
            assert_eq!(property(name, &setting).unwrap(), (sent.to_owned(), value), "{name}");
        }
    }

    #[test]
    fn an_unknown_property_is_sent_as_it_is() {
        assert_eq!(property("NewLimit", &Setting::Number(3)).unwrap().1, Variant::from(3_u64));
        assert_eq!(property("NewSwitch", &Setting::Flag(false)).unwrap().1, Variant::from(false));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        let table = [
            ("MemoryMax", Setting::Number(-1)),
            ("MemoryMax", Setting::Number(1 << 64)),
            ("MemoryMax", text("much")),
            ("MemoryMax", Setting::Flag(true)),
            ("CPUWeight", text("50%")),
            ("KillSignal", Setting::Number(1 << 40)),
            ("SendSIGHUP", text("yes")),
            ("KillMode", Setting::Number(1)),
            ("KillMode", text("a\0b")),
            ("AllowedCPUs", text("3-1")),
            ("PIDs", Setting::Number(1)),
            ("Slice", text("app.slice")),
            ("Memory Max", Setting::Number(1)),
        ];
        for (name, setting) in table {
            let error = property(name, &setting).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArgument, "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
