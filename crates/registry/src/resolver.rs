//! Ids met while reading: looked up in the background, waited for only a moment.

mod standing;

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contracts::{Foreign, ForeignError, Resolver};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc};

use crate::cache::Cache;
use crate::client::Registry;
use crate::error::RegistryError;
use crate::settings::Settings;
use standing::{Outcome, Standing, Step};

/// How long ids are waited for, and for how long an answer stands.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long reading waits for one id.
    pub wait: Duration,
    /// How long an id counts as unknown before it is looked up again.
    pub unknown: Duration,
    /// How long nothing is looked up once the registry was found away.
    pub outage: Duration,
    /// How much waiting may come at once, over all ids and threads. It grows back at a twentieth of the time that passes: whatever
    /// arrives, in the long run reading stands still for no more than that share.
    pub patience: Duration,
    /// How many schemas of other writers are kept. What is beyond stays unknown.
    pub learnt: usize,
}

/// Looks up ids at a registry, from a thread of its own. Reading waits for an answer at most [`Limits::wait`], and not at all where
/// there can't be a new one: a record of an unknown id becomes a letter then, which can be replayed once its schema is known.
pub struct IdResolver {
    desk: Arc<Desk>,
    lookups: mpsc::Sender<u32>,
}

/// What readers and lookups share.
struct Desk {
    standing: Mutex<Standing>,
    settled: Condvar,
    registry: Registry,
    cache: Option<Cache>,
    /// Lookups write the cache one after the other: what one adds must not be lost to another.
    writing: Mutex<()>,
}

/// How many lookups wait for their turn; with more, an id stays unknown this time.
const WAITING_MAX: usize = 64;

/// How many lookups are under way at once, so that a slow one holds up no other.
const UNDERWAY_MAX: usize = 4;

// === impl IdResolver ===

impl IdResolver {
    /// Starts looking up ids. What is learnt is kept in the cache, if there is one. Ends with the last that holds it.
    ///
    /// It has its connections for itself: one that belongs to another runtime stands still whenever that does, and with it a lookup
    /// that a thread of that runtime may be waiting for.
    pub fn start(settings: &Settings, cache: Option<Cache>, limits: Limits) -> Result<Self, RegistryError> {
        let registry = Registry::new(settings)?;
        let standing = Mutex::new(Standing::new(limits, Instant::now()));
        let desk = Desk { standing, settled: Condvar::new(), registry, cache, writing: Mutex::new(()) };
        let desk = Arc::new(desk);
        let (lookups, waiting) = mpsc::channel(WAITING_MAX);
        let failed = |error: io::Error| RegistryError::Thread(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (looking, thread) = (Arc::clone(&desk), std::thread::Builder::new().name("schema ids".into()));
        thread.spawn(move || runtime.block_on(look_up(looking, waiting))).map_err(failed)?;
        Ok(Self { desk, lookups })
    }
}

impl Resolver for IdResolver {
    fn resolve(&self, id: u32) -> Option<Foreign> {
        let mut standing = self.desk.standing();
        let now = Instant::now();
        let (until, is_asked) = match standing.look(id, now) {
            Step::Answer(answer) => return answer,
            Step::Ask { until } => (until, self.lookups.try_send(id).is_ok()),
            Step::Join { until } => (until, true),
        };
        if !is_asked {
            standing.forget(id);
        }
        let patience = until.saturating_duration_since(now);
        let is_open = |standing: &mut Standing| standing.is_asked(id);
        let waited = self.desk.settled.wait_timeout_while(standing, patience, is_open);
        let (mut standing, _) = waited.unwrap_or_else(PoisonError::into_inner);
        standing.give_back(until.saturating_duration_since(Instant::now()));
        standing.answer(id)
    }
}

impl fmt::Debug for IdResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdResolver")
    }
}

async fn look_up(desk: Arc<Desk>, mut waiting: mpsc::Receiver<u32>) {
    let underway = Arc::new(Semaphore::new(UNDERWAY_MAX));
    while let Some(id) = waiting.recv().await {
        let Ok(permit) = Arc::clone(&underway).acquire_owned().await else { return };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let outcome = desk.ask(id).await;
            desk.standing().settle(id, outcome, Instant::now());
            desk.settled.notify_all();
            drop(permit);
        });
    }
}

// === impl Desk ===

impl Desk {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, id: u32) -> Outcome {
        match self.registry.by_id(id).await {
            Ok(Some(text)) => self.judge(id, &text),
            Ok(None) => {
                tracing::debug!(id, "the registry has no Avro schema of this id");
                Outcome::Unknown
            }
            Err(error @ RegistryError::Unavailable(_)) => {
                tracing::warn!(%error, "schema ids can't be looked up: records of ids not known yet become letters");
                Outcome::Away
            }
            // A registry that refuses us says nothing about the id, and will go on refusing.
            Err(error) => {
                tracing::error!(%error, "schema ids can't be looked up: records of ids not known yet become letters");
                Outcome::Away
            }
        }
    }

    /// Takes in a schema if it is one of ours.
    fn judge(&self, id: u32, text: &str) -> Outcome {
        match Foreign::parse(text) {
            Ok(foreign) => {
                tracing::info!(id, subject = %foreign.subject(), "another writer's schema was learnt");
                self.keep(id, &foreign);
                Outcome::Found(foreign)
            }
            Err(error @ (ForeignError::NotOurs | ForeignError::Malformed)) => {
                tracing::debug!(id, %error, "the schema of this id can't be used");
                Outcome::Unknown
            }
        }
    }

    fn keep(&self, id: u32, foreign: &Foreign) {
        let Some(cache) = &self.cache else { return };
        let _one_after_the_other = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = cache.remember(id, foreign) {
            tracing::warn!(id, file = %cache.path().display(), %error, "a learnt schema can't be cached");
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            wait: Duration::from_millis(500),
            unknown: Duration::from_secs(60),
            outage: Duration::from_secs(5),
            patience: Duration::from_secs(1),
            learnt: 1_000,
        }
    }
}
