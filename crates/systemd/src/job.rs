//! Jobs: what a manager does later than it answers, and how it says that it has done it.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use kernel::{Error, Kind, Result};
use tokio::runtime::Handle;
use zbus::message::Type;
use zbus::{MatchRule, Message, MessageStream, OwnedObjectPath};

use crate::peer::{MANAGER, MANAGER_PATH, Peer};
use crate::refusal;

/// How long no news is good news: after that the manager is asked. It announces a job once, and not at all to somebody whom it
/// forgot when it executed itself again.
const SILENCE: Duration = Duration::from_millis(500);
/// Signals that wait to be looked at. The reader of the connection stands still while they are more.
const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
/// Jobs of others that are remembered until our own is known: far more than a manager has at once.
const REMEMBERED: usize = 4096;

/// How a job ended, in the word of the manager: `done`, `failed`, `canceled`, …
pub(crate) type Ending = String;

/// What is heard of jobs that ended, from before the request for one was made.
pub(crate) struct Removals {
    stream: MessageStream,
    heard: Vec<(OwnedObjectPath, Ending)>,
}

impl Removals {
    pub(crate) async fn of(peer: &Peer) -> zbus::Result<Self> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .path(MANAGER_PATH)
            .interface(MANAGER)
            .member("JobRemoved");
        // A bus delivers what is addressed to us whatever we asked for, and so from anybody.
        let rule = match &peer.owner {
            Some(owner) => rule.sender(owner.as_ref()),
            None => rule,
        };
        let stream = MessageStream::for_match_rule(rule.build()?, peer.connection(), Some(QUEUE)).await?;
        Ok(Self { stream, heard: Vec::new() })
    }

    /// Waits for `work` and remembers meanwhile what is heard: a job may end before its request is answered.
    pub(crate) async fn while_waiting<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut open = true;
        loop {
            let heard = tokio::select! {
                biased;
                heard = next(&mut self.stream), if open => heard,
                answer = &mut work => return answer,
            };
            match heard {
                Some(message) if self.heard.len() < REMEMBERED => self.heard.extend(removal(&message)),
                Some(_) => {}
                None => open = false,
            }
        }
    }

    /// Waits for the end of a job of `unit`. Where nothing is heard of it, the state of the unit tells: `settled` is asked
    /// what a state means.
    pub(crate) async fn end_of(
        mut self,
        peer: &Peer,
        job: &OwnedObjectPath,
        unit: &str,
        settled: fn(&str) -> Option<&'static str>,
    ) -> zbus::Result<Ending> {
        if let Some((_, ending)) = self.heard.drain(..).find(|(path, _)| path == job) {
            return Ok(ending);
        }
        let mut peer = peer.clone();
        loop {
            let silence = tokio::time::sleep(SILENCE);
            tokio::select! {
                biased;
                heard = next(&mut self.stream) => match heard {
                    Some(message) => match removal(&message) {
                        Some((path, ending)) if path == *job => return Ok(ending),
                        _ => continue,
                    },
                    None => return Err(lost()),
                },
                () = silence => {}
            }
            // Another thing to remember meanwhile: the answer may come later than the signal.
            let looked = self.while_waiting(look(&peer, unit)).await;
            if let Some((_, ending)) = self.heard.drain(..).find(|(path, _)| path == job) {
                return Ok(ending);
            }
            if let Ok((now, state)) = looked {
                if let Some(ending) = settled(&state) {
                    return Ok(ending.to_owned());
                }
                peer = now;
            } else if peer.connection().is_closed() {
                return Err(lost());
            }
        }
    }
}

async fn look(peer: &Peer, unit: &str) -> zbus::Result<(Peer, String)> {
    let now = peer.renewed().await?;
    let state = now.unit_property(unit, "ActiveState").await?;
    Ok((now, state))
}

fn lost() -> zbus::Error {
    std::io::Error::new(std::io::ErrorKind::BrokenPipe, "the other end hung up").into()
}

/// The next signal; `None` once the connection is lost.
async fn next(stream: &mut MessageStream) -> Option<Message> {
    poll_fn(|context| match Pin::new(&mut *stream).poll_next(context) {
        Poll::Ready(Some(Ok(message))) => Poll::Ready(Some(message)),
        Poll::Ready(Some(Err(_)) | None) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Which job ended and how. A signal of another form is none.
fn removal(message: &Message) -> Option<(OwnedObjectPath, Ending)> {
    let body = message.body();
    let (_, path, _, ending) = body.deserialize::<(u32, OwnedObjectPath, &str, &str)>().ok()?;
    Some((path, ending.to_owned()))
}

/// A start that was accepted. Dropped before it ended, it is cancelled.
pub(crate) struct Starting {
    peer: Peer,
    pub(crate) path: OwnedObjectPath,
    ended: bool,
}

impl Starting {
    pub(crate) fn new(peer: Peer, reply: &Message) -> zbus::Result<Self> {
        Ok(Self { peer, path: path_in(reply)?, ended: false })
    }

    pub(crate) fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let id = self.path.as_str().rsplit('/').next().and_then(|id| id.parse::<u32>().ok());
        let (false, Some(id), Ok(runtime)) = (self.ended, id, Handle::try_current()) else { return };
        let peer = self.peer.clone();
        // Nobody waits any more. A job that has just ended cannot be cancelled, and that is all there is to it.
        drop(runtime.spawn(async move { drop(peer.call("CancelJob", &id).await) }));
    }
}

/// The job that a reply names.
pub(crate) fn path_in(reply: &Message) -> zbus::Result<OwnedObjectPath> {
    reply.body().deserialize::<OwnedObjectPath>()
}

/// What it means that a job ended so.
pub(crate) fn judge(op: &'static str, unit: &str, ending: &str) -> Result<()> {
    let kind = match ending {
        "done" => return Ok(()),
        "timeout" => Kind::TimedOut,
        "frozen" => Kind::Frozen,
        _ => Kind::CannotTrack,
    };
    Err(Error::new(kind, op, format!("{op}: the job of {unit} finished with result {ending:?}")))
}

/// The error of a request whose answer or whose job failed.
pub(crate) fn failed(op: &'static str) -> impl Fn(zbus::Error) -> Error {
    move |error| refusal::error(op, &error)
}
