//! What an answer of the bus or of a manager means: D-Bus error names as kinds.

use std::io;

use kernel::{Errno, Error, Kind};
use zbus::DBusError;

/// The error of a request `op` that was not answered as it should be.
pub(crate) fn error(op: &'static str, error: &zbus::Error) -> Error {
    match error {
        zbus::Error::MethodError(name, text, _) => named(op, name.as_str(), text.as_deref()),
        zbus::Error::FDO(known) => match known.as_ref() {
            zbus::fdo::Error::ZBus(inner) => self::error_of_transport(op, inner),
            known => named(op, known.name().as_str(), known.description()),
        },
        other => error_of_transport(op, other),
    }
}

/// The D-Bus name of an error reply; `None` when there was no reply.
pub(crate) fn name(error: &zbus::Error) -> Option<String> {
    match error {
        zbus::Error::MethodError(name, ..) => Some(name.as_str().to_owned()),
        zbus::Error::FDO(known) if !matches!(known.as_ref(), zbus::fdo::Error::ZBus(_)) => {
            Some(known.name().as_str().to_owned())
        }
        _ => None,
    }
}

/// Whether a manager refused a property that it does not know. Which name it uses depends on its version.
pub(crate) fn is_unknown_property(error: &zbus::Error) -> bool {
    let names = ["org.freedesktop.DBus.Error.PropertyReadOnly", "org.freedesktop.DBus.Error.UnknownProperty"];
    name(error).is_some_and(|name| names.contains(&name.as_str()))
}

/// Whether a manager was there and hung up before it answered: it executes itself again, and will be back.
pub(crate) fn is_interrupted(error: &zbus::Error) -> bool {
    name(error).is_some_and(|name| name == "org.freedesktop.DBus.Error.NoReply")
}

fn named(op: &'static str, name: &str, text: Option<&str>) -> Error {
    let text = text.filter(|text| !text.is_empty()).unwrap_or("refused without a reason");
    Error::new(kind_of(name), op, format!("{op}: {} [{name}]", text.trim_end_matches('.')))
}

fn error_of_transport(op: &'static str, error: &zbus::Error) -> Error {
    match error {
        zbus::Error::InputOutput(error) | zbus::Error::Connection(error, _) => match error.kind() {
            io::ErrorKind::TimedOut => {
                Error::new(Kind::TimedOut, op, format!("{op}: no answer came in time"))
            }
            _ => match Errno::from_io_error(error) {
                Some(errno) => Error::os("connect", errno).kind_is(Kind::TrackingUnavailable),
                None => {
                    Error::new(Kind::TrackingUnavailable, op, format!("the connection was lost ({error})"))
                }
            },
        },
        zbus::Error::Handshake(why) => {
            Error::new(Kind::TrackingUnavailable, op, format!("the greeting failed ({why})"))
        }
        zbus::Error::Address(why) => {
            Error::new(Kind::TrackingUnavailable, op, format!("the address is not valid ({why})"))
        }
        other => Error::new(Kind::CannotTrack, op, format!("{op}: the answer makes no sense ({other})")),
    }
}

/// What a caller can do about it. Measured on systemd 252 and read in the sources of others.
fn kind_of(name: &str) -> Kind {
    if let Some(name) = name.strip_prefix("org.freedesktop.DBus.Error.") {
        return match name {
            // Nobody there, or no longer, or somebody else than a service manager.
            "NoReply" | "ServiceUnknown" | "NameHasNoOwner" | "NoServer" | "Disconnected"
            | "UnknownMethod" | "UnknownObject" | "UnknownInterface" => Kind::TrackingUnavailable,
            _ if name.starts_with("Spawn.") => Kind::TrackingUnavailable,
            "AccessDenied" | "AuthFailed" | "InteractiveAuthorizationRequired" => Kind::PermissionDenied,
            "Timeout" | "TimedOut" => Kind::TimedOut,
            "UnixProcessIdUnknown" => Kind::Gone,
            "InvalidArgs" | "InvalidSignature" | "PropertyReadOnly" | "UnknownProperty" => {
                Kind::InvalidArgument
            }
            "NotSupported" => Kind::Unsupported,
            _ => Kind::CannotTrack,
        };
    }
    match name {
        "org.freedesktop.systemd1.NoSuchUnit"
        | "org.freedesktop.systemd1.NoUnitForPID"
        | "org.freedesktop.systemd1.UnitInactive"
        | "System.Error.ESRCH" => Kind::Gone,
        // A value of the wrong type is "no such device or address".
        "org.freedesktop.systemd1.BadUnitSetting" | "System.Error.ENXIO" | "System.Error.EINVAL" => {
            Kind::InvalidArgument
        }
        "System.Error.EPERM" | "System.Error.EACCES" => Kind::PermissionDenied,
        "System.Error.EOPNOTSUPP" => Kind::Unsupported,
        "System.Error.ETIMEDOUT" => Kind::TimedOut,
        _ => Kind::CannotTrack,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_the_kind_that_a_caller_acts_on() {
        let table = [
            (Kind::TrackingUnavailable, "org.freedesktop.DBus.Error.NameHasNoOwner"),
            (Kind::TrackingUnavailable, "org.freedesktop.DBus.Error.ServiceUnknown"),
            (Kind::TrackingUnavailable, "org.freedesktop.DBus.Error.UnknownMethod"),
            (Kind::TrackingUnavailable, "org.freedesktop.DBus.Error.Spawn.ChildExited"),
            (Kind::PermissionDenied, "org.freedesktop.DBus.Error.AccessDenied"),
            (Kind::PermissionDenied, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"),
            (Kind::TrackingUnavailable, "org.freedesktop.DBus.Error.NoReply"),
            (Kind::Gone, "org.freedesktop.DBus.Error.UnixProcessIdUnknown"),
            (Kind::Gone, "org.freedesktop.systemd1.NoSuchUnit"),
            (Kind::Gone, "org.freedesktop.systemd1.NoUnitForPID"),
            (Kind::InvalidArgument, "org.freedesktop.DBus.Error.PropertyReadOnly"),
            (Kind::InvalidArgument, "org.freedesktop.DBus.Error.InvalidArgs"),
            (Kind::InvalidArgument, "org.freedesktop.systemd1.BadUnitSetting"),
            (Kind::InvalidArgument, "System.Error.ENXIO"),
            (Kind::Unsupported, "org.freedesktop.DBus.Error.NotSupported"),
            (Kind::CannotTrack, "org.freedesktop.systemd1.UnitExists"),
            (Kind::CannotTrack, "org.freedesktop.DBus.Error.FileNotFound"),
            (Kind::CannotTrack, "org.freedesktop.DBus.Error.LimitsExceeded"),
            (Kind::CannotTrack, "org.freedesktop.systemd1.TransactionIsDestructive"),
            (Kind::CannotTrack, "org.example.BadHairDay"),
        ];
        for (kind, name) in table {
            assert_eq!(named("StartTransientUnit", name, None).kind(), kind, "{name}");
        }
    }

    #[test]
    fn the_text_of_the_manager_and_the_name_are_shown() {
        let error = named("StartTransientUnit", "org.example.BadHairDay", Some("Too curly."));
        assert_eq!(error.to_string(), "StartTransientUnit: Too curly [org.example.BadHairDay]");
    }
}
