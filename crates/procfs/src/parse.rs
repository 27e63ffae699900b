//! Pure parsers of procfs text: bytes in, values out; nothing is read, guessed or thrown away.
//!
//! Every parser is total: any input gives a value or an error naming the line, never a panic. What a parser
//! does not know it keeps as raw bytes, so that newer kernels lose nothing.

mod cgroup;
mod fdinfo;
mod fields;
mod mountinfo;
mod number;
mod stat;
mod status;

pub use cgroup::{Membership, cgroup};
pub use fdinfo::{Fdinfo, fdinfo};
pub use fields::Fields;
pub use mountinfo::{Mount, mountinfo};
pub use stat::{Stat, stat};
pub use status::{Ids, Status, status};

use kernel::{Error, Kind};

/// The text of `file` is not what any kernel writes; `line` counts from 1.
fn malformed(file: &'static str, line: usize, what: &'static str) -> Error {
    Error::new(Kind::Os, "parse", format!("line {line} of {file}: {what}"))
}

/// The lines of a procfs file with their numbers, without the empty one after the last newline.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let present = !text.is_empty();
    text.split(|byte| *byte == b'\n').enumerate().filter(move |_| present).map(|(at, line)| (at + 1, line))
}
