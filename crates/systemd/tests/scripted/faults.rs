//! Every system call of making a scope, and of ending it, fails, in every way: each time an error or the truth, never a hang
//! and never a descriptor left.
//!
//! The manager is played on a thread of its own, whose calls succeed. `PROCWARD_FAULTS=1` takes all errors instead of one of
//! each kind (`testkit::errnos`).

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kernel::ready::Deadline;
use kernel::{Error, Kind, Result};
use systemd::{Buses, Endpoint, Scope};
use testkit::{Child, ScratchGroup, errnos, fail_each_call, runtime, sleeper};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::peer::{Call, Stage, Then, request, run};

/// Far above what an answer of a script takes, and short enough to be waited for where a fault keeps it away.
const PATIENCE: Duration = Duration::from_secs(5);

struct Subject {
    runtime: Runtime,
    member: Child,
}

/// Does what it is asked for: the process whose scope it is to be is the only one that the request names.
async fn obey(call: &Call, group: &ScratchGroup) -> Option<Then> {
    match call.member.as_str() {
        "StartTransientUnit" => {
            let start = call.start();
            let pids = start.properties.iter().find(|(name, _)| name == "PIDs");
            let pids: Vec<u32> = pids.unwrap().1.try_clone().unwrap().try_into().unwrap();
            // Whoever asked may have been told of a fault, and be gone by now.
            let scope = group.path().join(&start.unit);
            let moved = fs::create_dir(&scope)
                .and_then(|()| fs::write(scope.join("cgroup.procs"), pids[0].to_string()));
            if moved.is_err() {
                return Some(
                    call.refuse("org.freedesktop.DBus.Error.UnixProcessIdUnknown", "it is gone").await,
                );
            }
            call.answer_job(7).await;
            call.removed(7, &start.unit, "done").await;
        }
        "StopUnit" => {
            let (unit, _): (String, String) = call.message.body().deserialize().unwrap();
            call.answer_job(8).await;
            call.removed(8, &unit, "done").await;
        }
        "Get" => drop(call.answer(&zbus::Variant::from("running")).await),
        "FreezeUnit" => drop(call.answer(&()).await),
        _ => return None,
    }
    Some(Then::GoOn)
}

/// Runs `work` with a manager to ask, once for each of its calls and each error.
fn fail(title: &str, bus: bool, work: impl AsyncFn(Scope) -> Result<()> + Sync) {
    let (told, endpoint) = mpsc::channel::<Endpoint>();
    let (over, ended) = oneshot::channel::<()>();
    let manager = thread::spawn(move || {
        let group = ScratchGroup::v2("systemd-fault");
        run(async {
            let stage = if bus { Stage::bus() } else { Stage::private() };
            told.send(stage.endpoint.clone()).unwrap();
            let _over = stage.play(async |call: &Call| obey(call, &group).await, ended).await;
        });
    });
    let endpoint = endpoint.recv().unwrap();
    let operation = |subject: &Subject| {
        subject.runtime.block_on(async {
            let buses = Buses::new();
            let asked = request(subject.member.pid());
            let scope =
                buses.create(std::slice::from_ref(&endpoint), asked, Deadline::after(PATIENCE)).await?;
            work(scope).await
        })
    };
    let prepare = || Subject { runtime: runtime(), member: sleeper() };
    let check = |_: Subject, outcome: Result<()>| {
        if let Err(error) = outcome {
            assert!(is_told(&error), "{title}: {error:?}");
        }
    };
    match fail_each_call(errnos(), prepare, operation, check) {
        Ok(faults) => println!("{title}: {} runs: {faults}", faults.runs()),
        Err(why) => println!("SKIPPED {title}: {why}"),
    }
    let _ = over.send(());
    manager.join().unwrap();
}

/// `Os` says what the kernel said.
fn is_told(error: &Error) -> bool {
    error.kind() != Kind::Os || error.errno().is_some()
}

/// One after the other: the manager of another would be taken for something left behind.
#[test]
fn a_scope_is_made_stopped_frozen_and_thawed_or_not() {
    testkit::require!(cgroup2);
    fail("create at the manager's own socket", false, async |_| Ok(()));
    fail("create at a bus", true, async |_| Ok(()));
    fail("stop", false, async |scope| scope.stop().await);
    let deadline = || Deadline::after(PATIENCE);
    fail("freeze and thaw", false, async |scope| {
        scope.freeze(deadline()).await?;
        scope.thaw(deadline()).await
    });
}
