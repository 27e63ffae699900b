//! What a background thread of ours must do before its first instruction inside somebody else's program.
//!
//! # Safety
//! `pthread_sigmask` is called directly, because rustix leaves signal masks to the C library, and `sched_setattr`,
//! because neither has it.
#![expect(unsafe_code, reason = "signal masks and scheduler attributes are not in rustix")]

/// Blocks every signal in the calling thread, so that no handler of the host program ever runs on it.
///
/// The host's handlers then run where they always did; a signal sent to the process goes to another thread.
pub fn block_signals() {
    // SAFETY: sigset_t is a plain bit set, for which all zeroes is a valid value.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: sigfillset requires a writable set, which the local is.
    unsafe { libc::sigfillset(&raw mut all) };
    // SAFETY: pthread_sigmask requires a readable set and a null or writable old set; it changes only the mask
    // of the calling thread, which is ours.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()) };
}

/// Asks the scheduler for short turns in the calling thread: it then runs sooner after it was woken, on a busy host
/// too, and no more in all. It takes no privilege, and changes neither niceness nor policy.
///
/// 6.12; older kernels ignore it, and where it is refused everything works as before, only later.
pub fn take_short_turns() {
    /// A thread that the scheduler leaves on its processor's queue while it sleeps shortens the turns of all others there: in
    /// shorter ones than this, a host's thread would be stopped in the middle of a spawn for its child.
    const SLICE_NS: u64 = 500_000;
    const OTHER: u32 = libc::SCHED_OTHER.cast_unsigned();
    let mut attributes = SchedAttributes { size: SchedAttributes::SIZE, ..SchedAttributes::default() };
    // SAFETY: sched_getattr requires as many writable bytes as it is told; `attributes` is a live local of that size.
    let read =
        unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, SchedAttributes::SIZE, 0) };
    if read != 0 || attributes.policy != OTHER {
        return;
    }
    attributes.runtime = SLICE_NS;
    // SAFETY: sched_setattr requires as many readable bytes as the structure says it has; as above.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

/// `struct sched_attr`, first version.
#[repr(C)]
#[derive(Default)]
struct SchedAttributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

impl SchedAttributes {
    const SIZE: u32 = 48;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_turns_leave_niceness_and_policy_alone() {
        let scheduling = || {
            let mut now = SchedAttributes { size: SchedAttributes::SIZE, ..SchedAttributes::default() };
            // SAFETY: as above.
            let read =
                unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut now, SchedAttributes::SIZE, 0) };
            (read, now.policy, now.nice, now.flags)
        };
        std::thread::spawn(move || {
            let before = scheduling();
            take_short_turns();
            assert_eq!(scheduling(), before);
        })
        .join()
        .unwrap();
    }
}
