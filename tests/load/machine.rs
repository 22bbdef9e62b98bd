//! What the machine says of this process: processor time by thread, memory, load. Linux only; elsewhere the figures are zero.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What all threads of this process have used so far, by thread name; threads of one name are added up.
pub(crate) fn processor_by_thread() -> BTreeMap<String, Duration> {
    let mut used = BTreeMap::<String, Duration>::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default().trim().to_owned();
        *used.entry(name).or_default() += processor(&task.path().join("stat"));
    }
    used
}

/// What this thread has used so far.
pub(crate) fn processor_of_thread() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec.cast_unsigned(), u32::try_from(used.tv_nsec).unwrap_or_default())
}

/// What the whole process has used, threads that have ended included.
pub(crate) fn processor_in_all() -> Duration {
    processor_of("self")
}

/// The same of another process.
pub(crate) fn processor_of(process: &str) -> Duration {
    processor(&Path::new("/proc").join(process).join("stat"))
}

/// The load averages of the last 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Memory of this process in MiB: resident now, and at its highest.
pub(crate) fn memory_mib() -> (u64, u64) {
    memory_mib_of("self")
}

/// The same of another process.
pub(crate) fn memory_mib_of(process: &str) -> (u64, u64) {
    let status = fs::read_to_string(Path::new("/proc").join(process).join("status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// User and system time: fields 14 and 15 of a `stat` file, in hundredths of a second. The name before them may hold anything.
fn processor(stat: &Path) -> Duration {
    let stat = fs::read_to_string(stat).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
