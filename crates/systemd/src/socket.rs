//! The manager's own socket. What it sends there bears the name `org.freedesktop.systemd1` where the name of a connection
//! belongs, which zbus rightly takes for an error; so it is given another one on the way.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kernel::ready::Deadline;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixStream;
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;

use crate::frame::Frames;

/// How soon to knock again at a socket where too many wait already: the kernel turns the next one away.
const KNOCK: Duration = Duration::from_millis(20);
/// What is read at once.
const CHUNK: usize = 16 << 10;
/// Descriptors in one message: far more than a manager sends.
const DESCRIPTORS: usize = 64;

/// A connected socket, to be split.
#[derive(Debug)]
pub(crate) struct Private(UnixStream);

/// What is received through it.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: Arc<UnixStream>,
    frames: Frames,
}

/// What is sent through it.
#[derive(Debug)]
pub(crate) struct Writer(Arc<UnixStream>);

impl Private {
    pub(crate) async fn connect(path: &Path) -> io::Result<Self> {
        loop {
            match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    Deadline::after(KNOCK).passed().await;
                }
                connected => return connected.map(Self),
            }
        }
    }
}

impl Private {
    /// Whether the manager has a number in our pid namespace: one outside has none, and numbers us otherwise than we do.
    pub(crate) fn shares_numbers(&self) -> io::Result<bool> {
        Ok(self.0.peer_cred()?.pid().is_some_and(|pid| pid > 0))
    }
}

impl Socket for Private {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let stream = Arc::new(self.0);
        Split::new(Reader { stream: Arc::clone(&stream), frames: Frames::default() }, Writer(stream))
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn recvmsg(&mut self, wanted: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let mut descriptors = Vec::new();
        loop {
            let taken = self.frames.take(wanted)?;
            if taken > 0 {
                return Ok((taken, descriptors));
            }
            self.stream.readable().await?;
            let mut chunk = vec![0; CHUNK];
            match self.stream.try_io(Interest::READABLE, || receive(&self.stream, &mut chunk)) {
                Ok((0, _)) => return Ok((0, descriptors)),
                Ok((received, more)) => {
                    self.frames.put(chunk.get(..received).unwrap_or_default());
                    descriptors.extend(more);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}

#[async_trait]
impl WriteHalf for Writer {
    async fn sendmsg(&mut self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
        loop {
            self.0.writable().await?;
            match self.0.try_io(Interest::WRITABLE, || send(&self.0, bytes, descriptors)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return sent,
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        rustix::net::shutdown(&*self.0, rustix::net::Shutdown::Both).map_err(io::Error::from)
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}

fn receive(stream: &UnixStream, chunk: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(stream, &mut [IoSliceMut::new(chunk)], &mut ancillary, flags)?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok((received.bytes, descriptors))
}

fn send(stream: &UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = vec![MaybeUninit::uninit(); SendAncillaryMessage::ScmRights(descriptors).size()];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?)
}
