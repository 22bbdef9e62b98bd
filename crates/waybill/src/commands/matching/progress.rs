//! How far matching has come, on standard error: for whoever sits before a terminal, and for nobody else.

use indicatif::{ProgressBar, ProgressStyle};

/// What is being done, and how much of it.
pub(super) struct Progress(ProgressBar);

/// What nobody has counted beforehand, or is quick.
const WAITING: &str = "{spinner} {msg} {elapsed}";
/// What is counted.
const COUNTING: &str = "{bar:40} {human_pos}/{human_len} {msg} {per_sec} {elapsed} eta {eta}";
/// How often it moves by itself.
const TICK_MS: u64 = 200;

// === impl Progress ===

impl Progress {
    /// Begins with work of which nobody knows how much there is. Nothing is shown unless standard error is a terminal.
    pub(super) fn begin(work: &'static str) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(style(WAITING));
        bar.enable_steady_tick(std::time::Duration::from_millis(TICK_MS));
        let progress = Self(bar);
        progress.next(work);
        progress
    }

    /// Goes on to other such work.
    pub(super) fn next(&self, work: &'static str) {
        self.0.set_message(work);
    }

    /// Goes on to work that is counted.
    pub(super) fn count(&self, work: &'static str, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(0);
        self.0.set_style(style(COUNTING));
        self.0.set_message(work);
    }

    /// So much more of it is done.
    pub(super) fn add(&self, done: usize) {
        self.0.inc(done as u64);
    }

    /// Leaves nothing behind.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
