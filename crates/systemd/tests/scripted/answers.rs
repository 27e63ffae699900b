//! What is said, in which order, and what is made of the answers.

use std::cell::RefCell;

use kernel::{Kind, pidfd};
use systemd::{Buses, Member, Request, Setting};
use testkit::ScratchGroup;
use zbus::wire::Endian;

use crate::peer::{Stage, Then, create, error_of, job, own_pid, request, run, shortly, soon};

#[test]
fn the_whole_conversation_on_a_bus() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    let said = RefCell::new(Vec::new());
    run(async {
        let stage = Stage::bus();
        let script = async |call: &crate::peer::Call| {
            let header = call.message.header();
            said.borrow_mut().push(call.member.clone());
            match call.member.as_str() {
                "AddMatch" => {
                    let rule: String = call.message.body().deserialize().unwrap();
                    for part in ["sender=':1.1'", "member='JobRemoved'", "path='/org/freedesktop/systemd1'"] {
                        assert!(rule.contains(part), "{rule}");
                    }
                    None
                }
                "StartTransientUnit" => {
                    assert_eq!(header.destination().unwrap().as_str(), ":1.1");
                    assert_eq!(header.path().unwrap().as_str(), "/org/freedesktop/systemd1");
                    assert_eq!(header.interface().unwrap().as_str(), "org.freedesktop.systemd1.Manager");
                    assert_eq!(header.signature().to_string(), "(ssa(sv)a(sa(sv)))");
                    assert!(header.primary().flags().is_empty());
                    let start = call.start();
                    assert_eq!(start.mode, "fail");
                    assert_eq!(
                        start.names(),
                        ["PIDs", "CollectMode", "Description", "Slice", "Delegate", "MemoryMax"]
                    );
                    start.carry_out(&group, child.pid());
                    call.answer_job(7).await;
                    call.removed(7, &start.unit, "done").await;
                    Some(Then::GoOn)
                }
                _ => None,
            }
        };
        let work = async {
            let mut request = request(child.pid());
            request.description("a test").unwrap();
            request.slice("app.slice").unwrap();
            request.delegate();
            request.property("MemoryMax", &Setting::Text("1G".to_owned())).unwrap();
            let buses = Buses::new();
            let scope = buses.create(std::slice::from_ref(&stage.endpoint), request, soon()).await.unwrap();
            assert!(scope.unit().starts_with("test-"), "{scope:?}");
            let path = format!("{}/{}", group.name(), scope.unit());
            assert_eq!(scope.cgroup_path().to_str(), Some(path.as_str()));
            // The rule is taken back by the time that another request was answered.
            scope.thaw(soon()).await.unwrap();
        };
        stage.play(script, work).await;
    });
    let said = said.into_inner();
    let expected = ["Hello", "GetNameOwner", "AddMatch", "GetConnectionUnixProcessID", "StartTransientUnit"];
    assert_eq!(said[..5], expected, "{said:?}");
    assert!(said.contains(&"RemoveMatch".to_owned()), "{said:?}");
    assert!(!said.contains(&"CancelJob".to_owned()), "{said:?}");
}

#[test]
fn a_manager_without_a_bus_is_asked_at_once() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| {
            assert_eq!(call.member, "StartTransientUnit");
            let start = call.start();
            start.carry_out(&group, child.pid());
            call.answer_job(7).await;
            call.removed(7, &start.unit, "done").await;
            Some(Then::GoOn)
        };
        stage.play(script, create(&Buses::new(), &stage.endpoint, child.pid())).await.unwrap();
    });
}

#[test]
fn the_signal_may_come_before_the_answer_and_among_many() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    run(async {
        let stage = Stage::bus();
        let script = async |call: &crate::peer::Call| {
            if call.member != "StartTransientUnit" {
                return None;
            }
            let start = call.start();
            start.carry_out(&group, child.pid());
            // More than any queue holds: nobody may stop reading for them.
            for other in 100..1100 {
                call.removed(other, "other.service", "failed").await;
            }
            call.removed(7, &start.unit, "done").await;
            Some(call.answer_job(7).await)
        };
        stage.play(script, create(&Buses::new(), &stage.endpoint, child.pid())).await.unwrap();
    });
}

#[test]
fn other_jobs_and_other_senders_are_not_listened_to() {
    testkit::require!(cgroup2);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    run(async {
        let stage = Stage::bus();
        let script = async |call: &crate::peer::Call| {
            if call.member != "StartTransientUnit" {
                return None;
            }
            let start = call.start();
            call.removed_by(":1.666", 7, &start.unit, "failed").await;
            call.answer_job(7).await;
            call.removed(8, &start.unit, "failed").await;
            call.removed_by(":1.666", 7, &start.unit, "done").await;
            call.removed_by(":1.666", 7, &start.unit, "failed").await;
            start.carry_out(&group, child.pid());
            call.removed(7, &start.unit, "done").await;
            Some(Then::GoOn)
        };
        stage.play(script, create(&Buses::new(), &stage.endpoint, child.pid())).await.unwrap();
    });
}

