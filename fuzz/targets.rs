//! What must hold for any bytes: for each parser that nothing is lost, for the resolvers that they agree and stay.
//!
//! The fuzzer calls these on a nightly compiler; `cargo test` calls them with every seed and some mutations of it.
#![allow(dead_code, reason = "each fuzzer uses one of them")]

use std::os::fd::AsFd;
use std::sync::OnceLock;

use procfs::{Base, How, MountIdSource, Options, Origin, Procfs, Resolver, Strategy, content, parse};

/// Panics where something does not hold for these bytes.
pub(crate) type Target = fn(&[u8]);

/// All of them, by name.
pub(crate) const ALL: [(&str, Target); 6] = [
    ("cgroup", cgroup),
    ("fdinfo", fdinfo),
    ("mountinfo", mountinfo),
    ("path", path),
    ("stat", stat),
    ("status", status),
];

/// The lines of a file, without the empty one after the last newline.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split(|byte| *byte == b'\n').collect() }
}

/// A mount for each line, and no name longer than what it was written as.
pub(crate) fn mountinfo(data: &[u8]) {
    let Ok(mounts) = parse::mountinfo(data) else { return };
    let lines = lines(data);
    assert_eq!(mounts.len(), lines.len());
    for (mount, line) in mounts.iter().zip(lines) {
        let names = [&mount.root, &mount.mount_point, &mount.filesystem, &mount.source];
        assert!(names.iter().map(|name| name.len()).sum::<usize>() <= line.len());
    }
}

/// A membership for each line, which written again is that line.
pub(crate) fn cgroup(data: &[u8]) {
    let Ok(memberships) = parse::cgroup(data) else { return };
    let lines = lines(data);
    assert_eq!(memberships.len(), lines.len());
    for (membership, line) in memberships.iter().zip(lines) {
        assert!(line.ends_with(&membership.path));
        assert!(membership.controllers.iter().all(|name| !name.is_empty() && !name.contains([',', ':'])));
    }
}

/// The name stands between the outermost parentheses, and the rest at the end.
pub(crate) fn stat(data: &[u8]) {
    let Ok(stat) = parse::stat(data) else { return };
    let text = data.strip_suffix(b"\n").unwrap_or(data);
    let open = text.iter().position(|byte| *byte == b'(').expect("a name");
    assert!(text[open + 1..].starts_with(&stat.comm));
    assert_eq!(text[open + 1 + stat.comm.len()], b')');
    assert!(text.ends_with(&stat.rest));
}

/// Every accessor answers, and every line is kept in its place.
pub(crate) fn status(data: &[u8]) {
    let status = parse::status(data);
    let _ = (status.name(), status.state(), status.pid(), status.tgid(), status.ppid(), status.tracer_pid());
    let _ = (status.threads(), status.umask(), status.uid(), status.gid(), status.groups());
    let _ = status.namespaced_pids();
    keeps(&status, data);
}

/// As [`status`].
pub(crate) fn fdinfo(data: &[u8]) {
    let fdinfo = parse::fdinfo(data);
    let _ = (fdinfo.position(), fdinfo.flags(), fdinfo.mount_id(), fdinfo.inode());
    let _ = (fdinfo.pid(), fdinfo.namespaced_pids());
    keeps(&fdinfo, data);
}

fn keeps(fields: &parse::Fields, data: &[u8]) {
    let lines = lines(data);
    assert_eq!(fields.iter().count(), lines.len());
    for ((key, value), line) in fields.iter().zip(lines) {
        let rest = line.strip_prefix(key).expect("the key first");
        assert_eq!(rest.strip_prefix(b":").unwrap_or(rest).trim_ascii(), value);
        let first = std::str::from_utf8(key).ok().map(|key| fields.get(key));
        assert!(first.is_none_or(|found| found.is_some()));
    }
}

/// What came of an attempt to open: which file, or which error.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    File { device: u64, inode: u64, mode: u32 },
    Error(kernel::Kind, Option<kernel::Errno>),
}

