//! Finding the same process again, and nobody else.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use kernel::Kind;
use kernel::ready::Deadline;
use process::{Child, Command, Identity, Process, Scope};

fn pause() -> Child {
    process::spawn(Command::new("/bin/sleep").argument("1000")).unwrap().started_blocking().unwrap()
}

fn end(child: &Child) {
    child.process().signal(9, Scope::Handle).unwrap();
    child.wait_blocking(Deadline::NEVER).unwrap();
}

#[test]
fn a_process_is_found_by_its_identity_until_it_ends() {
    let child = pause();
    let identity = child.process().identity().unwrap().clone();
    assert_eq!(identity.pid, child.process().pid());
    assert_eq!(identity.boot_id.len(), 36);
    let found = Process::from_identity(&identity).unwrap();
    assert!(found.identity().unwrap().is_same(&identity));
    end(&child);
    assert_eq!(Process::from_identity(&identity).unwrap_err().kind(), Kind::Gone);
}

#[test]
fn another_process_with_the_number_is_not_taken_for_it() {
    let child = pause();
    let identity = child.process().identity().unwrap().clone();
    let strangers = [
        Identity { start_time: identity.start_time - 1, ..identity.clone() },
        Identity { boot_id: "00000000-0000-0000-0000-000000000000".into(), ..identity.clone() },
        Identity {
            inode: identity.inode.map(|inode| inode + 1),
            start_time: identity.start_time + 1,
            ..identity.clone()
        },
    ];
    for stranger in strangers {
        assert_eq!(Process::from_identity(&stranger).unwrap_err().kind(), Kind::Gone);
    }
    let without_inode = Identity { inode: None, ..identity };
    assert!(Process::from_identity(&without_inode).is_ok());
    end(&child);
}

#[test]
fn a_child_can_be_identified_after_it_was_reaped() {
    // At whatever moment of the wait it ends.
    for _ in 0..1000 {
        let child = pause();
        end(&child);
        assert_eq!(child.process().identity().unwrap().pid, child.process().pid());
    }
}

#[test]
fn two_processes_differ() {
    let (one, other) = (pause(), pause());
    assert!(!one.process().identity().unwrap().is_same(other.process().identity().unwrap()));
    end(&one);
    end(&other);
}
