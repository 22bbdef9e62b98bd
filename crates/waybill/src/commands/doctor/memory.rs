//! Where large memories lie: can it be written to, is there room, and does anybody else hold what lies there.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};
use shelf::{DiskShelves, Found};

use super::{Finding, is_writable};
use crate::client;
use crate::config::Config;

/// Room for the journals of a few shelves, of 64 MiB each at most, however little lies there yet; the log leaves as much of its disk free.
const ROOM_MIN: u64 = 256 << 20;

const FOLDER: &str = "memory folder";
const ROOM: &str = "memory room";
const HOLDER: &str = "memory holder";

/// What was found of the folder that `memory.dir` names, or of the one in its place.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let Some(dir) = config.shelves_dir() else {
        return vec![Finding::fine(FOLDER, "none: memory.large has it in RAM, read back whole at each start".into())];
    };
    let mut findings = vec![folder(&dir)];
    let found = match DiskShelves::look(&dir) {
        Ok(found) => found,
        Err(error) => {
            findings.push(Finding::wrong(FOLDER, &error, "correct what is named, or set memory.dir to another folder"));
            return findings;
        }
    };
    findings.extend(free(&dir).map(|free| room(&dir, free, found.bytes)));
    // Over Kafka the processes of a machine share the folder, each with its own shelves in it.
    findings.extend((0 < found.shelves).then(|| holder(found, 0 < found.held && client::is_running(config))));
    findings
}

fn folder(dir: &Path) -> Finding {
    let remedy = "give this user the right to write there, or set memory.dir to a folder that can be written to";
    let above = nearest(dir);
    let is_fit = match dir.exists() {
        true => is_writable(dir).map(|()| format!("{} is writable", dir.display())),
        // Nothing is made by looking.
        false if !above.is_dir() => Err(std::io::ErrorKind::NotADirectory.into()),
        false => access(above.as_path(), Access::WRITE_OK | Access::EXEC_OK)
            .map(|()| format!("{} will be made when it is needed", dir.display()))
            .map_err(std::io::Error::from),
    };
    match is_fit {
        Ok(finding) => Finding::fine(FOLDER, finding),
        Err(error) => Finding::wrong(FOLDER, &format!("{} can't be written to: {error}", dir.display()), remedy),
    }
}

/// How many bytes are free for us where the folder lies, or will lie; none where that can't be told.
fn free(dir: &Path) -> Option<u64> {
    let found = statvfs(nearest(dir).as_path()).ok()?;
    Some(found.f_bavail * found.f_frsize)
}

/// The folder, or the nearest above it that is there.
fn nearest(dir: &Path) -> PathBuf {
    let above = dir.ancestors().find(|path| !path.as_os_str().is_empty() && path.exists());
    above.unwrap_or(Path::new(".")).to_path_buf()
}

/// Whether what lies there fits once more, which is what it comes to at worst.
fn room(dir: &Path, free: u64, taken: u64) -> Finding {
    let needed = ROOM_MIN.max(taken);
    let (free_told, taken) = (told(free), told(taken));
    if needed <= free {
        return Finding::fine(ROOM, format!("{free_told} are free, {taken} lie there"));
    }
    let what = format!(
        "{free_told} are free where {} lies, and it may take {} more: what lies there, {taken}, is written once more where a process \
         that is stopped still holds it, or where it is damaged, and intake ends when the disk is full",
        dir.display(),
        told(needed)
    );
    let remedy = "free some, or set memory.dir to a folder with more room; it is a copy of what is on the log, and may be removed while \
                  nothing runs";
    Finding::wrong(ROOM, &what, remedy)
}

/// Who holds shelves that nobody answers for may just be starting, and harms nobody.
fn holder(Found { shelves, held, .. }: Found, is_running: bool) -> Finding {
    let told = match (held, is_running) {
        (0, _) => format!("nobody holds any of {shelves} shelves"),
        (_, true) => format!("{held} of {shelves} shelves held, and a process runs on this data folder"),
        (_, false) => format!(
            "{held} of {shelves} shelves are held, and no process of this data folder answers: one is starting, or stopped, or another \
             deployment has the same memory.dir; who starts beside it reads memory back whole from the log"
        ),
    };
    Finding::fine(HOLDER, told)
}

/// A size in the unit that suits it.
fn told(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| 0 < bytes >> shift) {
        Some((shift, unit)) => format!("{}.{} {unit}", bytes >> shift, ((bytes % (1 << shift)) * 10) >> shift),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn there_is_room_where_what_lies_there_fits_once_more() {
        let is_enough = |free, taken| room(Path::new("memory"), free, taken).ok;
        assert!(is_enough(ROOM_MIN, 0) && !is_enough(ROOM_MIN - 1, 0));
        assert!(is_enough(5 * GIB, 5 * GIB) && !is_enough(5 * GIB - 1, 5 * GIB));
    }

    #[test]
    fn too_little_room_is_told_with_how_much_there_is_and_why_it_takes_more() {
        let Finding { finding, remedy, .. } = room(Path::new("memory"), 300 << 20, 3 * GIB / 2);
        assert!(
            finding.starts_with("300.0 MiB are free where memory lies, and it may take 1.5 GiB more:"),
            "{finding}"
        );
        assert!(finding.contains("intake ends when the disk is full"), "{finding}");
        assert!(remedy.is_some_and(|remedy| remedy.contains("set memory.dir")));
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_suits_them() {
        assert_eq!(
            [0, 1023, 1 << 10, 1535 << 10, 7 << 30].map(told),
            ["0 bytes", "1023 bytes", "1.0 KiB", "1.4 MiB", "7.0 GiB"]
        );
    }

    #[test]
    fn what_nobody_answers_for_is_told_with_who_may_hold_it() {
        let found = |held| Found { shelves: 4, held, bytes: 0 };
        let told = |held, is_running| holder(found(held), is_running).finding;
        assert!(told(0, false).starts_with("nobody") && told(4, true).contains("a process runs"));
        assert!(told(1, false).contains("one is starting, or stopped, or another deployment"));
    }
}
