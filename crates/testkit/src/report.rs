//! What a long form of a test measured, told on standard output.

use std::io::{self, Write};
use std::time::Duration;

/// Tells how long something took: the number of times, the middle one, the tenth slowest of a hundred, the slowest.
pub fn report(title: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| {
        times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    };
    let line =
        format!("{title}: {} times, p50 {:?}, p90 {:?}, max {:?}\n", times.len(), at(50), at(90), at(100));
    let _ = io::stdout().write_all(line.as_bytes());
}
