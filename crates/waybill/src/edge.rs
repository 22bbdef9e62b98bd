//! The partner edge of a process: the caller that performs calls, and the door through which partners call back.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::messages::PartnerMessage;
use domain::{Stage, Trace};
use fleet::caller::Caller;
use fleet::evidence::BoxFuture;
use partners::{Partners, Sink, SinkError};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::feed::{Feed, SharedFeed};

/// Performs calls over HTTP.
pub(crate) fn caller(plant: &Plant, runtime: &Handle) -> Result<Arc<dyn Caller>, Failure> {
    let ports = partners::Ports {
        phi: plant.vault.clone(),
        evidence: plant.vault.claim_check(),
        clock: Arc::clone(&plant.clock),
    };
    let options = partners::Options {
        callback_base: plant.config.callback_url.clone(),
        ..partners::Options::new(plant.tables.intake.payer_id.as_str())
    };
    let partners = Partners::new(&plant.tables.partners, ports, runtime.clone(), options);
    Ok(Arc::new(partners.map_err(|error| Failure::Other(error.into()))?))
}

/// Opens the callback door on an address; messages are on the log before the partner hears 2xx.
pub(crate) async fn open_door(plant: &Plant, listen: SocketAddr) -> Result<SocketAddr, Failure> {
    let feed = Arc::new(Feed::open(plant, "callbacks")?);
    let sink = Arc::new(LogSink { feed });
    let (registry, clock) = (&plant.tables.partners, Arc::clone(&plant.clock));
    let router = partners::callbacks::router(registry, sink, clock, partners::callbacks::TOLERANCE)
        .map_err(|error| Failure::Other(error.into()))?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| {
        Failure::Unavailable(format!("{listen} can't be listened on: {error}; name another with callback.listen"))
    })?;
    let address = listener.local_addr().map_err(|error| Failure::Other(error.into()))?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the callback door has closed");
        }
    });
    Ok(address)
}

/// Writes callbacks to the log.
struct LogSink {
    feed: SharedFeed,
}

impl Sink for LogSink {
    fn take(&self, message: PartnerMessage, trace: Option<Trace>) -> BoxFuture<'_, Result<(), SinkError>> {
        let feed = Arc::clone(&self.feed);
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || feed.partner_message(message, trace)).await;
            match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(SinkError(format!("{failure:?}"))),
                Err(error) => Err(SinkError(error.to_string())),
            }
        })
    }
}

/// The stages a process with the whole fleet runs.
pub(crate) const ALL_STAGES: [Stage; 5] = Stage::ALL;
