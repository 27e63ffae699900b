//! The scheme of snaps: security tags of apps and hooks, of snaps and their parallel instances.
//!
//! References: snapd's documentation of snap names, instance keys and security labels.

use crate::scheme::{Ending, Scheme};

/// Snaps. An application is an instance (`foo`, `foo_key`); its tags are `snap.<instance>.<app>` of programs and services,
/// `snap.<instance>.hook.<hook>` and `snap.<instance>+<component>.hook.<hook>` of hooks.
pub const SNAP: Scheme = Scheme {
    name: "snap",
    prefix: "snap.",
    is_application: is_instance,
    application_of: instance_of,
    endings: &[
        Ending::Random('-', is_uuid),
        // What snapd has written before; with random ids of other kinds only where nothing else makes sense.
        Ending::Random('.', is_uuid),
        Ending::Nothing,
        Ending::Random('.', is_hexadecimal),
    ],
    freezer: "snap.",
    foreign: &["lxc.payload", "machine.slice", "docker"],
};

const NAME: std::ops::RangeInclusive<usize> = 2..=40;
const KEY: std::ops::RangeInclusive<usize> = 1..=10;

/// The instance that a security tag is of.
fn instance_of(tag: &str) -> Option<&str> {
    let mut parts = tag.split('.');
    let (family, owner, part) = (parts.next()?, parts.next()?, parts.next()?);
    if family != "snap" {
        return None;
    }
    match (parts.next(), parts.next()) {
        (None, _) => (is_instance(owner) && is_app(part)).then_some(owner),
        (Some(hook), None) if part == "hook" && is_hook(hook) => match owner.split_once('+') {
            Some((instance, component)) => (is_instance(instance) && is_name(component)).then_some(instance),
            None => is_instance(owner).then_some(owner),
        },
        _ => None,
    }
}

/// A name, perhaps with the key that tells an instance from others of the same snap.
fn is_instance(text: &str) -> bool {
    match text.split_once('_') {
        Some((name, key)) => is_name(name) && KEY.contains(&key.len()) && key.bytes().all(is_small),
        None => is_name(text),
    }
}

