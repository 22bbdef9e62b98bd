//! Our verdicts beside the reference's: once on the values that the reference itself has read, which judges the rules alone, and once
//! on records, which judges the reading too. A difference in reading must be one that the README argues.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;

use matching::rules::{Address, Field, Generations, Kind, Name, Record, Roster, Values};
use serde::Deserialize;

use super::cms::{Case, book, fingerprint, line, reader, roster};

/// A suffix that stands in the family name, as we read it.
const LIFTED: &str = "suffix behind the family name";

/// What the driver says of a case.
#[derive(Deserialize)]
struct Told {
    verdict: String,
    own_backend: String,
    claim: Read,
    roster: Vec<Read>,
}

/// The values that the reference compares, by our field names, and `suffix`.
type Read = BTreeMap<String, Vec<String>>;

/// What came of it.
#[derive(Default)]
pub(crate) struct Report {
    cases: usize,
    rules_agree: usize,
    whole_agree: usize,
    /// By the reference's letter of the outcome.
    outcomes: BTreeMap<String, usize>,
    fired: BTreeMap<String, usize>,
    /// Cases whose verdicts differ by the named differences that they hold; records that hold them.
    named: BTreeMap<&'static str, (usize, usize)>,
    /// What nobody has named: the first few, and how many.
    unnamed: Vec<String>,
    own_backend_differs: usize,
    /// The reference's matches with somebody else.
    wrong: usize,
}

/// Compares.
pub(crate) fn compare(cases: Range<u64>, verdicts: &str) -> io::Result<Report> {
    let book = book();
    let reader = reader(&book);
    let mut report = Report::default();
    for (number, told) in cases.zip(verdicts.lines()) {
        let (case, told) = (Case::numbered(number), serde_json::from_str::<Told>(told)?);
        let theirs = told.roster.iter().enumerate().map(|(at, read)| (at.to_string().into(), values(read)));
        let by_rules = line(&Roster::new(book.clone(), theirs).judge(&values(&told.claim)));
        let whole = line(&roster(&book, &reader, &case.roster).judge(&reader.read(&case.claim)));
        let mut named = BTreeSet::new();
        let records = case.roster.iter().zip(&told.roster).chain([(&case.claim, &told.claim)]);
        for (record, read) in records {
            for difference in differences(record, &reader.read(record), &values(read)) {
                match difference {
                    Ok(name) => {
                        report.named.entry(name).or_default().1 += 1;
                        named.insert(name);
                    }
                    Err(text) => report.unnamed.push(format!("case {number}: {text}")),
                }
            }
        }
        report.count(&case, &told);
        report.rules_agree += usize::from(by_rules == told.verdict);
        report.whole_agree += usize::from(whole == told.verdict);
        if by_rules != told.verdict {
            report.unnamed.push(format!("case {number}: rules say {by_rules}, the reference {}", told.verdict));
        }
        if whole != told.verdict {
            named.iter().for_each(|name| report.named.entry(name).or_default().0 += 1);
            if named.is_empty() {
                report.unnamed.push(format!("case {number}: {whole}, the reference {}", told.verdict));
            }
        }
    }
    Ok(report)
}

/// The verdicts as the crate's tests keep them, a line per case; where a named difference makes ours another, ours behind a `~`.
pub(crate) fn frozen(cases: Range<u64>, verdicts: &str) -> io::Result<String> {
    let book = book();
    let reader = reader(&book);
    let mut text = format!("{}\n", fingerprint(cases.clone()));
    for (number, told) in cases.zip(verdicts.lines()) {
        let (case, told) = (Case::numbered(number), serde_json::from_str::<Told>(told)?);
        let ours = line(&roster(&book, &reader, &case.roster).judge(&reader.read(&case.claim)));
        let ours = if ours == told.verdict { String::new() } else { format!("~{ours}") };
        text += &format!("{}{ours}\n", told.verdict);
    }
    Ok(text)
}

fn values(read: &Read) -> Values {
    let mut values = Values::default();
    for (name, texts) in read {
        for text in texts {
            match Field::named(name) {
                Some(Field::ChildOf | Field::NewbornOf) => values.add(Field::named(name).expect("a field"), "clinical"),
                Some(field) => values.add(field, text.as_str()),
                None => values.generations = values.generations.or(generation(text)),
            }
        }
    }
    values
}

