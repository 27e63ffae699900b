//! The ways to a service manager, in the order in which they are tried.

use std::env;
use std::ffi::OsString;
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use kernel::{Error, Feature, Kind, Result};

use crate::support;

/// Whose manager it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bus {
    /// The manager of a user.
    Session,
    /// The manager of the system.
    System,
}

impl Bus {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::System => "system",
        }
    }
}

/// Which managers a caller will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The one that is due to us first, the manager of the system for root and of the user for anybody else; then the
    /// other one.
    Any,
    /// That of the user; for root, who may have none, then that of the system.
    SessionFirst,
    /// This one only.
    Only(Bus),
}

/// A socket that a manager may be reached at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Whose manager answers there.
    pub bus: Bus,
    /// What is there.
    pub way: Way,
}

/// What stands between us and a manager.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Way {
    /// A bus, by its D-Bus address.
    Bus(String),
    /// Nothing: the socket of the manager itself, by its path. There are no names on it, and no match rules.
    Private(PathBuf),
}

/// What decides where a manager is: read once for each operation, on the thread that asks.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The effective user id.
    pub uid: u32,
    /// `DBUS_SESSION_BUS_ADDRESS`.
    pub session_address: Option<OsString>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_directory: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn here() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            session_address: env::var_os("DBUS_SESSION_BUS_ADDRESS"),
            runtime_directory: env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        }
    }

    /// The ways to the managers of that choice, if systemd runs here at all.
    ///
    /// # Errors
    /// [`Kind::TrackingUnavailable`], at once, where systemd is not running.
    pub fn endpoints(&self, choice: Choice) -> Result<Vec<Endpoint>> {
        if let Some(reason) = support(Feature::SystemdSystem).and_then(|finding| finding.reason) {
            let why = format!("systemd is not running here: {reason}");
            return Err(Error::new(Kind::TrackingUnavailable, "connect", why));
        }
        Ok(self.endpoints_of(choice))
    }

    /// The same without asking whether systemd runs.
    #[must_use]
    pub fn endpoints_of(&self, choice: Choice) -> Vec<Endpoint> {
        let order: &[Bus] = match choice {
            Choice::Only(Bus::System) => &[Bus::System],
            Choice::SessionFirst if self.uid == 0 => &[Bus::Session, Bus::System],
            Choice::SessionFirst | Choice::Only(Bus::Session) => &[Bus::Session],
            Choice::Any if self.uid == 0 => &[Bus::System, Bus::Session],
            Choice::Any => &[Bus::Session, Bus::System],
        };
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for bus in order {
            let ways = match bus {
                Bus::Session => self.session(),
                Bus::System => self.system(),
            };
            for endpoint in ways {
                if !endpoints.contains(&endpoint) {
                    endpoints.push(endpoint);
                }
            }
        }
        endpoints
    }

    fn session(&self) -> Vec<Endpoint> {
        let given = self.session_address.as_deref().and_then(|list| list.to_str()).unwrap_or_default();
        // Other transports would go over the network or run a program to find the bus.
        let given = given.split(';').filter(|address| address.starts_with("unix:"));
        let given = given.map(|address| Endpoint { bus: Bus::Session, way: Way::Bus(address.to_owned()) });
        let directory = self.runtime_directory.clone().filter(|directory| directory.is_absolute());
        let directory = directory.unwrap_or_else(|| Path::new("/run/user").join(self.uid.to_string()));
        let known = [
            Endpoint::bus_at(Bus::Session, &directory.join("bus")),
            Endpoint { bus: Bus::Session, way: Way::Private(directory.join("systemd/private")) },
        ];
        given.chain(known).collect()
    }

    fn system(&self) -> Vec<Endpoint> {
        let bus = Endpoint::bus_at(Bus::System, Path::new("/run/dbus/system_bus_socket"));
        // Nobody else may connect to it.
        let private = Endpoint { bus: Bus::System, way: Way::Private("/run/systemd/private".into()) };
        [bus].into_iter().chain((self.uid == 0).then_some(private)).collect()
    }
}

impl Endpoint {
    /// A bus by the path of its socket.
    #[must_use]
    pub fn bus_at(bus: Bus, path: &Path) -> Self {
        let mut address = "unix:path=".to_owned();
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/' | b'.' => {
                    address.push(char::from(*byte));
                }
                // Writing to a String does not fail.
                _ => drop(write!(address, "%{byte:02x}")),
            }
        }
        Self { bus, way: Way::Bus(address) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Bus(address) => write!(f, "{} manager at {address}", self.bus.name()),
            Way::Private(path) => write!(f, "{} manager at {}", self.bus.name(), path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(endpoint: Endpoint) -> String {
        match endpoint.way {
            Way::Bus(address) => address,
            Way::Private(path) => path.display().to_string(),
        }
    }

    fn addresses(surroundings: &Surroundings, choice: Choice) -> Vec<String> {
        surroundings.endpoints_of(choice).into_iter().map(shown).collect()
    }

    #[test]
    fn a_user_asks_the_manager_of_the_user_first() {
        let user = Surroundings {
            uid: 1000,
            session_address: Some("unix:path=/a;tcp:host=b;unixexec:path=c;unix:abstract=d".into()),
            runtime_directory: Some("/run/x y".into()),
        };
        let session =
            ["unix:path=/a", "unix:abstract=d", "unix:path=/run/x%20y/bus", "/run/x y/systemd/private"];
        assert_eq!(addresses(&user, Choice::Only(Bus::Session)), session);
        let any = [&session[..], &["unix:path=/run/dbus/system_bus_socket"]].concat();
        assert_eq!(addresses(&user, Choice::Any), any);
        assert_eq!(addresses(&user, Choice::SessionFirst), session);
    }

    #[test]
    fn root_asks_the_manager_of_the_system_first() {
        let system = ["unix:path=/run/dbus/system_bus_socket", "/run/systemd/private"];
        let session = ["unix:path=/run/user/0/bus", "/run/user/0/systemd/private"];
        let root = Surroundings { runtime_directory: Some("relative".into()), ..Surroundings::default() };
        assert_eq!(addresses(&root, Choice::Any), [system, session].concat());
        assert_eq!(addresses(&root, Choice::Only(Bus::System)), system);
        assert_eq!(addresses(&root, Choice::SessionFirst), [session, system].concat());
    }

    #[test]
    fn a_way_that_is_named_twice_is_tried_once() {
        let user = Surroundings {
            uid: 7,
            session_address: Some("unix:path=/run/user/7/bus".into()),
            runtime_directory: None,
        };
        assert_eq!(addresses(&user, Choice::Only(Bus::Session)).len(), 2);
    }
}
