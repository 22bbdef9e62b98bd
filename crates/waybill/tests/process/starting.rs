//! Starting: brokers are waited for, whoever watches over the process is told so, and commands get on with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::deployment::{Deployment, request};

/// The status of a GET.
fn status(address: &str, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn a_process_that_waits_for_brokers_lives_and_is_not_ready() {
    let mut deployment = Deployment::new();
    let nobody = [("KAFKA_BOOTSTRAP", "127.0.0.1:9"), ("REGISTRY_URL", "http://127.0.0.1:9")];
    for (name, value) in [("BUS", "kafka"), ("LOGS_FILTER", "info"), ("LOGS_FORMAT", "json")].into_iter().chain(nobody)
    {
        deployment.set(&format!("WAYBILL_{name}"), value);
    }
    let _process = deployment.start();
    let address = deployment.until("the endpoint", || {
        let logged = deployment.logged();
        let line = logged.lines().find(|line| line.contains("admin endpoint"))?;
        let at = line.find("127.0.0.1:")?;
        Some(
            line[at..]
                .chars()
                .take_while(|letter| letter.is_ascii_digit() || ".:".contains(*letter))
                .collect::<String>(),
        )
    });
    deployment.until("word that it waits", || deployment.logged().contains("can't start yet").then_some(()));
    assert_eq!(["/health/live", "/health/ready", "/metrics"].map(|path| status(&address, path)), [200, 503, 503]);
}

#[test]
fn commands_wait_for_a_process_that_starts_and_it_waits_for_them() {
    let deployment = Deployment::new();
    deployment.write("one.jsonl", &request().to_string());
    for _ in 0..3 {
        let mut process = deployment.start();
        // At once, as in a script: whoever takes the log first, both get on.
        let sent = deployment.answer(&["submit", "one.jsonl"]);
        assert_eq!(sent["sent"], 1);
        deployment.answer(&["status"]);
        assert!(process.0.try_wait().expect("a child of ours").is_none(), "{}", deployment.logged());
    }
}

/// As by somebody who has forgotten that one runs, or where they are: what is told is what to do, not what the machine said.
#[test]
fn whoever_starts_twice_or_in_the_wrong_place_is_told_so() {
    let mut deployment = Deployment::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("an address").local_addr().expect("it is bound");
    deployment.set("WAYBILL_ADMIN_LISTEN", &free.to_string());
    let process = deployment.run();
    let told = deployment.refusal(75, &["run", "--all"]);
    assert!(told.contains("a process runs on .waybill already") && !told.contains("admin.listen"), "{told}");
    assert_eq!(process.stop(), Some(0));

    for tables in ["sources", "policy", "partners"] {
        std::fs::remove_dir_all(deployment.folder().join(tables)).expect("it is there");
    }
    let told = deployment.refusal(64, &["run", "--all"]);
    assert!(
        told.contains("3 mistake(s)") && told.contains("policy: is not there; start where `deploy` lies"),
        "{told}"
    );
}

#[test]
fn what_is_wrong_with_a_command_line_is_told_as_json_where_that_is_asked_for() {
    let deployment = Deployment::new();
    let id = "c133ff7c-0000-8000-8000-000000000000";
    for arguments in [&["--json", "bogus"][..], &["hold", id, "--operator", "jo", "--reason", " ", "--json"]] {
        let told = deployment.refusal(2, arguments);
        let failure: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(failure["exit_code"], 2);
        assert!(failure["message"].as_str().is_some_and(|message| message.starts_with("error:")), "{told}");
    }
}
