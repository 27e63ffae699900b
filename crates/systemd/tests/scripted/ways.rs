//! Ways to a manager: which is taken, what is kept, what is made again.

use std::cell::RefCell;
use std::os::unix::net::{UnixListener, UnixStream};

use kernel::{Kind, pidfd};
use systemd::{Bus, Buses, Endpoint, Member, Request, Way};
use testkit::{Census, ScratchGroup};

use crate::peer::{Call, Stage, Then, create, error_of, own_pid, own_socket, request, run, soon};

#[test]
fn where_nothing_leads_to_a_manager_every_reason_is_told() {
    run(async {
        let stage = Stage::bus();
        let nowhere = Endpoint::bus_at(Bus::Session, &stage.directory().join("nobody"));
        let nothing = Endpoint { bus: Bus::Session, way: Way::Bus("unix:what".to_owned()) };
        let script = async |call: &Call| match call.member.as_str() {
            "GetNameOwner" => {
                Some(call.refuse("org.freedesktop.DBus.Error.NameHasNoOwner", "No such name").await)
            }
            "StartTransientUnit" => panic!("there is nobody to ask"),
            _ => None,
        };
        let endpoints = [nowhere, nothing, stage.endpoint.clone()];
        let buses = Buses::new();
        let error = error_of(stage.play(script, buses.create(&endpoints, request(own_pid()), soon())).await);
        assert_eq!(error.kind(), Kind::TrackingUnavailable);
        let text = error.to_string();
        for part in
            ["nobody: ENOENT", "unix:what: ", "No such name [org.freedesktop.DBus.Error.NameHasNoOwner]"]
        {
            assert!(text.contains(part), "{text}");
        }
    });
}

#[test]
fn without_any_way_there_is_no_manager() {
    run(async {
        let answer = Buses::new().create(&[], request(own_pid()), soon()).await;
        assert_eq!(error_of(answer).kind(), Kind::TrackingUnavailable);
    });
}

#[test]
fn the_next_way_is_taken_where_one_leads_to_somebody_else() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    for name in ["UnknownMethod", "ServiceUnknown", "Spawn.ChildExited"] {
        run(async {
            let (other, manager) = (Stage::private(), Stage::private());
            let refuse = async |call: &Call| {
                Some(call.refuse(&format!("org.freedesktop.DBus.Error.{name}"), "Who?").await)
            };
            let serve = async |call: &Call| {
                let start = call.start();
                start.carry_out(&group, child.pid());
                call.answer_job(7).await;
                call.removed(7, &start.unit, "done").await;
                Some(Then::GoOn)
            };
            let endpoints = [other.endpoint.clone(), manager.endpoint.clone()];
            let buses = Buses::new();
            let work = buses.create(&endpoints, request(child.pid()), soon());
            let scope = Box::pin(other.play(refuse, manager.play(serve, work))).await.unwrap();
            assert_eq!(scope.bus(), Bus::System);
        });
    }
}

#[test]
fn a_refusal_of_a_manager_is_final_and_tells_what_was_tried_before() {
    run(async {
        let (stage, never) = (Stage::private(), Stage::private());
        let nowhere = Endpoint::bus_at(Bus::Session, &stage.directory().join("nobody"));
        let script =
            async |call: &Call| Some(call.refuse("org.freedesktop.DBus.Error.AccessDenied", "No").await);
        let endpoints = [nowhere, stage.endpoint.clone(), never.endpoint.clone()];
        let buses = Buses::new();
        let error = error_of(stage.play(script, buses.create(&endpoints, request(own_pid()), soon())).await);
        assert_eq!(error.kind(), Kind::PermissionDenied);
        assert!(error.advice().unwrap().contains("nobody: ENOENT"), "{error:?}");
    });
}

#[test]
fn a_connection_is_kept_and_made_again_once_it_was_lost() {
    let rounds = RefCell::new(Vec::new());
    run(async {
        let stage = Stage::bus();
        let script = async |call: &Call| {
            if call.member != "StartTransientUnit" {
                return None;
            }
            rounds.borrow_mut().push(call.round);
            call.refuse("org.example.No", "no").await;
            let second = rounds.borrow().len() == 2;
            Some(if second { Then::HangUp } else { Then::GoOn })
        };
        let buses = Buses::new();
        let work = async {
            for _ in 0..4 {
                let error = error_of(create(&buses, &stage.endpoint, own_pid()).await);
                assert_eq!(error.kind(), Kind::CannotTrack, "{error}");
            }
        };
        stage.play(script, work).await;
    });
    assert_eq!(rounds.into_inner(), [0, 0, 1, 1]);
}

#[test]
fn fifty_at_once_share_one_connection() {
    testkit::require!(cgroup2);
    let group = ScratchGroup::v2("systemd");
    let children: Vec<_> = (0..50).map(|_| testkit::sleeper()).collect();
    run(async {
        let stage = Stage::bus();
        let script = async |call: &Call| {
            assert_eq!(call.round, 0);
            if call.member != "StartTransientUnit" {
                return None;
            }
            let start = call.start();
            let pids: Vec<u32> = start.properties[0].1.try_clone().unwrap().try_into().unwrap();
            start.carry_out(&group, pids[0].cast_signed());
            call.removed(pids[0], &start.unit, "done").await;
            Some(call.answer_job(pids[0]).await)
        };
        let buses = Buses::new();
        let work = async {
            let mut scopes = tokio::task::JoinSet::new();
            for child in &children {
                let (buses, endpoint, pid) = (buses.clone(), stage.endpoint.clone(), child.pid());
                // Spawning says that the future may move between threads, too.
                scopes.spawn(async move { create(&buses, &endpoint, pid).await.unwrap().unit().to_owned() });
            }
            let mut units = scopes.join_all().await;
            units.sort();
            units.dedup();
            assert_eq!(units.len(), 50);
        };
        stage.play(script, work).await;
    });
}

#[test]
fn a_crowded_socket_is_knocked_at_again() {
    run(async {
        let stage = Stage::private();
        let path = stage.directory().join("crowded");
        let listener = UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        listener.set_nonblocking(true).unwrap();
        // The kernel turns others away with EAGAIN while this one waits to be accepted.
        let first = UnixStream::connect(&path).unwrap();
        let endpoint = own_socket(&path);
        let crowded =
            Stage::listening(tokio::net::UnixListener::from_std(listener).unwrap(), endpoint.clone());
        let script = async |call: &Call| Some(call.refuse("org.example.No", "no").await);
        drop(first);
        let error = error_of(crowded.play(script, create(&Buses::new(), &endpoint, own_pid())).await);
        assert_eq!(error.kind(), Kind::CannotTrack, "{error}");
    });
}

#[test]
fn nothing_is_left_open_when_the_connections_are_dropped() {
    testkit::require!(cgroup2, pidfd);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    // The shared /proc handle stays open for good.
    procfs::shared().unwrap();
    let census = Census::take();
    for _ in 0..20 {
        run(async {
            let stage = Stage::private();
            let script = async |call: &Call| {
                let start = call.start();
                assert_eq!(start.names()[0], "PIDFDs");
                start.carry_out(&group, child.pid());
                call.answer_job(7).await;
                call.removed(7, &start.unit, "done").await;
                Some(Then::GoOn)
            };
            let member = Member::new(child.pid(), Some(pidfd::open(child.pid()).unwrap()));
            let request = Request::new("test", vec![member]).unwrap();
            let buses = Buses::new();
            let work = buses.create(std::slice::from_ref(&stage.endpoint), request, soon());
            stage.play(script, work).await.unwrap();
        });
    }
    census.assert_unchanged();
}
