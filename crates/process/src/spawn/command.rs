//! What is to be started, and as what.

use std::os::fd::OwnedFd;

use kernel::fork::{Credentials, Strings};
use kernel::{Error, Kind, Result};
use rustix::process::Resource;

use super::namespaces::{Namespaces, UserNamespace};
use super::stdio::Stdio;
use crate::handle::Process;

/// A program, its arguments, and what its process is to become. What is not said is inherited, except the environment
/// and the descriptors, of which the child has only what it is given, and signals, which are all at their default.
#[derive(Debug)]
#[must_use = "a command does nothing until it is spawned"]
pub struct Command {
    pub(super) program: Vec<u8>,
    /// With the program's own name.
    pub(super) argv: Strings,
    /// `NAME=value` each.
    pub(super) environment: Strings,
    /// Why it can never be executed: the first reason.
    pub(super) unusable: Option<Error>,
    pub(super) stdio: Vec<Stdio>,
    pub(super) directory: Option<Vec<u8>>,
    pub(super) root: Option<Vec<u8>>,
    pub(super) session: bool,
    pub(super) process_group: Option<i32>,
    pub(super) foreground: Option<OwnedFd>,
    pub(super) controlling_terminal: Option<u32>,
    pub(super) detach_terminal: bool,
    pub(super) ignored_signals: Vec<i32>,
    pub(super) namespaces: Namespaces,
    pub(super) user_namespace: Option<UserNamespace>,
    pub(super) entered: Vec<(Process, Namespaces)>,
    pub(super) unshared: Namespaces,
    pub(super) resource_limits: Vec<PartialLimit>,
    pub(super) umask: Option<u32>,
    pub(super) niceness: Option<i32>,
    pub(super) processors: Vec<u64>,
    pub(super) oom_score_adjust: Option<i32>,
    pub(super) cgroups: Vec<OwnedFd>,
    pub(super) credentials: Option<Credentials>,
    pub(super) parent_death_signal: Option<i32>,
    pub(super) no_new_privileges: bool,
    pub(super) dropped_capabilities: u64,
    pub(super) ambient_capabilities: u64,
    pub(super) landlock: Option<OwnedFd>,
    pub(super) seccomp: Option<Vec<u8>>,
}

/// A resource limit of which one half may be left as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartialLimit {
    pub resource: Resource,
    pub soft: Option<u64>,
    pub hard: Option<u64>,
}

impl Command {
    /// A program by path, or by a name without `/`, which the child looks up in the `PATH` of its own environment.
    pub fn new(program: impl Into<Vec<u8>>) -> Self {
        let program = program.into();
        let mut argv = Strings::default();
        let named = argv.push(&[&program]);
        Self {
            program,
            argv,
            environment: Strings::default(),
            unusable: named.err(),
            stdio: Vec::new(),
            directory: None,
            root: None,
            session: false,
            process_group: None,
            foreground: None,
            controlling_terminal: None,
            detach_terminal: false,
            ignored_signals: Vec::new(),
            namespaces: Namespaces::NONE,
            user_namespace: None,
            entered: Vec::new(),
            unshared: Namespaces::NONE,
            resource_limits: Vec::new(),
            umask: None,
            niceness: None,
            processors: Vec::new(),
            oom_score_adjust: None,
            cgroups: Vec::new(),
            credentials: None,
            parent_death_signal: None,
            no_new_privileges: false,
            dropped_capabilities: 0,
            ambient_capabilities: 0,
            landlock: None,
            seccomp: None,
        }
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: impl AsRef<[u8]>) -> Self {
        let added = self.argv.push(&[argument.as_ref()]);
        self.usable_if(added)
    }

    /// All its arguments, the first of which is the name it is called by; by default that is the program as given.
    pub fn argv(mut self, argv: Strings) -> Self {
        self.argv = argv;
        self
    }

    /// Adds a variable to its environment, which is empty at first.
    pub fn variable(mut self, name: &[u8], value: &[u8]) -> Self {
        if name.is_empty() || name.contains(&b'=') {
            let shown = String::from_utf8_lossy(name);
            let why = format!("'{shown}' is no name of an environment variable: it is empty or contains '='");
            return self.usable_if(Err(Error::new(Kind::InvalidArgument, "spawn", why)));
        }
        let added = self.environment.push(&[name, b"=", value]);
        self.usable_if(added)
    }

