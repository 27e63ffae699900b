//! All processes at once, as a table: what `ps` shows.
//!
//! Of each process two files are read, below its directory: the directory is that of one process and fails when it has
//! ended, so that a row never mixes two of them. A few threads share the work; each has one directory and one file open
//! at a time, however many processes there are.

use std::num::NonZero;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

use kernel::{Errno, Error, Result};
use procfs::parse::{Stat, stat};
use procfs::{Base, How, Pids, Procfs};
use rustix::buffer::spare_capacity;
use rustix::fs::fstat;
use rustix::io::read;
use rustix::param::{clock_ticks_per_second, page_size};

/// Set in the flags of threads of the kernel (`PF_KTHREAD`).
const KERNEL_THREAD: u64 = 0x0020_0000;
/// The kernel works on several processes at once; with more than these it waits for its own locks.
const MOST_THREADS: usize = 4;

/// One process, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its numbers, from `/proc/<pid>/stat`.
    pub stat: Stat,
    /// Its effective user, who owns its directory.
    pub uid: u32,
    /// Its arguments, each with a NUL after it, as it has them now: a process may write there what it likes. Empty for
    /// zombies and threads of the kernel.
    pub command_line: Vec<u8>,
}

impl Row {
    /// True for a thread of the kernel, which is no program.
    #[must_use]
    pub fn is_kernel_thread(&self) -> bool {
        self.stat.flags & KERNEL_THREAD != 0
    }

    /// Processor time of its own, in milliseconds.
    #[must_use]
    pub fn cpu_ms(&self) -> u64 {
        to_ms(self.stat.utime.saturating_add(self.stat.stime))
    }

    /// When it was started, in milliseconds since boot.
    #[must_use]
    pub fn started_ms(&self) -> u64 {
        to_ms(self.stat.start_time)
    }

    /// Memory that it has in RAM, shared memory included.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let pages = u64::try_from(self.stat.resident_pages).unwrap_or(0);
        pages.saturating_mul(u64::try_from(page_size()).unwrap_or(u64::MAX))
    }
}

/// Lists all processes of the pid namespace, by their numbers, lowest first. One that ends meanwhile is left out. Those that
/// somebody else hides (`hidepid`) are shown where we may have a /proc that hides none.
///
/// # Errors
/// Those of [`Procfs::open`] and of listing its root; none for a process.
pub fn list() -> Result<Vec<Row>> {
    let procfs = Procfs::of_everybody()?;
    let pids = Mutex::new(procfs.pids()?);
    let mut rows = together(|| read_rows(&procfs, &pids))?;
    rows.sort_unstable_by_key(|row| row.stat.pid);
    Ok(rows)
}

/// What a few threads find that do the same. This one sleeps meanwhile: if it worked on, the kernel would put one of the others
/// behind it for milliseconds.
fn together(work: impl Fn() -> Result<Vec<Row>> + Sync) -> Result<Vec<Row>> {
    let most = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    thread::scope(|scope| {
        let start = |_| Builder::new().name("procward-list".to_owned()).spawn_scoped(scope, &work).ok();
        let threads: Vec<_> = (0..most).map_while(start).collect();
        // Where none is to be had it takes longer.
        let mut rows = if threads.is_empty() { work()? } else { Vec::new() };
        for thread in threads {
            rows.append(&mut thread.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(rows)
    })
}

/// Reads the next few whenever it is done with a few.
fn read_rows(procfs: &Procfs, pids: &Mutex<Pids>) -> Result<Vec<Row>> {
    // By itself, so that nobody holds the lock while a few are read.
    let next = || pids.lock().unwrap_or_else(PoisonError::into_inner).some();
    let (mut rows, mut buffer) = (Vec::new(), Vec::with_capacity(page_size()));
    loop {
        let few = next()?;
        if few.is_empty() {
            return Ok(rows);
        }
        for pid in few {
            match read_row(procfs, pid, &mut buffer) {
                Ok(row) => rows.push(row),
                // No descriptors or no memory: what is missing then is more than what has ended.
                Err(error) if is_shortage(&error) => return Err(error),
                Err(_) => {}
            }
        }
    }
}

fn read_row(procfs: &Procfs, pid: i32, buffer: &mut Vec<u8>) -> Result<Row> {
    // Only looked through: what is not opened for reading is opened sooner.
    let directory = procfs.open_file(&Base::Pid(pid), b"", How::PATH.directory())?;
    let directory = directory.as_fd();
    read_file(procfs, directory, b"stat", buffer)?;
    let stat = stat(buffer)?;
    let uid = fstat(directory).map_err(|errno| Error::os("fstat", errno))?.st_uid;
    let mut row = Row { stat, uid, command_line: Vec::new() };
    if !row.is_kernel_thread() {
        read_file(procfs, directory, b"cmdline", buffer)?;
        row.command_line.clone_from(buffer);
    }
    Ok(row)
}

/// Reads a file into the buffer, which serves for all of them. Both kinds of file fill what they are given, so less than that
/// is the end.
fn read_file(procfs: &Procfs, directory: BorrowedFd<'_>, name: &[u8], buffer: &mut Vec<u8>) -> Result<()> {
    let file = procfs.open_in(directory, name, How::READ)?;
    buffer.clear();
    loop {
        match read(&file, spare_capacity(buffer)) {
            Ok(_) if buffer.len() < buffer.capacity() => return Ok(()),
            Ok(_) => buffer.reserve(buffer.len()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os("read", errno)),
        }
    }
}

fn is_shortage(error: &Error) -> bool {
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM].into_iter().any(|errno| error.is(errno))
}

fn to_ms(ticks: u64) -> u64 {
    ticks.saturating_mul(1000).checked_div(clock_ticks_per_second()).unwrap_or(0)
}
