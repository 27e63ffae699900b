//! Which system calls make their caller wait until the child executes a program or ends.

/// True for vfork, for clone with `CLONE_VFORK`, and for clone3, whose flags stand in the caller's memory: whoever waits
/// uninterruptibly in it waits for that, except for moments. `number` and the first argument are those of a call.
#[must_use]
pub fn may_wait_for_child(number: i64, first_argument: u64) -> bool {
    match number {
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork => true,
        libc::SYS_clone => first_argument & libc::CLONE_VFORK as u64 != 0,
        libc::SYS_clone3 => true,
        _ => false,
    }
}
