//! Dead letters, as people look at them. Which there are, and what became of them, the projections say; a letter's own record says
//! the rest, and what it holds stays sealed.

use contracts::Topic;
use domain::ids::uuid_text;
use domain::messages::{DeadLetter, Stage};
use domain::{Code, FailureClass, LetterId, Message, RequestId, Timestamp, Token};
use fleet::partitioner::partition_of;
use projections::queries::letters::{self, Group, Letter};
use serde::Serialize;

use super::told;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log;
use crate::read_model::Rows;

/// A letter in a list.
#[derive(Serialize)]
pub(super) struct Row {
    letter_id: String,
    standing: &'static str,
    stage: Option<String>,
    class: Option<String>,
    code: Option<String>,
    failed_at: Option<String>,
    settled_at: Option<String>,
    operator: Option<String>,
    request_id: Option<String>,
    signature: Option<String>,
}

/// Letters of one cause.
#[derive(Serialize)]
pub(super) struct GroupRow {
    signature: String,
    stage: Option<String>,
    class: Option<String>,
    code: Option<String>,
    letters: i64,
    waiting: i64,
    requests: i64,
    first_at: Option<String>,
    last_at: Option<String>,
}

/// A letter with everything but its content.
#[derive(Serialize)]
pub(super) struct Shown {
    letter_id: LetterId,
    standing: &'static str,
    settled_at: Option<String>,
    operator: Option<String>,
    stage: Stage,
    version: String,
    class: FailureClass,
    code: Code,
    place: String,
    hint: String,
    attempts: u32,
    failed_at: String,
    request_id: Option<RequestId>,
    signature: Token,
    /// What failed: a record, or something that no topic holds.
    about: &'static str,
    topic: Option<String>,
    partition: Option<u32>,
    offset: Option<u64>,
    record_at: Option<String>,
    schema_id: Option<u32>,
    traceparent: String,
    sealed_under: String,
    sealed_bytes: usize,
    claim_check: Option<String>,
}

/// How many groups are told, those with the most waiting letters first.
const GROUPS_MAX: u32 = 1_000;

/// The letters that wait, and on request also the settled ones, the newest first.
pub(super) fn list(rows: &Rows, settled: bool, limit: u32) -> Result<Vec<Row>, Failure> {
    let found = rows.get(|database| letters::list(database, !settled, limit))?;
    Ok(found.into_iter().map(Row::from).collect())
}

/// How many letters there are of each cause.
pub(super) fn groups(rows: &Rows) -> Result<Vec<GroupRow>, Failure> {
    let found = rows.get(|database| letters::groups(database, GROUPS_MAX))?;
    Ok(found.into_iter().map(GroupRow::from).collect())
}

/// One letter.
pub(super) fn show(plant: &Plant, rows: &Rows, letter_id: LetterId) -> Result<Shown, Failure> {
    let row = find(rows, letter_id)?;
    let letter = record(plant, &row, letter_id)?;
    let row = Row::from(row);
    let is_of_record = !letter.topic.is_empty();
    Ok(Shown {
        letter_id,
        standing: row.standing,
        settled_at: row.settled_at,
        operator: row.operator,
        stage: letter.stage,
        version: letter.version,
        class: letter.class,
        code: letter.code,
        place: letter.place,
        hint: letter.hint,
        attempts: letter.attempts,
        failed_at: letter.failed_at.to_string(),
        request_id: letter.request_id,
        signature: letter.signature,
        about: about(letter.code, is_of_record),
        topic: is_of_record.then_some(letter.topic),
        partition: is_of_record.then_some(letter.partition),
        offset: is_of_record.then_some(letter.offset),
        record_at: is_of_record.then(|| letter.record_at.to_string()),
        schema_id: letter.schema_id,
        traceparent: letter.trace.to_string(),
        sealed_under: letter.original.key_id,
        sealed_bytes: letter.original.ciphertext.len(),
        claim_check: letter.original.claim_check,
    })
}

/// What failed. Versions before the codes that say so left it open which of the two it was where no record failed.
fn about(code: Code, is_of_record: bool) -> &'static str {
    if is_of_record {
        "record"
    } else if code == Code::TimerFailed {
        "timer"
    } else if code == Code::AnswerFailed {
        "answer"
    } else {
        "timer or answer"
    }
}

/// The key of a letter's record: commands about it go by the same.
pub(super) fn key(rows: &Rows, letter_id: LetterId) -> Result<Vec<u8>, Failure> {
    let letter = find(rows, letter_id)?;
    Ok(uuid_text(&signature(&letter, letter_id)?.0).to_vec())
}

fn find(rows: &Rows, letter_id: LetterId) -> Result<Letter, Failure> {
    let found = rows.get(|database| letters::show(database, letter_id))?;
    found.ok_or_else(|| Failure::NotFound(format!("no dead letter {letter_id}; `waybill letters list` shows all")))
}

/// The letter's own record: it lies under the letter's signature, and was written at the very moment the log says.
fn record(plant: &Plant, letter: &Letter, letter_id: LetterId) -> Result<DeadLetter, Failure> {
    let gone = || {
        let message =
            format!("the record of {letter_id} is no longer kept; `waybill letters list --all` says what is known");
        Failure::NotFound(message)
    };
    let key = uuid_text(&signature(letter, letter_id)?.0);
    let partition = partition_of(&key, plant.topics.partitions(&Topic::DeadLetters));
    let moment = letter.lettered_at.map(Timestamp).ok_or_else(gone)?;
    let found = log::written_at(plant, Topic::DeadLetters, partition, moment, |message| {
        if let Message::Letter(letter) = message { (letter.letter_id == letter_id).then_some(*letter) } else { None }
    });
    found?.ok_or_else(gone)
}

fn signature(letter: &Letter, letter_id: LetterId) -> Result<Token, Failure> {
    let signature = letter.signature.as_deref().and_then(|text| text.parse().ok());
    signature.ok_or_else(|| Failure::NotFound(format!("the log does not say what became dead letter {letter_id}")))
}

// === impl Row ===

impl From<Letter> for Row {
    fn from(letter: Letter) -> Self {
        let names_a_request = letter.request_id != letter.letter_id;
        Self {
            standing: match letter.state.as_str() {
                "open" => "waiting",
                "discarded" => "discarded",
                _ => "replayed",
            },
            stage: letter.worker,
            class: letter.failure_class,
            code: letter.code,
            failed_at: letter.lettered_at.map(told),
            settled_at: letter.settled_at.map(told),
            operator: letter.operator,
            request_id: names_a_request.then_some(letter.request_id),
            letter_id: letter.letter_id,
            signature: letter.signature,
        }
    }
}

// === impl GroupRow ===

impl From<Group> for GroupRow {
    fn from(group: Group) -> Self {
        Self {
            signature: group.signature,
            stage: group.worker,
            class: group.failure_class,
            code: group.code,
            letters: group.letters,
            waiting: group.open_letters,
            requests: group.requests,
            first_at: group.first_at.map(told),
            last_at: group.last_at.map(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_what_failed() {
        let told = |code| about(code, false);
        assert_eq!([Code::TimerFailed, Code::AnswerFailed].map(told), ["timer", "answer"]);
        assert_eq!(told(Code::TurnFailed), "timer or answer", "by a version that did not say");
        assert_eq!(about(Code::TurnFailed, true), "record");
    }
}
