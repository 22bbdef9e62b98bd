//! `waybill run`: workers until told to stop.

use std::time::{Duration, Instant};

use domain::Stage;
use rustix::process::{Signal, getpid, kill_process};
use tokio::runtime::Runtime;

use crate::admin;
use crate::cli::{RunArgs, Worker};
use crate::client;
use crate::compose::Plant;
use crate::config::Config;
use crate::edge;
use crate::exit::Failure;
use crate::projecting;
use crate::read_model::ReadModel;
use crate::signals::Signals;
use crate::tables::Tables;

/// Runs workers until SIGTERM or SIGINT, then drains them.
pub(crate) fn run(arguments: &RunArgs, mut config: Config) -> Result<(), Failure> {
    if arguments.while_attended {
        end_unattended();
    }
    let tables = Tables::load(&config).map_err(Failure::Config)?;
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    let Roles { stages, projects, name } = roles(arguments);
    config.process = arguments.process.clone().or(config.process).or(Some(name));
    if let (None, Some(listen)) = (&config.callback_url, config.callback_listen) {
        config.callback_url = Some(format!("http://{listen}"));
    }
    // Taken before anything is opened: whatever is wrong with it, nothing has to be stopped again.
    let door =
        runtime.block_on(admin::listen(config.admin_listen)).map_err(|failure| started_twice(&config, failure))?;
    let plant = opened(&config, &tables)?;
    let mut signals = runtime.block_on(async { Signals::heed() })?;
    if let Some(listen) = plant.config.callback_listen {
        runtime.block_on(edge::open_door(&plant, listen))?;
    }
    let caller = edge::caller(&plant, runtime.handle())?;
    let projecting = if projects { Some(runtime.block_on(projecting::start(&plant))?) } else { None };
    let read_model = match &projecting {
        Some(projecting) => projecting.read_model(runtime.handle()),
        None => ReadModel::on_demand(&plant, runtime.handle().clone()),
    };
    let running = plant.start(&stages, &caller)?;
    let admin = admin::open(door, &plant, &running, (read_model, projects))?;
    tracing::info!(stages = ?stages, projects, data = %plant.config.data_dir.display(), "running");
    runtime.block_on(until_told(&mut signals, &running));
    tracing::info!("stopping: answers under way are awaited");
    drop(admin);
    let stopped = running.stop();
    if let Some(projecting) = projecting {
        runtime.block_on(projecting.stop());
    }
    if stopped.is_ok() {
        tracing::info!("stopped");
    }
    stopped
}

/// Whoever starts a second process on an embedded log by mistake is not helped by another address.
fn started_twice(config: &Config, failure: Failure) -> Failure {
    if config.kafka.is_some() || !client::is_running(config) {
        return failure;
    }
    let data = config.data_dir.display();
    Failure::Busy(format!(
        "a process runs on {data} already, and an embedded log is one process's; `waybill status` asks it"
    ))
}

/// What a process is to run.
struct Roles {
    stages: Vec<Stage>,
    projects: bool,
    /// How it is called unless it has a name.
    name: String,
}

fn roles(arguments: &RunArgs) -> Roles {
    if arguments.all {
        return Roles { stages: Stage::ALL.to_vec(), projects: true, name: "all".into() };
    }
    let stages: Vec<Stage> = arguments.workers.iter().filter_map(|worker| worker.stage()).collect();
    let projects = arguments.workers.contains(&Worker::Projections);
    let names = stages.iter().map(|stage| stage.as_str()).chain(projects.then_some("projections"));
    let name = names.collect::<Vec<_>>().join("-");
    Roles { stages, projects, name }
}

/// Opens the plant. Brokers and a registry that are not there are waited for: a fleet comes back by itself. So is, for a moment, a
/// command that has the log.
fn opened(config: &Config, tables: &Tables) -> Result<Plant, Failure> {
    let (mut told, began) = (String::new(), Instant::now());
    loop {
        match Plant::open(config.clone(), tables.clone()) {
            Err(Failure::Busy(_)) if began.elapsed() < COMMAND_MAX => std::thread::sleep(COMMAND_LOOK_AGAIN),
            Err(Failure::Unavailable(reason)) if config.kafka.is_some() => {
                if told != reason {
                    tracing::warn!(reason, "can't start yet; it is tried again until it goes");
                    told = reason;
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            opened => return opened,
        }
    }
}

/// How long a process that can't start waits before it tries again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long a command may have the log before it counts as another process that runs on it.
const COMMAND_MAX: Duration = Duration::from_secs(5);
const COMMAND_LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Waits for a signal, or for a worker to end by itself.
async fn until_told(signals: &mut Signals, running: &crate::compose::Running) {
    tokio::select! {
        () = signals.come() => {}
        () = failed(running) => {}
    }
}

/// Ends this process in good order once standard input does.
fn end_unattended() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        if let Err(error) = kill_process(getpid(), Signal::TERM) {
            tracing::error!(%error, "the process is unattended and can't end itself");
        }
    });
}

async fn failed(running: &crate::compose::Running) {
    while !running.has_failed() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
