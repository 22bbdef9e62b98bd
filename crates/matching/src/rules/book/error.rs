//! Why a text is no rule book, and what to do about it.

use crate::rules::field::Field;
use crate::rules::product::Product;

/// Why a text is no rule book. Every sentence names the rule and the field, and ends with a remedy.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML of the expected shape; the source tells the line.
    #[error("the matching rules can't be read; correct the line that is named")]
    Unreadable(#[source] toml::de::Error),
    /// No version is given.
    #[error("the matching rules have no version; write the proposal's, such as version = \"3.4.0\"")]
    NoVersion,
    /// The threshold is no probability.
    #[error("threshold {0:?} is no probability; write a decimal of at most three digits, such as \"2e-12\"")]
    Threshold(String),
    /// A field that no rule can name.
    #[error("{place} names the field {name:?}, which there is not; use one of {}", names())]
    UnknownField {
        /// The rule, or the table.
        place: String,
        /// What it names.
        name: String,
    },
    /// A u-value is no probability.
    #[error(
        "the u-value {text:?} of {field} is no probability; write a decimal of at most three digits, such as \"3e-5\""
    )]
    Odds {
        /// Whose.
        field: Field,
        /// What stands there.
        text: String,
    },
    /// A fuzzy u-value where it can't be.
    #[error("{field} has a fuzzy u-value of {fuzzy}; {remedy}")]
    FuzzyOdds {
        /// Whose.
        field: Field,
        /// Its value.
        fuzzy: Product,
        /// What to do.
        remedy: &'static str,
    },
    /// The limits of fuzzy comparison.
    #[error("fuzzy.{limit} is {value}; {remedy}")]
    Fuzzy {
        /// Which.
        limit: &'static str,
        /// Its value.
        value: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// There is no rule.
    #[error("there is no rule; write at least one [[rules]]")]
    NoRules,
    /// A rule's id.
    #[error("the rule id {0:?} is empty or stands twice; give every rule an id of its own")]
    IdTaken(String),
    /// A rule asks for nothing.
    #[error("rule {0} asks for no field of the person; name some under {1}")]
    Empty(String, &'static str),
    /// A rule asks for too much.
    #[error("rule {0} asks for {1} fields; name six at most")]
    TooMany(String, usize),
    /// A rule asks for a field twice.
    #[error("rule {rule} names {field} twice; name it once")]
    Twice {
        /// Which.
        rule: String,
        /// What.
        field: Field,
    },
    /// A rule asks for a field without a u-value.
    #[error("rule {rule} asks for {field}, which has no u-value; give it one under [fields], or leave it out")]
    NoOdds {
        /// Which.
        rule: String,
        /// What.
        field: Field,
    },
    /// A star where nothing fuzzy can be.
    #[error("rule {rule} stars {field}; {remedy}")]
    Star {
        /// Which.
        rule: String,
        /// What.
        field: Field,
        /// What to do.
        remedy: &'static str,
    },
    /// `fuzzy_max` does not go with the stars.
    #[error(
        "rule {rule} has fuzzy_max = {fuzzy_max} and {starred} starred fields that count; set it between 1 and that, or drop the stars"
    )]
    FuzzyMax {
        /// Which.
        rule: String,
        /// What stands there.
        fuzzy_max: u32,
        /// Starred fields whose fuzzy agreement counts.
        starred: u32,
    },
    /// A rule says less than the threshold asks for.
    #[error(
        "rule {rule} comes to {product}{form}, above the threshold of {threshold}; add a field, lower fuzzy_max or drop a star"
    )]
    TooWeak {
        /// Which.
        rule: String,
        /// Its weakest form's product.
        product: Product,
        /// Which fields are fuzzy in it.
        form: String,
        /// The threshold.
        threshold: Product,
    },
    /// A rule can't be looked up.
    #[error("rule {0} rests on starred names alone, which can't be looked up; add an exact field")]
    NoKey(String),
    /// An outcome that would release somebody's data on no or several candidates.
    #[error("outcomes.{0} may not be {1:?}; {2}")]
    Outcome(&'static str, &'static str, &'static str),
    /// Something tells twins apart that can't.
    #[error("twins.{place} names {field}; {remedy}")]
    Twins {
        /// Where.
        place: &'static str,
        /// What.
        field: Field,
        /// What to do.
        remedy: &'static str,
    },
}

fn names() -> String {
    Field::ALL.map(Field::name).join(", ")
}
