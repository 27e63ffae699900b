//! A scope that was made: stopped, frozen, thawed, gone.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use kernel::ready::Deadline;
use kernel::{Kind, Result};
use systemd::{Buses, Scope};
use testkit::ScratchGroup;
use tokio::sync::Notify;

use crate::peer::{Call, Stage, Then, create, run, soon};

/// Makes a scope and has `script` answer what comes after that.
fn with_scope(script: &impl AsyncFn(&Call) -> Option<Then>, work: impl AsyncFnOnce(Scope)) {
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    run(async {
        let stage = Stage::private();
        let both = async |call: &Call| {
            if call.member != "StartTransientUnit" {
                return script(call).await;
            }
            let start = call.start();
            start.carry_out(&group, child.pid());
            call.answer_job(7).await;
            call.removed(7, &start.unit, "done").await;
            Some(Then::GoOn)
        };
        let buses = Buses::new();
        let work = async { work(create(&buses, &stage.endpoint, child.pid()).await.unwrap()).await };
        stage.play(both, work).await;
    });
}

async fn each(scope: &Scope) -> [Result<()>; 3] {
    [scope.freeze(soon()).await, scope.thaw(soon()).await, scope.stop().await]
}

#[test]
fn the_manager_is_asked_by_the_name_of_the_unit() {
    testkit::require!(cgroup2);
    let asked = RefCell::new(Vec::new());
    let unit = RefCell::new(String::new());
    let script = async |call: &Call| {
        let body = call.message.body();
        asked.borrow_mut().push(call.member.clone());
        match call.member.as_str() {
            "Get" => Some(call.answer(&zbus::Variant::from("running")).await),
            "StopUnit" => {
                let (name, mode): (String, String) = body.deserialize().unwrap();
                assert_eq!((name.as_str(), mode.as_str()), (unit.borrow().as_str(), "replace"));
                call.answer_job(8).await;
                call.removed(8, &name, "done").await;
                Some(Then::GoOn)
            }
            _ => {
                assert_eq!(body.deserialize::<String>().unwrap(), *unit.borrow());
                Some(call.answer(&()).await)
            }
        }
    };
    with_scope(&script, async |scope| {
        scope.unit().clone_into(&mut unit.borrow_mut());
        for answer in each(&scope).await {
            answer.unwrap();
        }
    });
    assert_eq!(asked.into_inner(), ["Get", "FreezeUnit", "ThawUnit", "StopUnit"]);
}

#[test]
fn what_is_frozen_is_not_frozen_again() {
    testkit::require!(cgroup2);
    let script = async |call: &Call| {
        assert_eq!(call.member, "Get");
        Some(call.answer(&zbus::Variant::from("frozen")).await)
    };
    with_scope(&script, async |scope| scope.freeze(soon()).await.unwrap());
}

#[test]
fn a_scope_that_is_gone_is_stopped_and_cannot_be_frozen() {
    testkit::require!(cgroup2);
    let script =
        async |call: &Call| Some(call.refuse("org.freedesktop.systemd1.NoSuchUnit", "Not loaded.").await);
    with_scope(&script, async |scope| {
        let [freeze, thaw, stop] = each(&scope).await;
        assert_eq!(freeze.unwrap_err().kind(), Kind::Gone);
        assert_eq!(thaw.unwrap_err().kind(), Kind::Gone);
        stop.unwrap();
    });
}

#[test]
fn what_a_manager_cannot_do_is_unsupported() {
    testkit::require!(cgroup2);
    for name in ["NotSupported", "UnknownMethod"] {
        let script = async |call: &Call| {
            Some(call.refuse(&format!("org.freedesktop.DBus.Error.{name}"), "No freezing").await)
        };
        with_scope(&script, async |scope| {
            assert_eq!(scope.freeze(soon()).await.unwrap_err().kind(), Kind::Unsupported);
            assert_eq!(scope.thaw(soon()).await.unwrap_err().kind(), Kind::Unsupported);
        });
    }
}

#[test]
fn a_freeze_that_is_given_up_is_undone() {
    testkit::require!(cgroup2);
    for dropped in [true, false] {
        let thawed = Notify::new();
        let frozen = Notify::new();
        let script = async |call: &Call| match call.member.as_str() {
            "Get" => Some(call.answer(&zbus::Variant::from("running")).await),
            "FreezeUnit" => {
                frozen.notify_one();
                Some(Then::GoOn)
            }
            _ => {
                assert_eq!(call.member, "ThawUnit");
                thawed.notify_one();
                Some(call.answer(&()).await)
            }
        };
        with_scope(&script, async |scope| {
            if dropped {
                tokio::select! {
                    answer = scope.freeze(soon()) => panic!("{answer:?}"),
                    () = frozen.notified() => {}
                }
            } else {
                let error = scope.freeze(Deadline::after(Duration::from_millis(100))).await.unwrap_err();
                assert_eq!(error.kind(), Kind::TimedOut);
            }
            thawed.notified().await;
        });
    }
}

#[test]
fn a_stop_ends_with_the_job_however_long_it_takes() {
    testkit::require!(cgroup2);
    let looks = Cell::new(0);
    let script = async |call: &Call| match call.member.as_str() {
        "StopUnit" => Some(call.answer_job(8).await),
        "Get" => {
            looks.set(looks.get() + 1);
            let state = if looks.get() < 3 { "deactivating" } else { "inactive" };
            Some(call.answer(&zbus::Variant::from(state)).await)
        }
        _ => None,
    };
    with_scope(&script, async |scope| scope.stop().await.unwrap());
    assert_eq!(looks.get(), 3);
}

#[test]
fn a_scope_is_reached_again_after_the_connection_was_lost() {
    testkit::require!(cgroup2);
    let round = Cell::new(0);
    let script = async |call: &Call| {
        round.set(call.round);
        if call.round == 0 {
            return Some(Then::HangUp);
        }
        Some(call.answer(&()).await)
    };
    with_scope(&script, async |scope| {
        assert_eq!(scope.thaw(soon()).await.unwrap_err().kind(), Kind::TrackingUnavailable);
        scope.thaw(soon()).await.unwrap();
    });
    assert_eq!(round.get(), 1);
}