#[test]
fn a_job_that_does_not_end_well_is_an_error_of_its_kind() {
    let table = [
        ("failed", Kind::CannotTrack),
        ("canceled", Kind::CannotTrack),
        ("dependency", Kind::CannotTrack),
        ("collected", Kind::CannotTrack),
        ("timeout", Kind::TimedOut),
        ("frozen", Kind::Frozen),
    ];
    for (result, kind) in table {
        run(async {
            let stage = Stage::private();
            let script = async |call: &crate::peer::Call| {
                assert_eq!(call.member, "StartTransientUnit");
                call.answer_job(7).await;
                call.removed(7, &call.start().unit, result).await;
                Some(Then::GoOn)
            };
            let answer = stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await;
            let error = error_of(answer);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(&format!("finished with result \"{result}\"")), "{error}");
        });
    }
}

#[test]
fn a_refusal_is_an_error_of_its_kind() {
    let table = [
        ("org.freedesktop.systemd1.UnitExists", Kind::CannotTrack),
        ("org.freedesktop.DBus.Error.UnixProcessIdUnknown", Kind::Gone),
        ("org.freedesktop.DBus.Error.FileNotFound", Kind::CannotTrack),
        ("org.freedesktop.DBus.Error.InvalidArgs", Kind::InvalidArgument),
        ("org.freedesktop.DBus.Error.PropertyReadOnly", Kind::InvalidArgument),
        ("org.freedesktop.systemd1.BadUnitSetting", Kind::InvalidArgument),
        ("System.Error.ENXIO", Kind::InvalidArgument),
        ("org.freedesktop.DBus.Error.AccessDenied", Kind::PermissionDenied),
        ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Kind::PermissionDenied),
        ("org.freedesktop.DBus.Error.Timeout", Kind::TimedOut),
        ("org.freedesktop.DBus.Error.LimitsExceeded", Kind::CannotTrack),
        ("org.freedesktop.DBus.Error.UnknownMethod", Kind::TrackingUnavailable),
        ("org.freedesktop.DBus.Error.ServiceUnknown", Kind::TrackingUnavailable),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", Kind::TrackingUnavailable),
        ("org.example.BadHairDay", Kind::CannotTrack),
    ];
    for (name, kind) in table {
        run(async {
            let stage = Stage::private();
            let script = async |call: &crate::peer::Call| Some(call.refuse(name, "Because.").await);
            let answer = stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await;
            let error = error_of(answer);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(&format!("Because [{name}]")), "{error}");
        });
    }
}

#[test]
fn a_property_that_is_not_known_here_is_named_when_it_is_refused() {
    run(async {
        let stage = Stage::private();
        let script =
            async |call: &crate::peer::Call| Some(call.refuse("System.Error.ENXIO", "No such device").await);
        let mut request = request(own_pid());
        request.property("MemoryMax", &Setting::Number(1)).unwrap();
        request.property("MemoryMix", &Setting::Number(1)).unwrap();
        let buses = Buses::new();
        let work = buses.create(std::slice::from_ref(&stage.endpoint), request, soon());
        let error = error_of(stage.play(script, work).await);
        assert_eq!(error.kind(), Kind::InvalidArgument);
        let advice = error.advice().unwrap();
        assert!(advice.contains("MemoryMix") && !advice.contains("MemoryMax"), "{advice}");
    });
}

#[test]
fn pidfds_are_tried_first_and_what_was_learnt_is_remembered() {
    testkit::require!(cgroup2, pidfd);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    let asked = RefCell::new(Vec::new());
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| {
            let start = call.start();
            let naming = start.names()[0].to_owned();
            asked.borrow_mut().push((naming.clone(), start.unit.clone()));
            if naming == "PIDFDs" {
                let name = "org.freedesktop.DBus.Error.PropertyReadOnly";
                return Some(call.refuse(name, "Cannot set property PIDFDs, or unknown property.").await);
            }
            start.carry_out(&group, child.pid());
            call.answer_job(7).await;
            call.removed(7, &start.unit, "done").await;
            Some(Then::GoOn)
        };
        let buses = Buses::new();
        let work = async {
            for _ in 0..2 {
                let held = pidfd::open(child.pid()).unwrap();
                let request = Request::new("test", vec![Member::new(child.pid(), Some(held))]).unwrap();
                buses.create(std::slice::from_ref(&stage.endpoint), request, soon()).await.unwrap();
            }
        };
        stage.play(script, work).await;
    });
    let asked = asked.into_inner();
    let namings: Vec<_> = asked.iter().map(|(naming, _)| naming.as_str()).collect();
    assert_eq!(namings, ["PIDFDs", "PIDs", "PIDs"]);
    assert_ne!(asked[0].1, asked[1].1, "a refused name is not used again");
}

