//! Where a look-up begins: the root, this process, one of its threads, or a process by number.

use std::borrow::Cow;

use kernel::{Error, Kind, Result};
use rustix::thread::gettid;

/// What a path is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// The root of the procfs, for global files.
    Root,
    /// This process, whatever its number in the pid namespace of the procfs.
    OwnProcess,
    /// The thread of this process with this id. Meaningful while that thread lives.
    Thread(i32),
    /// The process or thread with this number. The number may be reused at any time, so this is safe only for
    /// process 1, for ourselves and for children that were not reaped; for all others use `process::Process`.
    Pid(i32),
}

impl Base {
    /// The thread that makes this call, resolved now: a look-up made later or elsewhere is about this thread.
    #[must_use]
    pub fn this_thread() -> Self {
        Self::Thread(gettid().as_raw_nonzero().get())
    }

    /// The path of the base below the root.
    pub(crate) fn prefix(self) -> Result<Cow<'static, [u8]>> {
        Ok(match self {
            Self::Root => Cow::Borrowed(b""),
            Self::OwnProcess => Cow::Borrowed(b"self"),
            // The kernel resolves the link in the pid namespace of the procfs, which is right even when that is
            // not ours; the number is right for another thread only when it is.
            Self::Thread(tid) if tid == gettid().as_raw_nonzero().get() => Cow::Borrowed(b"thread-self"),
            Self::Thread(tid) => format!("self/task/{}", positive(tid)?).into_bytes().into(),
            Self::Pid(pid) => positive(pid)?.to_string().into_bytes().into(),
        })
    }

    /// The path of a file as a person would write it, for errors.
    pub(crate) fn show(self, path: &[u8]) -> String {
        let base = match self {
            Self::Root => "/proc".to_owned(),
            Self::OwnProcess => "/proc/self".to_owned(),
            Self::Thread(tid) => format!("/proc/self/task/{tid}"),
            Self::Pid(pid) => format!("/proc/{pid}"),
        };
        if path.is_empty() { base } else { format!("{base}/{}", String::from_utf8_lossy(path)) }
    }
}

fn positive(number: i32) -> Result<i32> {
    if number > 0 {
        return Ok(number);
    }
    let why = format!("{number} is no id of a process or thread");
    Err(Error::new(Kind::InvalidArgument, "procfs", why).pid(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_thread_is_named_by_number_and_our_own_by_the_link() {
        let here = Base::this_thread();
        assert_eq!(&*here.prefix().unwrap(), b"thread-self");
        let Base::Thread(tid) = here else { panic!("{here:?}") };
        let elsewhere = std::thread::spawn(move || here.prefix().unwrap()).join().unwrap();
        assert_eq!(&*elsewhere, format!("self/task/{tid}").as_bytes());
    }

    #[test]
    fn ids_that_cannot_be_are_refused() {
        for id in [0, -1, i32::MIN] {
            assert_eq!(Base::Pid(id).prefix().unwrap_err().kind(), Kind::InvalidArgument);
            assert_eq!(Base::Thread(id).prefix().unwrap_err().kind(), Kind::InvalidArgument);
        }
    }
}
