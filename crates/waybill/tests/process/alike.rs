//! The fleet decides whose a claim is exactly as `waybill match` does: the same engine, policy and roster, whatever carries them.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::lifecycle::evidence::MatchEvidence;
use domain::{EventBody, Message, RequestId};
use sandbox::roster::{Mood, Record, World};
use serde_json::{Value, json};

use crate::deployment::{Deployment, OpenLog, request};

const MEMBERS: usize = 2_000;
const CLAIMS: usize = 2_600;
/// So many of the claims must be such as intake lets in.
const COMPARED_MIN: usize = 1_000;

/// What was decided of a claim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Decided {
    outcome: String,
    probability_ppm: u32,
    /// Who it is, where it is somebody: the account, or the token that stands for it.
    member: Option<String>,
}

#[test]
fn the_fleet_decides_as_waybill_match_does() {
    let deployment = Deployment::new();
    let world = World::new(41, Mood::Mixed, MEMBERS, CLAIMS);
    let claims: Vec<&Record> = world.claims.iter().map(|claim| &claim.record).filter(|it| is_let_in(it)).collect();
    assert!(COMPARED_MIN <= claims.len(), "{} claims", claims.len());
    let by_file = by_file(&deployment, &world.roster, &claims);

    // Started anew, workers read the roster to its end before they decide anything.
    let process = deployment.run();
    let members: Vec<String> = world.roster.iter().map(member).collect();
    deployment.write("members.jsonl", &members.join("\n"));
    deployment.answer(&["members", "load", "members.jsonl"]);
    process.stop();
    let process = deployment.run();
    let lines: Vec<String> = claims.iter().enumerate().map(|(nth, claim)| submission(nth, claim)).collect();
    deployment.write("claims.jsonl", &lines.join("\n"));
    let sent = deployment.answer(&["submit", "claims.jsonl"]);
    let ids: Vec<RequestId> = sent["requests"]
        .as_array()
        .expect("requests")
        .iter()
        .map(|sent| sent["request_id"].as_str().expect("an id").parse().expect("an id"))
        .collect();
    deployment.until("every claim to be decided", || {
        let report = deployment.answer(&["identity", "report"]);
        (report["periods"][0]["judged"].as_u64() == Some(claims.len() as u64)).then_some(())
    });
    process.stop();

    let by_fleet = by_fleet(&deployment.log());
    let mut tokens: BTreeMap<String, String> = BTreeMap::new();
    for (nth, id) in ids.iter().enumerate() {
        let (file, fleet) = (&by_file[nth], &by_fleet[id]);
        let said = |it: &Decided| (it.outcome.clone(), it.probability_ppm, it.member.is_some());
        assert_eq!(said(file), said(fleet), "claim {nth}");
        if let (Some(account), Some(token)) = (&file.member, &fleet.member) {
            assert_eq!(tokens.entry(account.clone()).or_insert_with(|| token.clone()), token, "claim {nth}");
        }
    }
    let different: std::collections::BTreeSet<&String> = tokens.values().collect();
    assert!(600 < tokens.len() && different.len() == tokens.len(), "a token stands for one account");
}

/// Whether intake lets a claim in: it asks for names, a whole birth date, a card, and contacts that are some.
fn is_let_in(claim: &Record) -> bool {
    let digits = claim.phone.bytes().filter(u8::is_ascii_digit).count();
    let is_phone = claim.phone.is_empty()
        || (7..=15).contains(&digits) && claim.phone.bytes().all(|byte| b"0123456789 ()+-.".contains(&byte));
    let parts = claim.email.split_once('@');
    let is_email = claim.email.is_empty()
        || parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !claim.email.contains(' '));
    let is_dated = domain::time::Date::parse(&claim.dob).is_some_and(|_| ("1900"..="2026").contains(&&claim.dob[..4]));
    let has_card = [&claim.member_id, &claim.subscriber_id].iter().any(|id| !id.trim().is_empty());
    let is_named = ![&claim.given, &claim.family].iter().any(|name| name.trim().is_empty());
    is_phone && is_email && is_dated && has_card && is_named
}

