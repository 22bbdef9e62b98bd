//! The demo: seeded members, traffic and faulty partners around the whole fleet, and accounts that must balance in the end.

mod directory;
mod payers;
mod upstream;
mod operator;
mod accounts;
mod figures;
mod hints;
mod summary;
mod workers;

use std::time::{Duration, Instant};

use contracts::Topics;
use domain::SourceId;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;

use crate::brokers;
use crate::cli::DemoArgs;
use crate::compose::Plant;
use crate::config::Config;
use crate::edge;
use crate::exit::Failure;
use crate::projecting::{self, Projecting};
use crate::read_model::ReadModel;
use crate::topics;

use accounts::Books;
use operator::Operator;
use payers::Payers;
pub(crate) use payers::{FAULTS, SCALE};
use summary::{Remains, Report};
use upstream::Upstream;
use workers::{Processes, Workers};

/// The source that the demo's traffic comes from.
pub(crate) const SOURCE: &str = "enrolment";
/// The run is over when everything has ended and nothing has moved for so long.
const QUIET: Duration = Duration::from_millis(500);
/// The demo gives up waiting after this long without any change.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it rests when brokers don't answer.
const AGAIN: Duration = Duration::from_millis(500);

/// Runs the demo.
pub(crate) fn run(arguments: &DemoArgs, mut config: Config, json: bool) -> Result<(), Failure> {
    directory::prepare(arguments, &mut config)?;
    let began = Instant::now();
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    let payers = runtime.block_on(Payers::open(arguments))?;
    let door = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let door = door.map_err(|error| Failure::Other(error.into()))?;
    config.callback_url = Some(format!("http://{door}"));
    let tables = directory::furnish(arguments, &mut config, &payers.files())?;
    if let Some(kafka) = &config.kafka {
        let specs = topics::specs(&Topics::new(&config.prefix, config.partitions), &tables.sources);
        brokers::prepare(&config, kafka, &specs)?;
    }
    let plant = Plant::open(config, tables)?;
    runtime.block_on(edge::open_door(&plant, door))?;
    let (mut workers, projecting) = start(&plant, &runtime)?;
    let upstream = Upstream::new(arguments, &plant)?;
    let result = play(&plant, &mut workers, &upstream, arguments);
    let stopped = workers.stop();
    let books = result?;
    stopped?;
    let effects = runtime.block_on(payers.effects())?;
    let projections = match &projecting {
        Some(projecting) => projecting.read_model(runtime.handle()),
        None => ReadModel::on_demand(&plant, runtime.handle().clone()),
    };
    let remains = Remains { plant: &plant, books, upstream: &upstream, effects, projections };
    let report = Report::draw_up(remains, arguments.sabotage, began.elapsed());
    if let Some(projecting) = projecting {
        runtime.block_on(projecting.stop());
    }
    runtime.block_on(payers.close());
    let report = report?;
    report.print(json)?;
    report.verdict()
}

/// Starts the workers and the projections: here, or over Kafka as processes of their own.
fn start(plant: &Plant, runtime: &Runtime) -> Result<(Workers, Option<Projecting>), Failure> {
    if plant.config.kafka.is_some() {
        return Ok((Workers::Elsewhere(Processes::start(plant)?), None));
    }
    let caller = edge::caller(plant, runtime.handle())?;
    let projecting = runtime.block_on(projecting::start(plant))?;
    Ok((Workers::Here(plant.start(&edge::ALL_STAGES, &caller)?), Some(projecting)))
}

/// Sends everything, decides what a person has to decide, and waits until all requests have ended.
fn play(plant: &Plant, workers: &mut Workers, upstream: &Upstream, arguments: &DemoArgs) -> Result<Books, Failure> {
    let bar = ProgressBar::new(arguments.requests);
    bar.set_style(style());
    let mut books = Books::open(plant, &SourceId::from(SOURCE))?;
    let mut operator = Operator::new(plant)?;
    upstream.enrol()?;
    wait_until_ready(workers)?;
    let mut sent = None;
    let (began, mut last_change) = (Instant::now(), Instant::now());
    loop {
        let due = arguments.rate.map_or(usize::MAX, |rate| paced(rate, began.elapsed()));
        match step(upstream, &mut books, &mut operator, (sent, due)) {
            Ok(step) => {
                sent = Some(step.sent);
                bar.set_position(u64::try_from(books.answered()).unwrap_or(u64::MAX));
                bar.set_message(books.told());
                if step.has_moved {
                    last_change = Instant::now();
                }
                if step.is_at_rest && QUIET < last_change.elapsed() {
                    bar.finish_with_message(books.told());
                    return Ok(books);
                }
            }
            // Brokers come back. What was sent before they went is counted where it lies, since nobody may have heard.
            Err(Failure::Unavailable(why)) if last_change.elapsed() < PATIENCE => {
                tracing::info!(why, "the demo waits");
                std::thread::sleep(AGAIN);
                sent = None;
            }
            Err(failure) => return Err(failure),
        }
        workers.tend()?;
        if PATIENCE < last_change.elapsed() {
            return Err(stalled(&books, sent, upstream));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What is said when it does not come to its end: what is missing, and who could know more.
fn stalled(books: &Books, sent: Option<usize>, upstream: &Upstream) -> Failure {
    let sent = sent.map_or_else(|| "nobody knows how many".to_owned(), |sent| sent.to_string());
    let (answered, count) = (books.answered(), upstream.count());
    let nobodys = || books.accounts().open().filter(|(_, story)| !story.is_owned());
    let open: Vec<String> = nobodys().take(3).map(|(id, story)| format!("{id}: {story:?}")).collect();
    Failure::Accounts(format!(
        "nothing has moved for a minute. Of {count} submissions {sent} were sent, and {answered} have their answer; {} requests are \
         open and nobody's: {open:#?}",
        nobodys().count()
    ))
}

/// What a look at the fleet came to.
struct Step {
    sent: usize,
    has_moved: bool,
    is_at_rest: bool,
}

/// Counts what was sent where that is not known, sends the next batch, if it is due, reads what has become of the others, and decides what a person has to decide.
fn step(
    upstream: &Upstream,
    books: &mut Books,
    operator: &mut Operator,
    (sent, due): (Option<usize>, usize),
) -> Result<Step, Failure> {
    let sent = match sent {
        Some(sent) => sent,
        None => upstream.sent_before(books)?,
    };
    let sent = if sent < due { sent + upstream.send(sent)? } else { sent };
    let has_moved = books.read_on()?;
    let all_answered = upstream.count() <= sent && sent <= books.answered() + upstream.withheld();
    let is_at_rest = all_answered && operator.settle(books)? == 0;
    Ok(Step { sent, has_moved, is_at_rest })
}

/// How many submissions are due after so long.
fn paced(rate: u64, elapsed: Duration) -> usize {
    usize::try_from(u128::from(rate) * elapsed.as_millis() / 1000).unwrap_or(usize::MAX)
}

fn wait_until_ready(workers: &mut Workers) -> Result<(), Failure> {
    let began = Instant::now();
    while !workers.are_ready() {
        workers.tend()?;
        if PATIENCE < began.elapsed() {
            return Err(Failure::Unavailable("the workers are not ready after a minute; see their logs".into()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{elapsed_precise} {bar:32} {pos}/{len} answered  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
