//! The connections of this process: made when they are needed, kept, and made again once they were lost.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use kernel::Result;
use zbus::connection::Builder;

use crate::endpoint::{Endpoint, Way};
use crate::peer::{Line, Peer};
use crate::refusal;
use crate::socket::Private;

/// As long as other programs wait for an answer on D-Bus.
const ANSWER: Duration = Duration::from_secs(25);

/// One connection, or the place for it. Those who want it at the same time make it once.
type Place = Arc<tokio::sync::Mutex<Option<Line>>>;

/// Connections by where they lead.
#[derive(Debug, Default)]
pub struct Buses(Mutex<HashMap<Endpoint, Place>>);

/// The connections that the whole process shares.
pub fn shared() -> Arc<Buses> {
    static SHARED: OnceLock<Arc<Buses>> = OnceLock::new();
    Arc::clone(SHARED.get_or_init(Arc::default))
}

impl Buses {
    /// No connection yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The manager at an endpoint, over the connection that is there, or a new one.
    pub(crate) async fn reach(&self, endpoint: &Endpoint) -> Result<Peer> {
        let place = self.place(endpoint);
        let (line, kept) = open(&place, endpoint).await?;
        let answer = match Peer::on(line).await {
            // It was lost while nobody used it, which shows only now.
            Err(_) if kept && place.lock().await.as_ref().is_some_and(|line| line.connection.is_closed()) => {
                let (line, _) = open(&place, endpoint).await?;
                Peer::on(line).await
            }
            answer => answer,
        };
        answer.map_err(|error| refusal::error("GetNameOwner", &error))
    }

    fn place(&self, endpoint: &Endpoint) -> Place {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(endpoint.clone()).or_default())
    }
}

/// The connection, and whether it was there already.
async fn open(place: &Place, endpoint: &Endpoint) -> Result<(Line, bool)> {
    let mut place = place.lock().await;
    if let Some(line) = place.as_ref().filter(|line| !line.connection.is_closed()) {
        return Ok((line.clone(), true));
    }
    *place = None;
    let failed = |error: io::Error| refusal::error("connect", &error.into());
    let (builder, shares_numbers) = match &endpoint.way {
        Way::Bus(address) => (Builder::address(address.as_str()), None),
        Way::Private(path) => {
            let socket = Private::connect(path).await.map_err(failed)?;
            let shares_numbers = socket.shares_numbers().map_err(failed)?;
            (Builder::socket(socket).p2p(), Some(shares_numbers))
        }
    };
    let connection = builder.method_timeout(ANSWER).build().await;
    let connection = connection.map_err(|error| refusal::error("connect", &error))?;
    Ok((place.insert(Line::new(connection, shares_numbers)).clone(), false))
}