fn by_file(deployment: &Deployment, roster: &[Record], claims: &[&Record]) -> Vec<Decided> {
    let sheet = |name: &str, rows: &mut dyn Iterator<Item = (String, &Record)>, key: &str| {
        let mut sheet = csv::Writer::from_path(deployment.folder().join(name)).expect("a file");
        let columns = ["subscriber_id", "group", "given", "middle", "family", "suffix", "dob", "sex", "street", "city"];
        let more = ["state", "zip", "phone", "email", "ssn4"];
        let member_id = (key != "member_id").then_some("member_id");
        sheet.write_record([key].into_iter().chain(member_id).chain(columns).chain(more)).expect("a row");
        for (id, it) in rows {
            let card = (key != "member_id").then_some(&it.member_id);
            let texts = [&it.subscriber_id, &it.group, &it.given, &it.middle, &it.family, &it.suffix, &it.dob, &it.sex];
            let more = [&it.street, &it.city, &it.state, &it.zip, &it.phone, &it.email, &it.ssn4];
            sheet.write_record([&id].into_iter().chain(card).chain(texts).chain(more)).expect("a row");
        }
        sheet.flush().expect("written");
    };
    sheet("roster.csv", &mut roster.iter().map(|it| (it.member_id.clone(), it)), "member_id");
    sheet("claims.csv", &mut claims.iter().enumerate().map(|(nth, it)| (nth.to_string(), *it)), "query_id");
    let files = ["--roster", "roster.csv", "--queries", "claims.csv", "--out", "decided.csv"];
    deployment.answer(&[&["match"], &files[..]].concat());
    let mut decided = csv::Reader::from_path(deployment.folder().join("decided.csv")).expect("answers");
    let row = |row: csv::StringRecord| {
        let [_, member, probability, outcome] = [0, 1, 2, 3].map(|column| row[column].to_owned());
        let probability_ppm = probability.replace('.', "").parse().expect("a probability");
        Decided { outcome, probability_ppm, member: Some(member).filter(|member| !member.is_empty()) }
    };
    decided.records().map(|it| row(it.expect("a row"))).collect()
}

fn by_fleet(log: &OpenLog) -> BTreeMap<RequestId, Decided> {
    let mut decided = BTreeMap::new();
    for record in log.read(&log.topics.name(&Topic::Events)) {
        let value = record.value.expect("a value");
        let Ok((_, Message::Event(event))) = log.codec.decode(&Topic::Events, &value) else { panic!("no event") };
        let said = |outcome: &str, evidence: &Option<Box<MatchEvidence>>, member: Option<domain::Token>| {
            let evidence = evidence.as_deref().expect("evidence");
            let member = member.or(evidence.likeliest).map(|token| token.to_string());
            Decided { outcome: outcome.to_owned(), probability_ppm: evidence.probability_ppm, member }
        };
        let found = if let EventBody::IdentityMatched { evidence, member_token, .. } = &event.body {
            said("match", evidence, Some(*member_token))
        } else if let EventBody::ReviewOpened { evidence, .. } = &event.body {
            said("review", evidence, None)
        } else if let EventBody::IdentityUnmatched { evidence, .. } = &event.body {
            said("no_match", evidence, None)
        } else {
            continue;
        };
        assert_eq!(decided.insert(event.request_id, found), None, "decided once");
    }
    decided
}

/// A claim or a member as systems send them: what is empty is left out.
fn person(it: &Record) -> Value {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let list = |text: &str| some(text).into_iter().collect::<Vec<_>>();
    let sex = match it.sex.as_str() {
        "F" => Some("female"),
        "M" => Some("male"),
        _ => None,
    };
    let address = json!({
        "lines": list(&it.street), "city": some(&it.city), "state": some(&it.state), "postal_code": some(&it.zip),
        "country": "US"
    });
    let has_address = [&it.street, &it.city, &it.state, &it.zip].iter().any(|text| !text.is_empty());
    let identifier = |value| json!({"system": "http://hl7.org/fhir/sid/us-ssn", "kind": "SS", "value": value});
    let given: Vec<&String> = [&it.given, &it.middle].into_iter().filter(|name| !name.is_empty()).collect();
    let addresses: Vec<Value> = has_address.then_some(address).into_iter().collect();
    let identifiers: Vec<Value> = some(&it.ssn4).map(identifier).into_iter().collect();
    json!({
        "name": {
            "family": it.family,
            "given": given,
            "prefix": null,
            "suffix": some(&it.suffix)
        },
        "other_names": [],
        "birth_date": some(&it.dob),
        "sex": sex,
        "addresses": addresses,
        "phones": list(&it.phone),
        "emails": list(&it.email),
        "identifiers": identifiers
    })
}

fn coverage(it: &Record) -> Value {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "payer": "lakeshore", "member_id": some(&it.member_id), "subscriber_id": some(&it.subscriber_id),
        "group": some(&it.group), "plan": null, "start": null, "end": null, "relationship": null
    })
}

fn member(it: &Record) -> String {
    json!({"member_key": it.member_id, "member": person(it), "coverages": [coverage(it)], "merged_into": null})
        .to_string()
}

fn submission(nth: usize, claim: &Record) -> String {
    let mut request = request();
    request["idempotency_key"] = format!("claim-{nth}").into();
    request["member"] = person(claim);
    for (field, value) in coverage(claim).as_object().expect("an object") {
        if ["member_id", "subscriber_id", "group"].contains(&field.as_str()) {
            request["coverage_to_link"][field] = value.clone();
        }
    }
    request.to_string()
}
