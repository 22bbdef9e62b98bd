//! Who is let in, and what those are told who are not.

use std::time::Instant;

use fleet::bus::{Bus, BusError, TopicPartition};
use kafka::{Kafka, Mechanism, Sasl, Security, Settings, Tls, TokenSource};

use super::{
    ANSWER_MAX, administrator, connect, deployment, make, named, password, read, refused, scram, settings, tls, turn,
    write,
};

/// Connecting, asking, and asking once more as a transaction's coordinator is looked for.
const TOLD_MAX: std::time::Duration = ANSWER_MAX.saturating_mul(4);

/// A way to need the brokers.
type Way<'a> = &'a dyn Fn() -> Result<(), BusError>;

#[test]
fn a_password_over_tls_opens_the_bus() {
    works(&administrator(), "password");
}

#[test]
fn a_bearer_token_over_tls_opens_the_bus() {
    let principal = "waybill-administrator".to_owned();
    works(&connect(Sasl::OauthBearer(TokenSource::Unsigned { principal })), "token");
}

/// What the contract is about: a turn whose records and offsets come together.
fn works(bus: &Kafka, name: &str) {
    let name = |short: &str| format!("{}-{name}-{short}", deployment());
    let (input, output) = (name("input").into(), name("output").into());
    make(&administrator(), [&input, &output].map(std::sync::Arc::clone));
    write(bus, &name("upstream"), &[&input], "first").unwrap();
    assert_eq!(turn(bus, [&name("group"), &name("worker")], &input, &[&output]).unwrap(), ["first"]);
    assert_eq!(read(bus, &output).unwrap(), ["written"]);
    let next = bus.committed(&name("group"), &TopicPartition::new(input, 0)).unwrap();
    assert_eq!(next, Some(1));
}

/// Every way to the brokers, since each has a client of its own. All of them say the same, soon.
#[track_caller]
fn each_is_told(settings: &Settings, is_told: impl Fn(&BusError) -> bool) {
    let bus = Kafka::connect(settings.clone()).unwrap();
    let at = TopicPartition::new(format!("{}-any", deployment()), 0);
    let membership = fleet::bus::Membership {
        group: "group".into(),
        instance: "instance".into(),
        topics: vec![at.topic.clone()],
        session_timeout: ANSWER_MAX,
    };
    let ways: [(&str, Way<'_>); 5] = [
        ("watermarks", &|| bus.watermarks(&at).map(drop)),
        ("offsets", &|| bus.committed("group", &at).map(drop)),
        ("consumer", &|| bus.consumer(membership.clone()).map(drop)),
        ("producer", &|| bus.producer("producer").map(drop)),
        ("topics", &|| bus.topics().map(drop)),
    ];
    for (way, take) in ways {
        let begun = Instant::now();
        let error = take().unwrap_err();
        println!("{way}: {error} after {:?}", begun.elapsed());
        assert!(is_told(&error), "{way}: {error}");
        assert!(begun.elapsed() < TOLD_MAX, "{way}: told after {:?}", begun.elapsed());
    }
}

fn is_refused(error: &BusError, words: [&str; 2]) -> bool {
    matches!(error, BusError::Refused(reason) if words.iter().all(|word| reason.contains(word)))
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let sasl = scram("waybill-intake", "wrong-and-secret".into());
    let settings = settings(Security::Sasl { sasl, tls: Some(tls()) });
    assert!(!format!("{settings:?}").contains("wrong-and-secret"));
    let words = ["invalid credentials", "look at the name and the password"];
    each_is_told(&settings, |error| is_refused(error, words) && !error.to_string().contains("wrong-and-secret"));
}

#[test]
fn a_name_nobody_knows_is_refused() {
    let sasl = scram("waybill-nobody", "whatever".into());
    let settings = settings(Security::Sasl { sasl, tls: Some(tls()) });
    each_is_told(&settings, |error| is_refused(error, ["credentials", "look at the name"]));
}

#[test]
fn a_mechanism_the_broker_does_not_offer_is_refused() {
    let (username, password) = ("waybill-intake".to_owned(), password("waybill-intake"));
    let sasl = Sasl::Scram { mechanism: Mechanism::Sha256, username, password };
    let settings = settings(Security::Sasl { sasl, tls: Some(tls()) });
    each_is_told(&settings, |error| is_refused(error, ["SCRAM-SHA-256", "choose a SASL mechanism"]));
}

#[test]
fn a_token_that_has_ended_is_refused_and_not_shown() {
    let file = std::env::temp_dir().join(format!("{}-token", deployment()));
    // {"alg":"none"} and {"sub":"waybill-intake","iat":1,"exp":2}
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YXliaWxsLWludGFrZSIsImlhdCI6MSwiZXhwIjoyfQ.";
    std::fs::write(&file, token).unwrap();
    let bus = connect(Sasl::OauthBearer(TokenSource::File(file.clone())));
    let reason = refused(bus.watermarks(&TopicPartition::new("any", 0)));
    std::fs::remove_file(&file).unwrap();
    assert!(reason.contains("token") && !reason.contains("eyJ"), "{reason}");
}

#[test]
fn a_broker_whose_authority_is_not_trusted_is_refused() {
    let sasl = scram("waybill-intake", password("waybill-intake"));
    let settings = settings(Security::Sasl { sasl, tls: Some(Tls::default()) });
    each_is_told(&settings, |error| is_refused(error, ["certificate verify failed", "look at the authority"]));
}

#[test]
fn who_speaks_plaintext_to_a_port_of_tls_is_told() {
    each_is_told(&settings(Security::Plaintext), |error| {
        let told = error.to_string();
        matches!(error, BusError::Unavailable(_)) && told.contains("choose the security") && told.contains(&named(""))
    });
}

/// Whoever waits for a broker must not take its absence for a refusal.
#[test]
fn a_broker_that_is_away_is_unavailable() {
    // Nobody has bound this port of a machine that is only itself.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bootstrap = listener.local_addr().unwrap().to_string();
    drop(listener);
    let sasl = scram("waybill-intake", password("waybill-intake"));
    let settings = Settings { bootstrap, ..settings(Security::Sasl { sasl, tls: Some(tls()) }) };
    each_is_told(
        &settings,
        |error| matches!(error, BusError::Unavailable(what) if what.contains("Connection refused")),
    );
}
