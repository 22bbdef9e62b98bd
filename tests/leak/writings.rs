//! Everything that was written: on topics, in files, in logs, and what messages show of themselves.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use contracts::Topic;
use domain::messages::IntakeRequest;
use domain::{Lane, Message};
use fleet::bus::{Delivered, Isolation};
use projections::{Database, Log};
use tests::World;
use tests::leak::places::{Look, files, on_topic};
use tests::reading::read_as;
use tracing::level_filters::LevelFilter;

/// What was logged, by anybody, down to the finest.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

/// What is logged in this process, from the first call on.
pub(crate) fn capture_logs() -> Logged {
    static LOGGED: OnceLock<Logged> = OnceLock::new();
    let logged = LOGGED.get_or_init(|| {
        let logged = Logged::default();
        let writer = logged.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("no other subscriber in this process");
        logged
    });
    tracing::trace!("{MARK}");
    logged.clone()
}

/// What a line says that must be among those kept.
const MARK: &str = "the canaries are let in";

/// The values of all submissions, where canaries may be.
pub(crate) fn on_intake(world: &World) -> Vec<Bytes> {
    let topics = Lane::ALL.map(Topic::Intake);
    topics
        .iter()
        .flat_map(|topic| read_as(world, topic, Isolation::ReadCommitted))
        .filter_map(|record| record.value)
        .collect()
}

/// Shows everything to `look`.
pub(crate) fn all(world: &World, directory: &Path, logged: &Logged, look: Look<'_>) {
    for topic in world.all_topics() {
        // Also what was never committed: it is on the disk all the same.
        for record in read_as(world, &topic, Isolation::ReadUncommitted) {
            if !matches!(topic, Topic::Intake(_)) {
                on_topic(&record, look);
            }
            shown(world, &topic, &record, look);
        }
    }
    project(world, &directory.join("projections.db"));
    files(directory, look);
    look("the logs", &logged.so_far());
}

/// What a message, or the error in its place, shows to whoever prints it. Who submits and whom they ask is no secret and is shown,
/// also where somebody puts something else there.
fn shown(world: &World, topic: &Topic, record: &Delivered, look: Look<'_>) {
    look(&format!("{} @{} shown raw", record.topic_partition(), record.offset), format!("{record:?}").as_bytes());
    let Some(value) = &record.value else { return };
    let told = match world.codec.decode(topic, value) {
        Ok((_, Message::Intake(request))) => {
            let request = IntakeRequest { source: "".into(), counterparty: "".into(), ..*request };
            format!("{request:?}\n{request:#?}")
        }
        Ok((_, message)) => format!("{message:?}\n{message:#?}"),
        Err(error) => format!("{error}\n{error:?}\n{:?}", domain::Poison::from(error.clone())),
    };
    look(&format!("{} @{} shown", record.topic_partition(), record.offset), told.as_bytes());
}

/// The projections of the whole log, in a file.
fn project(world: &World, path: &Path) {
    let log = Log::new(Arc::clone(&world.bus), world.codec.clone(), &world.topics);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = Database::open(path).await.expect("a database");
        projections::rebuild(&log, &database, |_| {}).await.expect("projections");
    });
}

// === impl Logged ===

impl Logged {
    pub(crate) fn so_far(&self) -> Vec<u8> {
        let logged = self.0.lock().expect("nobody panics here").clone();
        assert!(String::from_utf8_lossy(&logged).contains(MARK), "nothing was kept of the logs");
        logged
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::Error::other("somebody panicked while logging"))?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