    /// All its variables, `NAME=value` each.
    pub fn environment(mut self, variables: Strings) -> Self {
        self.environment = variables;
        self
    }

    fn usable_if(mut self, added: Result<()>) -> Self {
        self.unusable = self.unusable.or(added.err());
        self
    }

    /// Gives it its next descriptor: the first call descriptor 0, the second 1, and so on. What is not given is closed.
    pub fn descriptor(mut self, stdio: Stdio) -> Self {
        self.stdio.push(stdio);
        self
    }

    /// Its working directory.
    pub fn directory(mut self, path: impl Into<Vec<u8>>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Its root directory; unless a working directory is given, that is `/` in it.
    pub fn root(mut self, path: impl Into<Vec<u8>>) -> Self {
        self.root = Some(path.into());
        self
    }

    /// Makes it the leader of a session of its own, without a terminal.
    pub fn session(mut self) -> Self {
        self.session = true;
        self
    }

    /// Puts it into this process group; 0 makes one of its own.
    pub fn process_group(mut self, group: i32) -> Self {
        self.process_group = Some(group);
        self
    }

    /// Makes a process group of its own the foreground of this terminal of ours. We then are in the background.
    pub fn foreground(mut self, terminal: OwnedFd) -> Self {
        self.foreground = Some(terminal);
        self.process_group.get_or_insert(0);
        self
    }

    /// Makes this descriptor of the child its controlling terminal. Needs [`Command::session`].
    pub fn controlling_terminal(mut self, descriptor: u32) -> Self {
        self.controlling_terminal = Some(descriptor);
        self
    }

    /// Gives up the controlling terminal that its descriptor 0 is.
    pub fn detach_terminal(mut self) -> Self {
        self.detach_terminal = true;
        self
    }

    /// Leaves this signal ignored.
    pub fn ignore_signal(mut self, signal: i32) -> Self {
        self.ignored_signals.push(signal);
        self
    }

    /// Gives it new namespaces from birth. With one for users it has every capability in all of them.
    ///
    /// [`Namespaces::TIME`], which cannot be given to a child that shares our memory, begins when it executes. Before Linux 6.2
    /// it does not: there it is for the program's own children, and the program can neither start threads nor use vfork.
    pub fn namespaces(mut self, namespaces: Namespaces) -> Self {
        self.namespaces = self.namespaces.and(namespaces);
        self
    }

    /// Maps ids into its new user namespace before anything else happens in it. That is one from birth, for which we
    /// write the maps with our rights, unless [`Command::unshare`] has [`Namespaces::USER`]: then it writes them itself,
    /// and may map its own user and group only.
    pub fn user_namespace(mut self, maps: UserNamespace) -> Self {
        self.user_namespace = Some(maps);
        self
    }

    /// Makes it enter these namespaces of another process (5.8). That of pids applies to its own children only.
    pub fn enter_namespaces_of(mut self, process: &Process, namespaces: Namespaces) -> Self {
        self.entered.push((process.clone(), namespaces));
        self
    }

    /// Makes it leave its namespaces for new ones before it executes. Those of pids and time apply from there on: the
    /// first to its children, the second to the program as well.
    pub fn unshare(mut self, namespaces: Namespaces) -> Self {
        self.unshared = self.unshared.and(namespaces);
        self
    }

    /// Sets a resource limit; a half that is `None` stays as ours is. `u64::MAX` is no limit.
    pub fn resource_limit(mut self, resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Self {
        self.resource_limits.push(PartialLimit { resource, soft, hard });
        self
    }

    /// Its file mode creation mask.
    pub fn umask(mut self, mask: u32) -> Self {
        self.umask = Some(mask);
        self
    }

    /// Its niceness, -20 to 19.
    pub fn niceness(mut self, niceness: i32) -> Self {
        self.niceness = Some(niceness);
        self
    }

    /// Lets it run on this processor; without any call, on all that we may run on.
    pub fn processor(mut self, number: u16) -> Self {
        let (word, bit) = (usize::from(number / 64), number % 64);
        if self.processors.len() <= word {
            self.processors.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.processors.get_mut(word) {
            *word |= 1_u64 << bit;
        }
        self
    }

    /// What is added to its score for the out-of-memory killer, -1000 to 1000. The calling thread waits until the
    /// program is executed; with a control group or id maps our memory is copied instead, as fork does.
    pub fn oom_score_adjust(mut self, score: i32) -> Self {
        self.oom_score_adjust = Some(score);
        self
    }

    /// The directory of a control group it begins in: of version 2 it is born there, with no moment outside (5.7), otherwise
    /// it moves itself before it runs the program. Repeated for groups of other hierarchies.
    pub fn cgroup(mut self, directory: OwnedFd) -> Self {
        self.cgroups.push(directory);
        self
    }

    /// Who it runs as.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sends it this signal when the thread that spawns it ends.
    pub fn parent_death_signal(mut self, signal: i32) -> Self {
        self.parent_death_signal = Some(signal);
        self
    }

    /// Keeps it and all it starts from gaining privileges by executing a program.
    pub fn no_new_privileges(mut self) -> Self {
        self.no_new_privileges = true;
        self
    }

    /// Takes a capability (by number) from its bounding set, so that no program it executes can gain it.
    pub fn drop_capability(mut self, number: u8) -> Self {
        self.dropped_capabilities |= 1_u64.checked_shl(number.into()).unwrap_or(0);
        self
    }

    /// Lets it keep a capability (by number) although it is not root, and pass it on to what it executes.
    pub fn ambient_capability(mut self, number: u8) -> Self {
        self.ambient_capabilities |= 1_u64.checked_shl(number.into()).unwrap_or(0);
        self
    }

    /// Loads this seccomp filter, classic BPF as the kernel takes it, last before execve. Without `CAP_SYS_ADMIN` it needs
    /// [`Command::no_new_privileges`].
    pub fn seccomp(mut self, filter: impl Into<Vec<u8>>) -> Self {
        self.seccomp = Some(filter.into());
        self
    }

    /// Makes it enter this landlock ruleset.
    pub fn landlock(mut self, ruleset: OwnedFd) -> Self {
        self.landlock = Some(ruleset);
        self
    }

    /// The namespaces that it is born in, and those that it changes for on the way.
    pub(super) fn namespaces_by_time(&self) -> (Namespaces, Namespaces) {
        let maps_at_birth = self.user_namespace.is_some() && !self.unshared.has(Namespaces::USER);
        let born = if maps_at_birth { self.namespaces.and(Namespaces::USER) } else { self.namespaces };
        let later =
            if born.has(Namespaces::TIME) { self.unshared.and(Namespaces::TIME) } else { self.unshared };
        (born.without(Namespaces::TIME), later)
    }

    /// What the kernel would refuse with a number that explains nothing, or would not refuse at all.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |why: String| Err(Error::new(Kind::InvalidArgument, "spawn", why));
        if let Some(error) = &self.unusable {
            return Err(error.clone());
        }
        if let Some(signal) = self.ignored_signals.iter().find(|signal| !(1..=64).contains(*signal)) {
            return invalid(format!("{signal} is no signal"));
        }
        if let Some(score) = self.oom_score_adjust.filter(|score| !(-1000..=1000).contains(score)) {
            return invalid(format!("the score {score} is not from -1000 to 1000"));
        }
        if let Some(filter) =
            self.seccomp.as_ref().filter(|filter| filter.is_empty() || filter.len() % 8 != 0)
        {
            return invalid(format!("a seccomp filter of {} bytes is no list of instructions", filter.len()));
        }
        if self.session && self.process_group.is_some() {
            return invalid("the leader of a session cannot change its process group".to_owned());
        }
        if let Some(terminal) = self.controlling_terminal {
            if self.foreground.is_some() {
                return invalid("a foreground on our terminal excludes a terminal of its own".to_owned());
            }
            if !self.session {
                return invalid("a controlling terminal needs a session".to_owned());
            }
            if terminal as usize >= self.stdio.len() {
                return invalid(format!("descriptor {terminal} is not given to the child"));
            }
        }
        Ok(())
    }
}
