//! Scopes of systemd for JavaScript.

use std::sync::Arc;

use kernel::{Errno, Error, Result};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use systemd::{Bus, Choice, Member, Setting, Surroundings};

use crate::deadline;
use crate::environment::{Environment, value};
use crate::failure::{Outcome, outcome};
use crate::process::Process;

/// A checked scope.
#[napi(object, object_to_js = false)]
pub struct ScopePlan {
    pub name: String,
    pub description: Option<String>,
    pub slice: Option<String>,
    pub delegate: bool,
    pub properties: Vec<PropertyPlan>,
    /// `session`, `system`, `session-first`; absent for either.
    pub bus: Option<String>,
}

/// A property of a unit; one of the values is there.
#[napi(object, object_to_js = false)]
pub struct PropertyPlan {
    pub name: String,
    pub text: Option<String>,
    pub number: Option<BigInt>,
    pub flag: Option<bool>,
    pub list: Option<Vec<String>>,
}

/// A scope that systemd made.
#[napi]
pub struct Scope(Arc<systemd::Scope>);

/// What does not change while a scope is there.
#[napi(object, object_from_js = false)]
pub struct ScopeRecord {
    pub unit: String,
    pub cgroup_path: String,
    pub bus: String,
}

/// Starts to make a scope for these processes. What is wrong with the plan is returned at once.
#[napi(catch_unwind)]
#[must_use]
pub fn create_scope(
    environment: &Environment,
    id: u32,
    plan: ScopePlan,
    processes: Vec<&Process>,
    timeout_ms: f64,
) -> Outcome<()> {
    outcome(prepare(&plan, &processes).map(|(request, choice)| {
        // Read here: the environment belongs to the thread that runs the JavaScript.
        let surroundings = Surroundings::here();
        let deadline = deadline(timeout_ms);
        environment.run(id, value, async move {
            let endpoints = surroundings.endpoints(choice)?;
            systemd::shared().create(&endpoints, request, deadline).await.map(|scope| Scope(Arc::new(scope)))
        });
    }))
}

#[napi]
impl Scope {
    #[napi(catch_unwind)]
    #[must_use]
    pub fn describe(&self) -> ScopeRecord {
        ScopeRecord {
            unit: self.0.unit().to_owned(),
            cgroup_path: self.0.cgroup_path().to_string_lossy().into_owned(),
            bus: self.0.bus().name().to_owned(),
        }
    }

    #[napi(catch_unwind)]
    pub fn stop(&self, environment: &Environment, id: u32) {
        let scope = Arc::clone(&self.0);
        environment.run(id, value, async move { scope.stop().await });
    }

    #[napi(catch_unwind)]
    pub fn freeze(&self, environment: &Environment, id: u32, timeout_ms: f64) {
        let (scope, deadline) = (Arc::clone(&self.0), deadline(timeout_ms));
        environment.run(id, value, async move { scope.freeze(deadline).await });
    }

    #[napi(catch_unwind)]
    pub fn thaw(&self, environment: &Environment, id: u32, timeout_ms: f64) {
        let (scope, deadline) = (Arc::clone(&self.0), deadline(timeout_ms));
        environment.run(id, value, async move { scope.thaw(deadline).await });
    }
}

fn prepare(plan: &ScopePlan, processes: &[&Process]) -> Result<(systemd::Request, Choice)> {
    let members = processes.iter().map(|process| to_member(process)).collect::<Result<Vec<_>>>()?;
    let mut request = systemd::Request::new(&plan.name, members)?;
    if let Some(description) = &plan.description {
        request.description(description)?;
    }
    if let Some(slice) = &plan.slice {
        request.slice(slice)?;
    }
    if plan.delegate {
        request.delegate();
    }
    for property in &plan.properties {
        request.property(&property.name, &to_setting(property))?;
    }
    let choice = match plan.bus.as_deref() {
        Some("session") => Choice::Only(Bus::Session),
        Some("system") => Choice::Only(Bus::System),
        Some("session-first") => Choice::SessionFirst,
        _ => Choice::Any,
    };
    Ok((request, choice))
}

/// With a pidfd of its own: the handle may be closed before the scope is there.
fn to_member(process: &Process) -> Result<Member> {
    let process = process.get()?;
    let pidfd = process.pidfd().ok().map(|pidfd| pidfd.try_clone_to_owned()).transpose();
    let pidfd = pidfd.map_err(|error| {
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::MFILE);
        Error::os("fcntl(F_DUPFD_CLOEXEC)", errno).pid(process.pid())
    })?;
    Ok(Member::new(process.pid(), pidfd))
}

fn to_setting(property: &PropertyPlan) -> Setting {
    match (&property.text, &property.number, property.flag, &property.list) {
        (Some(text), ..) => Setting::Text(text.clone()),
        // TypeScript let 65 bits pass.
        (_, Some(number), ..) => Setting::Number(number.get_i128().0),
        (_, _, Some(flag), _) => Setting::Flag(flag),
        (.., list) => Setting::List(list.clone().unwrap_or_default()),
    }
}
