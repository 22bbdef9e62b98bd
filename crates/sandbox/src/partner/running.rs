//! Starts the simulated payers on one port and keeps them running.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::fault::FaultLevel;
use super::model::PartnerModel;
use super::oracle::{Effects, Oracle};
use super::payer::{Completion, Payer, standard_payers};
use super::server::{Hall, router};
use super::webhook::send_callbacks;

/// How long a stopping sandbox lets its connections finish.
const GRACE: Duration = Duration::from_secs(1);

/// How to run the simulated payers.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Where every draw comes from.
    pub seed: u64,
    /// Where to listen; port 0 picks a free one.
    pub bind: SocketAddr,
    /// How badly all payers behave, relative to their own rates.
    pub faults: FaultLevel,
    /// Multiplies every wait, the suggested timeouts and backoffs included: 1.0 is lifelike, 0.05 suits a demo.
    pub scale: f64,
    /// The payers.
    pub payers: Vec<Payer>,
}

/// Where running payers come from.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

/// The simulated payers on their port. Dropping it stops them.
pub struct RunningSandbox {
    address: SocketAddr,
    hall: Arc<Hall>,
    server: JoinHandle<io::Result<()>>,
    stop: oneshot::Sender<()>,
    senders: JoinSet<()>,
}

/// The payers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// No HTTP client for callbacks.
    #[error("cannot make the client that sends callbacks")]
    Client(#[from] reqwest::Error),
}

// === impl SandboxOptions ===

impl SandboxOptions {
    /// The standard payers on a free port of this machine, on a normal day, at lifelike speed.
    pub fn standard(seed: u64) -> Self {
        Self {
            seed,
            bind: (Ipv4Addr::LOCALHOST, 0).into(),
            faults: FaultLevel::Usual,
            scale: 1.0,
            payers: standard_payers(seed),
        }
    }
}

// === impl Sandbox ===

impl Sandbox {
    /// Starts the payers on the current tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<RunningSandbox, SandboxError> {
        let bound = TcpListener::bind(options.bind).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|source| SandboxError::Bind { address: options.bind, source })?;
        let client = reqwest::Client::builder().build()?;

        let SandboxOptions { seed, faults, scale, payers, .. } = options;
        let hall = Arc::new(Hall::new(payers.into_iter().map(|payer| {
            let base_url = base_url(address, &payer.id);
            PartnerModel::new(seed, payer.at_level(faults).scaled(scale), base_url)
        })));

        let mut senders = JoinSet::new();
        for desk in hall.desks().filter(|desk| desk.payer().completion == Completion::Callback) {
            senders.spawn(send_callbacks(Arc::clone(desk), client.clone()));
        }

        let (stop, stopped) = oneshot::channel();
        let listener = listener.tap_io(|connection| {
            // Without it a small answer may wait for the acknowledgement of the one before. Failing only costs time.
            let _ = connection.set_nodelay(true);
        });
        let serve = axum::serve(listener, router(Arc::clone(&hall))).with_graceful_shutdown(async {
            let _: Result<(), oneshot::error::RecvError> = stopped.await;
        });
        let server = tokio::spawn(serve.into_future());
        Ok(RunningSandbox { address, hall, server, stop, senders })
    }
}

// === impl RunningSandbox ===

impl RunningSandbox {
    /// Where the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The payers as they run: at the level of faults and the scale that were asked for.
    pub fn payers(&self) -> impl Iterator<Item = &Payer> {
        self.hall.desks().map(|desk| desk.payer())
    }

    /// The base address of a payer.
    pub fn base_url(&self, payer: &str) -> String {
        base_url(self.address, payer)
    }

    /// The text of the partner file for a payer; `None` when there is no such payer.
    pub fn partner_toml(&self, payer: &str) -> Option<String> {
        let desk = self.hall.desk(payer)?;
        Some(desk.payer().partner_toml(&self.base_url(payer)))
    }

    /// What the payers really did so far. Over HTTP: `GET /oracle`.
    pub fn oracle(&self) -> Oracle {
        self.hall.oracle()
    }

    /// The side effects of each operation so far, summed over the payers. Over HTTP: `GET /oracle/operations`.
    pub fn effects(&self) -> BTreeMap<Uuid, Effects> {
        self.hall.effects()
    }

    /// Stops listening, lets answers under way go out for a moment, and stops sending callbacks.
    pub async fn shutdown(self) {
        let Self { mut server, stop, mut senders, .. } = self;
        senders.abort_all();
        // A receiver that is gone means that the server has stopped already.
        let _ = stop.send(());
        if tokio::time::timeout(GRACE, &mut server).await.is_err() {
            server.abort();
        }
    }
}

fn base_url(address: SocketAddr, payer: &str) -> String {
    format!("http://{address}/{payer}")
}
