//! Putting processes where systemd tracks them: transient scopes, made over D-Bus.
//!
//! A [`Scope`] is a unit of a service manager that holds processes which somebody else started. Its group belongs to the
//! manager, which knows it by name, can stop, freeze and limit it, and removes it when the last process has ended. For an
//! ordinary user, the manager of the user is what gives a program a control group of its own.
//!
//! # Guarantees
//! - [`Buses::create`] succeeds only when `/proc` says that every process is in the scope: never on the manager's word
//!   alone, which older ones give too early or without having moved anything.
//! - Nothing is connected to before it is needed. A connection is kept, and made again once it was lost.
//! - Where no manager can be reached, the error says of each way to one why it did not lead there.
//! - No scope that holds this process is stopped or frozen by it.
//!
//! # What it does not do
//! - It cannot take back a scope that exists: stopping it would end the processes that were to be tracked. Dropping a
//!   creation under way cancels its job, which helps as long as the manager has not begun with it.
//! - It starts no bus and no manager, runs no other program, and speaks to unix sockets only.
//! - Another scope may take a process away at any time; systemd does so silently. Whoever looks again sees it.
//!
//! Asynchronous functions wait on the tokio runtime of the thread that polls them; every future is `Send`.
//!
//! ```no_run
//! use kernel::ready::Deadline;
//! use systemd::{Choice, Member, Request, Setting, Surroundings};
//!
//! # async fn track(pid: i32) -> kernel::Result<()> {
//! let mut request = Request::new("build", vec![Member::new(pid, None)])?;
//! request.property("MemoryMax", &Setting::Text("1G".to_owned()))?;
//! let endpoints = Surroundings::here().endpoints(Choice::Any)?;
//! let deadline = Deadline::after(std::time::Duration::from_secs(10));
//! let scope = systemd::shared().create(&endpoints, request, deadline).await?;
//! println!("{} is {}", scope.unit(), scope.cgroup_path().display());
//! # Ok(())
//! # }
//! ```
//!
//! References: org.freedesktop.systemd1(5), systemd.scope(5), the D-Bus specification.

mod bus;
mod create;
mod endpoint;
mod frame;
mod job;
mod member;
mod peer;
mod property;
mod refusal;
mod request;
mod scope;
mod size;
mod socket;
mod support;
mod unit;

pub use bus::{Buses, shared};
pub use endpoint::{Bus, Choice, Endpoint, Surroundings, Way};
pub use member::Member;
pub use property::Setting;
pub use request::Request;
pub use scope::Scope;
pub use support::support;
