//! How a claim or a roster record is read for matching: the words of each kind, the first of them beside what else is known of the
//! same person. PHI, so `Debug` shows nothing of it.

use std::borrow::Cow;
use std::fmt;

use domain::lifecycle::workflow::{self, LookedUp};
use domain::messages::Context;
use domain::person::{Address, Coverage, Dossier, Identifier, MemberClaim, PersonName, RosterMember};
use matching::Person;

/// A person as matching takes them.
pub struct Reading<'a> {
    dob: &'a str,
    sex: &'static str,
    first: Words<'a>,
    others: Vec<Words<'a>>,
}

/// One of each: a name, an address, a phone, an email address, a coverage, an identifier of each system.
#[derive(Default)]
struct Words<'a> {
    coverage: Option<&'a Coverage>,
    name: Option<&'a PersonName>,
    middle: Cow<'a, str>,
    address: Option<&'a Address>,
    street: Cow<'a, str>,
    phone: &'a str,
    email: &'a str,
    ssn: &'a str,
    mbi: &'a str,
    card: &'a str,
}

/// The coverage under which our roster should know the member of a request.
pub fn our_coverage<'a>(context: &Context, dossier: &'a Dossier) -> Option<&'a Coverage> {
    match workflow::steps(context.workflow).looked_up {
        LookedUp::ToLink => dossier.coverage_to_link.as_ref(),
        LookedUp::ToMatch => dossier.coverage_to_match.as_ref(),
    }
}

// === impl Reading ===

impl<'a> Reading<'a> {
    /// The claim of a request, under the coverage by which our roster should know the member.
    pub fn of_request(context: &Context, dossier: &'a Dossier) -> Self {
        Self::of(&dossier.member, our_coverage(context, dossier).into_iter())
    }

    /// Somebody on the roster, under all of their coverages.
    pub fn of_member(member: &'a RosterMember) -> Self {
        Self::of(&member.member, member.coverages.iter())
    }

    /// What one source says of somebody on the roster.
    pub(crate) fn of_record(claim: &'a MemberClaim, coverages: &'a [Coverage]) -> Self {
        Self::of(claim, coverages.iter())
    }

    fn of(claim: &'a MemberClaim, coverages: impl Iterator<Item = &'a Coverage>) -> Self {
        let mut all = vec![Words::default()];
        fill(&mut all, std::iter::once(&claim.name).chain(&claim.other_names), |words, name| words.set_name(name));
        fill(&mut all, claim.addresses.iter(), |words, address| words.set_address(address));
        fill(&mut all, claim.phones.iter(), |words, phone| words.phone = phone);
        fill(&mut all, claim.emails.iter(), |words, email| words.email = email);
        fill(&mut all, coverages, |words, coverage| words.coverage = Some(coverage));
        fill(&mut all, identifiers(claim, is_ssn), |words, ssn| words.ssn = ssn);
        fill(&mut all, identifiers(claim, is_mbi), |words, mbi| words.mbi = mbi);
        fill(&mut all, identifiers(claim, is_card), |words, card| words.card = card);
        let mut all = all.into_iter();
        let (dob, sex) = (claim.birth_date.as_deref().unwrap_or_default(), sex(claim));
        Self { dob, sex, first: all.next().unwrap_or_default(), others: all.collect() }
    }

    /// Hands the person to whoever weighs them.
    pub fn with<R>(&self, weigh: impl FnOnce(&Person<'_>) -> R) -> R {
        let also: Vec<Person<'_>> = self.others.iter().map(Words::person).collect();
        weigh(&Person { dob: self.dob, sex: self.sex, also: &also, ..self.first.person() })
    }
}

impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reading(secret)")
    }
}

// === impl Words ===

impl<'a> Words<'a> {
    fn set_name(&mut self, name: &'a PersonName) {
        self.name = Some(name);
        self.middle = joined(name.given.get(1..).unwrap_or_default(), " ");
    }

    fn set_address(&mut self, address: &'a Address) {
        self.address = Some(address);
        self.street = joined(&address.lines, ", ");
    }

    fn person(&self) -> Person<'_> {
        let text = |text: Option<&'a String>| text.map(String::as_str).unwrap_or_default();
        let coverage = |field: fn(&Coverage) -> &Option<String>| {
            self.coverage.and_then(|coverage| field(coverage).as_deref()).unwrap_or_default()
        };
        let address = |field: fn(&Address) -> &Option<String>| {
            self.address.and_then(|address| field(address).as_deref()).unwrap_or_default()
        };
        let on_the_card = coverage(|coverage| &coverage.member_id);
        Person {
            member_id: if on_the_card.is_empty() { self.card } else { on_the_card },
            subscriber_id: coverage(|coverage| &coverage.subscriber_id),
            group: coverage(|coverage| &coverage.group),
            given: text(self.name.and_then(|name| name.given.first())),
            middle: &self.middle,
            family: text(self.name.map(|name| &name.family)),
            suffix: text(self.name.and_then(|name| name.suffix.as_ref())),
            street: &self.street,
            city: address(|address| &address.city),
            state: address(|address| &address.state),
            zip: address(|address| &address.postal_code),
            phone: self.phone,
            email: self.email,
            ssn: self.ssn,
            mbi: self.mbi,
            ..Person::default()
        }
    }
}

/// Puts the first of several beside the first of the others, the second beside the second.
fn fill<'a, T>(all: &mut Vec<Words<'a>>, several: impl Iterator<Item = T>, set: impl Fn(&mut Words<'a>, T)) {
    for (at, one) in several.enumerate() {
        if all.len() <= at {
            all.push(Words::default());
        }
        if let Some(words) = all.get_mut(at) {
            set(words, one);
        }
    }
}

fn joined<'a>(several: &'a [String], separator: &str) -> Cow<'a, str> {
    match several {
        [] => Cow::Borrowed(""),
        [one] => Cow::Borrowed(one),
        several => Cow::Owned(several.join(separator)),
    }
}

fn identifiers(claim: &MemberClaim, is_kind: fn(&Identifier) -> bool) -> impl Iterator<Item = &str> {
    claim.identifiers.iter().filter(move |identifier| is_kind(identifier)).map(|identifier| identifier.value.as_str())
}

/// Whether an identifier is a Medicare beneficiary identifier.
pub fn is_mbi(identifier: &Identifier) -> bool {
    identifier.kind == "MC" || identifier.system == "http://hl7.org/fhir/sid/us-mbi"
}

/// Whether it is a social security number.
pub fn is_ssn(identifier: &Identifier) -> bool {
    identifier.kind == "SS" || identifier.system == "http://hl7.org/fhir/sid/us-ssn"
}

/// Whether it is a member number, by the code of HL7 v2 table 0203 that HRex names for it.
pub fn is_card(identifier: &Identifier) -> bool {
    identifier.kind == "MB"
}

fn sex(claim: &MemberClaim) -> &'static str {
    use domain::person::Sex;
    match claim.sex {
        Some(Sex::Female) => "F",
        Some(Sex::Male) => "M",
        // Neither agrees or disagrees with anything.
        Some(Sex::Other | Sex::Unknown) | None => "",
    }
}