/// Of a snap, or of a component of one.
fn is_name(text: &str) -> bool {
    NAME.contains(&text.len())
        && is_dashed(text, is_small)
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn is_app(text: &str) -> bool {
    is_dashed(text, |byte| byte.is_ascii_alphanumeric())
}

fn is_hook(text: &str) -> bool {
    is_dashed(text, is_small) && text.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Words of these characters, with single dashes between.
fn is_dashed(text: &str, is_fine: fn(u8) -> bool) -> bool {
    text.split('-').all(|word| !word.is_empty() && word.bytes().all(is_fine))
}

const fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const UUID: &str = "4706fe54-7802-4808-aa7e-ae8b567239e0";

    #[test]
    fn tags_of_apps_and_hooks_name_the_instance_with_its_key() {
        let forty = "a".repeat(40);
        let rows = [
            ("snap.foo.app", "foo"),
            ("snap.foo.App-1", "foo"),
            ("snap.foo_key.app", "foo_key"),
            ("snap.foo_1234567890.svc", "foo_1234567890"),
            ("snap.foo.hook.configure", "foo"),
            ("snap.foo.hook.connect-plug-x11", "foo"),
            ("snap.foo_key.hook.install", "foo_key"),
            ("snap.foo+comp.hook.install", "foo"),
            ("snap.foo_key+comp-2.hook.pre-refresh", "foo_key"),
            // A program may be called so.
            ("snap.foo.hook", "foo"),
            ("snap.0a.0", "0a"),
            ("snap.a-b-c.x", "a-b-c"),
            (&format!("snap.{forty}.x"), &forty),
        ];
        for (tag, instance) in rows {
            assert_eq!(instance_of(tag), Some(instance), "{tag}");
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_no_tag() {
        let long = format!("snap.{}.x", "a".repeat(41));
        let rows = [
            "",
            "snap",
            "snap.foo",
            "snap..app",
            "snap.foo.",
            "snap.f.app",
            "snap.12.app",
            "Snap.foo.app",
            "snap.Foo.app",
            "snap.foo-.app",
            "snap.-foo.app",
            "snap.fo--o.app",
            "snap.foo_.app",
            "snap.foo_Key.app",
            "snap.foo_12345678901.app",
            "snap.foo_a_b.app",
            "snap.foo.app-",
            "snap.foo.a--b",
            "snap.foo.a_b",
            "snap.foo.app.more",
            "snap.foo.hook.",
            "snap.foo.hook.1",
            "snap.foo.hook.Up",
            "snap.foo.hook.a.b",
            "snap.foo+comp.app",
            "snap.foo+.hook.a",
            "snap.foo+c.hook.a",
            "snap.foo+a+b.hook.a",
            "snap.foo/x.app",
            "snap.foo.app\n",
            "snap.föö.app",
            "other.foo.app",
            &long,
        ];
        for tag in rows {
            assert_eq!(instance_of(tag), None, "{tag}");
            assert!(SNAP.unit_of(tag).is_err(), "{tag}");
        }
        for name in ["", "f", "foo_", "foo/bar", "..", "snap.foo", "foo+comp", "FOO"] {
            assert!(SNAP.check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn units_of_scopes_and_services_name_their_tag_with_and_without_a_random_id() {
        let rows = [
            ("snap.foo.svc.service", "snap.foo.svc"),
            ("snap.foo_key.svc.service", "snap.foo_key.svc"),
            (&format!("snap.foo.app-{UUID}.scope"), "snap.foo.app"),
            (&format!("snap.foo_key.app-{UUID}.scope"), "snap.foo_key.app"),
            (&format!("snap.foo.my-app-{UUID}.scope"), "snap.foo.my-app"),
            (&format!("snap.foo.hook.configure-{UUID}.scope"), "snap.foo.hook.configure"),
            (&format!(r"snap.foo\x2bcomp.hook.install-{UUID}.scope"), "snap.foo+comp.hook.install"),
            // As snapd wrote them before.
            (&format!("snap.foo.app.{UUID}.scope"), "snap.foo.app"),
            (&format!("snap.foo.hook.configure.{UUID}.scope"), "snap.foo.hook.configure"),
            ("snap.foo.app.1234-abcd.scope", "snap.foo.app"),
            ("snap.foo.app.scope", "snap.foo.app"),
            ("snap.foo.hook.fade.scope", "snap.foo.hook.fade"),
            (&format!("snap.foo.hook.{UUID}.scope"), "snap.foo.hook"),
            ("snap.foo.app-1234.scope", "snap.foo.app-1234"),
        ];
        for (unit, tag) in rows {
            assert_eq!(SNAP.tag_of(unit).map(|tag| tag.text).as_deref(), Some(tag), "{unit}");
        }
        let nobodys = [
            "snap.foo.app",
            "snap.foo.app.slice",
            "snap.foo.app.timer",
            "snap.foo.service",
            "snap..service",
            "snap-foo-1.mount",
            "snapd.service",
            "snap.foo.app.word.scope",
            r"snap.f\x6fo.app.scope",
            "snap.foo+comp.hook.install.scope",
            "xsnap.foo.app.scope",
            ".scope",
            "snap.foo.app.scope.d",
        ];
        for unit in nobodys {
            assert_eq!(SNAP.tag_of(unit), None, "{unit}");
        }
    }

    #[test]
    fn the_outermost_unit_owns_what_is_below_it_and_containers_own_theirs() {
        let rows = [
            ("/snap.foo.svc.service", Some("foo")),
            ("/user.slice/user-7.slice/user@7.service/app.slice/snap.foo.a.scope", Some("foo")),
            ("/system.slice/snap.foo.svc.service/below/it", Some("foo")),
            ("/system.slice/snap.foo.svc.service/snap.bar.svc.service", Some("foo")),
            ("//system.slice//snap.foo.svc.service/", Some("foo")),
            ("/../snap.foo.svc.service", Some("foo")),
            ("/system.slice/ssh.service", None),
            ("/", None),
            ("", None),
            ("/docker/1f/snap.foo.svc.service", None),
            ("/machine.slice/snap.foo.svc.service", None),
            ("/lxc.payload/snap.foo.svc.service", None),
            ("/lxc.payload.c1/snap.foo.svc.service", None),
            // Called nearly so.
            ("/docker-foo/snap.foo.svc.service", Some("foo")),
            ("/system.slice/docker/snap.foo.svc.service", Some("foo")),
        ];
        for (path, instance) in rows {
            let owner = SNAP.owner_of(Path::new(path));
            assert_eq!(owner.map(|owner| owner.tag.application).as_deref(), instance, "{path}");
        }
    }
}
