//! Running a program to its end: input given, output collected, time and memory bounded.

use std::os::fd::{AsFd, OwnedFd};

use kernel::pidfd::Scope;
use kernel::ready::{Deadline, Watched};
use kernel::{Errno, Error, Kind, Result};
use rustix::buffer::spare_capacity;
use tokio::sync::watch;

use crate::child::{Child, Starting};
use crate::exit::Exit;

/// As much as a pipe holds by default.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a program is given, and where its patience ends.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// What it reads from descriptor 0, if that is a pipe to us; then the pipe ends.
    pub input: Vec<u8>,
    /// How much of each of its descriptors 1 and 2 is collected; more ends it.
    pub max_bytes: usize,
    /// When it is ended.
    pub deadline: Deadline,
    /// How it is ended.
    pub kill_signal: i32,
}

/// A program that has run.
#[derive(Debug, Clone)]
pub struct Collected {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to descriptor 1, if that was a pipe to us.
    pub stdout: Vec<u8>,
    /// What it wrote to descriptor 2, likewise.
    pub stderr: Vec<u8>,
}

impl Starting {
    /// Resolves when the program has ended, with what it wrote until then. A child of its own that keeps a pipe open does
    /// not delay that, and what such a child writes later is lost. Other pipes than 0 to 2 are closed.
    ///
    /// Dropping the future sends it the signal for ending it, also before it was ever polled.
    ///
    /// # Errors
    /// [`Kind::SpawnFailed`]; `ENOBUFS` when it wrote too much, and is being ended; the errno of reading and writing.
    pub fn collect(self, bounds: Bounds) -> impl Future<Output = Result<Collected>> + Send + 'static {
        // Not in the future: of one that is never polled nothing has run that could be undone.
        let ending = Ending { child: self.child().clone(), signal: Some(bounds.kill_signal) };
        async move { run_to_end(ending, self, bounds).await }
    }
}

async fn run_to_end(ending: Ending, mut starting: Starting, bounds: Bounds) -> Result<Collected> {
    let mut streams = starting.take_streams().into_iter();
    let (stdin, stdout, stderr) =
        (streams.next().flatten(), streams.next().flatten(), streams.next().flatten());
    drop(streams);
    let watched = watch_both(stdout, stderr);
    // Dropped before the streams: a program that is cut off in mid-sentence would end of that instead.
    let mut ending = ending;
    let (stdout, stderr) = watched.as_ref().map_err(Clone::clone)?;
    let mut patience =
        Patience { child: starting.child().clone(), deadline: bounds.deadline, signal: bounds.kill_signal };
    // In a frozen group it does not come to its program, and may well be told to end before.
    let child = match patience.bound(starting.started()).await {
        Ok(child) => child,
        Err(error) => {
            ending.signal = None;
            return Err(error);
        }
    };
    let (over, ended) = watch::channel(false);
    let exit = async {
        let exit = patience.bound(child.wait()).await;
        let _nobody_reads = over.send(true);
        exit
    };
    let (exit, (), stdout, stderr) = tokio::try_join!(
        exit,
        feed(stdin, &bounds.input, ended.clone()),
        read(stdout.as_ref(), "stdout", bounds.max_bytes, ended.clone()),
        read(stderr.as_ref(), "stderr", bounds.max_bytes, ended),
    )
    .map_err(|error| error.pid(child.process().pid()))?;
    ending.signal = None;
    Ok(Collected { exit, stdout, stderr })
}

fn watch_both(
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
) -> Result<(Option<Watched>, Option<Watched>)> {
    let watch = |stream: Option<OwnedFd>| stream.map(Watched::readable).transpose();
    Ok((watch(stdout)?, watch(stderr)?))
}

/// Ends a child that nobody waits for any more.
struct Ending {
    child: Child,
    signal: Option<i32>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(signal) = self.signal {
            // It may have ended by itself.
            let _gone = self.child.process().signal(signal, Scope::Handle);
        }
    }
}

/// Tells a child to end when its time is over; once.
struct Patience {
    child: Child,
    deadline: Deadline,
    signal: i32,
}

impl Patience {
    /// Waits for as long as it takes, which is not long after the child was told to end.
    async fn bound<T>(&mut self, waiting: impl Future<Output = Result<T>>) -> Result<T> {
        let mut waiting = std::pin::pin!(waiting);
        tokio::select! {
            answer = &mut waiting => return answer,
            () = self.deadline.passed() => {}
        }
        self.deadline = Deadline::NEVER;
        match self.child.process().signal(self.signal, Scope::Handle) {
            Err(error) if error.kind() != Kind::Gone => Err(error),
            _ => waiting.await,
        }
    }
}

/// Until all is written, or nobody reads any more.
async fn feed(stdin: Option<OwnedFd>, mut input: &[u8], mut ended: watch::Receiver<bool>) -> Result<()> {
    let Some(stdin) = stdin else { return Ok(()) };
    if input.is_empty() {
        return Ok(());
    }
    let watched = Watched::writable(stdin)?;
    while !input.is_empty() && !*ended.borrow() {
        match rustix::io::write(&watched, input) {
            Ok(taken) => input = input.get(taken..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::PIPE) => return Ok(()),
            Err(Errno::AGAIN) => tokio::select! {
                woken = watched.wake() => woken?,
                _ = ended.changed() => {}
            },
            Err(errno) => return Err(Error::os("write", errno).context("input of a program")),
        }
    }
    Ok(())
}

/// Until the pipe ends, or the program has ended and the pipe is empty.
async fn read(
    stream: Option<&Watched>,
    name: &'static str,
    max_bytes: usize,
    mut ended: watch::Receiver<bool>,
) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let Some(watched) = stream else { return Ok(text) };
    loop {
        // Asked first: what the program wrote before it ended is in the pipe by then.
        let over = *ended.borrow();
        text.reserve(CHUNK_BYTES);
        match rustix::io::read(watched.as_fd(), spare_capacity(&mut text)) {
            Ok(0) => return Ok(text),
            Ok(_) if text.len() > max_bytes => {
                let why = format!("the program wrote more than {max_bytes} bytes to {name}");
                return Err(Error::os("read", Errno::NOBUFS).detail(why));
            }
            // Others want to be waited for, too.
            Ok(_) => tokio::task::yield_now().await,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if over => return Ok(text),
            Err(Errno::AGAIN) => tokio::select! {
                woken = watched.wake() => woken?,
                _ = ended.changed() => {}
            },
            Err(errno) => return Err(Error::os("read", errno).context("output of a program")),
        }
    }
}
