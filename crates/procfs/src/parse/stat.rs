//! `/proc/<pid>/stat`: one line of numbers around a name that may contain anything.
//!
//! References: `proc_pid_stat(5)`.

use std::str::FromStr;

use kernel::Result;

use super::number::decimal;

/// What the line says of a process. Numbers that this process may not see are 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Process id.
    pub pid: i32,
    /// The name of its program, at most 15 bytes, chosen by itself.
    pub comm: Vec<u8>,
    /// Its state letter.
    pub state: char,
    /// The id of its parent; 0 when that is outside the pid namespace.
    pub ppid: i32,
    /// The id of its process group.
    pub process_group: i32,
    /// The id of its session.
    pub session: i32,
    /// The device number of its controlling terminal, 0 for none.
    pub terminal: i32,
    /// The foreground process group of that terminal, -1 for none.
    pub foreground_group: i32,
    /// Kernel flags (`PF_…`).
    pub flags: u64,
    /// Page faults without input or output, own.
    pub minor_faults: u64,
    /// Page faults without input or output, of reaped children.
    pub children_minor_faults: u64,
    /// Page faults that had to read, own.
    pub major_faults: u64,
    /// Page faults that had to read, of reaped children.
    pub children_major_faults: u64,
    /// Time in user mode, in clock ticks.
    pub utime: u64,
    /// Time in the kernel, in clock ticks.
    pub stime: u64,
    /// User time of reaped children, in clock ticks.
    pub children_utime: i64,
    /// Kernel time of reaped children, in clock ticks.
    pub children_stime: i64,
    /// Priority as the kernel counts it.
    pub priority: i64,
    /// Niceness, 19 (lowest) to -20.
    pub nice: i64,
    /// Number of threads.
    pub threads: i64,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
    /// Virtual memory, in bytes.
    pub virtual_bytes: u64,
    /// Resident memory, in pages.
    pub resident_pages: i64,
    /// The fields after the resident set (field 25 on), as the kernel wrote them.
    pub rest: Vec<u8>,
}

impl Stat {
    /// How it ended, as a wait status (field 52, 3.5): for a zombie, and for who may trace it; 0 for everybody else.
    #[must_use]
    pub fn exit_status(&self) -> Option<i32> {
        self.rest.split(|byte| *byte == b' ').nth(52 - 25).and_then(decimal)
    }

    /// True when it has exited, all its threads included, and was not reaped.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }
}

/// Reads a stat file.
///
/// # Errors
/// [`Kind::Os`](kernel::Kind::Os) naming the field that no kernel would write so.
pub fn stat(text: &[u8]) -> Result<Stat> {
    line(text.strip_suffix(b"\n").unwrap_or(text)).map_err(|what| super::malformed("stat", 1, what))
}

fn line(text: &[u8]) -> std::result::Result<Stat, &'static str> {
    // The name stands unescaped between parentheses and may contain both of them, blanks and newlines. Nothing
    // before it contains the first, nothing after it the second.
    let open = text.iter().position(|byte| *byte == b'(').ok_or("no name")?;
    let close = text.iter().rposition(|byte| *byte == b')').ok_or("the name does not end")?;
    let comm = text.get(open + 1..close).ok_or("the name ends before it begins")?.to_vec();
    let pid = text.get(..open).and_then(|before| before.strip_suffix(b" ")).and_then(decimal);
    let after =
        text.get(close + 1..).and_then(|after| after.strip_prefix(b" ")).ok_or("nothing after the name")?;

    let mut fields = Fields(after.splitn(23, |byte| *byte == b' '));
    let Some([letter]) = fields.0.next() else { return Err("the state is not one letter") };
    // Read in the order in which they stand.
    Ok(Stat {
        pid: pid.ok_or("the pid is no number")?,
        comm,
        state: char::from(*letter),
        ppid: fields.number()?,
        process_group: fields.number()?,
        session: fields.number()?,
        terminal: fields.number()?,
        foreground_group: fields.number()?,
        flags: fields.number()?,
        minor_faults: fields.number()?,
        children_minor_faults: fields.number()?,
        major_faults: fields.number()?,
        children_major_faults: fields.number()?,
        utime: fields.number()?,
        stime: fields.number()?,
        children_utime: fields.number()?,
        children_stime: fields.number()?,
        priority: fields.number()?,
        nice: fields.number()?,
        threads: fields.number()?,
        start_time: {
            // Field 21, the interval timer, has been 0 since 2.6.17.
            fields.number::<i64>()?;
            fields.number()?
        },
        virtual_bytes: fields.number()?,
        resident_pages: fields.number()?,
        rest: fields.0.next().unwrap_or_default().to_vec(),
    })
}

/// The fields after the name, taken one after the other.
struct Fields<I>(I);

impl<'a, I: Iterator<Item = &'a [u8]>> Fields<I> {
    fn number<T: FromStr>(&mut self) -> std::result::Result<T, &'static str> {
        let field = self.0.next().ok_or("fewer fields than any kernel writes")?;
        decimal(field).ok_or("a field is no number, or out of range")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str =
        "S 1 7 7 34816 7 4194304 10 20 30 40 5 6 -7 -8 20 0 1 0 123456 8192 300 18446744073709551615 1";

    #[test]
    fn the_name_may_contain_anything() {
        for name in ["sh", "a b", "x) R 9 (", "))((", "new\nline", ""] {
            let parsed = stat(format!("42 ({name}) {REST}\n").as_bytes()).unwrap();
            assert_eq!(parsed.comm, name.as_bytes());
            assert_eq!((parsed.pid, parsed.state, parsed.ppid), (42, 'S', 1));
            assert_eq!((parsed.utime, parsed.stime, parsed.children_stime), (5, 6, -8));
            assert_eq!(
                (parsed.start_time, parsed.virtual_bytes, parsed.resident_pages),
                (123_456, 8192, 300)
            );
            assert_eq!(parsed.rest, b"18446744073709551615 1");
        }
    }

    #[test]
    fn every_truncation_is_a_value_or_an_error() {
        let text = format!("42 (sh) {REST}");
        for end in 0..text.len() {
            let _ = stat(&text.as_bytes()[..end]);
        }
        assert!(stat(b"").is_err());
        assert!(stat(b"1 )(").is_err());
    }
}
