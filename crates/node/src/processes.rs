//! The table of processes for the command line.

use napi_derive::napi;
use process::Row;

use crate::environment::{Environment, value};

/// One process. Text is as it is, but for what is no UTF-8; the arguments are separated by NUL.
#[napi(object, object_from_js = false)]
pub struct ProcessRecord {
    pub pid: i32,
    pub ppid: i32,
    pub process_group: i32,
    pub session: i32,
    pub uid: u32,
    pub state: String,
    pub is_kernel_thread: bool,
    pub threads: i64,
    /// Clock ticks since boot, as in an identity.
    pub start_time: String,
    pub started_ms: i64,
    pub cpu_ms: i64,
    pub resident_bytes: i64,
    pub name: String,
    pub command_line: String,
}

/// Delivers all processes, in one go.
#[napi(catch_unwind)]
pub fn list_processes(environment: &Environment, id: u32) {
    environment
        .block(id, value, || Ok(process::list()?.into_iter().map(ProcessRecord::from).collect::<Vec<_>>()));
}

impl From<Row> for ProcessRecord {
    fn from(row: Row) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self {
            pid: row.stat.pid,
            ppid: row.stat.ppid,
            process_group: row.stat.process_group,
            session: row.stat.session,
            uid: row.uid,
            state: row.stat.state.to_string(),
            is_kernel_thread: row.is_kernel_thread(),
            threads: row.stat.threads,
            start_time: row.stat.start_time.to_string(),
            started_ms: signed(row.started_ms()),
            cpu_ms: signed(row.cpu_ms()),
            resident_bytes: signed(row.resident_bytes()),
            name: String::from_utf8_lossy(&row.stat.comm).into_owned(),
            command_line: String::from_utf8_lossy(&row.command_line).into_owned(),
        }
    }
}
