//! What TypeScript checked, as a command of the core.

use std::os::fd::OwnedFd;

use kernel::fork::{self, Credentials, Stage, Strings};
use kernel::{Error, Kind, Result};
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;
use process::{Command, IdMap, Namespaces, Stdio, UserNamespace};

use crate::limits::{resource_of, word};
use crate::process::Process;
use crate::variables;

/// A checked spawn.
#[napi(object, object_to_js = false)]
pub struct SpawnPlan {
    pub file: String,
    /// With the program's own name, and a null byte after each. One string, because taking over dozens takes longer than the
    /// rest of a plan.
    pub argv: String,
    /// Likewise, `NAME=value` each. Left out for ours, as they were remembered last.
    pub env: Option<String>,
    /// A descriptor of ours, or -1 for a pipe, -2 for /dev/null.
    pub stdio: Vec<i32>,
    pub cwd: Option<String>,
    /// Descriptors of groups' directories.
    pub cgroups: Option<Vec<i32>>,
    /// Likewise left out where nothing of it was asked for, as in most spawns.
    pub further: Option<FurtherPlan>,
}

/// What is asked for less often.
#[napi(object, object_to_js = false)]
pub struct FurtherPlan {
    pub session: bool,
    pub no_new_privileges: bool,
    /// 0 for a new one.
    pub process_group: Option<i32>,
    pub credentials: Option<CredentialsPlan>,
    pub umask: Option<u32>,
    pub parent_death_signal: Option<i32>,
    /// A descriptor of the child.
    pub controlling_terminal: Option<u32>,
    /// A descriptor of ours.
    pub foreground: Option<i32>,
    pub detach_terminal: bool,
    /// By number.
    pub ambient_capabilities: Vec<u8>,
    /// Likewise.
    pub drop_capabilities: Vec<u8>,
    /// The descriptor of a ruleset.
    pub landlock: Option<i32>,
    pub seccomp: Option<Uint8Array>,
    pub root: Option<String>,
    /// By name, as the two that follow.
    pub namespaces: Vec<String>,
    pub unshare: Vec<String>,
    pub entered_namespaces: Vec<String>,
    pub user_namespace: Option<UserNamespacePlan>,
    pub resource_limits: Vec<LimitPlan>,
    pub niceness: Option<i32>,
    pub cpu_affinity: Vec<u16>,
    pub oom_score_adjust: Option<i32>,
    /// By number.
    pub ignored_signals: Vec<i32>,
}

/// Id maps of a new user namespace, and whether groups can be changed in it.
#[napi(object, object_to_js = false)]
pub struct UserNamespacePlan {
    pub uid_map: Vec<IdMapPlan>,
    pub gid_map: Vec<IdMapPlan>,
    pub setgroups: bool,
}

/// A range of ids.
#[napi(object, object_to_js = false)]
pub struct IdMapPlan {
    pub container_id: u32,
    pub host_id: u32,
    pub size: u32,
}

/// A limit by the name of its resource; what is absent stays.
#[napi(object, object_to_js = false)]
pub struct LimitPlan {
    pub resource: String,
    pub soft: Option<BigInt>,
    pub hard: Option<BigInt>,
}

/// Other ids; without `groups` the supplementary groups stay.
#[napi(object, object_to_js = false)]
pub struct CredentialsPlan {
    pub uid: u32,
    pub gid: u32,
    pub groups: Option<Vec<u32>>,
}

impl SpawnPlan {
    /// The command that it describes.
    pub(super) fn command(self, entered: Option<&Process>) -> Result<Command> {
        let strings = |block: String| Strings::from_block(block.into_bytes());
        let variables = self.env.map_or_else(variables::remembered, |env| Ok(strings(env)))?;
        let mut command = Command::new(self.file).argv(strings(self.argv)).environment(variables);
        for stdio in &self.stdio {
            command = command.descriptor(match *stdio {
                -1 => Stdio::Pipe,
                -2 => Stdio::Null,
                number => Stdio::Number(number),
            });
        }
        if let Some(cwd) = self.cwd {
            command = command.directory(cwd);
        }
        for group in self.cgroups.unwrap_or_default() {
            command = command.cgroup(own(group, Stage::Cgroup)?);
        }
        match self.further {
            Some(further) => further.add_to(command, entered),
            None => Ok(command),
        }
    }
}

