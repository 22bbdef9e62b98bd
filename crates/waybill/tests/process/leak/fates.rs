//! Requests full of canaries, sent to a running deployment by every way there is from outside.

use std::collections::BTreeSet;

use bytes::Bytes;
use contracts::headers::{KEY_ID, SIGNATURE};
use contracts::json::{to_json, to_json_value};
use domain::Message;
use domain::messages::IntakeRequest;
use domain::person::{Payload, RosterMember};
use fleet::bus::Headers;
use sandbox::partner::{RunningSandbox, Sandbox, SandboxOptions};
use sandbox::upstream::population;
use serde_json::Value;
use tests::PAYER;
use tests::leak::{self, Canary, canaries};
use tokio::runtime::Runtime;

use crate::deployment::{Deployment, Process, now};

/// What every request is sent with and everybody may see.
pub(super) const CORRELATION: &str = "correlation-that-anybody-may-see";
const SEED: u64 = 5;
const GOOD: usize = 12;
/// A source that has to sign.
const SIGNER: &str = "id = \"signer\"\nlane = \"urgent\"\nworkflows = [\"request_data\"]\n\
                      keys = [{ id = \"k1\", public = \"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\" }]\n";

/// What must have happened for the search to mean something, by what sources were told and by what the timelines say.
const FATES: [&str; 14] = [
    "accepted",
    "refused",
    "duplicate",
    "conflict",
    "signature-wrong",
    "source-unregistered",
    "counterparty-unknown",
    "in_review",
    "reviewed-nobody",
    "cancelled-by-operator",
    "no-candidate",
    "fulfilled",
    "text-too-long",
    "held",
];

/// A process, the payers it talks to, and what keeps those alive.
pub(super) struct Running {
    process: Process,
    payers: RunningSandbox,
    runtime: Runtime,
}

impl Running {
    pub(super) fn stop(self) -> Option<i32> {
        let code = self.process.stop();
        self.runtime.block_on(self.payers.shutdown());
        code
    }
}

struct Story {
    deployment: Deployment,
    good: Vec<IntakeRequest>,
    enrolled: RosterMember,
    canaries: Vec<Canary>,
    told: usize,
}

/// Everything that can be made to happen from outside, and every canary in it. The process runs on.
pub(super) fn run() -> (Deployment, Running, Vec<Canary>) {
    let runtime = Runtime::new().expect("a runtime");
    let mut options = SandboxOptions::standard(SEED);
    options.scale = 0.2;
    let payers = runtime.block_on(Sandbox::start(options)).expect("payers");
    let mut deployment = Deployment::new();
    for payer in payers.payers() {
        let file = payers.partner_toml(&payer.id).expect("a payer of ours");
        deployment.write(&format!("partners/{}.toml", payer.id), &file);
    }
    deployment.write("sources/signer.toml", SIGNER);
    deployment.set("WAYBILL_LOGS_FILTER", "trace");
    deployment.set("WAYBILL_LOGS_FORMAT", "json");
    let enrolled = population(SEED, PAYER, 1).remove(0).member;
    let good = leak::good(SEED, 60, now());
    let mut story = Story { deployment, good, enrolled, canaries: Vec::new(), told: 0 };
    story.by_the_log();
    let process = story.deployment.run();
    story.by_the_command_line();
    story.decide();
    let Story { deployment, canaries, .. } = story;
    (deployment, Running { process, payers, runtime }, canaries)
}

impl Story {
    /// The next request, every marked field a canary.
    fn next(&mut self, name: &str) -> IntakeRequest {
        let (mut request, canaries) = canaries::request(name, &self.good[self.told]);
        request.correlation_id = Some(CORRELATION.to_owned());
        self.canaries.extend(canaries);
        self.told += 1;
        request
    }

    /// What the command line does not let through: bytes that are no message, and a signature that does not fit.
    fn by_the_log(&mut self) {
        self.deployment.answer(&["status"]);
        let log = self.deployment.log();
        let encoded = |request: &IntakeRequest| {
            let mut value = Vec::new();
            log.codec.encode(&Message::Intake(Box::new(request.clone())), &mut value).expect("it fits");
            value
        };
        let request = self.next("unreadable");
        let name = request.member.name.family.clone();
        let body = Bytes::from(name.repeat(16_000));
        let payload = Some(Payload { format: "text/plain".to_owned(), body });
        let large = encoded(&IntakeRequest { payload, ..self.next("large") });
        let whole = encoded(&request);
        let mut headers = Headers::default();
        headers.push("ce_subject", name.clone());
        headers.push(name.clone(), "header");
        let values = [&whole[..whole.len() - 1], &whole[5..], &whole[..whole.len() / 2], &large[..large.len() - 1]];
        log.append(&values, &headers);

        let signer = encoded(&IntakeRequest { source: "signer".into(), ..self.next("signer") });
        let mut headers = Headers::default();
        headers.push(KEY_ID, "k1");
        headers.push(SIGNATURE, name);
        log.append(&[&signer], &headers);
    }

