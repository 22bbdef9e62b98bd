//! What differs between two rule books, in words, for whoever has to approve the newer one.

use std::fmt::Write;

use super::book::{Rule, RuleBook};
use super::field::{Field, FieldSet};

/// What the newer book changes, a sentence each; empty where they judge alike.
pub fn differences(old: &RuleBook, new: &RuleBook) -> Vec<String> {
    let mut told = Vec::new();
    let mut change = |what: &str, old: String, new: String| {
        if old != new {
            told.push(format!("{what}: {old} becomes {new}"));
        }
    };
    change("version", old.version.to_string(), new.version.to_string());
    change("threshold", old.threshold.to_string(), new.threshold.to_string());
    change("fuzzy comparison", fuzzy(old), fuzzy(new));
    change("outcomes of none, one, two and more candidates", outcomes(old), outcomes(new));
    change("twins", twins(old), twins(new));
    change("conflicting suffixes", suffixes(old).to_owned(), suffixes(new).to_owned());
    change("reading", reading(old), reading(new));
    for field in Field::ALL {
        change(&format!("u-value of {field}"), odds(old, field), odds(new, field));
    }
    placeholders(old, new, &mut told);
    rules(old, new, &mut told);
    told
}

fn rules(old: &RuleBook, new: &RuleBook, told: &mut Vec<String>) {
    for rule in &new.rules {
        match old.rule(&rule.id.0) {
            None => told.push(format!("rule {} added: {}", rule.id, words(rule))),
            Some(before) if before != rule => {
                told.push(format!("rule {} changed: {} becomes {}", rule.id, words(before), words(rule)));
            }
            Some(_) => {}
        }
    }
    for rule in old.rules.iter().filter(|rule| new.rule(&rule.id.0).is_none()) {
        told.push(format!("rule {} removed: {}", rule.id, words(rule)));
    }
    let kept = |book: &RuleBook, other: &RuleBook| {
        book.rules
            .iter()
            .filter(|rule| other.rule(&rule.id.0).is_some())
            .map(|rule| rule.id.clone())
            .collect::<Vec<_>>()
    };
    if kept(old, new) != kept(new, old) {
        told.push("rules in another order: the first that fires is the one reported".to_owned());
    }
}

/// A rule in words: `given* + family* + phone, 1 fuzzy`.
fn words(rule: &Rule) -> String {
    let fields = |set: FieldSet| {
        let star = |field: Field| format!("{field}{}", if rule.starred.has(field) { "*" } else { "" });
        set.iter().map(star).collect::<Vec<_>>().join(" + ")
    };
    let mut words = String::new();
    if rule.has_two_steps() {
        words = format!("household by {}, then ", fields(rule.household));
    }
    words += &fields(rule.person);
    if 0 < rule.fuzzy_max {
        let _ = write!(words, ", {} fuzzy", rule.fuzzy_max);
    }
    words
}

fn fuzzy(book: &RuleBook) -> String {
    let limits = book.fuzzy;
    format!("{} edit from {} characters on, {} days", limits.edits, limits.length_min, limits.days)
}

fn outcomes(book: &RuleBook) -> String {
    let outcomes = book.outcomes;
    [outcomes.none, outcomes.one, outcomes.two, outcomes.more].map(|outcome| outcome.name()).join(", ")
}

fn twins(book: &RuleBook) -> String {
    let exact: Vec<&str> = book.twins.exact.iter().map(Field::name).collect();
    let breaks: Vec<&str> = book.twins.tie_breaks.iter().copied().map(Field::name).collect();
    format!("exact {}, ties by {}", exact.join(", "), breaks.join(", "))
}

fn suffixes(book: &RuleBook) -> &'static str {
    if book.suffix_conflict_negates { "take an approval back" } else { "are ignored" }
}

fn reading(book: &RuleBook) -> String {
    format!("{:?}", book.reading)
}

fn odds(book: &RuleBook, field: Field) -> String {
    match book.odds(field) {
        None => "none".to_owned(),
        Some(odds) => {
            let fuzzy = odds.fuzzy.map_or(String::new(), |fuzzy| format!(", fuzzy {fuzzy}"));
            format!("{}{fuzzy}{}", odds.exact, if odds.counted { "" } else { " uncounted" })
        }
    }
}

fn placeholders(old: &RuleBook, new: &RuleBook, told: &mut Vec<String>) {
    let lists = |book: &RuleBook| {
        let lists = book.placeholders.clone();
        [
            ("names", lists.names),
            ("family", lists.family),
            ("birth_dates", lists.birth_dates),
            ("last4", lists.last4),
            ("phones", lists.phones),
            ("emails", lists.emails),
            ("streets", lists.streets),
            ("streets_without_unit", lists.streets_without_unit),
            ("zips", lists.zips),
            ("payer_ids", lists.payer_ids),
            ("identifiers", lists.identifiers),
        ]
    };
    for ((name, before), (_, after)) in lists(old).into_iter().zip(lists(new)) {
        let only = |list: &[String], other: &[String]| {
            list.iter().filter(|text| !other.contains(text)).cloned().collect::<Vec<_>>()
        };
        for (word, texts) in [("added", only(&after, &before)), ("removed", only(&before, &after))] {
            if !texts.is_empty() {
                told.push(format!("placeholders of {name} {word}: {}", texts.join(", ")));
            }
        }
    }
}
