//! A verdict in sentences that support staff can read. It names members by their id, fields and rules, and no value of anybody's.

use std::fmt::Write;

use super::book::RuleBook;
use super::field::Field;
use super::verdict::{Agreement, Approval, Objection, Outcome, Verdict, Withdrawal};

/// Explains a verdict.
pub fn explain(book: &RuleBook, verdict: &Verdict) -> String {
    let mut text = format!("{} by the CMS matching rules {}.\n", conclusion(verdict), verdict.version);
    for candidate in &verdict.approved {
        let _ = writeln!(text, "{}:", candidate.id);
        for approval in &candidate.approvals {
            let _ = writeln!(text, "  rule {}: {}.", approval.rule, agreement(book, approval));
        }
    }
    for withdrawal in &verdict.withdrawn {
        let _ = writeln!(text, "{}: {}.", withdrawal.id, objection(withdrawal));
    }
    let tried: Vec<&str> = verdict.tried.iter().map(|rule| &*rule.0).collect();
    let _ = match tried.as_slice() {
        [] => writeln!(text, "No rule could be tried: the claim has the fields of none."),
        [only] => writeln!(text, "The claim has the fields of rule {only} alone."),
        _ => writeln!(text, "The claim has the fields of {} rules: {}.", tried.len(), tried.join(", ")),
    };
    if !verdict.approved.is_empty() {
        text += "Relatives who are not on the roster, and namesakes, are beyond these rules: an approval is evidence, no decision.\n";
    }
    text
}

fn conclusion(verdict: &Verdict) -> String {
    let count = verdict.approved.len();
    match verdict.outcome {
        Outcome::InsufficientFields => "Not judged: the claim says too little".to_owned(),
        Outcome::NoMatch if count == 0 => "No match: no member is approved".to_owned(),
        Outcome::NoMatch => format!("No match: {count} members are approved"),
        Outcome::Match => "Match: one member is approved".to_owned(),
        Outcome::Escalate => format!("More proof is needed: {count} members are approved"),
        Outcome::Ambiguous => format!("Ambiguous: {count} members are approved"),
    }
}

fn agreement(book: &RuleBook, approval: &Approval) -> String {
    let listed = |wanted: Agreement| {
        let fields = approval.fields.iter().filter(|(_, agreement)| *agreement == wanted);
        fields.map(|(field, _)| field.words()).collect::<Vec<_>>().join(", ")
    };
    let (exact, fuzzy) = (listed(Agreement::Exact), listed(Agreement::Fuzzy));
    let nearly = match (exact.is_empty(), fuzzy.is_empty()) {
        (_, true) => String::new(),
        (true, false) => format!("{fuzzy} nearly the same"),
        (false, false) => format!("; {fuzzy} nearly the same"),
    };
    let same = if exact.is_empty() { String::new() } else { format!("{exact} the same") };
    format!("{same}{nearly} (chance of an accident {}, allowed {})", approval.product, book.threshold)
}

fn objection(withdrawal: &Withdrawal) -> String {
    match withdrawal.why {
        Objection::Suffix => {
            format!(
                "rule {} agrees, but the suffixes name different generations, so it does not count",
                withdrawal.rule
            )
        }
        Objection::Twin(field) => {
            let field = if field == Field::Middle { "middle name" } else { field.words() };
            format!(
                "rule {} agrees with a twin as well, and the {field} names the other, so no rule counts",
                withdrawal.rule
            )
        }
    }
}
