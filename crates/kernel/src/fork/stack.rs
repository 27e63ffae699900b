//! The memory that a child runs on between clone and exec: mapped, guarded below, and used again.
//!
//! # Safety
//! Mapping and unmapping whole regions of our own; a stack returns to the pool only when no child runs on it.
#![expect(unsafe_code, reason = "mmap")]

use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// The child's deepest path needs less than 2 KiB when optimised; unoptimised code takes several times that.
const USABLE_BYTES: usize = 64 * 1024;
/// A multiple of every page size that Linux uses on x86-64 and arm64.
const GUARD_BYTES: usize = 64 * 1024;
/// More are unmapped: a burst of spawns should not hold memory for ever.
const POOLED: usize = 8;

static POOL: Mutex<Vec<Stack>> = Mutex::new(Vec::new());

/// One stack. Running below its end hits the guard and kills the child instead of corrupting the parent.
#[derive(Debug)]
pub(super) struct Stack {
    mapping: NonNull<u8>,
}

// SAFETY: `Send` requires that another thread may use and unmap it; a mapping belongs to the whole process.
unsafe impl Send for Stack {}
// SAFETY: `Sync` requires that shared references do no harm; they only yield addresses.
unsafe impl Sync for Stack {}

impl Stack {
    /// Takes one from the pool, or maps one.
    pub(super) fn take() -> Result<Self, Errno> {
        let pooled = POOL.lock().unwrap_or_else(PoisonError::into_inner).pop();
        pooled.map_or_else(Self::map, Ok)
    }

    fn map() -> Result<Self, Errno> {
        let flags = MapFlags::PRIVATE | MapFlags::STACK | MapFlags::NORESERVE;
        // SAFETY: mmap requires that a fixed address, if any, is ours; none is asked for.
        let mapping = unsafe {
            mmap_anonymous(null_mut(), GUARD_BYTES + USABLE_BYTES, ProtFlags::READ | ProtFlags::WRITE, flags)
        }?;
        let stack = Self { mapping: NonNull::new(mapping.cast()).ok_or(Errno::NOMEM)? };
        // SAFETY: mprotect requires that nothing in the range is in use; it was mapped just now.
        unsafe { mprotect(mapping, GUARD_BYTES, MprotectFlags::empty()) }?;
        Ok(stack)
    }

    /// The lowest usable address.
    pub(super) fn bottom(&self) -> usize {
        self.mapping.as_ptr().expose_provenance().wrapping_add(GUARD_BYTES)
    }

    /// How much is usable.
    pub(super) const fn size() -> usize {
        USABLE_BYTES
    }

    /// Gives it back. No child may be running on it any more.
    pub(super) fn give_back(self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOLED {
            pool.push(self);
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: munmap requires that nothing uses the range; the owner goes away, and a child that might still
        // run on it keeps the owner from being dropped (`Birth`).
        let _unmapped = unsafe { munmap(self.mapping.as_ptr().cast(), GUARD_BYTES + USABLE_BYTES) };
    }
}
