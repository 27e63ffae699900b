//! `/proc/<pid>/mountinfo`: one mount a line, with blanks in names escaped.
//!
//! References: `proc_pid_mountinfo(5)`.

use kernel::{Error, Result};

use super::number::decimal;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its id; unique while it is mounted, reused after.
    pub id: u32,
    /// The id of the mount it is mounted on.
    pub parent: u32,
    /// The device number of its file system: major, minor.
    pub device: (u32, u32),
    /// The directory of the file system that is its root, unescaped.
    pub root: Vec<u8>,
    /// Where it is mounted, relative to the root of the process, unescaped.
    pub mount_point: Vec<u8>,
    /// Options of this mount, separated by commas.
    pub options: Vec<u8>,
    /// Optional fields, such as `shared:1` and `master:2`.
    pub optional: Vec<Vec<u8>>,
    /// The file system, with its subtype after a dot.
    pub filesystem: Vec<u8>,
    /// What is mounted, unescaped; may be empty.
    pub source: Vec<u8>,
    /// Options of the file system, separated by commas.
    pub super_options: Vec<u8>,
}

/// Reads a mountinfo file.
///
/// # Errors
/// [`Kind::Os`](kernel::Kind::Os) naming the first line that no kernel would write.
pub fn mountinfo(text: &[u8]) -> Result<Vec<Mount>> {
    super::lines(text).map(|(number, line)| mount(line).map_err(|what| bad(number, what))).collect()
}

fn bad(line: usize, what: &'static str) -> Error {
    super::malformed("mountinfo", line, what)
}

fn mount(line: &[u8]) -> std::result::Result<Mount, &'static str> {
    // Exactly one blank separates fields: an empty source shows as two of them.
    let mut fields = line.split(|byte| *byte == b' ');
    let mut next = |missing: &'static str| fields.next().ok_or(missing);
    let id = decimal(next("no mount id")?).ok_or("the mount id is no number")?;
    let parent = decimal(next("no parent id")?).ok_or("the parent id is no number")?;
    let device = device(next("no device")?).ok_or("the device is no pair of numbers")?;
    let root = unescape(next("no root")?);
    let mount_point = unescape(next("no mount point")?);
    let options = next("no options")?.to_vec();
    let mut optional = Vec::new();
    loop {
        match next("no separator after the optional fields")? {
            b"-" => break,
            field => optional.push(field.to_vec()),
        }
    }
    Ok(Mount {
        id,
        parent,
        device,
        root,
        mount_point,
        options,
        optional,
        filesystem: unescape(next("no file system")?),
        source: unescape(next("no source")?),
        super_options: next("no super options")?.to_vec(),
    })
}

fn device(text: &[u8]) -> Option<(u32, u32)> {
    let at = text.iter().position(|byte| *byte == b':')?;
    let (major, minor) = text.split_at_checked(at)?;
    Some((decimal(major)?, decimal(minor.strip_prefix(b":")?)?))
}

/// Undoes the kernel's escapes: a backslash and three octal digits stand for one byte. A backslash that does
/// not begin an escape stands for itself, though no kernel writes one.
fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let Some((first, rest)) = text.split_first() {
        let escaped = if *first == b'\\' { octal_byte(rest) } else { None };
        let (byte, after) = escaped.unwrap_or((*first, rest));
        plain.push(byte);
        text = after;
    }
    plain
}

fn octal_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(3)?;
    let value = digits.iter().try_fold(0_u16, |value, digit| {
        matches!(digit, b'0'..=b'7').then(|| value * 8 + u16::from(digit - b'0'))
    })?;
    Some((u8::try_from(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_may_be_absent_or_many() {
        let text = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n\
            25 30 0:23 / /proc rw,relatime - proc proc rw\n\
            40 36 0:45 /a /b ro shared:7 master:2 propagate_from:1 - fuse.sshfs me@host: rw\n";
        let mounts = mountinfo(text).unwrap();
        let optional: Vec<usize> = mounts.iter().map(|mount| mount.optional.len()).collect();
        assert_eq!(optional, [1, 0, 3]);
        assert_eq!((mounts[0].id, mounts[0].parent, mounts[0].device), (36, 35, (98, 0)));
        assert_eq!(mounts[1].filesystem, b"proc");
        assert_eq!(mounts[2].filesystem, b"fuse.sshfs");
        assert_eq!(mounts[2].super_options, b"rw");
    }

    #[test]
    fn escapes_are_undone_and_an_empty_source_is_kept() {
        let text = b"1 2 0:3 / /with\\040blank\\134slash\\011tab rw - tmpfs  rw";
        let mounts = mountinfo(text).unwrap();
        assert_eq!(mounts[0].mount_point, b"/with blank\\slash\ttab");
        assert_eq!(mounts[0].source, b"");
        assert_eq!(unescape(b"\\9a\\04"), b"\\9a\\04");
        assert_eq!(unescape(b"\\777"), b"\\777");
    }

    #[test]
    fn every_truncation_is_a_value_or_an_error() {
        let text: &[u8] = b"36 35 98:0 /mnt1 /mnt2 rw master:1 - ext3 /dev/root rw";
        for end in 0..text.len() {
            let _ = mountinfo(&text[..end]);
        }
        let error = mountinfo(b"36 35 98:0 / / rw - a b c\nnonsense").unwrap_err();
        assert!(error.to_string().contains("line 2 of mountinfo"), "{error}");
    }
}
