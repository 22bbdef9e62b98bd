//! A disk that is full while the fleet runs: it says so once, keeps everything, and goes on when there is space.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::deployment::{Deployment, PARTNER};

/// Set in the process that has mounts of its own.
const OWN_MOUNTS: &str = "WAYBILL_TEST_OWN_MOUNTS";
/// The exit code of what can't be written.
const DISK: i32 = 74;
/// The log leaves 256 MiB free; there are some more at first.
const DISK_MEBIBYTES: usize = 300;

/// Whether this process has mounts of its own, in which a small disk can be made and which vanish with it. If not, the test has been
/// run in one that has: as root, or in a user namespace, for which no privilege is needed.
fn has_own_mounts(test: &str) -> bool {
    if std::env::var_os(OWN_MOUNTS).is_some() {
        return true;
    }
    let namespaces = [&["--mount"][..], &["--map-root-user", "--mount"]];
    let unshare = |namespace: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(namespace);
        command
    };
    let possible = namespaces
        .into_iter()
        .find(|namespace| unshare(namespace).arg("true").output().is_ok_and(|output| output.status.success()));
    let Some(namespace) = possible else {
        panic!(
            "this test fills a small disk of its own: run it as root, or where `unshare --map-root-user --mount` is allowed"
        );
    };
    let itself = std::env::current_exe().expect("a path");
    let run = unshare(namespace).arg(itself).args(["--exact", test]).env(OWN_MOUNTS, "yes").output().expect("it runs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&run.stderr));
    false
}

fn mount(directory: &Path) {
    fs::create_dir(directory).expect("a directory");
    let size = format!("size={DISK_MEBIBYTES}m");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory).output();
    let mounted = mounted.expect("mount runs");
    assert!(mounted.status.success(), "a small disk can't be mounted: {}", String::from_utf8_lossy(&mounted.stderr));
}

/// Takes this much of the disk, or all there is.
fn take(filler: &Path, mebibytes: usize) {
    let mut file = File::create(filler).expect("a file");
    let piece = vec![1; 1 << 20];
    for _ in 0..mebibytes {
        if file.write_all(&piece).is_err() {
            return;
        }
    }
}

fn count(deployment: &Deployment, line: &str) -> usize {
    deployment.logged().matches(line).count()
}

#[test]
fn a_disk_that_fills_up_is_told_once_and_nothing_is_lost() {
    if !has_own_mounts("full::a_disk_that_fills_up_is_told_once_and_nothing_is_lost") {
        return;
    }
    let mut deployment = Deployment::new();
    mount(&deployment.folder().join("disk"));
    deployment.set("WAYBILL_DATA_DIR", "disk/data");
    deployment.set("WAYBILL_LOGS_FILTER", "info,fleet=debug");
    // Somebody who is never there keeps dispatch busy: it notes every attempt.
    let patient = PARTNER.replace("attempts_max = 2", "attempts_max = 1000").replace("_max = 20", "_max = 100");
    deployment.write("partners/evergreen.toml", &patient);
    let member = crate::deployment::example("roster-member/v1.examples/member.json");
    let mut member = member;
    member["member_key"] = "account-1".into();
    deployment.write("members.jsonl", &member.to_string());
    let process = deployment.run();
    deployment.answer(&["members", "load", "members.jsonl"]);
    let first = deployment.accepted("the-first");

    let filler = deployment.folder().join("disk/filler");
    for (round, mebibytes) in [(1, 100), (2, DISK_MEBIBYTES)] {
        take(&filler, mebibytes);
        let told = deployment.refusal(DISK, &["submit", "one.jsonl"]);
        assert!(told.contains("disk/data/log") && told.contains("free some"), "{told}");
        let undone = count(&deployment, "the turn was undone");
        deployment.until("dispatch to try again and again", || {
            (undone + 3 <= count(&deployment, "the turn was undone")).then_some(())
        });
        assert_eq!(count(&deployment, "turns can't be committed"), round, "{}", deployment.logged());
        let outcomes = deployment.answer(&["outcomes", "--source", "enrolment", "--id", &first]);
        assert_eq!(outcomes[0]["status"], "accepted", "what is there can still be read");
        fs::remove_file(&filler).expect("it is there");
        deployment
            .until("dispatch to go on", || (count(&deployment, "turns are committed again") == round).then_some(()));
        deployment.accepted(&format!("after-round-{round}"));
    }
    assert_eq!(process.stop(), Some(0));

    take(&filler, DISK_MEBIBYTES);
    let told = deployment.refusal(DISK, &["submit", "one.jsonl"]);
    assert!(told.contains("free some"), "{told}");
    fs::remove_file(&filler).expect("it is there");
    let process = deployment.run();
    assert_eq!(deployment.answer(&["trace", &first])["request_id"], first.as_str());
    deployment.accepted("the-last");
    assert_eq!(process.stop(), Some(0));
    assert!(deployment.waybill(&["doctor", "--verify"]).status.success());
}
