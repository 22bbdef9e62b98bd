//! How far long work has come: shown on the terminal of whoever waits for it, or logged by a process that works for somebody else.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Where progress is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// On standard error, if that is a terminal.
    Shown,
    /// In the log.
    Logged,
}

/// The progress of one piece of work.
pub(crate) struct Steps {
    bar: ProgressBar,
    is_logged: bool,
    told: Instant,
}

/// How often it is logged.
const LOG_EVERY: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(100);

// === impl Progress ===

impl Progress {
    /// The progress of what begins now.
    pub(crate) fn begin(self) -> Steps {
        let bar = if self == Self::Shown { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{msg:<18} {wide_bar} {human_pos}/{human_len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Steps { bar, is_logged: self == Self::Logged, told: Instant::now() }
    }
}

// === impl Steps ===

impl Steps {
    /// What follows has so many steps.
    pub(crate) fn now(&mut self, what: &'static str, steps: u64) {
        self.bar.reset();
        self.bar.set_length(steps);
        self.bar.set_message(what);
    }

    /// One step more is done.
    pub(crate) fn done(&mut self) {
        self.bar.inc(1);
        if self.is_logged && LOG_EVERY < self.told.elapsed() {
            self.told = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length());
            tracing::info!(done, all, "{}", self.bar.message());
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows that somebody else works, until it is dropped.
pub(crate) fn waiting(message: &str) -> impl Drop + use<> {
    struct Waiting(ProgressBar);
    impl Drop for Waiting {
        fn drop(&mut self) {
            self.0.finish_and_clear();
        }
    }
    let spinner = ProgressBar::new_spinner().with_message(message.to_owned());
    spinner.enable_steady_tick(TICK);
    Waiting(spinner)
}
