//! Survivorship: of a member whom several sources know, whose word stands. It is part of the policy, since it decides what a claim is
//! held against; the record that comes of it is made by whoever has the records.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::normal::mix;

/// Whose word stands for each part of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survivorship {
    /// The sources, the most trusted first. Others come behind them and are trusted alike.
    pub sources: Vec<String>,
    /// How each part is decided, by its number.
    pub rules: [Rule; PARTS],
}

/// How one part is decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What counts, the first first; what is behind decides among those who are alike in it.
    pub wins: Vec<Criterion>,
    /// Whether a claim may also agree with what did not win, as with an earlier name.
    pub match_others: bool,
}

/// What makes one source's word stand before another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// It is trusted more.
    Source,
    /// It said so later.
    Recent,
    /// It says more.
    Complete,
}

macro_rules! parts {
    ($($(#[$doc:meta])* $part:ident $name:literal)*) => {
        /// What of a record is decided as one: a name is never put together from two.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Part {
            $($(#[$doc])* $part,)*
        }

        impl Part {
            /// All of them.
            pub const ALL: [Self; PARTS] = [$(Self::$part),*];

            /// The name, as policies write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$part => $name,)* }
            }
        }
    };
}

/// How many parts there are.
pub const PARTS: usize = 8;

parts! {
    /// All names, the one in use first.
    Name "name"
    /// Birth date.
    BirthDate "birth-date"
    /// Administrative sex.
    Sex "sex"
    /// Postal addresses.
    Address "address"
    /// Telephone numbers.
    Phone "phone"
    /// Email addresses.
    Email "email"
    /// Identifiers, each kind by itself.
    Identifier "identifier"
    /// Coverages, those of each payer by themselves.
    Coverage "coverage"
}

/// What is known of a source's word.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The source.
    pub source: &'a str,
    /// When it said so, in milliseconds since 1970.
    pub as_of_ms: i64,
    /// How much it says, in pieces.
    pub pieces: u32,
}

/// The section of a policy's text.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SurvivorshipText {
    sources: Option<Vec<String>>,
    #[serde(default)]
    rules: BTreeMap<String, Rule>,
}

// === impl Part ===

impl Part {
    /// Whether a record has only one, so that there are no others to agree with.
    fn is_single(self) -> bool {
        matches!(self, Self::BirthDate | Self::Sex)
    }
}

// === impl Survivorship ===

/// What holds where a policy says nothing, which a policy that says the same has the digest of.
impl Default for Survivorship {
    fn default() -> Self {
        use Criterion::{Complete, Recent, Source};
        let rule = |part| {
            let wins = match part {
                // Members move and change their numbers, and tell the portal first.
                Part::Address | Part::Phone | Part::Email => vec![Recent, Source],
                Part::Identifier => vec![Source, Complete, Recent],
                Part::Name | Part::BirthDate | Part::Sex | Part::Coverage => vec![Source, Recent],
            };
            Rule { wins, match_others: !part.is_single() }
        };
        Self { sources: ["enrolment", "claims", "portal"].map(str::to_owned).to_vec(), rules: Part::ALL.map(rule) }
    }
}

impl Survivorship {
    /// Reads a policy's section; the fault in words where there is one.
    pub(crate) fn of_text(text: SurvivorshipText) -> Result<Self, String> {
        let mut read = Self::default();
        if let Some(sources) = text.sources {
            read.sources = sources;
        }
        let is_named = |(at, source): (usize, &String)| {
            !source.trim().is_empty() && !read.sources.iter().take(at).any(|before| before == source)
        };
        if !read.sources.iter().enumerate().all(is_named) {
            return Err("survivorship.sources must name each source once".into());
        }
        for (name, rule) in text.rules {
            let Some(part) = Part::ALL.into_iter().find(|part| part.as_str() == name) else {
                let known = Part::ALL.map(Part::as_str).join(", ");
                return Err(format!("survivorship.rules knows no {name}; there are {known}"));
            };
            let repeats = rule.wins.iter().enumerate().any(|(at, one)| rule.wins[..at].contains(one));
            if rule.wins.is_empty() || repeats {
                return Err(format!("survivorship.rules.{name}.wins must name what counts, each once"));
            }
            if rule.match_others && part.is_single() {
                return Err(format!("survivorship.rules.{name}.match_others must be false: a member has only one"));
            }
            read.rules[part as usize] = rule;
        }
        Ok(read)
    }

