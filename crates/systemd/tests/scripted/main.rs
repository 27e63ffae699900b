//! Conversations with a service manager that is played by a script: every answer, order and failure.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "the script plays the manager: it makes sockets and groups")]

mod answers;
mod failures;
mod faults;
mod peer;
mod scopes;
mod ways;
