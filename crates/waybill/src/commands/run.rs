//! `waybill run`: workers until told to stop.

use domain::Stage;
use tokio::runtime::Runtime;

use crate::cli::RunArgs;
use crate::compose::Plant;
use crate::config::Config;
use crate::edge;
use crate::exit::Failure;
use crate::tables::Tables;

/// Runs workers until SIGTERM or SIGINT, then drains them.
pub(crate) fn run(arguments: &RunArgs, config: Config) -> Result<(), Failure> {
    let tables = Tables::load(&config).map_err(Failure::Config)?;
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    let stages: Vec<Stage> = if arguments.all {
        Stage::ALL.to_vec()
    } else {
        arguments.workers.iter().map(|worker| (*worker).into()).collect()
    };
    let plant = Plant::open(config, tables)?;
    let caller = edge::caller(&plant, runtime.handle())?;
    let running = plant.start(&stages, &caller)?;
    tracing::info!(stages = ?stages, data = %plant.config.data_dir.display(), "running");
    runtime.block_on(until_told(&running));
    tracing::info!("stopping: answers under way are awaited");
    running.stop()
}

/// Waits for a signal, or for a worker to end by itself.
async fn until_told(running: &crate::compose::Running) {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
        () = failed(running) => {}
    }
}

async fn failed(running: &crate::compose::Running) {
    while !running.has_failed() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
