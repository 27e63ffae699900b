//! A core error as the plain object that JavaScript receives instead of a value.

use kernel::{Error, Result, errno};
use napi::Either;
use napi_derive::napi;

/// An error of the core, taken apart. The TypeScript layer throws it, so that the stack shows its caller.
#[napi(object, object_from_js = false)]
#[expect(clippy::struct_field_names, reason = "the field marks the object as what it is, in JavaScript")]
pub struct Failure {
    /// The kind; its presence is what tells a failure from every other value.
    pub failure: String,
    pub message: String,
    /// `ESRCH`; absent when no system call failed.
    pub code: Option<String>,
    /// Negative, as libuv has it.
    pub errno: Option<i32>,
    pub syscall: Option<String>,
    pub path: Option<String>,
    pub pid: Option<i32>,
    pub stage: Option<String>,
    pub feature: Option<String>,
    pub hint: Option<String>,
    pub processes: Option<Vec<Bystander>>,
}

/// A process that blocked an operation or survived it.
#[napi(object, object_from_js = false)]
pub struct Bystander {
    pub pid: i32,
    pub state: String,
    pub wchan: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let number = error.errno();
        let processes = error.bystanders().iter().map(Bystander::from).collect::<Vec<_>>();
        Self {
            failure: error.kind().name().to_owned(),
            message: error.to_string(),
            code: number.map(|number| errno::name(number).to_owned()),
            errno: number.map(|number| -number.raw_os_error()),
            syscall: number.map(|_| error.op().to_owned()),
            path: error.path().map(|path| path.to_string_lossy().into_owned()),
            pid: error.about_pid(),
            stage: error.spawn_stage().map(str::to_owned),
            feature: error.feature().map(|feature| feature.name().to_owned()),
            hint: error.advice().map(str::to_owned),
            processes: (!processes.is_empty()).then_some(processes),
        }
    }
}

impl From<&kernel::Bystander> for Bystander {
    fn from(bystander: &kernel::Bystander) -> Self {
        Self { pid: bystander.pid, state: bystander.state.to_string(), wchan: bystander.wchan.clone() }
    }
}

/// What every exported function returns: the value, or why there is none.
pub(crate) type Outcome<T> = Either<T, Failure>;

/// Turns the core's answer into it.
pub(crate) fn outcome<T>(answer: Result<T>) -> Outcome<T> {
    match answer {
        Ok(value) => Either::A(value),
        Err(error) => Either::B(Failure::from(error)),
    }
}