    /// The policy's section, which reads back to the same.
    pub(crate) fn to_text(&self) -> String {
        let quoted = |texts: Vec<&str>| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
        let sources = quoted(self.sources.iter().map(String::as_str).collect());
        let mut text = format!("\n[survivorship]\nsources = [{sources}]\n\n[survivorship.rules]\n");
        for part in Part::ALL {
            let Rule { wins, match_others } = &self.rules[part as usize];
            let wins = quoted(wins.iter().map(|criterion| criterion.as_str()).collect());
            let _ = writeln!(text, "{} = {{ wins = [{wins}], match_others = {match_others} }}", part.as_str());
        }
        text
    }

    /// A digest of all that follows from it.
    pub(crate) fn digest(&self) -> u64 {
        let text = self.to_text();
        text.as_bytes().iter().fold(text.len() as u64, |digest, byte| mix(digest ^ u64::from(*byte)))
    }

    /// How a part is decided.
    pub fn rule(&self, part: Part) -> &Rule {
        &self.rules[part as usize]
    }

    /// Whose word stands first; equal where nothing that counts tells them apart.
    pub fn order(&self, part: Part, one: &Standing<'_>, other: &Standing<'_>) -> Ordering {
        let place = |standing: &Standing<'_>| {
            self.sources.iter().position(|source| source == standing.source).unwrap_or(self.sources.len())
        };
        let by = |criterion: &Criterion| match criterion {
            Criterion::Source => place(one).cmp(&place(other)),
            Criterion::Recent => other.as_of_ms.cmp(&one.as_of_ms),
            Criterion::Complete => other.pieces.cmp(&one.pieces),
        };
        self.rule(part).wins.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

// === impl Criterion ===

impl Criterion {
    /// The name, as policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Recent => "recent",
            Self::Complete => "complete",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Survivorship, String> {
        toml::from_str(text).map_err(|error| error.to_string()).and_then(Survivorship::of_text)
    }

    fn standing(source: &str, as_of_ms: i64, pieces: u32) -> Standing<'_> {
        Standing { source, as_of_ms, pieces }
    }

    #[test]
    fn what_counts_is_asked_in_its_order() {
        let policy = read(
            "sources = ['a', 'b']\n[rules]\nname = { wins = ['complete', 'source'], match_others = true }\n\
             phone = { wins = ['recent'], match_others = false }",
        );
        let policy = policy.expect("a policy");
        let order = |part, one: Standing<'_>, other: Standing<'_>| policy.order(part, &one, &other);
        assert_eq!(order(Part::Name, standing("b", 0, 3), standing("a", 9, 2)), Ordering::Less, "it says more");
        assert_eq!(order(Part::Name, standing("b", 9, 3), standing("a", 0, 3)), Ordering::Greater, "trusted less");
        assert_eq!(order(Part::Name, standing("x", 0, 3), standing("y", 9, 3)), Ordering::Equal, "neither is named");
        assert_eq!(order(Part::Name, standing("b", 0, 3), standing("y", 9, 3)), Ordering::Less);
        assert_eq!(order(Part::Phone, standing("b", 9, 0), standing("a", 8, 0)), Ordering::Less, "said later");
        assert_eq!(policy.rule(Part::Sex), &Survivorship::default().rules[Part::Sex as usize], "what is not said");
    }

    #[test]
    fn what_can_not_be_carried_out_is_refused_with_the_reason() {
        for (text, reason) in [
            ("sources = ['a', 'a']", "each source once"),
            ("sources = [' ']", "each source once"),
            (
                "[rules]\nshoe = { wins = ['source'], match_others = false }",
                "knows no shoe; there are name, birth-date",
            ),
            ("[rules]\nname = { wins = [], match_others = false }", "rules.name.wins"),
            ("[rules]\nname = { wins = ['source', 'source'], match_others = false }", "rules.name.wins"),
            ("[rules]\nsex = { wins = ['source'], match_others = true }", "a member has only one"),
        ] {
            let fault = read(text).expect_err(text);
            assert!(fault.contains(reason), "{fault}");
        }
    }

    #[test]
    fn it_writes_back_what_it_read() {
        let policy = read("sources = ['a \"b\"']\n[rules]\nname = { wins = ['complete'], match_others = false }");
        let policy = policy.expect("a policy");
        let text = policy.to_text().replace("survivorship.", "").replace("[survivorship]", "");
        assert_eq!(read(&text), Ok(policy));
    }
}
