//! The bench of a real broker.

use std::sync::Arc;
use std::time::Duration;

use fleet::bus::Bus;
use kafka::{Kafka, Mechanism, Sasl, Security, Settings, Tls, TokenSource};

use crate::bench::Bench;

/// A connection to the broker that `WAYBILL_TEST_KAFKA` names.
pub(crate) struct Broker {
    connection: Option<Kafka>,
}

/// What a broker grants unless it is told otherwise.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// Sessions must end and the cleaner come round within it.
const PATIENCE: Duration = Duration::from_secs(60);

// === impl Broker ===

impl Broker {
    pub(crate) fn new() -> Self {
        Self { connection: Some(connect()) }
    }
}

impl Bench for Broker {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.connection.clone().expect("there is one except during a restart"))
    }

    fn session_timeout(&self) -> Duration {
        SESSION_TIMEOUT
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// The topics are made so that each commit closes the segment its records are in, and the broker's cleaner wants it at once:
    /// all there is to do is to wait until it comes round.
    fn compact(&self) {
        std::thread::sleep(Duration::from_millis(200));
    }

    /// The broker is not ours to end. The process that has the bus is this one: its connection ends and is made again.
    fn restart(&mut self) {
        drop(self.connection.take());
        self.connection = Some(connect());
    }
}

/// Where the broker is.
pub(crate) fn address() -> String {
    std::env::var("WAYBILL_TEST_KAFKA")
        .expect("WAYBILL_TEST_KAFKA names a broker as host:port; `make broker` starts one and names it")
}

/// A connection like that of another process.
pub(crate) fn connect() -> Kafka {
    let mut settings = Settings::new(address(), "waybill-contract");
    settings.security = security();
    let eager = [
        ("segment.ms", "1"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "100"),
        ("delete.retention.ms", "100"),
    ];
    settings.topic_properties = eager.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Kafka::connect(settings).unwrap()
}

/// How the broker wants to be spoken to: `WAYBILL_TEST_KAFKA_CA` names the authority's certificate where it is encrypted;
/// `WAYBILL_TEST_KAFKA_USER` and `_PASSWORD` are for SCRAM, `WAYBILL_TEST_KAFKA_PRINCIPAL` for a bearer token nobody has signed.
fn security() -> Security {
    let named = |name: &str| std::env::var(format!("WAYBILL_TEST_KAFKA_{name}")).ok();
    let tls = named("CA").map(|ca| Tls { ca: Some(ca.into()), ..Tls::default() });
    let scram = named("USER").map(|username| {
        let password = named("PASSWORD").expect("WAYBILL_TEST_KAFKA_PASSWORD goes with the user");
        Sasl::Scram { mechanism: Mechanism::Sha512, username, password }
    });
    let bearer = named("PRINCIPAL").map(|principal| Sasl::OauthBearer(TokenSource::Unsigned { principal }));
    match (scram.or(bearer), tls) {
        (Some(sasl), tls) => Security::Sasl { sasl, tls },
        (None, Some(tls)) => Security::Tls(tls),
        (None, None) => Security::Plaintext,
    }
}
