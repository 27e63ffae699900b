//! Whether variables are ours, also while somebody changes them. One test, since all threads of a process share them.
#![expect(unsafe_code, reason = "changing variables while others run")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kernel::environment::consists_of;
use kernel::fork::Strings;
use testkit::without::{Call, install};

fn own() -> Strings {
    let mut variables = Strings::default();
    for (name, value) in env::vars_os() {
        variables.push(&[name.as_bytes(), b"=", value.as_bytes()]).unwrap();
    }
    variables
}

/// By the C library, as everybody does.
fn set(name: &str, value: Option<&str>) {
    if let Some(value) = value {
        // SAFETY: it is required that nobody reads the variables meanwhile but who bears it: this program has no other test,
        // and what is tested is to bear it.
        unsafe { env::set_var(name, value) }
    } else {
        // SAFETY: as above.
        unsafe { env::remove_var(name) }
    }
}

#[test]
fn variables_are_told_from_those_that_were() {
    let mut last = own();
    assert!(consists_of(&last));
    assert!(!consists_of(&Strings::default()));
    // New, changed, of the same length, empty, gone.
    for value in [Some("one"), Some("longer than one"), Some("longer than two"), Some(""), None] {
        set("PROCWARD_TEST", value);
        assert!(!consists_of(&last), "{value:?}");
        last = own();
        assert!(consists_of(&last), "{value:?}");
    }
    let refused = || {
        install(&[Call::parse("process_vm_readv").unwrap()], libc::EPERM.cast_unsigned()).unwrap();
        assert!(!consists_of(&last));
    };
    thread::scope(|scope| scope.spawn(refused).join().unwrap());
    assert!(consists_of(&last));
    while_others_change_them(&last);
    assert!(consists_of(&last));
}

/// The list of variables moves whenever it grows, and the memory that it was in is given back.
fn while_others_change_them(before: &Strings) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..200 {
                let names: Vec<_> = (0..50).map(|number| format!("PROCWARD_TEST_{number}")).collect();
                for name in &names {
                    set(name, Some(&"x".repeat(round * 20)));
                }
                for name in &names {
                    set(name, None);
                }
            }
            over.store(true, Ordering::Release);
        });
        let mut changes_seen = 0;
        while !over.load(Ordering::Acquire) {
            changes_seen += usize::from(!consists_of(before));
        }
        assert!(changes_seen > 0, "nothing was changed meanwhile");
    });
}
