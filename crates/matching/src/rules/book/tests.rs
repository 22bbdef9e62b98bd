use super::*;
use crate::rules::Outcome;
use crate::rules::diff::differences;

const DEPLOYED: &str = include_str!("../../../../../deploy/policy/cms-matching.toml");

/// The deployed rules with one text replaced.
fn with(old: &str, new: &str) -> Result<RuleBook, PolicyError> {
    assert!(DEPLOYED.contains(old), "{old}");
    RuleBook::parse(&DEPLOYED.replacen(old, new, 1))
}

fn refusal(old: &str, new: &str) -> String {
    with(old, new).expect_err("a refusal").to_string()
}

#[test]
fn the_deployed_rules_are_those_of_the_proposal() {
    let book = RuleBook::parse(DEPLOYED).expect("the deployed rules");
    assert_eq!((&*book.version, book.digest.len()), ("3.4.0", 64));
    let (flat, two_steps): (Vec<&Rule>, Vec<&Rule>) = book.rules.iter().partition(|rule| !rule.has_two_steps());
    assert_eq!((flat.len(), two_steps.len()), (29, 10));
    assert!(book.rule("29").is_none(), "removed from the proposal");
    assert_eq!(book.outcomes.of(0), Outcome::NoMatch);
    assert_eq!(
        [1, 2, 3, 9].map(|count| book.outcomes.of(count)).map(Outcome::name),
        ["match", "escalate", "ambiguous", "ambiguous"]
    );
}

/// The figures that table 2 publishes, exact and with the names fuzzy.
#[test]
fn products_are_those_of_table_2() {
    let book = RuleBook::parse(DEPLOYED).expect("the deployed rules");
    let fuzzy = |fields: &[Field]| fields.iter().copied().collect();
    for (id, fields, product) in [
        ("01", fuzzy(&[]), "3e-13"),
        ("01", fuzzy(&[Field::Given, Field::Family]), "9e-13"),
        ("01", fuzzy(&[Field::Family, Field::Street]), "1.2e-12"),
        ("02", fuzzy(&[Field::Family, Field::BirthDate]), "2e-14"),
        ("04", fuzzy(&[Field::Given]), "1.5e-12"),
        ("22", fuzzy(&[]), "1e-15"),
        ("30", fuzzy(&[Field::Family]), "1e-12"),
        ("C2-13", fuzzy(&[Field::Given]), "3e-16"),
        ("C2-37", fuzzy(&[]), "6e-17"),
        ("C2-39", fuzzy(&[]), "6e-13"),
        ("C2-40", fuzzy(&[]), "1e-21"),
    ] {
        assert_eq!(book.product(book.rule(id).expect(id), fields).to_string(), product, "{id}");
    }
}

/// Nine rules come to the threshold to the last digit. A tie is approved; the next digit is not.
#[test]
fn what_equals_the_threshold_is_approved() {
    let book = RuleBook::parse(DEPLOYED).expect("the deployed rules");
    let exact = |rule: &&Rule| book.product(rule, FieldSet::default()) == book.threshold;
    let ties: Vec<&str> = book.rules.iter().filter(exact).map(|rule| &*rule.id.0).collect();
    assert_eq!(ties, ["08", "09", "11", "12", "13", "14", "15", "16", "23"]);
    assert!(with("threshold = \"2e-12\"", "threshold = \"2.01e-12\"").is_ok());
    let refused = refusal("threshold = \"2e-12\"", "threshold = \"1.99e-12\"");
    assert_eq!(
        refused,
        "rule 05 comes to 2e-12 with family fuzzy, above the threshold of 1.99e-12; add a field, lower fuzzy_max or drop a star"
    );
}

