//! The demo: seeded members, traffic and faulty partners around the whole fleet, and accounts that must balance in the end.

mod directory;
mod payers;
mod upstream;
mod operator;
mod accounts;
mod figures;
mod hints;
mod summary;

use std::time::{Duration, Instant};

use domain::SourceId;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;

use crate::cli::DemoArgs;
use crate::compose::{Plant, Running};
use crate::config::Config;
use crate::edge;
use crate::exit::Failure;
use crate::projecting;

use accounts::Books;
use operator::Operator;
use payers::Payers;
pub(crate) use payers::{FAULTS, SCALE};
use summary::{Remains, Report};
use upstream::Upstream;

/// The source that the demo's traffic comes from.
pub(crate) const SOURCE: &str = "enrolment";
/// The run is over when everything has ended and nothing has moved for so long.
const QUIET: Duration = Duration::from_millis(500);
/// The demo gives up waiting after this long without any change.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the demo.
pub(crate) fn run(arguments: &DemoArgs, mut config: Config, json: bool) -> Result<(), Failure> {
    directory::prepare(arguments, &mut config)?;
    let began = Instant::now();
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    let payers = runtime.block_on(Payers::open(arguments))?;
    let tables = directory::furnish(arguments, &mut config, &payers.files())?;
    let door = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let door = door.map_err(|error| Failure::Other(error.into()))?;
    config.callback_url = Some(format!("http://{door}"));
    let plant = Plant::open(config, tables)?;
    runtime.block_on(edge::open_door(&plant, door))?;
    let caller = edge::caller(&plant, runtime.handle())?;
    let projecting = runtime.block_on(projecting::start(&plant))?;
    let running = plant.start(&edge::ALL_STAGES, &caller)?;
    let upstream = Upstream::new(arguments, &plant)?;
    let result = play(&plant, &running, &upstream, arguments);
    let stopped = running.stop();
    let books = result?;
    stopped?;
    let effects = runtime.block_on(payers.effects())?;
    let projections = projecting.read_model(runtime.handle());
    let remains = Remains { plant: &plant, books, upstream: &upstream, effects, projections };
    let report = Report::draw_up(remains, arguments.sabotage, began.elapsed());
    runtime.block_on(projecting.stop());
    runtime.block_on(payers.close());
    let report = report?;
    report.print(json)?;
    report.verdict()
}

/// Sends everything, decides what a person has to decide, and waits until all requests have ended.
fn play(plant: &Plant, running: &Running, upstream: &Upstream, arguments: &DemoArgs) -> Result<Books, Failure> {
    let bar = ProgressBar::new(arguments.requests);
    bar.set_style(style());
    let mut books = Books::open(plant, &SourceId::from(SOURCE))?;
    let mut operator = Operator::new(plant)?;
    upstream.enrol()?;
    wait_until_ready(running)?;
    let (mut sent, mut last_change) = (upstream.sent_before(&mut books)?, Instant::now());
    loop {
        sent += upstream.send(sent)?;
        let moved = books.read_on()?;
        bar.set_position(u64::try_from(books.answered()).unwrap_or(u64::MAX));
        bar.set_message(books.told());
        if moved {
            last_change = Instant::now();
        }
        let all_sent = sent >= upstream.count();
        let all_answered = books.answered() + upstream.withheld() >= sent;
        let at_rest = all_sent && all_answered && operator.settle(&books)? == 0;
        if at_rest && QUIET < last_change.elapsed() {
            bar.finish_with_message(books.told());
            return Ok(books);
        }
        if running.has_failed() {
            return Err(Failure::Other(anyhow::anyhow!("a worker has stopped; see the log above")));
        }
        if PATIENCE < last_change.elapsed() {
            let open: Vec<String> =
                books.accounts().open().take(3).map(|(id, story)| format!("{id}: {story:?}")).collect();
            return Err(Failure::Accounts(format!("nothing has moved for a minute; open: {open:#?}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn wait_until_ready(running: &Running) -> Result<(), Failure> {
    while !running.is_ready() {
        if running.has_failed() {
            return Err(Failure::Other(anyhow::anyhow!("a worker has stopped; see the log above")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{elapsed_precise} {bar:32} {pos}/{len} answered  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
