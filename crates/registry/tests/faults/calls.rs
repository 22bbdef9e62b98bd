//! What failures mean, and that credentials travel but are never shown.

use registry::{Credentials, Registry, RegistryError, Settings};
use serde_json::{Value, json};

use crate::fake::{Fake, nobody, run};

fn checked(registry: &Registry) -> RegistryError {
    run(registry.check()).map(drop).expect_err("a failure")
}

#[test]
fn what_is_answered_tells_an_outage_from_a_refusal_and_from_a_wrong_address() {
    let fake = Fake::start();
    let registry = fake.registry();
    for status in [500, 502, 503, 429] {
        fake.always(status, &json!({"error_code": 50001, "message": "busy"}));
        let error = checked(&registry);
        assert!(matches!(&error, RegistryError::Unavailable(what) if what.contains(&status.to_string())), "{error}");
    }
    for status in [401, 403] {
        fake.always(status, &Value::Null);
        let error = checked(&registry);
        assert!(matches!(&error, RegistryError::Unauthorised(what) if what.contains(&status.to_string())), "{error}");
    }
    // A page that says "not found", or says anything but JSON, is that of a wrong address: no schema is missing there.
    for (status, body) in
        [(404, Value::Null), (404, json!({"error_code": 404, "message": "no such path"})), (200, Value::Null)]
    {
        fake.always(status, &body);
        let error = checked(&registry);
        assert!(matches!(error, RegistryError::Unexpected(_)), "{status}: {error}");
        assert!(error.to_string().contains("addresses"), "{error}");
    }
}

#[test]
fn the_next_address_is_asked_only_where_one_can_t_answer() {
    let (sick, well) = (Fake::start(), Fake::registered(100));
    sick.always(503, &Value::Null);
    let settings = |urls: [String; 3]| Settings { urls: urls.into(), ..Settings::new("") };
    let away = nobody().urls.remove(0);
    let registry = Registry::new(&settings([away.clone(), sick.url(), well.url()])).expect("usable");
    let check = run(registry.check()).expect("an answer");
    assert!(check.rows.iter().all(|row| row.id.is_some()));
    let empty = Fake::start();
    let registry = Registry::new(&settings([empty.url(), away, sick.url()])).expect("usable");
    let check = run(registry.check()).expect("what the first says counts");
    assert!(check.rows.iter().all(|row| row.id.is_none()));
}

#[test]
fn credentials_travel_with_every_call_and_are_shown_nowhere() {
    let basic = Credentials::Basic { username: "waybill".into(), password: "hidden".into() };
    let bearer = Credentials::Bearer("hidden".into());
    for (credentials, expected) in [(basic, "Basic d2F5YmlsbDpoaWRkZW4="), (bearer, "Bearer hidden")] {
        let fake = Fake::registered(0);
        let settings = Settings { credentials, ..fake.settings() };
        let registry = Registry::new(&settings).expect("usable");
        run(registry.check()).expect("an answer");
        let calls = fake.calls();
        assert!(calls.iter().any(|(call, _)| call.starts_with("GET /config/")), "{calls:?}");
        assert!(calls.iter().any(|(call, _)| call.starts_with("POST /subjects/")), "{calls:?}");
        assert!(calls.iter().all(|(_, authorization)| authorization.as_deref() == Some(expected)), "{calls:?}");
        fake.always(401, &json!({"error_code": 401, "message": "no"}));
        let shown = format!("{registry:?} {settings:?} {} {:?}", checked(&registry), checked(&registry));
        assert!(!shown.contains("hidden") && !shown.contains("d2F5"), "{shown}");
    }
}
