//! The broker as the machine sees it: which process it is, what it uses, how large its logs are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::machine;

/// The broker's process, where it is on this machine and may be looked at.
#[derive(Clone, Debug)]
pub(super) struct Broker {
    process: Option<u32>,
    logs: Option<PathBuf>,
}

// === impl Broker ===

impl Broker {
    /// The process that listens at the port of this address.
    pub(super) fn at(address: &str) -> Self {
        let port = address.split(',').next().and_then(|first| first.rsplit(':').next()?.parse::<u16>().ok());
        let process = port.and_then(listening_at).and_then(|socket| holder(&socket));
        Self { process, logs: process.and_then(logs) }
    }

    /// The processor time it has used so far.
    pub(super) fn processor(&self) -> Duration {
        self.process.map(|pid| machine::processor_of(&pid.to_string())).unwrap_or_default()
    }

    /// Its resident memory in MiB.
    pub(super) fn memory_mib(&self) -> u64 {
        self.process.map_or(0, |pid| machine::memory_mib_of(&pid.to_string()).0)
    }

    /// What the segments of a topic take on its disk, as its producers have compressed them. None, where that can't be seen.
    pub(super) fn log_bytes(&self, topic: &str) -> Option<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(self.logs.as_ref()?).ok()?.flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.rsplit_once('-').is_some_and(|(of, _)| of == topic) {
                bytes += segments(&entry.path());
            }
        }
        Some(bytes)
    }
}

fn segments(partition: &Path) -> u64 {
    let files = fs::read_dir(partition).into_iter().flatten().flatten();
    let segments = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
    segments.filter_map(|segment| segment.metadata().ok()).map(|segment| segment.len()).sum()
}

/// The inode of the socket that listens at a port.
fn listening_at(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let (at, listening) = (format!(":{port:04X}"), "0A");
    let mut sockets =
        tables.iter().flat_map(|table| table.lines()).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let socket = sockets.find(|socket| {
        socket.get(1).is_some_and(|local| local.ends_with(&at))
            && socket.get(3).is_some_and(|state| *state == listening)
    })?;
    socket.get(9).map(|inode| (*inode).to_owned())
}

/// The process that holds a socket.
fn holder(inode: &str) -> Option<u32> {
    let wanted = PathBuf::from(format!("socket:[{inode}]"));
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == wanted)).then_some(pid)
    })
}

/// Where a broker keeps its logs: its configuration is its last argument.
fn logs(pid: u32) -> Option<PathBuf> {
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let properties = fs::read_to_string(command.trim_end_matches('\0').rsplit('\0').next()?).ok()?;
    properties.lines().find_map(|line| line.strip_prefix("log.dirs=").map(PathBuf::from))
}
