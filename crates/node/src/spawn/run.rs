//! Running a program to its end, waiting for it or not; and becoming it.

use std::sync::mpsc;

use kernel::fork::Strings;
use kernel::{Error, Kind, Result};
use napi::Env;
use napi::bindgen_prelude::{Array, BufferSlice, Uint8Array};
use napi_derive::napi;
use process::{Bounds, Collected};

use super::plan::SpawnPlan;
use super::{begin, start};
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::process::{ExitRecord, Process};
use crate::{deadline, reactor};

/// What a program is given, and where patience ends.
#[napi(object, object_to_js = false)]
pub struct BoundsPlan {
    pub input: Uint8Array,
    pub max_buffer_bytes: f64,
    pub timeout_ms: f64,
    pub kill_signal: i32,
}

impl From<BoundsPlan> for Bounds {
    fn from(plan: BoundsPlan) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an integer of at most 53 bits, checked in TypeScript; infinity becomes the largest"
        )]
        let max_bytes = plan.max_buffer_bytes as usize;
        Self {
            input: plan.input.to_vec(),
            max_bytes,
            deadline: deadline(plan.timeout_ms),
            kill_signal: plan.kill_signal,
        }
    }
}

/// Runs a program; delivers its exit record and what it wrote, as an array of three.
#[napi(catch_unwind)]
pub fn run(
    environment: &Environment,
    id: u32,
    plan: SpawnPlan,
    entered: Option<&Process>,
    bounds: BoundsPlan,
) {
    let bounds = Bounds::from(bounds);
    begin(environment, id, deliver, plan, entered, bounds.deadline, |starting| starting.collect(bounds));
}

/// The same, and waits.
#[napi(catch_unwind, ts_return_type = "Outcome<[ExitRecord, Buffer, Buffer]>")]
pub fn run_sync<'env>(
    env: &'env Env,
    plan: SpawnPlan,
    entered: Option<&Process>,
    bounds: BoundsPlan,
) -> napi::Result<Outcome<Array<'env>>> {
    Ok(match run_on_thread(plan, entered, bounds.into()) {
        Ok(collected) => Outcome::A(record(env, collected)?),
        Err(error) => Outcome::B(Failure::from(error)),
    })
}

/// Started by this thread, whose credentials it is to have; collected by the background thread, while this one waits.
fn run_on_thread(plan: SpawnPlan, entered: Option<&Process>, bounds: Bounds) -> Result<Collected> {
    let starting = start(plan, entered)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    reactor::handle()?.spawn(async move {
        drop(tokio::spawn(starting.child().reap_in_background()));
        let _nobody_waits = sender.send(starting.collect(bounds).await);
    });
    let panicked = |_| Error::new(Kind::Os, "internal", "internal error: a background task panicked");
    receiver.recv().map_err(panicked)?
}

fn deliver(collected: Collected, env: Env, batch: &mut Array<'_>) -> napi::Result<()> {
    batch.insert(record(&env, collected)?)
}

/// Buffers of the engine's own memory: external memory is refused by Electron.
fn record(env: &Env, Collected { exit, stdout, stderr }: Collected) -> napi::Result<Array<'_>> {
    let mut record = env.create_array(0)?;
    record.insert(ExitRecord::from(exit))?;
    record.insert(&BufferSlice::copy_from(env, stdout)?)?;
    record.insert(&BufferSlice::copy_from(env, stderr)?)?;
    Ok(record)
}

/// Becomes a program; returns why not.
#[napi(catch_unwind)]
#[must_use]
pub fn exec(file: String, argv: String, env: String) -> Failure {
    let [argv, env] = [argv, env].map(|block| Strings::from_block(block.into_bytes()));
    Failure::from(process::replace(file.as_bytes(), argv, env))
}