impl FurtherPlan {
    fn add_to(mut self, command: Command, entered: Option<&Process>) -> Result<Command> {
        let command = self.surroundings(command, entered)?;
        let command = self.rights(command)?;
        self.resources(command)
    }

    fn surroundings(&mut self, mut command: Command, entered: Option<&Process>) -> Result<Command> {
        if let Some(root) = self.root.take() {
            command = command.root(root);
        }
        if self.session {
            command = command.session();
        }
        if let Some(group) = self.process_group {
            command = command.process_group(group);
        }
        if let Some(descriptor) = self.controlling_terminal {
            command = command.controlling_terminal(descriptor);
        }
        if let Some(terminal) = self.foreground {
            command = command.foreground(own(terminal, Stage::Terminal)?);
        }
        if self.detach_terminal {
            command = command.detach_terminal();
        }
        if let Some(signal) = self.parent_death_signal {
            command = command.parent_death_signal(signal);
        }
        command = self.ignored_signals.iter().fold(command, |command, signal| command.ignore_signal(*signal));
        command = command.namespaces(namespaces(&self.namespaces)?).unshare(namespaces(&self.unshare)?);
        if let Some(entered) = entered {
            command = command.enter_namespaces_of(&entered.get()?, namespaces(&self.entered_namespaces)?);
        }
        if let Some(maps) = &self.user_namespace {
            command = command.user_namespace(maps.into());
        }
        Ok(command)
    }

    fn rights(&mut self, mut command: Command) -> Result<Command> {
        if let Some(CredentialsPlan { uid, gid, groups }) = self.credentials.take() {
            command = command.credentials(Credentials { uid, gid, groups });
        }
        for capability in &self.drop_capabilities {
            command = command.drop_capability(*capability);
        }
        for capability in &self.ambient_capabilities {
            command = command.ambient_capability(*capability);
        }
        if self.no_new_privileges {
            command = command.no_new_privileges();
        }
        if let Some(ruleset) = self.landlock {
            command = command.landlock(own(ruleset, Stage::Landlock)?);
        }
        if let Some(filter) = self.seccomp.take() {
            command = command.seccomp(filter.to_vec());
        }
        Ok(command)
    }

    fn resources(&self, mut command: Command) -> Result<Command> {
        for LimitPlan { resource, soft, hard } in &self.resource_limits {
            command =
                command.resource_limit(resource_of(resource)?, word(soft.as_ref()), word(hard.as_ref()));
        }
        if let Some(mask) = self.umask {
            command = command.umask(mask);
        }
        if let Some(niceness) = self.niceness {
            command = command.niceness(niceness);
        }
        command = self.cpu_affinity.iter().fold(command, |command, number| command.processor(*number));
        if let Some(score) = self.oom_score_adjust {
            command = command.oom_score_adjust(score);
        }
        Ok(command)
    }
}

fn own(descriptor: i32, stage: Stage) -> Result<OwnedFd> {
    let refuse = |errno| Error::os("fcntl", errno).kind_is(Kind::SpawnFailed).stage(stage.name());
    fork::duplicate(descriptor).map_err(refuse)
}

fn namespaces(names: &[String]) -> Result<Namespaces> {
    names.iter().try_fold(Namespaces::NONE, |all, name| {
        let unknown = || Error::new(Kind::InvalidArgument, "spawn", format!("no namespace is called {name}"));
        Namespaces::named(name).map(|one| all.and(one)).ok_or_else(unknown)
    })
}

impl From<&UserNamespacePlan> for UserNamespace {
    fn from(plan: &UserNamespacePlan) -> Self {
        let maps = |list: &[IdMapPlan]| {
            let one =
                |map: &IdMapPlan| IdMap { inside: map.container_id, outside: map.host_id, count: map.size };
            list.iter().map(one).collect()
        };
        Self { uid_map: maps(&plan.uid_map), gid_map: maps(&plan.gid_map), setgroups: plan.setgroups }
    }
}