    /// Members, somebody who is none, people with twins, repetitions, a conflict, and what is refused.
    fn by_the_command_line(&mut self) {
        let names: Vec<String> = (0..GOOD).map(|number| format!("good {number}")).collect();
        let twins = ["ambiguous", "undecided", "withdrawn"];
        let members = names.iter().map(String::as_str).chain(twins);
        let mut members: Vec<String> =
            members.map(|story| line(&canaries::member(story, &self.enrolled), &story.replace(' ', "-"))).collect();
        members.extend(twins.map(|story| line(&canaries::twin(story, &self.enrolled), &format!("{story}-twin"))));
        self.deployment.write("members.jsonl", &members.join("\n"));
        self.deployment.answer(&["members", "load", "members.jsonl"]);

        let people = names.iter().map(String::as_str).chain(["nobody's"]);
        let mut requests: Vec<IntakeRequest> = people.map(|name| self.next(name)).collect();
        requests.extend(twins.map(|name| canaries::of_either_twin(self.next(name))));
        self.submit(&requests);
        let IntakeRequest { idempotency_key, counterparty, .. } = requests[0].clone();
        let conflict = IntakeRequest { idempotency_key, counterparty, ..self.next("conflict") };
        self.submit(&[requests[0].clone(), conflict]);
        let refused = leak::misplaced(|name| self.next(name));
        self.submit(&refused);
        self.settle();
    }

    fn submit(&self, requests: &[IntakeRequest]) {
        let lines: Vec<String> = requests.iter().map(|request| to_json(request).expect("JSON")).collect();
        self.deployment.write("submissions.jsonl", &lines.join("\n"));
        assert_eq!(self.deployment.answer(&["submit", "submissions.jsonl"])["sent"], requests.len());
    }

    /// Waits until nothing is under way: whatever is open waits for a person.
    fn settle(&self) {
        self.deployment.until("everything to come to rest", || {
            let status = self.deployment.answer(&["status"]);
            let all =
                |list: &str, fine: &dyn Fn(&Value) -> bool| status[list].as_array().expect("a list").iter().all(fine);
            let is_taken = all("stages", &|stage| stage["lag"] == 0);
            let rests = ["closed", "in_review", "exception", "held"];
            let at_rest = all("states", &|state| rests.contains(&state["state"].as_str().expect("a state")));
            (is_taken && at_rest && status["requests"] != 0).then_some(())
        });
    }

    /// An operator decides a review, cancels another request and holds a third; replays a letter and discards another.
    fn decide(&self) {
        let by = ["--reason", "a test", "--operator", "sam"];
        let give = |arguments: &[&str]| self.deployment.answer(&[arguments, &by].concat());
        let ids = |list: &[&str], name: &str| {
            let list = self.deployment.answer(list);
            let id = |row: &Value| row[name].as_str().expect("an id").to_owned();
            list.as_array().expect("a list").iter().map(id).collect::<Vec<_>>()
        };
        let reviews = ids(&["review", "list"], "request_id");
        assert_eq!(reviews.len(), 3, "people who have twins");
        give(&["review", "open", &reviews[0]]);
        give(&["review", "decide", &reviews[0], "--nobody"]);
        // Where the consent covers sensitive data it takes another one to say so too; else this one comes too late.
        for arguments in [&["review", "open", &reviews[0]][..], &["review", "decide", &reviews[0], "--nobody"]] {
            self.deployment.waybill(&[arguments, &["--reason", "a test", "--operator", "kim"]].concat());
        }
        give(&["cancel", &reviews[1]]);
        give(&["hold", &reviews[2]]);
        let letters = ids(&["letters", "list"], "letter_id");
        assert_eq!(letters.len(), 4, "values that are no message");
        give(&["letters", "replay", &letters[0]]);
        give(&["letters", "discard", &letters[1]]);
        self.settle();
        self.deployment.until("all that should happen", || {
            let told = super::asking::stories(&self.deployment);
            let missing: BTreeSet<&str> = FATES.into_iter().filter(|fate| !told.contains(fate)).collect();
            missing.is_empty().then_some(())
        });
    }
}

/// A line of a roster.
fn line(member: &RosterMember, member_key: &str) -> String {
    let mut line = to_json_value(member).expect("JSON");
    line["member_key"] = member_key.into();
    line.to_string()
}
