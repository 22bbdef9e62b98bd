//! The demo's workers: threads of its own over the embedded log, or over Kafka a process for each worker and one for the
//! projections.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::directory::CONFIG;
use crate::client;
use crate::compose::{Plant, Running};
use crate::exit::Failure;
use crate::failpoint;

/// Whoever works in a demo.
pub(crate) enum Workers {
    /// Threads of this process.
    Here(Running),
    /// Processes of their own.
    Elsewhere(Processes),
}

/// Processes that are started again when they are killed, or have ended in good order because somebody told them to.
pub(crate) struct Processes {
    config: PathBuf,
    data_dir: PathBuf,
    children: Vec<(&'static str, Child)>,
    restarts: usize,
}

/// Which processes there are.
const ROLES: [&str; 6] = ["intake", "identity", "dispatch", "reconciliation", "triage", "projections"];
/// What the demo's own configuration decides, whatever the environment says.
const WRITTEN: [&str; 10] = [
    "PREFIX",
    "DATA_DIR",
    "KEYS_FILE",
    "SOURCES_DIR",
    "PARTNERS_DIR",
    "POLICIES_DIR",
    "PARTITIONS",
    "CALLBACK_URL",
    "CALLBACK_LISTEN",
    "PROCESS",
];
/// How long processes may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often processes are started again, before it is no test any more but a defect.
const RESTARTS_MAX: usize = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

// === impl Workers ===

impl Workers {
    /// Whether all of them have their memory and tables at hand.
    pub(crate) fn are_ready(&self) -> bool {
        match self {
            Self::Here(running) => running.is_ready(),
            Self::Elsewhere(processes) => processes.are_ready(),
        }
    }

    /// Looks after them: one that was killed is started again.
    ///
    /// # Errors
    /// One has ended by itself.
    pub(crate) fn tend(&mut self) -> Result<(), Failure> {
        match self {
            Self::Here(running) if running.has_failed() => Err(stopped("a worker has stopped; see the log above")),
            Self::Here(_) => Ok(()),
            Self::Elsewhere(processes) => processes.tend(),
        }
    }

    /// Ends them in good order.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        match self {
            Self::Here(running) => running.stop(),
            Self::Elsewhere(processes) => processes.stop(),
        }
    }
}

// === impl Processes ===

impl Processes {
    /// Starts them all.
    pub(crate) fn start(plant: &Plant) -> Result<Self, Failure> {
        let data_dir = plant.config.data_dir.clone();
        let mut processes = Self { config: data_dir.join(CONFIG), data_dir, children: Vec::new(), restarts: 0 };
        for role in ROLES {
            let child = processes.spawn(role, false)?;
            processes.children.push((role, child));
        }
        Ok(processes)
    }

    /// What a process logs goes to a file of its own. A failpoint is for the first one of a role: the next must get past it.
    fn spawn(&self, role: &str, again: bool) -> Result<Child, Failure> {
        let log = self.data_dir.join(format!("{role}.log"));
        let failed = |error: std::io::Error| Failure::Other(anyhow::anyhow!("{role} can't be started: {error}"));
        let log = File::options().create(true).append(true).open(log).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command
            .arg("--config")
            .arg(&self.config)
            .args(["run", role, "--while-attended"])
            .env("WAYBILL_ADMIN_LISTEN", "127.0.0.1:0");
        for key in WRITTEN {
            command.env_remove(format!("WAYBILL_{key}"));
        }
        if again {
            command.env_remove(failpoint::VARIABLE);
        }
        // The pipe ends with this process, however it ends, and with it the child.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().map_err(failed)
    }

    fn are_ready(&self) -> bool {
        client::count_ready(&self.data_dir, &ROLES) == ROLES.len()
    }

    fn tend(&mut self) -> Result<(), Failure> {
        for index in 0..self.children.len() {
            let (role, child) = &mut self.children[index];
            let (role, status) = (*role, child.try_wait().map_err(|error| Failure::Other(error.into()))?);
            match status {
                None => {}
                Some(status) if was_killed(status) || status.success() => {
                    self.restarts += 1;
                    if RESTARTS_MAX < self.restarts {
                        return Err(stopped(&format!("processes end again and again, {role} with {status}")));
                    }
                    tracing::info!(role, %status, "a process has ended; it is started again");
                    self.children[index].1 = self.spawn(role, true)?;
                }
                Some(status) => {
                    let log = self.data_dir.join(format!("{role}.log"));
                    return Err(stopped(&format!("{role} has stopped ({status}); see {}", log.display())));
                }
            }
        }
        Ok(())
    }

    fn stop(mut self) -> Result<(), Failure> {
        for (_, child) in &self.children {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // One that is gone already needs no signal.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        let deadline = Instant::now() + PATIENCE;
        for (role, child) in &mut self.children {
            while child.try_wait().map_err(|error| Failure::Other(error.into()))?.is_none() {
                if deadline < Instant::now() {
                    return Err(stopped(&format!("{role} does not end")));
                }
                std::thread::sleep(LOOK_AGAIN);
            }
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status).is_some()
}

fn stopped(what: &str) -> Failure {
    Failure::Other(anyhow::anyhow!("{what}"))
}