/// Both resolvers, on every root there is.
fn pairs() -> &'static [[Procfs; 2]] {
    static PAIRS: OnceLock<Vec<[Procfs; 2]>> = OnceLock::new();
    PAIRS.get_or_init(|| {
        let open = |origin, resolver| {
            let strategy = Strategy::here().only(origin).resolving_by(resolver);
            Procfs::open_with(&Options::unmasked(), &strategy).ok()
        };
        let best = Strategy::here().resolver;
        let pair = |origin| Some([open(origin, best)?, open(origin, Resolver::Walk)?]);
        Origin::LADDER.into_iter().filter_map(pair).collect()
    })
}

/// Without it a link that is followed may wait for the other end of a pipe.
const O_NONBLOCK: u32 = 0o4000;
const O_NOFOLLOW: u32 = 0o400_000;

/// The first byte chooses base and flags, the others are the path.
pub(crate) fn path(data: &[u8]) {
    let Some((choice, path)) = data.split_first() else { return };
    let base = match choice & 3 {
        0 => Base::Root,
        1 => Base::OwnProcess,
        2 => Base::this_thread(),
        _ => Base::Pid(1),
    };
    let read = |flags| How::flags(flags | O_NONBLOCK).expect("flags");
    let how = match choice >> 2 & 7 {
        0 | 1 => How::PATH,
        2 => read(0),
        3 => read(O_NOFOLLOW),
        4 => read(0).directory(),
        5 => How::PATH.directory(),
        6 => How::PATH.follow(),
        _ => How::PATH.allowing_same_procfs(),
    };
    let follows = choice >> 2 & 7 == 6;
    for [kernel, walk] in pairs() {
        // The first file stays open, so that its inode is still there for the second look-up.
        let (file, answer) = ask(kernel, base, path, how, follows);
        let (_, again) = ask(walk, base, path, how, follows);
        // Two instances of our own have the same files with other numbers.
        let comparable = |answer: Answer| match answer {
            Answer::File { mode, .. } if kernel.info().origin == Origin::Fsopen => {
                Answer::File { device: 0, inode: 0, mode }
            }
            answer => answer,
        };
        let (answer, again) = (comparable(answer), comparable(again));
        let told = kernel.info().mount_id != MountIdSource::None;
        if told && is_settled(path) {
            let shown = String::from_utf8_lossy(path);
            assert_eq!(answer, again, "{:?}: {base:?} {shown} {how:?}", kernel.info().origin);
        }
        drop(file);
    }
    read_link(base, path);
}

/// A link reads the same at once, where a root allows that, and with care.
fn read_link(base: Base, path: &[u8]) {
    let targets: Vec<_> = pairs()
        .iter()
        .map(|[procfs, _]| (procfs.info().origin, procfs.readlink(&base, path).map_err(|error| error.kind())))
        .collect();
    let Some((_, first)) = targets.first() else { return };
    if is_settled(path) {
        let shown = String::from_utf8_lossy(path);
        assert!(targets.iter().all(|(_, target)| target == first), "{base:?} {shown}: {targets:?}");
    }
}

fn ask(
    procfs: &Procfs,
    base: Base,
    path: &[u8],
    how: How,
    follows: bool,
) -> (Option<std::os::fd::OwnedFd>, Answer) {
    let file = match procfs.open_file(&base, path, how) {
        Ok(file) => file,
        Err(error) => return (None, Answer::Error(error.kind(), error.errno())),
    };
    let found = content::identify(file.as_fd()).expect("fstat");
    if !follows {
        let root = procfs.open_file(&Base::Root, b"", How::PATH).expect("the root");
        let root = content::identify(root.as_fd()).expect("fstat");
        assert_eq!(found.device, root.device, "{base:?} {} left procfs", String::from_utf8_lossy(path));
    }
    let answer = Answer::File { device: found.device, inode: found.inode, mode: found.mode };
    (Some(file), answer)
}

/// Numbers name processes, threads, descriptors and mappings, which come and go between two look-ups.
fn is_settled(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').all(|name| !name.first().is_some_and(u8::is_ascii_digit))
}
