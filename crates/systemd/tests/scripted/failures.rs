//! What is lost, late, or given up.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use kernel::Kind;
use kernel::ready::Deadline;
use systemd::Buses;
use testkit::ScratchGroup;
use tokio::sync::Notify;

use crate::peer::{Call, OWNER, Stage, Then, create, error_of, own_pid, request, run, shortly};

/// The steps of a conversation on a bus, in their order; the last one is the wait for the signal.
const STEPS: [&str; 5] = ["Hello", "GetNameOwner", "AddMatch", "StartTransientUnit", "JobRemoved"];

#[test]
fn a_connection_that_is_lost_at_any_step_is_no_manager() {
    for step in STEPS {
        run(async {
            let stage = Stage::bus();
            let script = async |call: &Call| {
                if call.member == step {
                    return Some(Then::HangUp);
                }
                if call.member == "StartTransientUnit" {
                    call.answer_job(7).await;
                    return Some(Then::HangUp);
                }
                None
            };
            let answer = stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await;
            assert_eq!(error_of(answer).kind(), Kind::TrackingUnavailable, "lost at {step}");
        });
    }
}

#[test]
fn a_peer_that_is_silent_at_any_step_is_given_up_at_the_deadline() {
    for step in STEPS {
        run(async {
            let stage = Stage::bus();
            let script = async |call: &Call| {
                if call.member == step {
                    return Some(Then::GoOn);
                }
                match call.member.as_str() {
                    "StartTransientUnit" => Some(call.answer_job(7).await),
                    "Get" => Some(Then::GoOn),
                    _ => None,
                }
            };
            let buses = Buses::new();
            let work = buses.create(std::slice::from_ref(&stage.endpoint), request(own_pid()), shortly());
            let error = error_of(stage.play(script, work).await);
            assert_eq!(error.kind(), Kind::TimedOut, "silent at {step}: {error}");
        });
    }
}

#[test]
fn a_socket_that_greets_nobody_is_given_up_at_the_deadline() {
    run(async {
        let stage = Stage::bus();
        let buses = Buses::new();
        // Connected by the kernel, accepted by nobody.
        let work = buses.create(std::slice::from_ref(&stage.endpoint), request(own_pid()), shortly());
        assert_eq!(error_of(work.await).kind(), Kind::TimedOut);
    });
}

#[test]
fn a_scope_that_exists_when_the_connection_is_lost_or_the_time_is_up_is_taken() {
    testkit::require!(cgroup2);
    for then in [Then::HangUp, Then::GoOn] {
        let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
        run(async {
            let stage = Stage::private();
            let script = async |call: &Call| {
                if call.member == "StartTransientUnit" {
                    call.start().carry_out(&group, child.pid());
                    return Some(then);
                }
                None
            };
            let buses = Buses::new();
            let work = buses.create(std::slice::from_ref(&stage.endpoint), request(child.pid()), shortly());
            let scope = stage.play(script, work).await.unwrap();
            assert!(scope.cgroup_path().ends_with(scope.unit()), "{scope:?}");
        });
    }
}

#[test]
fn a_signal_that_was_lost_is_made_up_for_by_asking() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    run(async {
        let stage = Stage::bus();
        let script = async |call: &Call| match call.member.as_str() {
            "StartTransientUnit" => {
                call.start().carry_out(&group, child.pid());
                Some(call.answer_job(7).await)
            }
            "Get" => Some(call.answer(&zbus::Variant::from("active")).await),
            _ => None,
        };
        stage.play(script, create(&Buses::new(), &stage.endpoint, child.pid())).await.unwrap();
    });
}

#[test]
fn a_manager_that_executed_itself_again_is_asked_by_its_new_name() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    let started = Cell::new(false);
    run(async {
        let stage = Stage::bus();
        let script = async |call: &Call| match call.member.as_str() {
            "GetNameOwner" => Some(call.answer(&if started.get() { ":1.2" } else { OWNER }).await),
            "StartTransientUnit" => {
                started.set(true);
                call.start().carry_out(&group, child.pid());
                call.answer_job(7).await;
                // From the new name, which was not asked for.
                call.removed_by(":1.2", 7, &call.start().unit, "done").await;
                Some(Then::GoOn)
            }
            "Get" => {
                assert_eq!(call.message.header().destination().unwrap().as_str(), ":1.2");
                Some(call.answer(&zbus::Variant::from("active")).await)
            }
            _ => None,
        };
        stage.play(script, create(&Buses::new(), &stage.endpoint, child.pid())).await.unwrap();
    });
}

