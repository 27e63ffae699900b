//! Whether our variables still are what they were.
//!
//! Any thread may change them while another looks, and the memory that they were in may be gone by then. So the kernel is asked
//! to read them, which answers where we would crash.
//!
//! References: environ(7), `process_vm_readv(2)`.
//!
//! # Safety
//! `environ` is taken for a number; only the kernel goes where it points.
#![expect(unsafe_code, reason = "environ and process_vm_readv")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::iovec;
use rustix::process::getpid;

use crate::fork::Strings;

/// The most ranges that the kernel reads at once (`IOV_MAX`).
const MOST_RANGES: usize = 1024;

// Every C library has it, and writes it as the whole word that it is.
unsafe extern "C" {
    safe static environ: AtomicPtr<c_void>;
}

/// True when this process has exactly these variables, in this order. False also where the kernel refuses to look.
#[must_use]
pub fn consists_of(variables: &Strings) -> bool {
    let block = variables.as_bytes();
    let lengths: Vec<usize> = variables.iter().map(|variable| variable.len().saturating_add(1)).collect();
    let Some(places) = places(lengths.len()) else { return false };
    let ranges = joined(places.into_iter().zip(lengths));
    let mut found = vec![0; block.len()];
    ranges.len() <= MOST_RANGES && read(&ranges, &mut found) && found == block
}

/// Where the variables are, if there are so many.
fn places(count: usize) -> Option<Vec<usize>> {
    const WORD: usize = size_of::<usize>();
    let mut words = vec![0; count.checked_add(1)?.checked_mul(WORD)?];
    let list = environ.load(Ordering::Relaxed).expose_provenance();
    if !read(&[range(list, words.len())], &mut words) {
        return None;
    }
    let mut places: Vec<usize> =
        words.as_chunks::<WORD>().0.iter().map(|word| usize::from_ne_bytes(*word)).collect();
    (places.pop() == Some(0) && !places.contains(&0)).then_some(places)
}

/// Those that follow each other are one range: all of them, in a process that has changed none.
fn joined(variables: impl Iterator<Item = (usize, usize)>) -> Vec<iovec> {
    let mut ranges: Vec<iovec> = Vec::new();
    for (place, length) in variables {
        match ranges.last_mut() {
            Some(last) if last.iov_base.addr().checked_add(last.iov_len) == Some(place) => {
                last.iov_len = last.iov_len.saturating_add(length);
            }
            _ => ranges.push(range(place, length)),
        }
    }
    ranges
}

fn range(place: usize, length: usize) -> iovec {
    iovec { iov_base: std::ptr::with_exposed_provenance_mut::<c_void>(place), iov_len: length }
}

/// Copies what is there now; false unless the bytes that are there are as many as asked for.
fn read(ranges: &[iovec], into: &mut [u8]) -> bool {
    let local = iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let pid = getpid().as_raw_nonzero().get();
    let count = ranges.len() as libc::c_ulong;
    // SAFETY: process_vm_readv requires lists of these lengths, and local ranges that may be written; remote ones may be
    // anything. All are borrowed for the call.
    let copied = unsafe { libc::process_vm_readv(pid, &raw const local, 1, ranges.as_ptr(), count, 0) };
    usize::try_from(copied) == Ok(into.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        let ranges =
            joined([(100, 5), (105, 1), (106, 4), (200, 2), (199, 1), (usize::MAX, 1), (0, 1)].into_iter());
        let seen: Vec<_> = ranges.iter().map(|range| (range.iov_base.addr(), range.iov_len)).collect();
        assert_eq!(seen, [(100, 10), (200, 2), (199, 1), (usize::MAX, 1), (0, 1)]);
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        assert!(!read(&[range(1, 1)], &mut [0]));
        let word = 7_u8;
        let place = std::ptr::from_ref(&word).expose_provenance();
        let mut found = [0];
        assert!(read(&[range(place, 1)], &mut found) && found == [7]);
    }
}
