//! One request's story, as the log tells it.

use contracts::{Topic, headers, json};
use domain::lifecycle::fold;
use domain::messages::Stage;
use domain::{Lifecycle, Message, RequestId, State, TerminalOutcome};
use fleet::partitioner::partition_of;
use serde::Serialize;
use serde_json::Value;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// Where a request stands and how it got there.
#[derive(Serialize)]
pub(super) struct Story {
    request_id: RequestId,
    state: State,
    outcome: Option<TerminalOutcome>,
    events: u32,
    anomalies: u32,
    timeline: Vec<Step>,
}

/// One step of a timeline, of a machine or of a person.
#[derive(Serialize)]
struct Step {
    at: String,
    after_ms: u64,
    by: Stage,
    operator: Option<String>,
    event: &'static str,
    state: State,
    code: Option<String>,
    version: String,
    detail: Value,
}

/// The timeline of a request, or of a submission that was refused.
pub(super) fn trace(plant: &Plant, request_id: RequestId) -> Result<Story, Failure> {
    let key = request_id.to_string();
    let partition = partition_of(key.as_bytes(), plant.topics.partitions(&Topic::Events));
    let (mut lifecycle, mut timeline, mut before) = (Lifecycle::default(), Vec::new(), None);
    for (record, message) in Tail::of_partitions(plant, Topic::Events, [partition])?.all()? {
        let (Some(Message::Event(event)), Some(value)) = (message, &record.value) else { continue };
        if event.request_id != request_id {
            continue;
        }
        lifecycle.fold(&event.body, event.at, &fold::digest(value));
        let after = event.at.since(before.replace(event.at).unwrap_or(event.at));
        let detail = detail(&json::to_json_value(&event.body).map_err(|error| Failure::Other(error.into()))?);
        let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
        timeline.push(Step {
            at: event.at.to_string(),
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            by: event.by,
            operator: text("operator"),
            event: kind(headers::event_type(&event.body)),
            state: lifecycle.state,
            code: text("code"),
            version: event.version.clone(),
            detail,
        });
    }
    if timeline.is_empty() {
        let message = format!("nothing is on the log about {request_id}; a submission shows once intake has judged it");
        return Err(Failure::NotFound(message));
    }
    let Lifecycle { state, outcome, events, anomalies, .. } = lifecycle;
    Ok(Story { request_id, state, outcome, events, anomalies, timeline })
}

/// What happened, without the prefix that all types share.
fn kind(ce_type: &'static str) -> &'static str {
    ce_type.strip_prefix("waybill.").unwrap_or(ce_type)
}

/// The fields of an event, out of its tag.
fn detail(tagged: &Value) -> Value {
    let fields = tagged.as_object().and_then(|tagged| tagged.values().next());
    fields.cloned().unwrap_or_default()
}
