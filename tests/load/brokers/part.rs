//! The processes of a run. Each thing that is measured has a process of its own, so that memory and processor time are its alone.
//!
//! A part is this program again. It is told what to do as JSON in an argument, says `ready` on a line of its own, then tells what
//! it has measured as JSON on another. It ends when its input is closed, should it not end by itself.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{chain, fleet, keys, payers};

/// The argument that makes this program a part.
pub(crate) const PART: &str = "--part";
const READY: &str = "ready";

/// What a part is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Run the fleet until so many requests are closed.
    Fleet(fleet::Order),
    /// Run the bare chain until as many are.
    Chain(chain::Order),
    /// Read a large memory back.
    Keys(keys::Order),
    /// Play the payers.
    Payers,
}

/// A part at work.
pub(super) struct Part {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Open for as long as the part may run.
    _input: ChildStdin,
}

/// Does what this process was started for.
pub(crate) fn part(arguments: &[String]) {
    let order = arguments.first().expect("an order follows");
    let ready = |word: &str| tell(&format!("{READY}{word}"));
    match serde_json::from_str(order).expect("a valid order") {
        Order::Fleet(order) => answer(&fleet::run(&order, || ready(""))),
        Order::Chain(order) => answer(&chain::run(&order, || ready(""))),
        Order::Keys(order) => answer(&keys::run(&order)),
        Order::Payers => payers::play(|address| ready(&format!(" {address}"))),
    }
}

fn answer(measured: &impl Serialize) {
    tell(&serde_json::to_string(measured).expect("JSON"));
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

// === impl Part ===

impl Part {
    /// Starts a part.
    pub(super) fn start(order: &Order) -> Self {
        let order = serde_json::to_string(order).expect("JSON");
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args([PART, &order])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let input = process.stdin.take().expect("piped");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        Self { process, lines, _input: input }
    }

    /// Waits until it is ready; what else it says then.
    pub(super) fn ready(&mut self) -> String {
        let line = self.line();
        line.strip_prefix(READY).unwrap_or_else(|| panic!("not ready: {line}")).trim().to_owned()
    }

    /// Waits for what it has measured.
    pub(super) fn answer<T: DeserializeOwned>(mut self) -> T {
        let line = self.line();
        let status = self.process.wait().expect("a process");
        assert!(status.success(), "a part has failed: {status}");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a part that does not end before it has answered").expect("text")
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // One that has ended can't be killed, and need not be.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