#[test]
fn what_is_wrong_is_named_with_its_remedy() {
    let first = "agree = [\"given*\", \"family*\", \"birth_date*\", \"street*\"]";
    for (old, new, says) in [
        (
            first,
            "agree = [\"given*\", \"shoe\"]",
            "rule 01 names the field \"shoe\", which there is not; use one of given, ",
        ),
        (first, "agree = []", "rule 01 asks for no field of the person; name some under agree"),
        (first, "agree = [\"given\", \"given*\"]", "rule 01 names given twice; name it once"),
        (
            first,
            "agree = [\"given*\", \"middle\"]",
            "rule 01 asks for middle, which has no u-value; give it one under [fields]",
        ),
        (first, "agree = [\"given*\", \"phone*\"]", "rule 01 stars phone; it has no fuzzy u-value, so drop the star"),
        (first, "agree = [\"given*\", \"family*\"]", "rule 01 rests on starred names alone"),
        (
            first,
            "agree = [\"given\", \"family*\", \"phone\"]",
            "rule 01 has fuzzy_max = 2 and 1 starred fields that count",
        ),
        ("id = \"02\"", "id = \"01\"", "the rule id \"01\" is empty or stands twice"),
        (
            "household = [\"mother\"]",
            "household = [\"phone*\"]",
            "rule C2-40 stars phone; a household is named exactly",
        ),
        ("household = [\"mother\"]", "household = [\"birth_date\"]", "rule C2-40 names birth_date twice"),
        (
            "mbi = { exact = \"1e-6\" }",
            "mbi = { exact = \"1e-6\", fuzzy = \"1e-5\" }",
            "mbi has a fuzzy u-value of 1e-5; it is only",
        ),
        (
            "street = { exact = \"3e-5\", fuzzy = \"6e-5\" }",
            "street = { exact = \"3e-5\", fuzzy = \"2e-5\" }",
            "street has a fuzzy u-value of 2e-5; more people",
        ),
        ("exact = \"0.02\"", "exact = \"2\"", "the u-value \"2\" of given is no probability"),
        ("two = \"escalate\"", "two = \"match\"", "outcomes.two may not be \"match\""),
        ("none = \"no_match\"", "none = \"match\"", "outcomes.none may not be \"match\"; nobody was found"),
        ("edits = 1", "edits = 2", "fuzzy.edits is 2; one edit is all"),
        ("length_min = 5", "length_min = 1", "fuzzy.length_min is 1"),
        (
            "tie_breaks = [\"namespaced_id\", \"middle\"]",
            "tie_breaks = [\"phone\"]",
            "twins.tie_breaks names phone; twins share it",
        ),
        ("version = \"3.4.0\"", "version = \" \"", "the matching rules have no version"),
        ("threshold = \"2e-12\"", "threshold = \"0\"", "threshold \"0\" is no probability"),
        ("suffix_conflict_negates = true", "suffixes = true", "the matching rules can't be read"),
    ] {
        let refused = refusal(old, new);
        assert!(refused.starts_with(says), "{refused}");
        assert!(refused.contains(';'), "no remedy: {refused}");
    }
}

/// A day's tolerance taken at its worth breaks what the proposal publishes as approved.
#[test]
fn three_birth_days_at_their_worth_exceed_the_threshold() {
    let honest = "birth_date = { exact = \"1e-4\", fuzzy = \"3e-4\", counted = false }";
    let refused = refusal("birth_date = { exact = \"1e-4\", fuzzy = \"1e-4\", counted = false }", honest);
    assert!(refused.starts_with("rule 01 comes to 3.6e-12 with family and birth_date and street fuzzy"), "{refused}");
}

#[test]
fn a_change_of_the_rules_is_told_in_words() {
    let old = RuleBook::parse(DEPLOYED).expect("the deployed rules");
    assert_eq!(differences(&old, &old), [""; 0]);
    let text = DEPLOYED
        .replace("version = \"3.4.0\"", "version = \"3.5.0\"")
        .replace("[[rules]]\nid = \"30\"\nagree = [\"family*\", \"birth_date\", \"phone\"]\nfuzzy_max = 1\n", "")
        .replace("agree = [\"phone\", \"member_id\"]", "agree = [\"given*\", \"phone\", \"member_id\"]\nfuzzy_max = 1")
        .replace("zip = { exact = \"3e-4\" }", "zip = { exact = \"1e-4\" }")
        .replace("zips = [\"00000\", ", "zips = [\"11111\", ")
        .replace("id = \"C2-40\"", "id = \"C2-41\"");
    let told = differences(&old, &RuleBook::parse(&text).expect("rules"));
    assert_eq!(
        told,
        [
            "version: 3.4.0 becomes 3.5.0",
            "u-value of zip: 3e-4 becomes 1e-4",
            "placeholders of zips added: 11111",
            "placeholders of zips removed: 00000",
            "rule 25 changed: phone + member_id becomes given* + phone + member_id, 1 fuzzy",
            "rule C2-41 added: household by mother, then birth_date + newborn_of + birth_encounter",
            "rule 30 removed: family* + birth_date + phone, 1 fuzzy",
            "rule C2-40 removed: household by mother, then birth_date + newborn_of + birth_encounter",
        ]
    );
}
