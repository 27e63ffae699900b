//! The table of processes for the command line.

use std::borrow::Cow;

use kernel::{Error, Kind, Result};
use napi_derive::napi;
use process::Row;

use crate::environment::{Environment, value};

/// What `ProcessRecord` in `src/cli/processes.ts` gives names to, in this order: repeated for each process, the names would be
/// most of the text.
type Record<'row> =
    (i32, i32, i32, i32, u32, char, bool, i64, u64, u64, u64, u64, Cow<'row, str>, Vec<Cow<'row, str>>);

/// Delivers all processes, in one go, as JSON: engines read that faster than they make objects one property after the other, on
/// the thread that must not be held.
#[napi(catch_unwind)]
pub fn list_processes(environment: &Environment, id: u32) {
    environment.block(id, value, || table(&process::list()?));
}

fn table(rows: &[Row]) -> Result<String> {
    let records: Vec<_> = rows.iter().map(record).collect();
    serde_json::to_string(&records)
        .map_err(|error| Error::new(Kind::Os, "list", "processes cannot be told").detail(error.to_string()))
}

/// Text is as it is, but for what is no UTF-8.
fn record(row: &Row) -> Record<'_> {
    let stat = &row.stat;
    (
        stat.pid,
        stat.ppid,
        stat.process_group,
        stat.session,
        row.uid,
        stat.state,
        row.is_kernel_thread(),
        stat.threads,
        stat.start_time,
        row.started_ms(),
        row.cpu_ms(),
        row.resident_bytes(),
        String::from_utf8_lossy(&stat.comm),
        arguments(&row.command_line).collect(),
    )
}

/// Each has a null byte after it, but for the last one where the process wrote over its command line.
fn arguments(command_line: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let whole = command_line.strip_suffix(b"\0").unwrap_or(command_line);
    let split = (!command_line.is_empty()).then(|| whole.split(|byte| *byte == 0));
    split.into_iter().flatten().map(String::from_utf8_lossy)
}
