//! A timer as exact as the kernel's, for pauses that the runtime would round up to a millisecond.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::{Errno, read, retry_on_intr};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::error::{Error, Result};
use crate::ready::Watched;

/// A descriptor that becomes readable when a time has passed.
#[derive(Debug)]
pub struct Timer(Watched);

impl Timer {
    /// Makes a timer. Must be called on the background thread.
    ///
    /// # Errors
    /// The errno of `timerfd_create(2)` or `epoll_ctl(2)`.
    pub fn new() -> Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)
            .map_err(|errno| Error::os("timerfd_create", errno))?;
        Watched::readable(fd).map(Self)
    }

    /// Resolves when `pause` has passed. A pause of nothing takes a nanosecond: zero would switch the timer off.
    ///
    /// # Errors
    /// The errno of `timerfd_settime(2)` or `epoll_wait(2)`.
    pub async fn pause(&self, pause: Duration) -> Result<()> {
        let it_value = Timespec::try_from(pause.max(Duration::from_nanos(1)))
            .unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(self.0.as_fd(), TimerfdTimerFlags::empty(), &once)
            .map_err(|errno| Error::os("timerfd_settime", errno))?;
        loop {
            self.0.wake().await?;
            let mut expirations = [0_u8; 8];
            // An event that an earlier pause left behind finds nothing to read.
            match retry_on_intr(|| read(self.0.as_fd(), &mut expirations)) {
                Err(Errno::AGAIN) => {}
                Err(errno) => return Err(Error::os("read", errno)),
                Ok(_) => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_pause_is_never_shorter_and_can_follow_one_that_was_dropped() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let timer = Timer::new().unwrap();
            assert!(
                tokio::time::timeout(Duration::from_millis(2), timer.pause(Duration::from_secs(60)))
                    .await
                    .is_err()
            );
            for micros in [0, 50, 500, 3000] {
                let (start, pause) = (Instant::now(), Duration::from_micros(micros));
                timer.pause(pause).await.unwrap();
                assert!(start.elapsed() >= pause);
            }
        });
    }
}
