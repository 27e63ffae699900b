//! Compares two ways of doing one thing: rounds are interleaved, so that noise of the machine hits both alike, and what
//! counts is the ratio.

use std::time::{Duration, Instant};

/// How often an operation is done in a row where one by itself is too short to be timed.
const OPERATIONS: u32 = 2000;

/// Compares what is too short to be timed one by one.
pub fn many(title: &str, ours: impl Fn(), theirs: impl Fn(), rounds: usize) {
    several(title, OPERATIONS, ours, theirs, rounds);
}

/// The same of so many in a row.
pub fn several(title: &str, count: u32, ours: impl Fn(), theirs: impl Fn(), rounds: usize) {
    let each = |work: &dyn Fn()| {
        let started = Instant::now();
        for _ in 0..count {
            work();
        }
        started.elapsed() / count
    };
    let figures = Figures::measure(&|| each(&ours), &|| each(&theirs), rounds);
    let ratio = quantile(&figures.ratios(), 0.5);
    println!("{{{}}}", figures.medians(title, ratio));
}

/// Compares what is timed one by one: each way returns the time that counts, which need not be all that it takes.
pub fn singles(title: &str, ours: impl Fn() -> Duration, theirs: impl Fn() -> Duration, rounds: usize) {
    let figures = Figures::measure(&ours, &theirs, rounds);
    // One may take ten times as long as the next, and a pair of them says nothing.
    let ratio = quantile(&figures.ours, 0.5) / quantile(&figures.theirs, 0.5);
    println!("{{{},{}}}", figures.medians(title, ratio), figures.p90());
}

/// Microseconds, one of each for every round.
struct Figures {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Figures {
    fn measure(ours: &dyn Fn() -> Duration, theirs: &dyn Fn() -> Duration, rounds: usize) -> Self {
        let us = |way: &dyn Fn() -> Duration| way().as_secs_f64() * 1e6;
        us(ours);
        us(theirs);
        let mut figures = Self { ours: Vec::new(), theirs: Vec::new() };
        for round in 0..rounds {
            // Who goes first changes, so that neither always finds a warm cache.
            if round % 2 == 0 {
                figures.ours.push(us(ours));
                figures.theirs.push(us(theirs));
            } else {
                figures.theirs.push(us(theirs));
                figures.ours.push(us(ours));
            }
        }
        figures
    }

    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect()
    }

    fn medians(&self, title: &str, ratio: f64) -> String {
        let ratios = self.ratios();
        format!(
            r#""title":"{title}","oursUs":{:.3},"theirsUs":{:.3},"ratio":{ratio:.4},"spread":[{:.4},{:.4}]"#,
            quantile(&self.ours, 0.5),
            quantile(&self.theirs, 0.5),
            quantile(&ratios, 0.25),
            quantile(&ratios, 0.75),
        )
    }

    fn p90(&self) -> String {
        let (ours, theirs) = (quantile(&self.ours, 0.9), quantile(&self.theirs, 0.9));
        format!(r#""p90":{{"oursUs":{ours:.3},"theirsUs":{theirs:.3}}}"#)
    }
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (part * values.len() as f64) as usize;
    values[at.min(values.len() - 1)]
}
