//! Making a scope: who is asked, what is waited for, and what counts as made.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};
use tokio::sync::oneshot;

use crate::bus::Buses;
use crate::endpoint::Endpoint;
use crate::job::{Removals, Starting, judge};
use crate::member::Member;
use crate::peer::Peer;
use crate::property::Property;
use crate::refusal;
use crate::request::{Naming, Request};
use crate::scope::Scope;
use crate::unit::unique;

const START: &str = "StartTransientUnit";
/// How often `/proc` is asked again after the manager said that it is done. Older ones are a little ahead of the kernel.
const LOOKS: usize = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// How long a manager may take to execute itself again, and how often it is looked for meanwhile.
const BACK: Duration = Duration::from_secs(5);
const BETWEEN_KNOCKS: Duration = Duration::from_millis(20);

/// Why there is no scope, and who may be asked instead.
enum Refused {
    /// The manager that was there, once it is back.
    Interrupted(Error),
    /// The next endpoint.
    Here(Error),
    /// Nobody.
    ForGood(Error),
}

impl Buses {
    /// Makes a scope at the first endpoint where there is a manager, and returns once the processes are in it.
    ///
    /// Processes are named by pidfd where all are held by one and the manager takes them (systemd 255), else by number, if the
    /// manager is in our pid namespace.
    ///
    /// A process that is in another unit leaves it. One that ended meanwhile fails the call; the others stay in the scope,
    /// which goes with the last of them.
    ///
    /// # Errors
    /// - [`Kind::TrackingUnavailable`]: no endpoint led to a manager; it says why of each.
    /// - [`Kind::CannotTrack`]: the manager failed, or a process is not where the manager says.
    /// - [`Kind::PermissionDenied`]: the manager is not ours to ask.
    /// - [`Kind::InvalidArgument`]: the manager does not take a property, or its value.
    /// - [`Kind::Gone`]: a process ended. [`Kind::Frozen`]: the slice is frozen.
    /// - [`Kind::TimedOut`]: at the deadline the processes were not in it.
    ///
    /// # Cancellation
    /// Dropping the future cancels the manager's job. A scope that exists by then stays, and goes with its last process.
    pub async fn create(
        self: &Arc<Self>,
        endpoints: &[Endpoint],
        request: Request,
        deadline: Deadline,
    ) -> Result<Scope> {
        // What was asked for last, and where: it may exist although nobody said so in time.
        let asked = Mutex::new(None);
        let answer = deadline.bound(START, self.try_each(endpoints, &request, &asked)).await;
        let asked = asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let scope = match (answer, asked) {
            (Ok(found), _) => found,
            (Err(error), Some((unit, endpoint)))
                if matches!(error.kind(), Kind::TimedOut | Kind::TrackingUnavailable) =>
            {
                let Ok(Ok(path)) = place_of_all(&request.members, &unit) else { return Err(error) };
                (unit, path, endpoint)
            }
            (Err(error), _) => return Err(error),
        };
        let (unit, cgroup_path, endpoint) = scope;
        Ok(Scope { unit, cgroup_path, endpoint, buses: Arc::clone(self) })
    }

    async fn try_each(
        &self,
        endpoints: &[Endpoint],
        request: &Request,
        asked: &Mutex<Option<(String, Endpoint)>>,
    ) -> Result<(String, PathBuf, Endpoint)> {
        let mut reasons = Vec::new();
        for endpoint in endpoints {
            let mut back_by: Option<Deadline> = None;
            let error = loop {
                let (error, went) = match self.attempt(endpoint, request, asked).await {
                    Ok(unit) => {
                        let path = verify(&request.members, &unit).await?;
                        return Ok((unit, path, endpoint.clone()));
                    }
                    Err(Refused::ForGood(error)) if reasons.is_empty() => return Err(error),
                    Err(Refused::ForGood(error)) => {
                        return Err(error.hint(format!("tried before: {}", reasons.join("; "))));
                    }
                    Err(Refused::Interrupted(error)) => (error, true),
                    Err(Refused::Here(error)) => (error, false),
                };
                // Should the first request have been heard, its job comes before that of the second, which so has the last
                // word; the empty scope goes by itself.
                if went {
                    back_by.get_or_insert_with(|| Deadline::after(BACK));
                }
                if back_by.is_none_or(Deadline::has_passed) {
                    break error;
                }
                Deadline::after(BETWEEN_KNOCKS).passed().await;
            };
            reasons.push(format!("{endpoint}: {error}"));
        }
        let why = format!("no service manager can be reached ({})", reasons.join("; "));
        Err(Error::new(Kind::TrackingUnavailable, START, why))
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        asked: &Mutex<Option<(String, Endpoint)>>,
    ) -> std::result::Result<String, Refused> {
        let peer = self.reach(endpoint).await.map_err(|error| match error.kind() {
            Kind::TimedOut => Refused::ForGood(error),
            _ => Refused::Here(error),
        })?;
        start(&peer, request, |unit| note(asked, unit, endpoint)).await
    }
}

