//! Messages as bytes: where one ends, and its sender, which is replaced where it cannot be one.
//!
//! References: the D-Bus specification, "Message Protocol" and "Authentication Protocol".

use std::io;

/// What the manager writes as its own name, and what zbus is told: as long, and valid for a connection.
const WELL_KNOWN: &[u8; 24] = b"org.freedesktop.systemd1";
const UNIQUE: &[u8; 24] = b":org.freedesktop.systemd";
/// What every message starts with, up to the length of its header fields.
const FIXED: usize = 16;
/// The limit of the protocol.
const LONGEST: usize = 128 << 20;
const LONGEST_LINE: usize = 16 << 10;

/// Bytes in, whole messages out. Before the first message there are lines of text: the greeting.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Not known to be whole.
    raw: Vec<u8>,
    ready: Vec<u8>,
}

impl Frames {
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
    }

    /// Fills `wanted` as far as it goes; 0 when nothing whole is there.
    pub(crate) fn take(&mut self, wanted: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            let Some(length) = length_of_first(&self.raw)? else { return Ok(0) };
            let rest = self.raw.split_off(length);
            self.ready = std::mem::replace(&mut self.raw, rest);
            rename(&mut self.ready);
        }
        let taken = wanted.len().min(self.ready.len());
        for (place, byte) in wanted.iter_mut().zip(self.ready.drain(..taken)) {
            *place = byte;
        }
        Ok(taken)
    }
}

/// How long the first line or message is; `None` while it is not whole.
fn length_of_first(raw: &[u8]) -> io::Result<Option<usize>> {
    let length = match raw.first() {
        None => return Ok(None),
        Some(b'l' | b'B') => {
            let (Some(body), Some(fields)) = (number_at(raw, 4), number_at(raw, 12)) else { return Ok(None) };
            if body > LONGEST || fields > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long"));
            }
            FIXED + fields.next_multiple_of(8) + body
        }
        Some(_) => match raw.windows(2).position(|end| end == b"\r\n") {
            Some(at) => at + 2,
            None if raw.len() > LONGEST_LINE => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
            }
            None => return Ok(None),
        },
    };
    Ok((raw.len() >= length).then_some(length))
}

fn number_at(raw: &[u8], at: usize) -> Option<usize> {
    let bytes = raw.get(at..at + 4)?.try_into().ok()?;
    let number =
        if raw.first() == Some(&b'l') { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    usize::try_from(number).ok()
}

/// Replaces the sender of a message that says it is the manager. All that is compared is one header field: its code, its type,
/// the length of its text and the text.
fn rename(message: &mut [u8]) {
    let Some(fields) = number_at(message, 12) else { return };
    let length: [u8; 4] = if message.first() == Some(&b'l') { [24, 0, 0, 0] } else { [0, 0, 0, 24] };
    let field = [&[7, 1, b's', 0], &length[..], WELL_KNOWN, &[0]].concat();
    let Some(fields) = message.get_mut(FIXED..FIXED + fields) else { return };
    // Fields start at multiples of eight.
    let found = fields.windows(field.len()).step_by(8).position(|window| window == field);
    let Some(text) = found.map(|at| at * 8 + 8) else { return };
    if let Some(text) = fields.get_mut(text..text + UNIQUE.len()) {
        text.copy_from_slice(UNIQUE);
    }
}

#[cfg(test)]
mod tests {
    use zbus::Message;
    use zbus::wire::Endian;

    use super::*;

    /// A message of a manager on its own socket, which only this file can write.
    fn message(endian: Endian) -> Vec<u8> {
        let body = ("org.freedesktop.systemd1", 7_u32);
        let built = Message::signal("/a", "a.b", "C").sender(":org.freedesktop.systemd");
        let built = built.endian(endian).build(&body).unwrap();
        let mut bytes = built.data().bytes().to_vec();
        let at = bytes.windows(24).position(|window| window == UNIQUE).unwrap();
        bytes[at..at + 24].copy_from_slice(WELL_KNOWN);
        bytes
    }

    fn whole(frames: &mut Frames) -> Vec<u8> {
        let mut all = Vec::new();
        let mut wanted = [0; 16];
        loop {
            match frames.take(&mut wanted).unwrap() {
                0 => return all,
                taken => all.extend_from_slice(&wanted[..taken]),
            }
        }
    }

    #[test]
    fn the_sender_is_replaced_and_nothing_else() {
        for endian in [Endian::Little, Endian::Big] {
            let sent = message(endian);
            let mut frames = Frames::default();
            frames.put(&sent);
            let heard = whole(&mut frames);
            assert_eq!(heard.len(), sent.len());
            assert_eq!(heard.windows(24).filter(|window| window == UNIQUE).count(), 1);
            assert_eq!(heard.windows(24).filter(|window| window == WELL_KNOWN).count(), 1, "the body stays");
        }
    }

    #[test]
    fn lines_and_messages_come_out_as_they_went_in_however_they_are_cut() {
        let (one, two) = (message(Endian::Little), message(Endian::Big));
        let sent = [b"OK 0123\r\nAGREE_UNIX_FD\r\n".as_slice(), &one, &two, &one].concat();
        let mut at_once = Frames::default();
        at_once.put(&sent);
        let expected = whole(&mut at_once);
        assert_eq!(expected.len(), sent.len());
        for size in [1, 2, 7, 15, 16, 17, 100] {
            let mut frames = Frames::default();
            let mut heard = Vec::new();
            for chunk in sent.chunks(size) {
                frames.put(chunk);
                heard.extend(whole(&mut frames));
            }
            assert_eq!(heard, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_whole_waits_and_what_is_endless_is_refused() {
        let mut frames = Frames::default();
        let sent = message(Endian::Little);
        frames.put(&sent[..sent.len() - 1]);
        assert_eq!(frames.take(&mut [0; 8]).unwrap(), 0);
        for endless in [vec![b'O'; LONGEST_LINE + 1], [&b"l\x01\0\x01"[..], &[0xff; 12]].concat()] {
            let mut frames = Frames::default();
            frames.put(&endless);
            assert_eq!(frames.take(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
