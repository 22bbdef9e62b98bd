//! JSON lines as people hand them in. What is wrong is told by line and field, all at once, and nothing of the content is repeated:
//! it may be PHI.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exit::Failure;

/// How many wrong lines are told.
const TOLD_MAX: usize = 20;

/// Every line as a `T`, with its number from 1; blank lines don't count.
///
/// # Errors
/// [`Failure::Input`] naming line and field of everything that is wrong, up to [`TOLD_MAX`] lines.
pub(crate) fn parse<T: DeserializeOwned + Serialize>(lines: &str) -> Result<Vec<(usize, T)>, Failure> {
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    let numbered = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in numbered {
        match parse_line(line) {
            Ok(value) => good.push((index + 1, value)),
            Err(fault) => wrong.push(format!("line {}: {fault}", index + 1)),
        }
    }
    match (good.is_empty(), wrong.is_empty()) {
        (false, true) => Ok(good),
        (true, true) => Err(Failure::Input("there is no line to read; give one JSON object a line".into())),
        (_, false) => Err(Failure::Input(told(&wrong))),
    }
}

/// What keeps a value from being a `T`: the field and what was expected there.
pub(crate) fn fault<T: DeserializeOwned>(value: &Value) -> String {
    match serde_path_to_error::deserialize::<_, T>(value) {
        Ok(_) => "a field of bytes holds neither base64 nor a UUID".into(),
        Err(error) => {
            let path = error.path().to_string();
            let why = expected(&error.inner().to_string());
            if path == "." { why } else { format!("{path}: {why}") }
        }
    }
}

fn parse_line<T: DeserializeOwned + Serialize>(line: &str) -> Result<T, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| {
        let hint = if error.is_eof() { "; a record stands on one line, as `jq -c .` writes it" } else { "" };
        format!("no JSON at column {}{hint}", error.column())
    })?;
    let read: T = contracts::json::from_json(value.clone()).map_err(|_| fault::<T>(&value))?;
    let known = contracts::json::to_json_value(&read).map_err(|_| "can't be written again".to_owned())?;
    unknown_field(&value, &known, "").map_or(Ok(read), Err)
}

/// The part of serde's message that was there before the content came: a missing field's name, or what was expected.
fn expected(message: &str) -> String {
    if message.starts_with("missing field") || message.starts_with("not an id") {
        return message.to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "is not valid".into(),
    }
}

/// A field that was given and not read: a typo, or of a later version. What was read writes all fields it knows.
fn unknown_field(given: &Value, known: &Value, path: &str) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| match known.get(name) {
            Some(known) => unknown_field(value, known, &format!("{path}{name}.")),
            None => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let place = if path.is_empty() { "the record" } else { path.trim_end_matches('.') };
                Some(format!("{place} has a field that is not known; known are {}", names.join(", ")))
            }
        }),
        (Value::Array(given), Value::Array(known)) => {
            let mut pairs = given.iter().zip(known).enumerate();
            pairs.find_map(|(index, (given, known))| unknown_field(given, known, &format!("{path}{index}.")))
        }
        (_, _) => None,
    }
}

/// What is told of wrong lines.
pub(super) fn told(wrong: &[String]) -> String {
    let mut text = format!("nothing was sent; {} line(s) are wrong:", wrong.len());
    wrong.iter().take(TOLD_MAX).for_each(|fault| text.push_str(&format!("\n  {fault}")));
    if TOLD_MAX < wrong.len() {
        text.push_str(&format!("\n  and {} more", wrong.len() - TOLD_MAX));
    }
    text
}

#[cfg(test)]
mod tests {
    use domain::messages::IntakeRequest;

    use super::*;

    const GOOD: &str = include_str!("../../../../schemas/intake-request/v1.examples/request-data.json");

    fn good() -> Value {
        serde_json::from_str(GOOD).expect("an example")
    }

    fn told_of(value: &Value) -> String {
        match parse::<IntakeRequest>(&value.to_string()) {
            Err(Failure::Input(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_good_line_is_read_with_its_number() {
        let read = parse::<IntakeRequest>(&format!("\n{}\n", good())).expect("good");
        assert_eq!((read.len(), read[0].0), (1, 2));
        assert_eq!(read[0].1.idempotency_key, "opt-in/2026/000048213");
    }

    #[test]
    fn the_field_at_fault_is_named_and_its_content_is_not() {
        let mut wrong = good();
        wrong["member"]["birth_date"] = 19_840_229.into();
        let message = told_of(&wrong);
        assert!(message.contains("line 1: member.birth_date: expected"), "{message}");
        assert!(!message.contains("1984"), "{message}");
        let mut missing = good();
        missing["member"]["name"].as_object_mut().expect("a name").remove("family");
        assert!(told_of(&missing).contains("member.name: missing field `family`"));
    }

    #[test]
    fn a_field_nobody_reads_is_an_error() {
        let mut typo = good();
        typo["member"]["Okonkwo"] = "x".into();
        let message = told_of(&typo);
        assert!(message.contains("member has a field that is not known; known are name, "), "{message}");
        assert!(!message.contains("Okonkwo"), "{message}");
    }

    #[test]
    fn all_wrong_lines_are_told_at_once() {
        let lines = format!("{}\n{{\n[]\n", good());
        let Err(Failure::Input(message)) = parse::<IntakeRequest>(&lines) else { panic!("it is wrong") };
        assert!(message.contains("2 line(s)") && message.contains("line 2: no JSON") && message.contains("line 3: "));
    }
}
