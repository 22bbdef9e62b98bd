//! `waybill run`: workers until told to stop.

use domain::Stage;
use tokio::runtime::Runtime;

use crate::admin;
use crate::cli::RunArgs;
use crate::compose::Plant;
use crate::config::Config;
use crate::edge;
use crate::exit::Failure;
use crate::projecting;
use crate::read_model::ReadModel;
use crate::tables::Tables;

/// Runs workers until SIGTERM or SIGINT, then drains them.
pub(crate) fn run(arguments: &RunArgs, mut config: Config) -> Result<(), Failure> {
    let tables = Tables::load(&config).map_err(Failure::Config)?;
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    let stages: Vec<Stage> = if arguments.all {
        Stage::ALL.to_vec()
    } else {
        arguments.workers.iter().map(|worker| (*worker).into()).collect()
    };
    if let (None, Some(listen)) = (&config.callback_url, config.callback_listen) {
        config.callback_url = Some(format!("http://{listen}"));
    }
    let plant = Plant::open(config, tables)?;
    if let Some(listen) = plant.config.callback_listen {
        runtime.block_on(edge::open_door(&plant, listen))?;
    }
    let caller = edge::caller(&plant, runtime.handle())?;
    let listener = runtime.block_on(admin::listen(plant.config.admin_listen))?;
    let projecting = if arguments.all { Some(runtime.block_on(projecting::start(&plant))?) } else { None };
    let read_model = match &projecting {
        Some(projecting) => projecting.read_model(runtime.handle()),
        None => ReadModel::on_demand(&plant, runtime.handle().clone()),
    };
    let running = plant.start(&stages, &caller)?;
    let admin = admin::open(listener, &plant, &running, stages.len(), read_model, runtime.handle())?;
    tracing::info!(stages = ?stages, data = %plant.config.data_dir.display(), "running");
    runtime.block_on(until_told(&running));
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
