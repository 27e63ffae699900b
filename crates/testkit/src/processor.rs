//! Who used the processor, and using it oneself.

use std::fs;
use std::hint;
use std::time::{Duration, Instant};

/// The processor time that a task has used; `None` once it is gone. A task that is running at this moment may
/// have used a few milliseconds more: the kernel counts at its next tick.
#[must_use]
pub fn run_time(task: i32) -> Option<Duration> {
    // Nanoseconds; the ticks of stat are what is left where the kernel was built without it.
    let precise = fs::read_to_string(format!("/proc/{task}/schedstat")).ok();
    let precise = precise.and_then(|line| line.split(' ').next()?.parse().ok().map(Duration::from_nanos));
    precise.or_else(|| {
        let stat = fs::read_to_string(format!("/proc/{task}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split(' ').skip(12);
        let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 10))
    })
}

/// Uses the processor for a while, so that whatever may run gets its share of time.
pub fn work(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_uses_the_processor() {
        let own = || run_time(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let before = own();
        work(Duration::from_millis(30));
        assert!(own() > before);
        assert_eq!(run_time(i32::MAX), None);
    }
}
