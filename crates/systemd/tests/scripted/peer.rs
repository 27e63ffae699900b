//! A peer that plays a bus and a service manager by a script, on a socket of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, process};

use futures_core::Stream;
use kernel::ready::Deadline;
use kernel::{Error, Result};
use systemd::{Bus, Buses, Endpoint, Member, Request, Scope, Way};
use testkit::ScratchGroup;
use tokio::net::UnixListener;
use zbus::connection::Builder;
use zbus::{Connection, Guid, Message, MessageStream, ObjectPath, OwnedVariant};

/// Who the manager is on the bus that is played.
pub(crate) const OWNER: &str = ":1.1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// What a script does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    HangUp,
}

/// A request that arrived.
pub(crate) struct Call {
    pub(crate) connection: Connection,
    pub(crate) message: Message,
    /// The member of the interface: `StartTransientUnit`.
    pub(crate) member: String,
    /// How many connections were accepted before this one.
    pub(crate) round: usize,
}

/// The arguments of `StartTransientUnit`.
pub(crate) struct Start {
    pub(crate) unit: String,
    pub(crate) mode: String,
    pub(crate) properties: Vec<(String, OwnedVariant)>,
}

/// A listening socket, and an endpoint that leads to it.
pub(crate) struct Stage {
    pub(crate) listener: UnixListener,
    pub(crate) endpoint: Endpoint,
    /// Ours to remove.
    directory: Option<PathBuf>,
}

impl Stage {
    /// A manager's own socket.
    pub(crate) fn private() -> Self {
        Self::new(true)
    }

    /// The socket of a bus.
    pub(crate) fn bus() -> Self {
        Self::new(false)
    }

    fn new(private: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("procward-peer-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let path = directory.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        Self {
            listener,
            endpoint: if private { own_socket(&path) } else { Endpoint::bus_at(Bus::System, &path) },
            directory: Some(directory),
        }
    }

    /// A socket that listens already.
    pub(crate) fn listening(listener: UnixListener, endpoint: Endpoint) -> Self {
        Self { listener, endpoint, directory: None }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap()
    }

    /// Plays `script` to everybody who connects, until `work` is done. A bus greets, names the manager and takes match rules
    /// by itself, unless the script has spoken already.
    pub(crate) async fn play<T>(
        &self,
        mut script: impl AsyncFnMut(&Call) -> Option<Then>,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            answer = work => answer,
            () = self.serve(&mut script) => panic!("the script ended"),
        }
    }

    async fn serve(&self, script: &mut impl AsyncFnMut(&Call) -> Option<Then>) {
        for round in 0.. {
            let (stream, _) = self.listener.accept().await.unwrap();
            let stream = stream.into_std().unwrap();
            let built = Builder::unix_stream(stream).p2p().server(Guid::generate()).build().await;
            let Ok(connection) = built else { continue };
            let mut messages = MessageStream::from(&connection);
            while let Some(message) = next(&mut messages).await {
                let member = message.header().member().map(ToString::to_string).unwrap_or_default();
                let call = Call { connection: connection.clone(), message, member, round };
                if by_script(script, &call).await == Then::HangUp {
                    break;
                }
            }
            drop(messages);
            drop(connection.close().await);
        }
    }
}

async fn by_script(script: &mut impl AsyncFnMut(&Call) -> Option<Then>, call: &Call) -> Then {
    if let Some(then) = script(call).await {
        return then;
    }
    match call.member.as_str() {
        "Hello" => call.answer(&":1.77").await,
        "GetNameOwner" => call.answer(&OWNER).await,
        "GetConnectionUnixProcessID" => call.answer(&process::id()).await,
        "AddMatch" | "RemoveMatch" | "CancelJob" | "ThawUnit" => call.answer(&()).await,
        member => panic!("nobody expected {member}"),
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            fs::remove_dir_all(directory).unwrap();
        }
    }
}

/// The next message; `None` when the other end hung up.
async fn next(stream: &mut MessageStream) -> Option<Message> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context))
        .await
        .and_then(std::result::Result::ok)
}

impl Call {
    pub(crate) async fn answer<B: serde::Serialize + zbus::DynamicType>(&self, body: &B) -> Then {
        // Whoever asked may have hung up meanwhile.
        drop(self.connection.reply(&self.message.header(), body).await);
        Then::GoOn
    }

    pub(crate) async fn refuse(&self, name: &str, text: &str) -> Then {
        drop(self.connection.reply_error(&self.message.header(), name, &text).await);
        Then::GoOn
    }

    pub(crate) fn start(&self) -> Start {
        type Properties = Vec<(String, OwnedVariant)>;
        let body = self.message.body();
        let (unit, mode, properties, auxiliary): (String, String, Properties, Vec<(String, Properties)>) =
            body.deserialize().unwrap();
        assert!(auxiliary.is_empty());
        Start { unit, mode, properties }
    }

    pub(crate) async fn answer_job(&self, id: u32) -> Then {
        self.answer(&job(id)).await
    }

    /// Announces that a job ended, as the manager does.
    pub(crate) async fn removed(&self, id: u32, unit: &str, result: &str) {
        self.removed_by(OWNER, id, unit, result).await;
    }

    /// The same in the name of anybody.
    pub(crate) async fn removed_by(&self, sender: &str, id: u32, unit: &str, result: &str) {
        let signal = Message::signal("/org/freedesktop/systemd1", MANAGER, "JobRemoved").sender(sender);
        let signal = signal.build(&(id, job(id), unit, result)).unwrap();
        drop(self.connection.send(&signal).await);
    }
}

pub(crate) fn job(id: u32) -> ObjectPath<'static> {
    ObjectPath::try_from(format!("/org/freedesktop/systemd1/job/{id}")).unwrap()
}

impl Start {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.properties.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Does what a manager does: makes a group for the unit and moves the process into it.
    pub(crate) fn carry_out(&self, group: &ScratchGroup, pid: i32) {
        let group = group.path().join(&self.unit);
        fs::create_dir(&group).unwrap();
        fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

/// The socket of a manager itself.
pub(crate) fn own_socket(path: &Path) -> Endpoint {
    Endpoint { bus: Bus::System, way: Way::Private(path.to_owned()) }
}

pub(crate) fn request(pid: i32) -> Request {
    Request::new("test", vec![Member::new(pid, None)]).unwrap()
}

pub(crate) async fn create(buses: &Arc<Buses>, endpoint: &Endpoint, pid: i32) -> Result<Scope> {
    buses.create(std::slice::from_ref(endpoint), request(pid), soon()).await
}

pub(crate) fn own_pid() -> i32 {
    process::id().cast_signed()
}

/// Far above what any answer takes, and the end of a test that hangs.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

pub(crate) fn shortly() -> Deadline {
    Deadline::after(Duration::from_millis(300))
}

pub(crate) fn error_of(answer: Result<Scope>) -> Error {
    match answer {
        Ok(scope) => panic!("{scope:?} was made"),
        Err(error) => error,
    }
}

/// Runs a test on a runtime like that of the addon.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
