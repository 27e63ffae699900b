//! Running a future to its end, on a runtime like the one that the product has.

use tokio::runtime::{Builder, Runtime};

/// Runs `work` on a current-thread runtime of its own.
///
/// # Panics
/// When no runtime can be made.
pub fn run<T>(work: impl Future<Output = T> + Send) -> T {
    runtime().block_on(work)
}

/// One like that, for whoever is not to see it made.
///
/// # Panics
/// As [`run`].
#[must_use]
pub fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|error| panic!("no runtime: {error}"))
}
