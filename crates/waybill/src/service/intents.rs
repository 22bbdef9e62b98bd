//! What people want done, put on record for those who judge it, and what came of it.

use std::time::Duration;

use contracts::Topic;
use domain::ids::derive;
use domain::messages::{Command, CommandAction, CommandTarget};
use domain::{Code, CommandId, LetterId, RequestId, Stage, Timestamp};
use fleet::bus::TopicPartition;
use fleet::partitioner::partition_of;
use projections::Database;
use projections::queries::{command, request};
use serde::Serialize;

use super::{Service, letters};
use crate::ask::Intent;
use crate::exit::Failure;
use crate::read_model::Rows;

/// A command that is on record now.
#[derive(Serialize)]
pub(super) struct Given {
    command_id: CommandId,
    action: CommandAction,
    request_id: Option<RequestId>,
    letter_id: Option<LetterId>,
    issued_at: String,
    /// What came of it: done, accepted or passed on where it is being carried out, failed where it came too late; or pending, as
    /// long as nobody has judged it.
    result: String,
    code: Option<Code>,
    remedy: Option<&'static str>,
}

/// How long an ask waits for the command to be judged. Those who judge it are a few turns away, unless they are far behind.
const PATIENCE: Duration = Duration::from_secs(10);
const PENDING: &str = "pending";
const REFUSED: &str = "refused";
const FAILED: &str = "failed";
const WHEN_JUDGED: &str =
    "It is on record and will be judged when the workers get to it; `waybill trace` shows what came of it.";

/// Puts a command on the log, under the key that brings it to whoever judges it (the supervisor for requests, triage for letters),
/// and waits until they have. One about a request that nobody has ever heard of is told so at once: the supervisor would wait for it.
///
/// # Errors
/// [`Failure::Refused`] where it has no place or comes too late, which is a fact on the log too; and where there is no such request,
/// which is none.
pub(super) fn give(service: &Service, intent: Intent) -> Result<Given, Failure> {
    let Intent { target, action, operator, reason, verdict, expected_state, about } = intent;
    let (request_id, letter_id) = match target {
        CommandTarget::RequestTarget { request_id } => (Some(request_id), None),
        CommandTarget::LetterTarget { letter_id } => (None, Some(letter_id)),
    };
    // Projections that can't be read keep nobody from giving a command.
    if let Some(request_id) = request_id
        && is_unheard_of(service, request_id).unwrap_or(false)
    {
        let code = Code::TargetUnknown;
        let told = format!("{REFUSED}: {code}. {} {} Nothing was put on record.", code.meaning(), code.remedy());
        return Err(Failure::Refused(told));
    }
    let (key, subject) = match target {
        CommandTarget::RequestTarget { request_id } => (request_id.to_string().into_bytes(), request_id.0),
        CommandTarget::LetterTarget { letter_id } => {
            (letters::key(&service.projections.now()?, letter_id)?, letter_id.0)
        }
    };
    let issued_at = Timestamp(service.plant.clock.now_ms());
    let parts: [&[u8]; 4] =
        [&subject, action.as_str().as_bytes(), operator.as_str().as_bytes(), &issued_at.0.to_be_bytes()];
    let command_id = CommandId(derive(&parts));
    let command = Command { command_id, target, action, operator, reason, issued_at, verdict, expected_state, about };
    service.feed.command(&key, command)?;
    let judging = async |database: &Database| command::by_id(database, command_id).await;
    let judged = service.projections.until(PATIENCE, &judging)?;
    let (result, code) = match judged {
        Some(judged) => (judged.result, judged.code.as_deref().map(Code::of)),
        None => (PENDING.to_owned(), None),
    };
    let remedy = if result == PENDING { Some(WHEN_JUDGED) } else { code.map(Code::remedy) };
    let given =
        Given { command_id, action, request_id, letter_id, issued_at: issued_at.to_string(), result, code, remedy };
    given.unless_refused()
}

/// Whether it is certain that nobody has heard of a request. Who has not taken in all that was submitted may be about to, and what is in
/// the end of the event log that is not settled is not projected yet.
fn is_unheard_of(service: &Service, request_id: RequestId) -> Result<bool, Failure> {
    let Service { plant, projections, .. } = service;
    let is_known = |rows: &Rows| rows.get(|database| request::by_id(database, request_id)).map(|found| found.is_some());
    if is_known(&projections.at_a_glance()?)? {
        return Ok(false);
    }
    // In this order: what intake has taken before is on the event log, and what is settled there before is projected.
    if !plant.untaken(Stage::Intake)?.is_empty() {
        return Ok(false);
    }
    let key = contracts::topics::id_key(&request_id.0);
    let partition = partition_of(&key, plant.topics.partitions(&Topic::Events));
    let marks = plant.bus.watermarks(&TopicPartition::new(plant.topics.name(&Topic::Events), partition))?;
    Ok(marks.stable == marks.high && !is_known(&projections.now()?)?)
}

// === impl Given ===

impl Given {
    /// Whether it stands on the event log what came of it.
    pub(super) fn is_judged(&self) -> bool {
        self.result != PENDING
    }

    /// The same, unless it was refused or came too late.
    fn unless_refused(self) -> Result<Self, Failure> {
        match (self.result.as_str(), self.code) {
            (REFUSED | FAILED, Some(code)) => {
                Err(Failure::Refused(format!("{}: {code}. {} {}", self.result, code.meaning(), code.remedy())))
            }
            _ => Ok(self),
        }
    }
}
