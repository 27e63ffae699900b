//! What a scope shall be: checked when it is said, sent when it is asked for.

use std::io;
use std::os::fd::AsFd;

use kernel::{Errno, Error, Kind, Result};
use zbus::{Fd, Variant};

use crate::member::Member;
use crate::property::{Property, Setting, is_known, property};
use crate::unit::{check_name, check_slice, invalid};

/// A scope to be made.
#[derive(Debug)]
pub struct Request {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
    properties: Vec<Property>,
}

/// How processes are named to a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By descriptor, which cannot be mistaken: systemd 255.
    Pidfds,
    /// By number.
    Pids,
}

impl Request {
    /// A scope of that name, to which a random id is added, for these processes.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for a name that units cannot have, and without processes.
    pub fn new(name: &str, members: Vec<Member>) -> Result<Self> {
        check_name(name)?;
        if members.is_empty() {
            return Err(invalid("a scope holds one process at least".to_owned()));
        }
        // A scope that failed would stay, and be in the way of nobody but those who list units.
        let collect = ("CollectMode".to_owned(), Variant::from("inactive-or-failed".to_owned()));
        Ok(Self { name: name.to_owned(), members, properties: vec![collect] })
    }

    /// What it is for, as `systemctl status` shows it.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for text with NUL in it.
    pub fn description(&mut self, description: &str) -> Result<()> {
        if description.contains('\0') {
            return Err(invalid(format!("the description {description:?} contains NUL")));
        }
        self.set(("Description".to_owned(), Variant::from(description.to_owned())));
        Ok(())
    }

    /// The slice to stand in, made on demand. Without it, the manager's default.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for a name that slices cannot have.
    pub fn slice(&mut self, slice: &str) -> Result<()> {
        check_slice(slice)?;
        self.set(("Slice".to_owned(), Variant::from(slice.to_owned())));
        Ok(())
    }

    /// Leaves what is below the scope's group to its processes, to make groups in.
    pub fn delegate(&mut self) {
        self.set(("Delegate".to_owned(), Variant::from(true)));
    }

    /// Any other property of a scope: org.freedesktop.systemd1(5), systemd.resource-control(5), systemd.kill(5).
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] naming the property, for one that another method sets and for a value that it cannot have.
    pub fn property(&mut self, name: &str, setting: &Setting) -> Result<()> {
        self.set(property(name, setting)?);
        Ok(())
    }

    fn set(&mut self, property: Property) {
        self.properties.retain(|(name, _)| *name != property.0);
        self.properties.push(property);
    }

    /// The names of properties that were sent as they are.
    pub(crate) fn unknown(&self) -> String {
        let unknown = self.properties.iter().map(|(name, _)| name.as_str()).filter(|name| !is_known(name));
        unknown.collect::<Vec<_>>().join(", ")
    }

    /// How the processes can be named at best.
    pub(crate) fn naming(&self) -> Naming {
        if self.members.iter().all(|member| member.pidfd.is_some()) { Naming::Pidfds } else { Naming::Pids }
    }

    /// The properties as they are sent, the processes first.
    pub(crate) fn sent(&self, naming: Naming) -> Result<Vec<Property>> {
        let processes = match naming {
            Naming::Pidfds => {
                let held = self.members.iter().filter_map(|member| member.pidfd.as_ref());
                let copies = held.map(|held| held.as_fd().try_clone_to_owned().map(Fd::from));
                let copies = copies.collect::<io::Result<Vec<_>>>().map_err(|error| {
                    let errno = Errno::from_io_error(&error).unwrap_or(Errno::MFILE);
                    Error::os("fcntl(F_DUPFD_CLOEXEC)", errno)
                })?;
                ("PIDFDs".to_owned(), Variant::from(copies))
            }
            Naming::Pids => {
                let pids: Vec<u32> = self.members.iter().map(|member| member.pid.cast_unsigned()).collect();
                ("PIDs".to_owned(), Variant::from(pids))
            }
        };
        let mut sent = vec![processes];
        for (name, value) in &self.properties {
            let value = value.try_clone().map_err(|error| {
                Error::new(Kind::Os, "clone", format!("property {name} cannot be copied ({error})"))
            })?;
            sent.push((name.clone(), value));
        }
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::new("test", vec![Member::new(7, None)]).unwrap()
    }

    #[test]
    fn a_scope_without_processes_or_name_is_refused() {
        assert_eq!(Request::new("a", Vec::new()).unwrap_err().kind(), Kind::InvalidArgument);
        assert_eq!(Request::new("", vec![Member::new(7, None)]).unwrap_err().kind(), Kind::InvalidArgument);
        assert_eq!(request().slice("app").unwrap_err().kind(), Kind::InvalidArgument);
        assert_eq!(request().description("a\0").unwrap_err().kind(), Kind::InvalidArgument);
    }

    #[test]
    fn the_processes_come_first_and_a_property_said_twice_is_sent_once() {
        let mut request = request();
        request.property("TasksMax", &Setting::Number(3)).unwrap();
        request.property("TasksMax", &Setting::Number(4)).unwrap();
        request.property("CollectMode", &Setting::Text("inactive".to_owned())).unwrap();
        let sent = request.sent(Naming::Pids).unwrap();
        let names: Vec<_> = sent.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PIDs", "TasksMax", "CollectMode"]);
        assert_eq!((&sent[0].1, &sent[1].1), (&Variant::from(vec![7_u32]), &Variant::from(4_u64)));
    }

    #[test]
    fn a_process_without_a_pidfd_is_named_by_number_with_all_others() {
        assert_eq!(request().naming(), Naming::Pids);
    }
}