fn generation(text: &str) -> Generations {
    let numerals = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"];
    match text {
        "jr" => Generations::JUNIOR,
        "sr" => Generations::SENIOR,
        _ => {
            let number =
                numerals.iter().position(|numeral| *numeral == text).expect("a numeral that the generator writes");
            Generations::number(number as u32 + 1).expect("small")
        }
    }
}

/// In what our reading of a record differs from theirs: the differences by name, or what has none.
fn differences(record: &Record, ours: &Values, theirs: &Values) -> Vec<Result<&'static str, String>> {
    let mut found = Vec::new();
    for field in Field::ALL.into_iter().filter(|field| !matches!(field, Field::City | Field::State)) {
        let (our, their): (BTreeSet<&str>, BTreeSet<&str>) = (ours.of(field).collect(), theirs.of(field).collect());
        if our != their {
            let more: Vec<&str> = our.difference(&their).copied().collect();
            let less: Vec<&str> = their.difference(&our).copied().collect();
            found.push(
                name(record, field, &more, &less).ok_or_else(|| format!("{field}: ours {more:?}, theirs {less:?}")),
            );
        }
    }
    if ours.generations != theirs.generations {
        let lifted = record.names.iter().any(has_suffix_behind);
        found.push(if lifted { Ok(LIFTED) } else { Err("generations".to_owned()) });
    }
    found
}

/// The name of a difference in a field, by the README's table.
fn name(record: &Record, field: Field, more: &[&str], less: &[&str]) -> Option<&'static str> {
    let is = |other: Field| field == other;
    let only_theirs = more.is_empty();
    let bare = |kind: Kind| record.identifiers.iter().all(|id| id.kind != kind || id.system.is_none());
    let filler = |id: &&str| id.ends_with("|000000") || id.ends_with("|9999");
    let pairs = |alike: fn(&str, &str) -> bool| {
        more.len() == less.len() && more.iter().zip(less).all(|(our, their)| alike(our, their))
    };
    let names = [
        (
            is(Field::BirthDate) && only_theirs && less.iter().all(|date| date.len() < 10),
            "year or month for a birth date",
        ),
        (is(Field::Email) && only_theirs && less.iter().all(|email| !email.contains('@')), "email without @"),
        (is(Field::Mbi) && pairs(|our, their| our == their.replace('-', "")), "MBI with dashes"),
        (
            (is(Field::LegalId) || is(Field::NamespacedId)) && only_theirs && less.iter().all(filler),
            "identifier of zeros or nines",
        ),
        (is(Field::LegalId) && only_theirs && bare(Kind::LegalId), "legal id without issuer"),
        (is(Field::NamespacedId) && only_theirs && bare(Kind::Namespaced), "identifier without namespace"),
        (is(Field::Ssn4) && less.is_empty() && more.iter().all(is_low_or_high), "bare last four of 000x or 999x"),
        (
            is(Field::Phone) && less.is_empty() && more.iter().all(|phone| phone.starts_with("+1298")),
            "unassigned area code",
        ),
        (is(Field::Family) && record.names.iter().any(has_suffix_behind), LIFTED),
        (pairs(|our, their| our == their.to_lowercase()), "transliterated capitals"),
        (is(Field::Street) && record.addresses.iter().any(is_behind_another_line), "street on line 2"),
        (is(Field::Street) && pairs(is_cut), "street cut short"),
        (is(Field::Street) && pairs(is_uneven), "street abbreviated unevenly"),
    ];
    names.into_iter().find(|(is_it, _)| *is_it).map(|(_, name)| name)
}

/// Whether a family name ends in a suffix, as the generator writes them.
fn has_suffix_behind(name: &Name) -> bool {
    let family = name.family.as_deref().unwrap_or("").trim().to_lowercase();
    let last = family.rsplit([' ', '-']).next().unwrap_or("").trim_end_matches('.');
    ["jr", "sr", "ii", "iii", "iv", "2nd", "3rd"].contains(&last)
}