#[test]
fn a_manager_that_hangs_up_on_the_bus_is_asked_again_when_it_is_back() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    let (asked, away) = (Cell::new(0), Cell::new(3));
    run(async {
        let stage = Stage::bus();
        let script = async |call: &Call| match call.member.as_str() {
            "GetNameOwner" if asked.get() > 0 && away.get() > 0 => {
                away.set(away.get() - 1);
                Some(call.refuse("org.freedesktop.DBus.Error.NameHasNoOwner", "Not yet").await)
            }
            "StartTransientUnit" if asked.get() == 0 => {
                asked.set(1);
                let text = "Message recipient disconnected from message bus without replying";
                Some(call.refuse("org.freedesktop.DBus.Error.NoReply", text).await)
            }
            "StartTransientUnit" => {
                let start = call.start();
                start.carry_out(&group, child.pid());
                call.answer_job(7).await;
                call.removed(7, &start.unit, "done").await;
                Some(Then::GoOn)
            }
            _ => None,
        };
        stage.play(script, create(&Buses::new(), &stage.endpoint, child.pid())).await.unwrap();
    });
    assert_eq!(away.get(), 0);
}

#[test]
fn a_unit_that_failed_without_a_signal_is_an_error() {
    run(async {
        let stage = Stage::private();
        let script = async |call: &Call| match call.member.as_str() {
            "StartTransientUnit" => Some(call.answer_job(7).await),
            "Get" => Some(call.answer(&zbus::Variant::from("failed")).await),
            _ => None,
        };
        let error = error_of(stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await);
        assert_eq!(error.kind(), Kind::CannotTrack, "{error}");
    });
}

/// Drops a creation at a step, and returns the number of the job that was cancelled then.
async fn cancelled_after_dropping_at(answered: bool) -> u32 {
    let stage = Stage::private();
    let (reached, cancelled) = (Notify::new(), Notify::new());
    let withheld: RefCell<Option<(zbus::Connection, zbus::Message)>> = RefCell::new(None);
    let number = Cell::new(0);
    let script = async |call: &Call| match call.member.as_str() {
        "StartTransientUnit" => {
            if answered {
                call.answer_job(7).await;
            } else {
                *withheld.borrow_mut() = Some((call.connection.clone(), call.message.clone()));
            }
            reached.notify_one();
            Some(Then::GoOn)
        }
        "Get" => Some(Then::GoOn),
        "CancelJob" => {
            number.set(call.message.body().deserialize().unwrap());
            cancelled.notify_one();
            Some(call.answer(&()).await)
        }
        _ => None,
    };
    let buses = Buses::new();
    let work = async {
        {
            let creation = create(&buses, &stage.endpoint, own_pid());
            tokio::select! {
                answer = creation => panic!("{answer:?}"),
                () = async {
                    reached.notified().await;
                    // Time for the answer to arrive; should it not, it is cancelled when it does.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                } => {}
            }
        }
        let late = withheld.borrow_mut().take();
        if let Some((connection, message)) = late {
            connection.reply(&message.header(), &crate::peer::job(7)).await.unwrap();
        }
        cancelled.notified().await;
    };
    stage.play(script, work).await;
    number.get()
}

#[test]
fn dropping_cancels_the_job() {
    run(async { assert_eq!(cancelled_after_dropping_at(true).await, 7) });
}

#[test]
fn dropping_before_the_answer_cancels_the_job_when_it_comes() {
    run(async { assert_eq!(cancelled_after_dropping_at(false).await, 7) });
}

#[test]
fn the_deadline_cancels_the_job() {
    let cancelled = Notify::new();
    run(async {
        let stage = Stage::private();
        let script = async |call: &Call| match call.member.as_str() {
            "StartTransientUnit" => Some(call.answer_job(7).await),
            "CancelJob" => {
                cancelled.notify_one();
                Some(call.answer(&()).await)
            }
            _ => Some(Then::GoOn),
        };
        let buses = Buses::new();
        let work = async {
            let deadline = Deadline::after(Duration::from_millis(100));
            let answer =
                buses.create(std::slice::from_ref(&stage.endpoint), request(own_pid()), deadline).await;
            assert_eq!(error_of(answer).kind(), Kind::TimedOut);
            cancelled.notified().await;
        };
        stage.play(script, work).await;
    });
}
