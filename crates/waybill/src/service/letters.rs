//! Dead letters, as people look at them. What a letter holds stays sealed.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::messages::{DeadLetter, Stage};
use domain::{Code, EventBody, FailureClass, LetterId, Message, RequestId, Token};
use fleet::bus::Delivered;
use serde::Serialize;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// A letter in a list.
#[derive(Serialize)]
pub(super) struct Row {
    letter_id: LetterId,
    standing: Standing,
    stage: Stage,
    class: FailureClass,
    code: Code,
    place: String,
    attempts: u32,
    failed_at: String,
    request_id: Option<RequestId>,
    signature: Token,
}

/// A letter with everything but its content.
#[derive(Serialize)]
pub(super) struct Shown {
    letter_id: LetterId,
    standing: Standing,
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
    topic: String,
    partition: u32,
    offset: u64,
    record_at: String,
    schema_id: Option<u32>,
    traceparent: String,
    sealed_under: String,
    sealed_bytes: usize,
    claim_check: Option<String>,
}

/// What became of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Nobody has dealt with it.
    Waiting,
    /// It was sent back to its stage.
    Replayed,
    /// It was put aside.
    Discarded,
}

/// The letters that wait, and on request also the settled ones, in the order they were given up.
pub(super) fn list(plant: &Plant, settled: bool) -> Result<Vec<Row>, Failure> {
    let standings = standings(plant)?;
    let mut rows = Vec::new();
    for (_, letter) in all(plant)? {
        let standing = standings.get(&letter.letter_id).copied().unwrap_or(Standing::Waiting);
        if settled || standing == Standing::Waiting {
            rows.push(row(letter, standing));
        }
    }
    rows.sort_by(|one, other| one.failed_at.cmp(&other.failed_at));
    Ok(rows)
}

/// One letter.
pub(super) fn show(plant: &Plant, letter_id: LetterId) -> Result<Shown, Failure> {
    let (_, letter) = find(plant, letter_id)?;
    let standing = standings(plant)?.get(&letter_id).copied().unwrap_or(Standing::Waiting);
    Ok(Shown {
        letter_id,
        standing,
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
        topic: letter.topic,
        partition: letter.partition,
        offset: letter.offset,
        record_at: letter.record_at.to_string(),
        schema_id: letter.schema_id,
        traceparent: letter.trace.to_string(),
        sealed_under: letter.original.key_id,
        sealed_bytes: letter.original.ciphertext.len(),
        claim_check: letter.original.claim_check,
    })
}

/// The key of a letter's record: commands about it go by the same.
pub(super) fn key(plant: &Plant, letter_id: LetterId) -> Result<Vec<u8>, Failure> {
    let (record, letter) = find(plant, letter_id)?;
    Ok(record.key.map_or_else(|| letter.signature.to_string().into_bytes(), |key| key.to_vec()))
}

fn find(plant: &Plant, letter_id: LetterId) -> Result<(Delivered, DeadLetter), Failure> {
    let found = all(plant)?.into_iter().find(|(_, letter)| letter.letter_id == letter_id);
    found.ok_or_else(|| Failure::NotFound(format!("no dead letter {letter_id}; `waybill letters list` shows all")))
}

fn all(plant: &Plant) -> Result<Vec<(Delivered, DeadLetter)>, Failure> {
    let records = Tail::of(plant, Topic::DeadLetters)?.all()?;
    let letter = |(record, message)| match message {
        Some(Message::Letter(letter)) => Some((record, *letter)),
        _ => None,
    };
    Ok(records.into_iter().filter_map(letter).collect())
}

/// What people have done with letters, as the log says.
fn standings(plant: &Plant) -> Result<BTreeMap<LetterId, Standing>, Failure> {
    let mut standings = BTreeMap::new();
    for (_, message) in Tail::of(plant, Topic::Events)?.all()? {
        let Some(Message::Event(event)) = message else { continue };
        if let EventBody::LetterReplayed { letter_id, .. } = event.body {
            standings.insert(letter_id, Standing::Replayed);
        } else if let EventBody::LetterDiscarded { letter_id, .. } = event.body {
            standings.insert(letter_id, Standing::Discarded);
        }
    }
    Ok(standings)
}

fn row(letter: DeadLetter, standing: Standing) -> Row {
    Row {
        letter_id: letter.letter_id,
        standing,
        stage: letter.stage,
        class: letter.class,
        code: letter.code,
        place: letter.place,
        attempts: letter.attempts,
        failed_at: letter.failed_at.to_string(),
        request_id: letter.request_id,
        signature: letter.signature,
    }
}
