//! The commands that ask something of a deployment: from arguments to an ask, from the answer to the terminal.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use domain::messages::{AttemptRef, CommandAction, CommandTarget, Verdict};
use domain::{Lane, LetterId, OperationId, RequestId};

use super::reviews;
use crate::ask::{Ask, Intent, Lines};
use crate::cli::{
    IntentArgs, LaneName, LetterArgs, Letters, Members, Operation, Projections, RequestsArgs, ResolveArgs, SubmitArgs,
};
use crate::client;
use crate::config::Config;
use crate::exit::Failure;
use crate::show;

/// Asks, and prints the answer.
pub(crate) fn carry_out(operation: Operation, config: &Config, json: bool) -> Result<(), Failure> {
    let file =
        if let Operation::Submit(SubmitArgs { file, .. }) | Operation::Members(Members::Load { file }) = &operation {
            Some(file.clone())
        } else {
            None
        };
    let ask = ask(operation)?;
    let answer = client::ask(config, &ask, json).map_err(|failure| in_file(failure, file.as_deref()))?;
    if !json && matches!(ask, Ask::OpenReview { .. }) {
        show::tell(&reviews::side_by_side(&answer))
    } else {
        show::print(&answer, json)
    }
}

/// What is wrong in a file that was handed in is told with its name, which whoever looked into it need not know.
fn in_file(failure: Failure, file: Option<&Path>) -> Failure {
    match (failure, file) {
        (Failure::Input(message), Some(file)) => Failure::Input(format!("{}: {message}", file.display())),
        (failure, _) => failure,
    }
}

fn ask(operation: Operation) -> Result<Ask, Failure> {
    use CommandAction::{Cancel, Hold, Release};
    Ok(match operation {
        Operation::Submit(args) => Ask::Submit { lane: args.lane.map(Lane::from), lines: read(&args.file)? },
        Operation::Outcomes(args) => Ask::Outcomes { source: args.source, id: args.id, limit: args.limit },
        Operation::Status => Ask::Status,
        Operation::Requests(RequestsArgs { state, code, source, partner, open, limit, as_of }) => {
            Ask::Requests { state, code, source, partner, open, limit, as_of }
        }
        Operation::Trace(args) => match (args.request, args.source, args.key) {
            (Some(request_id), _, _) => Ask::Trace { request_id, as_of: args.as_of },
            (None, Some(source), Some(key)) => Ask::TraceKey { source, key, as_of: args.as_of },
            (None, _, _) => return Err(Failure::Input("name a request, or --source and --key".into())),
        },
        Operation::Members(Members::Load { file }) => Ask::LoadMembers { lines: read(&file)? },
        Operation::Letters(letters) => about_letters(letters),
        Operation::Review(review) => reviews::ask(review),
        Operation::Cancel(args) => request(args.request, Cancel, None, args.intent),
        Operation::Hold(args) => request(args.request, Hold, None, args.intent),
        Operation::Release(args) => request(args.request, Release, None, args.intent),
        Operation::Resolve(args) => resolve(args),
        Operation::Projections(Projections::Rebuild) => Ask::RebuildProjections,
    })
}

fn about_letters(letters: Letters) -> Ask {
    match letters {
        Letters::List { all, limit } => Ask::Letters { settled: all, limit },
        Letters::Groups => Ask::LetterGroups,
        Letters::Show { letter } => Ask::Letter { letter_id: letter },
        Letters::Replay(LetterArgs { letter, intent }) => about_letter(letter, CommandAction::ReplayLetter, intent),
        Letters::Discard(LetterArgs { letter, intent }) => about_letter(letter, CommandAction::DiscardLetter, intent),
    }
}

fn about_letter(letter_id: LetterId, action: CommandAction, args: IntentArgs) -> Ask {
    Ask::Command(intent(CommandTarget::LetterTarget { letter_id }, action, None, args))
}

fn resolve(args: ResolveArgs) -> Ask {
    let verdict = if args.took_effect { Verdict::TookEffect {} } else { Verdict::TookNoEffect {} };
    let send = OperationId::of_send(args.request);
    let operation_id = if args.undoing { OperationId::of_compensation(send) } else { send };
    let about = Some(AttemptRef { operation_id, attempt: args.attempt });
    let target = CommandTarget::RequestTarget { request_id: args.request };
    Ask::Command(Intent { about, ..intent(target, CommandAction::ResolveUnknown, Some(verdict), args.intent) })
}

pub(super) fn request(request_id: RequestId, action: CommandAction, verdict: Option<Verdict>, args: IntentArgs) -> Ask {
    Ask::Command(intent(CommandTarget::RequestTarget { request_id }, action, verdict, args))
}

fn intent(target: CommandTarget, action: CommandAction, verdict: Option<Verdict>, args: IntentArgs) -> Intent {
    let IntentArgs { reason, operator, expected_state } = args;
    Intent { target, action, operator: operator.into(), reason, verdict, expected_state, about: None }
}

/// The lines of a file, or of standard input.
fn read(file: &Path) -> Result<Lines, Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    read.map_err(|error| {
        let message =
            format!("{} can't be read: {error}; name a file of JSON lines, or - for standard input", file.display());
        if error.kind() == ErrorKind::NotFound { Failure::NotFound(message) } else { Failure::Input(message) }
    })?;
    String::from_utf8(bytes).map(Lines).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        Failure::Input(format!(
            "{}: line {line} is not UTF-8; nothing was sent; save the file as UTF-8",
            file.display()
        ))
    })
}

impl From<LaneName> for Lane {
    fn from(name: LaneName) -> Self {
        match name {
            LaneName::Urgent => Self::Urgent,
            LaneName::Standard => Self::Standard,
            LaneName::Bulk => Self::Bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_attempt_it_is_about() {
        let request = RequestId([7; 16]);
        let send = OperationId::of_send(request);
        for (undoing, operation_id) in [(false, send), (true, OperationId::of_compensation(send))] {
            let intent = IntentArgs { reason: "asked".into(), operator: "jo".into(), expected_state: None };
            let args = ResolveArgs { request, attempt: 2, undoing, took_effect: false, no_effect: true, intent };
            let Ask::Command(intent) = resolve(args) else { panic!("a command") };
            assert_eq!(intent.about, Some(AttemptRef { operation_id, attempt: 2 }));
            assert_eq!(intent.verdict, Some(Verdict::TookNoEffect {}));
        }
    }
}
