//! From the moment a freeze resolves until the thaw, no task of the group gains processor time: in storms of every
//! kind, on both versions. `PROCWARD_ROUNDS=1000 … -- --nocapture` for the long form, with its numbers.
#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![expect(clippy::disallowed_methods, reason = "what was done is looked at from outside, by name")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cgroup::{Cgroup, Matcher, Phase, Version};
use kernel::ready::Deadline;
use testkit::{Kind, ScratchGroup, Storm, run, run_time};

const LONG: Duration = Duration::from_secs(20);
/// Longer than two ticks: a task that runs is charged by the next one.
const WINDOW: Duration = Duration::from_millis(12);
/// A stopping task counts as frozen some microseconds before it leaves the processor, and may be interrupted right
/// there. A task that runs gains ten times as much within the window.
const GRAIN: Duration = Duration::from_millis(1);
/// Where the processor is itself scheduled by somebody else, the interruption may last that long: once in a while.
const LONGEST: Duration = Duration::from_millis(4);
const ONCE_IN: u32 = 20;

/// Storms starve each other, and the numbers are those of one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What the other tests start.
#[test]
fn storm() {
    Storm::be_one_if_asked();
}

fn open(group: &ScratchGroup, version: Version) -> Cgroup {
    let matcher = match version {
        Version::V1 => Matcher::Controller("freezer".to_owned()),
        Version::V2 => Matcher::Unified,
    };
    Cgroup::open(Path::new(group.name()), Some(&matcher)).unwrap()
}

fn scratch(version: Version, tag: &str) -> ScratchGroup {
    match version {
        Version::V1 => ScratchGroup::v1("freezer", tag),
        Version::V2 => ScratchGroup::v2(tag),
    }
}

/// The tasks of a group and what each has used.
fn usage(group: &ScratchGroup, version: Version) -> BTreeMap<i32, Duration> {
    let file = if version == Version::V1 { "tasks" } else { "cgroup.threads" };
    let listed = fs::read_to_string(group.path().join(file)).unwrap();
    let tasks = listed.lines().map(|line| line.parse().unwrap());
    tasks.filter_map(|task| Some((task, run_time(task)?))).collect()
}

#[derive(Debug, Default)]
struct Findings {
    freezes: Vec<Duration>,
    largest_gain: Duration,
    /// In how many rounds it was more than a grain.
    interruptions: u32,
    tasks: usize,
}

/// Freezes again and again, and looks whether anything moves meanwhile: all of it, or of a group that is joined
/// and left meanwhile those who stay. When a newcomer came, before or after the freeze resolved, nobody can tell.
fn freeze_in_rounds(version: Version, scratch: &ScratchGroup, residents: Option<&[i32]>) -> Findings {
    let group = open(scratch, version);
    let rounds = testkit::rounds(20);
    let mut findings = Findings::default();
    run(async {
        for round in 0..rounds {
            let start = Instant::now();
            let lease = group.freeze(Deadline::after(LONG)).await.unwrap();
            findings.freezes.push(start.elapsed());
            let mut before = usage(scratch, version);
            before.retain(|task, _| residents.is_none_or(|residents| residents.contains(task)));
            tokio::time::sleep(WINDOW).await;
            let after = usage(scratch, version);
            assert!(!before.is_empty(), "round {round}: nobody is there");
            let mut was_interrupted = false;
            for (task, used) in &before {
                assert!(after.contains_key(task), "round {round}: task {task} ended while frozen");
                let gain = after.get(task).unwrap().saturating_sub(*used);
                findings.largest_gain = findings.largest_gain.max(gain);
                assert!(gain < LONGEST, "round {round}: task {task} gained {gain:?}");
                was_interrupted |= gain >= GRAIN;
                if !gain.is_zero() {
                    tokio::time::sleep(WINDOW).await;
                    assert_eq!(run_time(*task), Some(*used + gain), "round {round}: task {task} runs");
                }
            }
            findings.interruptions += u32::from(was_interrupted);
            if residents.is_none() {
                assert_eq!(after.len(), before.len(), "round {round}: something was forked while frozen");
                assert_eq!(group.freeze_state().unwrap().phase, Phase::Frozen, "round {round}");
            }
            findings.tasks = findings.tasks.max(before.len());
            lease.release().unwrap();
            assert_eq!(group.freeze_state().unwrap().by, None, "round {round}: left frozen");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let interruptions = findings.interruptions;
    assert!(interruptions <= rounds.div_ceil(ONCE_IN), "{interruptions} of {rounds} froze late");
    findings
}

fn report(version: Version, kind: &str, mut findings: Findings) {
    let Findings { tasks, largest_gain, .. } = findings;
    let title = format!("version {}, {kind}, {tasks} tasks, largest gain {largest_gain:?}", version.number());
    testkit::report(&title, &mut findings.freezes);
}

fn weather(version: Version, kind: Kind) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let scratch = scratch(version, "truth");
    let storm = Storm::start(kind, &[scratch.path()]);
    let findings = freeze_in_rounds(version, &scratch, None);
    drop(storm);
    report(version, &format!("{kind:?}"), findings);
}

struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Tasks that run come in and go out as fast as they can be moved.
fn joins(version: Version) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (target, outside) = (scratch(version, "truth-in"), scratch(version, "truth-out"));
    let (stay, come) =
        (Storm::start(Kind::Hog, &[target.path()]), Storm::start(Kind::Hog, &[outside.path()]));
    let hogs: Vec<i32> = usage(&outside, version).into_keys().collect();
    let residents: Vec<i32> = usage(&target, version).into_keys().collect();
    let ends = AtomicBool::new(false);
    let findings = thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                for group in [&target, &outside] {
                    for &hog in &hogs {
                        group.add(hog);
                    }
                }
            }
        });
        // Also when a round fails: the scope waits for the thread.
        let _end = EndOnDrop(&ends);
        freeze_in_rounds(version, &target, Some(&residents))
    });
    drop((stay, come));
    report(version, "Join", findings);
}

#[test]
fn fork_storms_stand_still_on_version_1() {
    testkit::require!(freezer1);
    weather(Version::V1, Kind::Fork);
}

#[test]
fn fork_storms_stand_still_on_version_2() {
    testkit::require!(freeze2);
    weather(Version::V2, Kind::Fork);
}

#[test]
fn spawn_storms_stand_still_on_version_1() {
    testkit::require!(freezer1);
    weather(Version::V1, Kind::Spawn);
}

#[test]
fn spawn_storms_stand_still_on_version_2() {
    testkit::require!(freeze2);
    weather(Version::V2, Kind::Spawn);
}

#[test]
fn vfork_storms_stand_still_on_version_1() {
    testkit::require!(freezer1);
    weather(Version::V1, Kind::Vfork);
}

#[test]
fn vfork_storms_stand_still_on_version_2() {
    testkit::require!(freeze2);
    weather(Version::V2, Kind::Vfork);
}

#[test]
fn thread_storms_stand_still_on_version_1() {
    testkit::require!(freezer1);
    weather(Version::V1, Kind::Thread);
}

#[test]
fn thread_storms_stand_still_on_version_2() {
    testkit::require!(freeze2);
    weather(Version::V2, Kind::Thread);
}

#[test]
fn join_storms_stand_still_on_version_1() {
    testkit::require!(freezer1);
    joins(Version::V1);
}

#[test]
fn join_storms_stand_still_on_version_2() {
    testkit::require!(freeze2);
    joins(Version::V2);
}
