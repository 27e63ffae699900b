//! Faults to order: a whole program whose calls fail when it asks for it, one at a time.
//!
//! What procward is asked for in JavaScript is done on the thread that runs the JavaScript and on procward's own, in a
//! program that makes system calls of its own on all of them. Failing every call of a thread would test Node; so this asks
//! *whose code* makes a call ([`Code`]): the addon's, or the C library's on behalf of the addon. That holds for every thread,
//! also for those that neither their names nor their numbers tell from others, and needs nothing of Node or of the addon: both
//! are as they are shipped.
//!
//! The program says when. It knows best where an operation begins and ends, and what to do between two: it gives an order,
//! runs the operation, takes the order back, and looks. Orders are calls of getpriority(2) about processes that cannot exist,
//! which every runtime lets programs make, and whose answer is a number of ours ([`Request`]). So thousands of faults take one
//! start of Node; what is to be seen from the very first call of a program is a program that it starts in its turn, for
//! everything below is supervised, too, and gives orders for itself.
//!
//! A filter with a listener is inherited, asks for no change of the program, and sees a call before it is made. A tracer
//! would stop the program twice for each call, and could not be traced; a preloaded library would not see what is called
//! without the C library, which is nearly all.

mod code;
mod request;

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::listener::{Judge, Report, Verdict, supervise};
use crate::spare::{SPARED, is_spared, would_wait_for_ever};
use crate::without::named_calls;
use code::Code;
use request::{Came, Order, Request};

/// Of a variable of the environment, in which the program finds the numbers of calls by their names.
const NAMES: &str = "FAULTS_CALLS";
/// How long a program may take to take an order back before it is ended: far above what it grants an operation itself.
const PATIENCE: Duration = Duration::from_secs(100);

/// Runs a command that may order faults, and returns how it ended.
///
/// # Errors
/// What kept it from being started, or this machine from doing so.
pub fn run_to_order(program: &OsString, arguments: &[OsString]) -> Result<ExitStatus, String> {
    // The end of the thread is what the listener waits for.
    let unreported: Vec<_> = SPARED.iter().copied().filter(|call| *call != libc::SYS_exit).collect();
    let names: Vec<_> = named_calls().map(|(name, number)| format!("{name}={number}")).collect();
    let mut command = Command::new(program);
    command.args(arguments).env(NAMES, names.join(" "));
    let mut orders = Orders::default();
    let status = supervise(&unreported, || command.status(), &mut orders)?;
    status.map_err(|error| format!("{}: {error}", program.display()))
}

/// Exits as the program did, if it can be said by a number.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// What each program has ordered.
#[derive(Debug, Default)]
struct Orders {
    programs: HashMap<u32, Program>,
}

#[derive(Debug)]
struct Program {
    order: Order,
    since: Instant,
    /// How many calls came that could have failed.
    seen: u32,
    came: Came,
    code: Code,
}

impl Judge for Orders {
    fn judge(&mut self, report: &Report) -> Verdict {
        if report.number == libc::SYS_getpriority
            && let Some(request) = Request::read(&report.arguments)
        {
            return Verdict::Answer(self.take(report.thread, request));
        }
        let of_its = |(leader, _): &(&u32, &mut Program)| is_thread_of(report.thread, **leader);
        match self.programs.iter_mut().find(of_its) {
            Some((leader, program)) => program.judge(*leader, report),
            None => Verdict::GoOn,
        }
    }

    fn idle(&mut self) {
        self.programs.retain(|leader, program| {
            let late = program.order != Order::NONE && program.since.elapsed() > PATIENCE;
            if late && let Some(pid) = Pid::from_raw(leader.cast_signed()) {
                let _its_end = kill_process(pid, Signal::KILL);
            }
            !late && Path::new(&format!("/proc/{leader}")).exists()
        });
    }
}

impl Orders {
    /// Orders are given by the first thread of a program, whose number is that of the program.
    fn take(&mut self, leader: u32, request: Request) -> i64 {
        match request {
            Request::Give(order) => {
                // Where code lies does not change while a program gives orders, but for what is loaded later.
                let code = self.programs.remove(&leader).map(|program| program.code).unwrap_or_default();
                let program = Program { order, since: Instant::now(), seen: 0, came: Came::Not, code };
                self.programs.insert(leader, program);
                0
            }
            Request::TakeBack => match self.programs.get_mut(&leader) {
                Some(program) => {
                    program.order = Order::NONE;
                    program.came.as_number()
                }
                None => Came::Not.as_number(),
            },
        }
    }
}

impl Program {
    fn judge(&mut self, leader: u32, report: &Report) -> Verdict {
        if self.order == Order::NONE
            || is_spared(report.number, &report.arguments)
            || !self.code.is_ours(leader, report)
        {
            return Verdict::GoOn;
        }
        let nth = self.seen;
        self.seen += 1;
        if nth != self.order.nth {
            return Verdict::GoOn;
        }
        if would_wait_for_ever(report.number, self.order.errno) {
            self.came = Came::Spared;
            return Verdict::GoOn;
        }
        self.came = Came::Failed(report.number);
        Verdict::Fail(self.order.errno)
    }
}

/// A child that shares our memory until it executes its program is none: it has a number of its own.
fn is_thread_of(thread: u32, leader: u32) -> bool {
    thread == leader || Path::new(&format!("/proc/{leader}/task/{thread}")).exists()
}