fn note(asked: &Mutex<Option<(String, Endpoint)>>, unit: &str, endpoint: &Endpoint) {
    *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some((unit.to_owned(), endpoint.clone()));
}

/// Has a manager make the scope and waits until it says that it has.
async fn start(peer: &Peer, request: &Request, note: impl Fn(&str)) -> std::result::Result<String, Refused> {
    let here = |error: &zbus::Error| Refused::Here(refusal::error(START, error));
    let mut removals = Removals::of(peer).await.map_err(|error| here(&error))?;
    let best = if peer.refuses_pidfds() { Naming::Pids } else { request.naming() };
    let mut naming = best;
    loop {
        if naming == Naming::Pids
            && !removals.while_waiting(peer.shares_numbers()).await.map_err(|error| here(&error))?
        {
            let why = "systemd knows processes by number only, and numbers ours otherwise: it is in another pid namespace";
            let error = Error::new(Kind::CannotTrack, START, why).hint("systemd 255 takes pidfds instead");
            return Err(Refused::ForGood(error));
        }
        // A name that a manager has refused is taken until it has forgotten the unit.
        let unit = unique(&request.name);
        note(&unit);
        let properties = request.sent(naming).map_err(Refused::ForGood)?;
        let reply = removals.while_waiting(ask(peer.clone(), unit.clone(), properties)).await;
        let job = match reply {
            Ok(job) => job,
            Err(error) if naming == Naming::Pidfds && refusal::is_unknown_property(&error) => {
                naming = Naming::Pids;
                continue;
            }
            Err(error) => return Err(sort(request, &error)),
        };
        if naming != best {
            peer.remember_that_it_refuses_pidfds();
        }
        let path = job.path.clone();
        let ending = removals.end_of(peer, &path, &unit, |state| match state {
            "active" => Some("done"),
            "failed" => Some("failed"),
            _ => None,
        });
        let ending = ending.await.map_err(|error| Refused::ForGood(refusal::error(START, &error)))?;
        job.ended();
        return judge(START, &unit, &ending).map(|()| unit).map_err(Refused::ForGood);
    }
}

/// Whether another endpoint could do better than this refusal.
fn sort(request: &Request, error: &zbus::Error) -> Refused {
    if refusal::is_interrupted(error) {
        return Refused::Interrupted(refusal::error(START, error));
    }
    let named = refusal::name(error).is_some();
    let error = refusal::error(START, error);
    match error.kind() {
        // Without a reply it is not known whether the scope was made, and another one shall not be made beside it.
        Kind::TrackingUnavailable if named => Refused::Here(error),
        Kind::InvalidArgument => match request.unknown() {
            unknown if unknown.is_empty() => Refused::ForGood(error),
            unknown => Refused::ForGood(error.hint(format!(
                "of the properties, procward does not know {unknown}, and sent them as they are"
            ))),
        },
        _ => Refused::ForGood(error),
    }
}

/// The request runs by itself: where nobody waits for its answer any more, the job that it names is cancelled.
async fn ask(peer: Peer, unit: String, properties: Vec<Property>) -> zbus::Result<Starting> {
    let (sender, answer) = oneshot::channel();
    let asking = async move {
        let auxiliary: Vec<(String, Vec<Property>)> = Vec::new();
        let reply = peer.call(START, &(unit, "fail", properties, auxiliary)).await;
        let job = reply.and_then(|reply| Starting::new(peer, &reply));
        // An answer that nobody takes is dropped, here or in the channel.
        drop(sender.send(job));
    };
    drop(tokio::spawn(asking));
    answer.await.unwrap_or_else(|_| Err(zbus::Error::Failure("the request was dropped".to_owned())))
}

/// Asks `/proc` until every process is in the scope.
async fn verify(members: &[Member], unit: &str) -> Result<PathBuf> {
    let mut elsewhere = String::new();
    for _ in 0..LOOKS {
        match place_of_all(members, unit)? {
            Ok(path) => return Ok(path),
            Err(where_it_is) => elsewhere = where_it_is,
        }
        Deadline::after(BETWEEN_LOOKS).passed().await;
    }
    let why = format!("systemd made {unit}, but {elsewhere}");
    Err(Error::new(Kind::CannotTrack, START, why))
}

fn place_of_all(members: &[Member], unit: &str) -> Result<std::result::Result<PathBuf, String>> {
    let mut first = None;
    for member in members {
        match member.place(unit)? {
            Ok(path) => drop(first.get_or_insert(path)),
            Err(elsewhere) => return Ok(Err(format!("process {} is in {elsewhere}", member.pid))),
        }
    }
    Ok(first.ok_or_else(|| "it holds no process".to_owned()))
}