#[test]
fn nobody_is_named_by_number_to_a_manager_that_numbers_otherwise() {
    run(async {
        let stage = Stage::bus();
        let script = async |call: &crate::peer::Call| match call.member.as_str() {
            "GetConnectionUnixProcessID" => Some(call.answer(&(std::process::id() + 1)).await),
            "StartTransientUnit" => panic!("a stranger was named"),
            _ => None,
        };
        let error = error_of(stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await);
        assert_eq!(error.kind(), Kind::CannotTrack);
        assert!(error.to_string().contains("another pid namespace"), "{error}");
    });
}

#[test]
fn a_manager_that_takes_pidfds_gets_the_very_process() {
    testkit::require!(cgroup2, pidfd);
    let (group, child) = (ScratchGroup::v2("systemd"), testkit::sleeper());
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| {
            let mut start = call.start();
            let (name, value) = start.properties.remove(0);
            assert_eq!(name, "PIDFDs");
            let fds: Vec<zbus::Fd<'_>> = value.try_into().unwrap();
            pidfd::send_signal(std::os::fd::AsFd::as_fd(&fds[0]), 0, pidfd::Scope::Handle).unwrap();
            start.carry_out(&group, child.pid());
            call.answer_job(7).await;
            call.removed(7, &start.unit, "done").await;
            Some(Then::GoOn)
        };
        let held = pidfd::open(child.pid()).unwrap();
        let request = Request::new("test", vec![Member::new(child.pid(), Some(held))]).unwrap();
        let buses = Buses::new();
        let work = buses.create(std::slice::from_ref(&stage.endpoint), request, soon());
        stage.play(script, work).await.unwrap();
    });
}

#[test]
fn a_process_that_is_elsewhere_is_not_tracked_whatever_the_manager_says() {
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| {
            call.answer_job(7).await;
            call.removed(7, &call.start().unit, "done").await;
            Some(Then::GoOn)
        };
        let error = error_of(stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await);
        assert_eq!(error.kind(), Kind::CannotTrack);
        assert!(error.to_string().contains(&format!("but process {} is in /", own_pid())), "{error}");
    });
}

#[test]
fn every_process_must_be_in_it() {
    testkit::require!(cgroup2);
    let group = ScratchGroup::v2("systemd");
    let (child, left_out) = (testkit::sleeper(), testkit::sleeper());
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| {
            let start = call.start();
            start.carry_out(&group, child.pid());
            call.answer_job(7).await;
            call.removed(7, &start.unit, "done").await;
            Some(Then::GoOn)
        };
        let members = [&child, &left_out].map(|child| Member::new(child.pid(), None));
        let request = Request::new("test", members.into()).unwrap();
        let buses = Buses::new();
        let work = buses.create(std::slice::from_ref(&stage.endpoint), request, soon());
        let error = error_of(stage.play(script, work).await);
        assert_eq!(error.kind(), Kind::CannotTrack);
        assert!(error.to_string().contains(&format!("process {} is in", left_out.pid())), "{error}");
    });
}

#[test]
fn a_peer_of_the_other_byte_order_is_understood() {
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| {
            let header = call.message.header();
            let reply = zbus::Message::method_return(&header).endian(Endian::Big).build(&job(7)).unwrap();
            call.connection.send(&reply).await.unwrap();
            let signal = zbus::Message::signal(
                "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager",
                "JobRemoved",
            );
            let signal = signal.endian(Endian::Big).build(&(7_u32, job(7), "x", "dependency")).unwrap();
            call.connection.send(&signal).await.unwrap();
            Some(Then::GoOn)
        };
        let error = error_of(stage.play(script, create(&Buses::new(), &stage.endpoint, own_pid())).await);
        assert!(error.to_string().contains("\"dependency\""), "{error}");
    });
}

#[test]
fn an_answer_of_another_form_makes_no_sense() {
    run(async {
        let stage = Stage::private();
        let script = async |call: &crate::peer::Call| Some(call.answer(&(1_u32, "two")).await);
        let buses = Buses::new();
        let work = buses.create(std::slice::from_ref(&stage.endpoint), request(own_pid()), shortly());
        let error = error_of(stage.play(script, work).await);
        assert_eq!(error.kind(), Kind::CannotTrack, "{error}");
    });
}
