//! A file system whose server never answers: who looks into it sleeps uninterruptibly, as over a dead network.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::child::{Child, pause, shell, sleeper};

/// `FUSE_INIT`, the one request that is answered.
const INIT: u32 = 26;
/// How long a visitor may take to get there.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a program takes to start and sleep, on a slow machine.
const MOMENT: Duration = Duration::from_secs(5);

/// A process that sleeps so, until this is dropped.
#[derive(Debug)]
pub struct Deaf {
    /// First, so that the process can end.
    _mount: DeafMount,
    child: Child,
}

impl Deaf {
    /// Starts one in these groups, of several hierarchies. To be called in [`in_private_mounts`]: it mounts what the
    /// process looks into.
    ///
    /// [`in_private_mounts`]: crate::in_private_mounts
    ///
    /// # Panics
    /// When it cannot: say `require!(fuse)` first.
    #[must_use]
    pub fn inside(groups: &[&Path]) -> Self {
        let mount = DeafMount::new().unwrap_or_else(|why| panic!("no deaf mount: {why}"));
        let joins: Vec<String> =
            groups.iter().map(|group| format!("echo $$ > {}/cgroup.procs; ", group.display())).collect();
        let look = format!("echo ready; exec cat {}/file 2>&1", mount.path.display());
        let mut child = shell(&(joins.concat() + &look));
        assert_eq!(child.line(), "ready");
        let limit = Instant::now() + PATIENCE;
        // What the server has not heard yet can still be interrupted.
        while !mount.is_heard.load(Ordering::Relaxed) {
            assert!(Instant::now() < limit, "it does not look into {}", mount.path.display());
            pause();
        }
        Self { _mount: mount, child }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Where it waits, if this kernel tells (Linux before 5.16 on x86 does not). To be compared where [`need::wchan`] is met.
    ///
    /// [`need::wchan`]: crate::need::wchan
    #[must_use]
    pub fn wchan() -> Option<String> {
        (where_a_sleeper_waits() != "0").then(|| "request_wait_answer".to_owned())
    }
}

/// What `wchan` says of a process that sleeps: `0` where the kernel does not tell.
pub(crate) fn where_a_sleeper_waits() -> &'static str {
    static ANSWER: OnceLock<String> = OnceLock::new();
    ANSWER.get_or_init(ask_of_a_sleeper)
}

fn ask_of_a_sleeper() -> String {
    let other = sleeper();
    let read = |file: &str| {
        let path = format!("/proc/{}/{file}", other.pid());
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let limit = Instant::now() + MOMENT;
    let (mut name, mut same) = (String::new(), 0);
    loop {
        let found = read("wchan");
        // Else it does not sleep yet, or not as it was started to. User-mode Linux names it now and then; and one that the
        // scheduler leaves on the queue of a busy processor for a while has no name until it is off it.
        let (sleeps, enough) = match found.as_str() {
            "0" => (read("stat").contains("(sleep) S "), 300),
            named => (named.contains("nanosleep"), 5),
        };
        same = if sleeps && found == name { same + 1 } else { 0 };
        name = found;
        if same == enough || Instant::now() > limit {
            return name;
        }
        pause();
    }
}

/// Whoever blocks on it goes on, with an error, when it is dropped.
#[derive(Debug)]
pub(crate) struct DeafMount {
    path: PathBuf,
    /// The server has received a request that it does not answer.
    is_heard: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl DeafMount {
    /// Mounts one in the mount namespace of the calling thread.
    pub(crate) fn new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
        let device = device.map_err(|error| format!("/dev/fuse: {error}"))?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("procward-test-deaf-{}-{number}", process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0\0", device.as_raw_fd());
        let options = std::ffi::CString::from_vec_with_nul(options.into_bytes()).unwrap_or_default();
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        if let Err(errno) = mount("procward-test", &path, "fuse", flags, Some(options.as_c_str())) {
            let _ = fs::remove_dir(&path);
            return Err(format!("mount -t fuse: {errno}"));
        }
        let is_heard = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&is_heard);
        // Started at once: the server is what lets the unmount in drop finish.
        let server = thread::Builder::new().name("deaf".to_owned()).spawn(move || serve(device, &heard));
        let mut made = Self { path, is_heard, server: None };
        made.server = Some(server.map_err(|error| format!("no thread for the server: {error}"))?);
        Ok(made)
    }
}

impl Drop for DeafMount {
    fn drop(&mut self) {
        // Force is what ends the requests that wait; detaching is what does not care who is still inside.
        let _ = unmount(&self.path, UnmountFlags::FORCE);
        let _ = unmount(&self.path, UnmountFlags::DETACH);
        let _ = self.server.take().map(JoinHandle::join);
        let _ = fs::remove_dir(&self.path);
    }
}

/// Says that it is there, and nothing more, until the connection is aborted.
fn serve(mut device: File, is_heard: &AtomicBool) {
    let mut request = vec![0_u8; 1 << 17];
    while let Ok(length) = device.read(&mut request) {
        let field = |at: usize| request.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        let opcode = field(4).map(u32::from_ne_bytes);
        if length == 0 || opcode != Some(INIT) {
            is_heard.store(true, Ordering::Relaxed);
            continue;
        }
        // fuse_out_header (length, error, unique), then fuse_init_out of 64 bytes: version 7.31, no options.
        let mut answer = 80_u32.to_ne_bytes().to_vec();
        answer.extend(0_u32.to_ne_bytes());
        answer.extend(request.get(8..16).unwrap_or_default());
        answer.extend(7_u32.to_ne_bytes());
        answer.extend(31_u32.to_ne_bytes());
        answer.extend([0; 12]);
        answer.extend(4096_u32.to_ne_bytes());
        answer.resize(80, 0);
        if device.write_all(&answer).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, in_private_mounts};

    #[test]
    fn who_looks_into_it_waits_until_it_goes() {
        crate::require!(fuse);
        let census = Census::take();
        in_private_mounts(|| {
            let mut deaf = Deaf::inside(&[]);
            assert!(deaf.child.try_wait().unwrap().is_none());
            drop(deaf);
        });
        census.assert_unchanged();
    }
}
