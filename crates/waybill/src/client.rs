//! Asking: of the process that runs on the directory, if one does, and otherwise of the directory itself.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::admin::{Pass, Refusal};
use crate::ask::Ask;
use crate::compose::Plant;
use crate::config::Config;
use crate::exit::{self, Failure};
use crate::progress;
use crate::read_model::ReadModel;
use crate::service::Service;
use crate::standing::Standing;
use crate::tables::Tables;
use crate::unique;

/// How long a running process may take to say that it is there.
const HELLO: Duration = Duration::from_millis(300);

/// How long a command waits for a process that is in its way without answering: one that starts or stops, or another command.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Has an ask carried out, wherever that is possible now or in a moment. Where it leaves work that nobody is there to do, standard error
/// is told so.
pub(crate) fn ask(config: &Config, ask: &Ask, json: bool) -> Result<Value, Failure> {
    let began = Instant::now();
    loop {
        // What takes long and reads much is not put on those who work, where they are not in the way.
        let running = if config.kafka.is_some() && ask.is_long() { None } else { running(config, ask) };
        let answered = match running {
            Some(answered) => answered,
            None => by_ourselves(config.clone(), ask.clone()).inspect(|_| {
                // An embedded log is one process's at a time, and just now it was ours. Brokers may have workers elsewhere.
                if config.kafka.is_none() && ask.is_work() {
                    exit::note(&unattended(config), json);
                }
            }),
        };
        match answered {
            Err(Failure::Busy(_)) if began.elapsed() < PATIENCE => std::thread::sleep(LOOK_AGAIN),
            answered => return answered,
        }
    }
}

/// Whether a process runs on this directory and answers.
pub(crate) fn is_running(config: &Config) -> bool {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return false };
    runtime.block_on(async {
        let client = reqwest::Client::new();
        for pass in Pass::find(&config.data_dir) {
            if says_hello(&client, &pass).await {
                return true;
            }
        }
        false
    })
}

/// How many of the processes of these names on this directory say that they are ready.
pub(crate) fn count_ready(data_dir: &Path, processes: &[&str]) -> usize {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return 0 };
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let mut ready = 0;
        for pass in processes.iter().filter_map(|process| Pass::of(data_dir, process)) {
            let asked = client.get(format!("http://{}/health/ready", pass.address)).timeout(HELLO).send().await;
            ready += usize::from(asked.is_ok_and(|answer| answer.status() == StatusCode::OK));
        }
        ready
    })
}

/// The answer of the process that runs on this directory; none if there is none.
fn running(config: &Config, ask: &Ask) -> Option<Result<Value, Failure>> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let client = reqwest::Client::new();
        for pass in Pass::find(&config.data_dir) {
            if says_hello(&client, &pass).await
                && let Some(answered) = post(&client, &pass, ask).await.transpose()
            {
                return Some(answered);
            }
        }
        None
    })
}

async fn says_hello(client: &reqwest::Client, pass: &Pass) -> bool {
    let asked = client.get(format!("http://{}/health/live", pass.address)).timeout(HELLO).send().await;
    asked.is_ok_and(|answer| answer.status() == StatusCode::OK)
}

/// Posts an ask. None if the process there does not know our pass: it is another one's.
async fn post(client: &reqwest::Client, pass: &Pass, ask: &Ask) -> Result<Option<Value>, Failure> {
    let _waiting =
        ask.is_long().then(|| progress::waiting(&format!("{} works on it, and logs how far it is", pass.address)));
    let body = ask.to_json().map_err(|error| Failure::Other(error.into()))?;
    let lost = |error: reqwest::Error| {
        Failure::Unavailable(format!("{} did not answer: {}; it may have been done", pass.address, error.without_url()))
    };
    let request = client.post(format!("http://{}/v1/ask", pass.address)).header(AUTHORIZATION, pass.bearer());
    let answer = request.body(body).send().await.map_err(lost)?;
    let status = answer.status();
    if status == StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    let text = answer.bytes().await.map_err(lost)?;
    if status.is_success() {
        let value = serde_json::from_slice(&text).map_err(|error| Failure::Other(error.into()))?;
        return Ok(Some(value));
    }
    Err(match serde_json::from_slice::<Refusal>(&text) {
        Ok(refusal) => Failure::told(refusal.exit_code, refusal.message),
        Err(_) => Failure::Unavailable(format!("{} answered {status}", pass.address)),
    })
}

fn unattended(config: &Config) -> String {
    let data = config.data_dir.display();
    format!("it is on the log, and nobody works on it: no process runs on {data}. Start one with `waybill run --all`")
}

/// Who writes to a log by the same name fences the other, so each command has one of its own, also where the configuration names the
/// process that it runs.
fn named(config: Config) -> Result<Config, Failure> {
    Ok(Config { process: Some(unique::name("command")?), ..config })
}

fn by_ourselves(config: Config, ask: Ask) -> Result<Value, Failure> {
    let config = named(config)?;
    let tables = Tables::load(&config).map_err(Failure::Config)?;
    let plant = match Plant::open(config, tables) {
        Err(Failure::Busy(message)) => {
            let why = "it does not answer asks, so it may be starting or stopping, or be a demo";
            return Err(Failure::Busy(format!("{message}; {why}")));
        }
        opened => opened?,
    };
    // Timers must go on while this thread waits for the database, so there is a thread to drive them.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(error.into()))?;
    let read_model = ReadModel::on_demand(&plant, runtime.handle().clone());
    let service = Service::open(&plant, Standing::default(), read_model)?.with_progress_shown();
    let answer = service.carry_out(ask);
    service.close();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two of the same number of process, as in two containers, and of one configuration.
    #[test]
    fn no_two_commands_write_under_one_name() {
        let process = |text: &str| {
            let config = Config::parse(text, Path::new(""), |_| None).expect("valid");
            named(config).expect("a name").process
        };
        for text in ["", "process = \"a\"\n"] {
            assert_ne!(process(text), process(text));
        }
    }
}
