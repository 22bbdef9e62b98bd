//! What people want done, put on record for those who judge it.

use domain::ids::derive;
use domain::messages::{Command, CommandAction, CommandTarget};
use domain::{CommandId, LetterId, RequestId, Timestamp};
use serde::Serialize;

use super::{Service, letters};
use crate::ask::Intent;
use crate::exit::Failure;

/// A command that is on record now.
#[derive(Serialize)]
pub(super) struct Given {
    command_id: CommandId,
    action: CommandAction,
    request_id: Option<RequestId>,
    letter_id: Option<LetterId>,
    issued_at: String,
}

/// Puts a command on the log, under the key that brings it to whoever judges it: the supervisor for requests, triage for letters.
pub(super) fn give(service: &Service, intent: Intent) -> Result<Given, Failure> {
    let Intent { target, action, operator, reason, verdict, expected_state } = intent;
    let (request_id, letter_id) = match target {
        CommandTarget::RequestTarget { request_id } => (Some(request_id), None),
        CommandTarget::LetterTarget { letter_id } => (None, Some(letter_id)),
    };
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
    service
        .feed
        .command(&key, Command { command_id, target, action, operator, reason, issued_at, verdict, expected_state })?;
    Ok(Given { command_id, action, request_id, letter_id, issued_at: issued_at.to_string() })
}
