//! The record that stands for a member whom several sources know: part by part, the word of the source that wins by the matching
//! policy. What does not win stands behind it, to be matched as an earlier name is, where the policy says so.
//!
//! It depends on the records and the policy alone, not on the order in which they came. PHI, as the records are.

use std::collections::BTreeSet;

use domain::person::{Address, Coverage, Identifier, MemberClaim, PersonName, RosterMember, Sex};
use matching::Person;
use matching::levels::Field;
use matching::normal::Normal;
use matching::survivorship::{Part, Standing, Survivorship};

use crate::Reading;
use crate::reading::{is_mbi, is_ssn};

/// The source of a row's own record, where it names none.
pub const ENROLMENT: &str = "enrolment";

/// The record that stands, and who had the last word where sources differ.
pub struct Golden {
    /// The member as claims are held against them.
    pub member: RosterMember,
    /// The parts in which sources say different things.
    pub won: Vec<Won>,
    /// Whether another policy might make another record of the same words.
    pub is_disputed: bool,
}

/// A part that one source has won.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Won {
    /// The part.
    pub part: Part,
    /// Which of several of its kind: of identifiers the kind, of coverages the payer.
    pub of: Option<String>,
    /// Whose word stands.
    pub source: String,
    /// Who says something else, the most trusted in it first.
    pub over: Vec<String>,
}

/// One source's word.
struct Word<'a> {
    source: &'a str,
    as_of_ms: i64,
    member: &'a MemberClaim,
    coverages: &'a [Coverage],
    /// The fields in which it says something that is no placeholder.
    says: Vec<Field>,
}

/// What a source says, the first first; nothing where it has no word.
type Said<'a, 'w, T> = Box<dyn Fn(&Word<'a>) -> Vec<T> + 'w>;

/// What several sources say in one part, to be put in order.
struct Contest<'a, 'w, T> {
    part: Part,
    of: Option<String>,
    words: &'w [Word<'a>],
    said: Said<'a, 'w, T>,
    /// How much a value says.
    pieces: fn(&T) -> u32,
    /// The value as text, in full.
    spelt: fn(&T) -> String,
}

// === impl Golden ===

impl Golden {
    /// The record that stands for a member; none where no other source knows them, so that it is the row's own.
    pub fn of(member: &RosterMember, policy: &Survivorship) -> Option<Self> {
        if member.others.is_empty() {
            return None;
        }
        let own = Word::of(
            (source(member), member.as_of.map_or(i64::MIN, |as_of| as_of.0)),
            (&member.member, &member.coverages),
        );
        let others = member
            .others
            .iter()
            .map(|other| Word::of((&other.source, other.as_of.0), (&other.member, &other.coverages)));
        let words: Vec<Word<'_>> = std::iter::once(own).chain(others).collect();
        let (won, is_disputed) = (Vec::new(), false);
        let merged_into = member.merged_into.clone();
        let stands = RosterMember { merged_into, ..RosterMember::default() };
        let mut golden = Self { member: stands, won, is_disputed };
        golden.decide_person(&words, policy);
        golden.decide_places(&words, policy);
        golden.decide_numbers(&words, policy);
        Some(golden)
    }

