//! Becoming another program without a child: execve(2) of this process, and everything put back where it fails.
//!
//! # Safety
//! Signal dispositions and the mask of the calling thread are changed by raw calls, as they are in a child: the C
//! library keeps signals 32 and 33 out of its own.
#![expect(unsafe_code, reason = "signal dispositions are not in rustix")]

use std::os::fd::BorrowedFd;

use libc::c_long;
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::getpid;
use rustix::thread::gettid;

use super::child;
use super::raw;
use super::strings::Strings;
use crate::error::{Error, Kind, Result};

/// What to become.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Paths of the program, tried in order as execvp(3) does.
    pub programs: Strings,
    /// The arguments, the first of which is the name by which the program is called.
    pub arguments: Strings,
    /// The environment, `NAME=value` each.
    pub environment: Strings,
}

/// Replaces this process by another program, which has descriptors 0 to 2 of ours and those that are not close-on-exec,
/// every signal at its default and none blocked. Returns only where that failed, with everything as it was.
///
/// # Errors
/// The errno of execve(2); [`Kind::InvalidArgument`] on any thread but the main one, whose id the program would keep.
#[must_use]
pub fn replace(image: &Image) -> Error {
    if gettid() != getpid() {
        let why = "only the main thread can be replaced: any other would take its place and end all the rest";
        return Error::new(Kind::InvalidArgument, "execve", why);
    }
    match execute(image) {
        Ok(never) => never,
        Err(error) => error,
    }
}

fn execute(image: &Image) -> Result<Error> {
    let arguments = pointers(&image.arguments);
    let environment = pointers(&image.environment);
    let candidates: Vec<_> = image.programs.addresses().collect();
    let _streams = Inherited::now()?;
    let _signals = Defaults::now()?;
    let errno = child::exec(
        &candidates,
        arguments.as_ptr().expose_provenance(),
        environment.as_ptr().expose_provenance(),
    );
    Err(Error::os("execve", Errno::from_raw_os_error(errno)))
}

/// The addresses of the strings, and a null at the end.
fn pointers(strings: &Strings) -> Vec<usize> {
    strings.addresses().chain(std::iter::once(0)).collect()
}

/// Descriptors 0 to 2 left open across execve; as they were when dropped. Node marks them close-on-exec.
struct Inherited(Vec<(BorrowedFd<'static>, FdFlags)>);

impl Inherited {
    fn now() -> Result<Self> {
        let mut changed = Self(Vec::new());
        // SAFETY: `borrow_raw` requires that the numbers are not those of closed descriptors while they are borrowed;
        // whether they are open is what is asked first, and a program that closes its standard streams meanwhile gets
        // EBADF here, which is ignored: they are not used for anything else.
        let streams = [0, 1, 2].map(|number| unsafe { BorrowedFd::borrow_raw(number) });
        for stream in streams {
            let Ok(flags) = fcntl_getfd(stream) else { continue };
            if flags.contains(FdFlags::CLOEXEC) {
                let open = fcntl_setfd(stream, flags.difference(FdFlags::CLOEXEC));
                open.map_err(|errno| Error::os("fcntl(F_SETFD)", errno))?;
                changed.0.push((stream, flags));
            }
        }
        Ok(changed)
    }
}

impl Drop for Inherited {
    fn drop(&mut self) {
        for (stream, flags) in &self.0 {
            let _restored = fcntl_setfd(*stream, *flags);
        }
    }
}

/// The kernel's `struct sigaction`; all zeroes is the default disposition.
type Disposition = [u64; 4];
const IGNORE: u64 = 1;
const SET_BYTES: usize = size_of::<u64>();

/// No signal ignored and none blocked; as they were when dropped. Handlers end with execve by themselves.
struct Defaults {
    ignored: Vec<(usize, Disposition)>,
    mask: u64,
}

impl Defaults {
    fn now() -> Result<Self> {
        let mut changed = Self { ignored: Vec::new(), mask: swap_mask(0) };
        for signal in 1..=64_usize {
            let mut now: Disposition = [0; 4];
            let old = std::ptr::from_mut(&mut now).expose_provenance();
            call(libc::SYS_rt_sigaction, [signal, 0, old, SET_BYTES, 0, 0])?;
            if matches!(now, [IGNORE, ..]) {
                set_disposition(signal, &[0; 4])?;
                changed.ignored.push((signal, now));
            }
        }
        Ok(changed)
    }
}

impl Drop for Defaults {
    fn drop(&mut self) {
        for (signal, before) in &self.ignored {
            let _restored = set_disposition(*signal, before);
        }
        swap_mask(self.mask);
    }
}

fn set_disposition(signal: usize, disposition: &Disposition) -> Result<()> {
    let new = std::ptr::from_ref(disposition).expose_provenance();
    call(libc::SYS_rt_sigaction, [signal, new, 0, SET_BYTES, 0, 0])
}

/// Sets the mask of the calling thread and returns the one before.
fn swap_mask(mask: u64) -> u64 {
    let mut before = 0_u64;
    let how = libc::SIG_SETMASK.cast_unsigned() as usize;
    let new = std::ptr::from_ref(&mask).expose_provenance();
    let old = std::ptr::from_mut(&mut before).expose_provenance();
    // It fails for bad arguments only.
    let _set = call(libc::SYS_rt_sigprocmask, [how, new, old, SET_BYTES, 0, 0]);
    before
}

fn call(number: c_long, arguments: [usize; 6]) -> Result<()> {
    // SAFETY: the addresses must be valid for the call; both calls above get those of live locals of the size that
    // they are told, and read or write no more.
    let answer = unsafe { raw::call(number, arguments) };
    answer.map(drop).map_err(|errno| Error::os("rt_sigaction", Errno::from_raw_os_error(errno)))
}
