//! A disk that is full while the fleet runs: it says so once, keeps everything, and goes on when there is space.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use tests::small_disk::{SmallDisk, has_own_mounts};

use crate::deployment::{Deployment, PARTNER, example};

/// The exit code of what can't be written.
const DISK: i32 = 74;
/// The log leaves 256 MiB free; there are some more at first.
const DISK_MEBIBYTES: usize = 300;

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

/// How often dispatch has said this. Another stage that had something to commit just then says the same of itself.
fn count(deployment: &Deployment, line: &str) -> usize {
    let of_dispatch = |told: &&str| told.contains(line) && told.contains("stage=\"dispatch\"");
    deployment.logged().lines().filter(of_dispatch).count()
}

#[test]
fn a_disk_that_fills_up_is_told_once_and_nothing_is_lost() {
    if !has_own_mounts("full::a_disk_that_fills_up_is_told_once_and_nothing_is_lost") {
        return;
    }
    let mut deployment = Deployment::new();
    fs::create_dir(deployment.folder().join("disk")).expect("a directory");
    let _disk = SmallDisk::mount(&deployment.folder().join("disk"), DISK_MEBIBYTES);
    deployment.set("WAYBILL_DATA_DIR", "disk/data");
    deployment.set("WAYBILL_LOGS_FILTER", "info,fleet=debug");
    // Somebody who is never there keeps dispatch busy: it notes every attempt.
    let patient = PARTNER.replace("attempts_max = 2", "attempts_max = 1000").replace("_max = 20", "_max = 100");
    deployment.write("partners/evergreen.toml", &patient);
    let mut member = example("roster-member/v1.examples/member.json");
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