    fn decide_person(&mut self, words: &[Word<'_>], policy: &Survivorship) {
        let mut names = self.decide(
            policy,
            Contest {
                part: Part::Name,
                of: None,
                words,
                said: Box::new(|word| {
                    let names =
                        || std::iter::once(&word.member.name).chain(&word.member.other_names).cloned().collect();
                    if word.says(Field::Given) || word.says(Field::Family) { names() } else { Vec::new() }
                }),
                pieces: name_pieces,
                spelt: spelt_name,
            },
        );
        let dates = self.decide(
            policy,
            Contest {
                part: Part::BirthDate,
                of: None,
                words,
                said: Box::new(|word| {
                    let date = word.member.birth_date.clone().filter(|_| word.says(Field::BirthDate));
                    date.into_iter().collect()
                }),
                pieces: |date: &String| pieces(date.split('-').map(str::len)),
                spelt: String::clone,
            },
        );
        let sexes = self.decide(
            policy,
            Contest {
                part: Part::Sex,
                of: None,
                words,
                said: Box::new(|word| word.member.sex.filter(|_| word.says(Field::Sex)).into_iter().collect()),
                pieces: |_: &Sex| 1,
                spelt: |sex| format!("{sex:?}"),
            },
        );
        let claim = &mut self.member.member;
        if !names.is_empty() {
            claim.name = names.remove(0);
            claim.other_names = names;
        }
        claim.birth_date = dates.into_iter().next();
        claim.sex = sexes.into_iter().next();
    }

    fn decide_places(&mut self, words: &[Word<'_>], policy: &Survivorship) {
        self.member.member.addresses = self.decide(
            policy,
            Contest {
                part: Part::Address,
                of: None,
                words,
                said: Box::new(|word| word.list(Field::Address, &word.member.addresses)),
                pieces: address_pieces,
                spelt: spelt_address,
            },
        );
        self.member.member.phones = self.decide(
            policy,
            Contest {
                part: Part::Phone,
                of: None,
                words,
                said: Box::new(|word| word.list(Field::Phone, &word.member.phones)),
                pieces: |phone: &String| text_pieces(phone),
                spelt: String::clone,
            },
        );
        self.member.member.emails = self.decide(
            policy,
            Contest {
                part: Part::Email,
                of: None,
                words,
                said: Box::new(|word| word.list(Field::Email, &word.member.emails)),
                pieces: |_: &String| 1,
                spelt: String::clone,
            },
        );
    }

    fn decide_numbers(&mut self, words: &[Word<'_>], policy: &Survivorship) {
        let identifiers = || words.iter().flat_map(|word| &word.member.identifiers);
        let kinds: BTreeSet<String> = identifiers().map(kind).collect();
        for of in kinds {
            let of_kind = of.clone();
            let of_one = self.decide(
                policy,
                Contest {
                    part: Part::Identifier,
                    of: Some(of),
                    words,
                    said: Box::new(move |word| word.identifiers(&of_kind)),
                    pieces: |identifier: &Identifier| text_pieces(&identifier.value),
                    spelt: |identifier| identifier.value.clone(),
                },
            );
            self.member.member.identifiers.extend(of_one);
        }
        let payers: BTreeSet<&str> =
            words.iter().flat_map(|word| word.coverages).map(|coverage| coverage.payer.as_str()).collect();
        for payer in payers {
            let of_one = self.decide(
                policy,
                Contest {
                    part: Part::Coverage,
                    of: Some(payer.to_owned()),
                    words,
                    said: Box::new(move |word| {
                        word.coverages.iter().filter(|coverage| coverage.payer == payer).cloned().collect()
                    }),
                    pieces: |coverage: &Coverage| parts(coverage).into_iter().flatten().count() as u32,
                    spelt: |coverage| format!("{:?}", parts(coverage)),
                },
            );
            self.member.coverages.extend(of_one);
        }
    }

    /// The values that stand, the first first, and on record whose they are.
    fn decide<T: Clone>(&mut self, policy: &Survivorship, contest: Contest<'_, '_, T>) -> Vec<T> {
        let Contest { part, of, words, said, pieces, spelt } = contest;
        let mut claims: Vec<(&Word<'_>, Vec<T>)> =
            words.iter().map(|word| (word, said(word))).filter(|(_, values)| !values.is_empty()).collect();
        let spelling = |values: &[T]| values.iter().map(spelt).collect::<Vec<_>>();
        let standing = |(word, values): &(&Word<'_>, Vec<T>)| {
            let (source, as_of_ms) = (word.source.to_owned(), word.as_of_ms);
            (source, as_of_ms, values.first().map_or(0, pieces))
        };
        claims.sort_by(|one, other| {
            let ((source, as_of_ms, pieces), rival) = (standing(one), standing(other));
            let (one_s, other_s) = (
                Standing { source: &source, as_of_ms, pieces },
                Standing { source: &rival.0, as_of_ms: rival.1, pieces: rival.2 },
            );
            let order = policy.order(part, &one_s, &other_s).then_with(|| source.cmp(&rival.0));
            order.then_with(|| spelling(&one.1).cmp(&spelling(&other.1)))
        });
        let Some((winner, values)) = claims.first() else { return Vec::new() };
        let rest = &claims[1..];
        let mut stands = values.clone();
        let folded = |value: &T| fold(&spelt(value));
        self.is_disputed |= rest.iter().any(|(_, others)| spelling(others) != spelling(values));
        let first = values.first().map(folded);
        let over: Vec<String> = rest
            .iter()
            .filter(|(_, others)| others.first().map(folded) != first)
            .map(|(word, _)| word.source.to_owned())
            .collect();
        if !over.is_empty() {
            self.won.push(Won { part, of, source: winner.source.to_owned(), over });
        }
        if policy.rule(part).match_others {
            for other in rest.iter().flat_map(|(_, others)| others) {
                if !stands.iter().any(|known| folded(known) == folded(other)) {
                    stands.push(other.clone());
                }
            }
        }
        stands
    }
}

/// The source of a row's own record.
pub fn source(member: &RosterMember) -> &str {
    member.source.as_deref().unwrap_or(ENROLMENT)
}

// === impl Word ===

impl<'a> Word<'a> {
    fn of((source, as_of_ms): (&'a str, i64), (member, coverages): (&'a MemberClaim, &'a [Coverage])) -> Self {
        let says = Reading::of_record(member, coverages).with(|person| {
            let readings: Vec<Normal> =
                std::iter::once(person).chain(person.also).map(|person: &Person<'_>| Normal::of(person)).collect();
            Field::ALL.into_iter().filter(|field| readings.iter().any(|reading| reading.says(*field))).collect()
        });
        Self { source, as_of_ms, member, coverages, says }
    }

    fn says(&self, field: Field) -> bool {
        self.says.contains(&field)
    }

    fn list<T: Clone>(&self, field: Field, values: &[T]) -> Vec<T> {
        if self.says(field) { values.to_vec() } else { Vec::new() }
    }

    fn identifiers(&self, of_kind: &str) -> Vec<Identifier> {
        let is_said = |identifier: &&Identifier| {
            (!is_ssn(identifier) || self.says(Field::Ssn)) && (!is_mbi(identifier) || self.says(Field::Mbi))
        };
        let all = self.member.identifiers.iter();
        all.filter(|identifier| kind(identifier) == of_kind).filter(is_said).cloned().collect()
    }
}

/// What makes two identifiers of one kind.
fn kind(identifier: &Identifier) -> String {
    match identifier {
        identifier if is_ssn(identifier) => "ssn".into(),
        identifier if is_mbi(identifier) => "mbi".into(),
        Identifier { system, kind, .. } => format!("{kind} of {system}"),
    }
}

fn name_pieces(name: &PersonName) -> u32 {
    // An initial is no piece.
    pieces(name.given.iter().map(String::len)) + u32::from(!name.family.is_empty()) + u32::from(name.suffix.is_some())
}

fn address_pieces(address: &Address) -> u32 {
    let Address { lines, city, state, postal_code, country } = address;
    let said = [city, state, postal_code, country].into_iter().flatten().chain(lines);
    said.filter(|said| !said.is_empty()).count() as u32
}

fn text_pieces(text: &str) -> u32 {
    text.chars().filter(char::is_ascii_alphanumeric).count() as u32
}

fn pieces(lengths: impl Iterator<Item = usize>) -> u32 {
    lengths.filter(|length| 1 < *length).count() as u32
}

fn spelt_name(name: &PersonName) -> String {
    let PersonName { family, given, suffix, .. } = name;
    [family.as_str(), &given.join(" "), suffix.as_deref().unwrap_or_default()].join("|")
}

fn spelt_address(address: &Address) -> String {
    let Address { lines, city, state, postal_code, country } = address;
    let of_town = [city, state, postal_code, country].map(|said| said.as_deref().unwrap_or_default());
    lines.iter().map(String::as_str).chain(of_town).collect::<Vec<_>>().join("|")
}

fn parts(coverage: &Coverage) -> [&Option<String>; 7] {
    let Coverage { member_id, subscriber_id, group, plan, start, end, relationship, .. } = coverage;
    [member_id, subscriber_id, group, plan, start, end, relationship]
}

/// A text in which case, spaces and punctuation don't count.
fn fold(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