fn is_low_or_high(last4: &&str) -> bool {
    last4.starts_with("000") || last4.starts_with("999")
}

/// A line such as `c/o Jane Roe` before the street.
fn is_behind_another_line(address: &Address) -> bool {
    let numbered = |line: &Option<String>| {
        line.as_deref().is_some_and(|line| line.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    !numbered(&address.street) && numbered(&address.line2)
}

/// Whether theirs is ours without some of its words.
fn is_cut(our: &str, their: &str) -> bool {
    let words = |street: &str| street.split(['|', ' ']).map(str::to_owned).collect::<BTreeSet<_>>();
    words(their).is_subset(&words(our)) && their.len() < our.len()
}

/// Whether theirs begins as ours does, but for words that are abbreviated in one alone.
fn is_uneven(our: &str, their: &str) -> bool {
    let words = |street: &str| {
        let street = street.split('|').next().unwrap_or("").replace("1/2", "12");
        street.split(' ').map(|word| shortened(word).to_owned()).collect::<Vec<_>>()
    };
    words(their).starts_with(&words(our))
}

fn shortened(word: &str) -> &str {
    let long = [
        "north",
        "south",
        "east",
        "west",
        "northwest",
        "street",
        "avenue",
        "road",
        "boulevard",
        "lane",
        "drive",
        "place",
        "court",
    ];
    let short = ["n", "s", "e", "w", "nw", "st", "ave", "rd", "blvd", "ln", "dr", "pl", "ct"];
    let more = [
        ("21", "21st"),
        ("parkway", "pkwy"),
        ("circle", "cir"),
        ("terrace", "ter"),
        ("square", "sq"),
        ("trail", "trl"),
        ("highway", "hwy"),
    ];
    let pairs = long.into_iter().zip(short).chain(more);
    pairs.into_iter().find(|(long, _)| *long == word).map_or(word, |(_, short)| short)
}

// === impl Report ===

impl Report {
    /// Whether every difference has a name.
    pub(crate) fn is_clean(&self) -> bool {
        0 < self.cases && self.unnamed.is_empty()
    }

    fn count(&mut self, case: &Case, told: &Told) {
        self.cases += 1;
        if told.verdict.starts_with('m') {
            let member =
                told.verdict.split(' ').nth(2).and_then(|members| members.split_once('=')).map(|(member, _)| member);
            let member: usize = member.and_then(|member| member.parse().ok()).expect("a member");
            self.wrong += usize::from(!case.same[member]);
        }
        *self.outcomes.entry(told.verdict[..1].to_owned()).or_default() += 1;
        self.own_backend_differs += usize::from(told.own_backend != told.verdict);
        let rules = told.verdict.split(' ').nth(2).unwrap_or("").split([';', ',']);
        for rule in rules.filter(|rule| !rule.is_empty()) {
            let rule =
                rule.split('=').next_back().unwrap_or("").trim_end_matches(|letter: char| letter.is_ascii_lowercase());
            *self.fired.entry(rule.to_owned()).or_default() += 1;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cases                                         {:>6}", self.cases)?;
        writeln!(f, "same verdict, on the reference's own reading  {:>6}", self.rules_agree)?;
        writeln!(f, "same verdict, on our reading of the records   {:>6}", self.whole_agree)?;
        writeln!(f, "the reference beside its own backend differs  {:>6}", self.own_backend_differs)?;
        let outcomes: Vec<String> = self.outcomes.iter().map(|(letter, count)| format!("{letter} {count}")).collect();
        writeln!(f, "outcomes of the reference: {}", outcomes.join(", "))?;
        writeln!(f, "of its matches, with somebody else: {}", self.wrong)?;
        let fired: Vec<String> = self.fired.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
        writeln!(f, "rules fired: {}", fired.join(", "))?;
        writeln!(f, "named differences (verdicts that differ where they occur; records that hold them):")?;
        for (name, (verdicts, records)) in &self.named {
            writeln!(f, "  {name}: {verdicts}; {records}")?;
        }
        writeln!(f, "without a name: {}", self.unnamed.len())?;
        self.unnamed.iter().take(40).try_for_each(|text| writeln!(f, "  {text}"))
    }
}
