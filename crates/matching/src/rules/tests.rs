use std::sync::Arc;

use super::*;

fn book() -> Arc<RuleBook> {
    Arc::new(RuleBook::parse(include_str!("../../../../deploy/policy/cms-matching.toml")).expect("the deployed rules"))
}

/// Values, written `field value; field value`.
fn values(text: &str) -> Values {
    let mut values = Values::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (field, value) = part.split_once(' ').expect("a field and a value");
        match Field::named(field) {
            Some(field) => values.add(field, value),
            None => values.generations = if value == "jr" { Generations::JUNIOR } else { Generations::SENIOR },
        }
    }
    values
}

fn judge(roster: &[&str], claim: &str) -> Verdict {
    let members = roster.iter().enumerate().map(|(at, text)| (format!("m-{at}").into(), values(text)));
    let roster = Roster::new(book(), members);
    let verdict = roster.judge(&values(claim));
    assert_eq!(verdict, roster.judge_without_index(&values(claim)));
    verdict
}

/// Ids and first rules of who is approved.
fn approved(verdict: &Verdict) -> Vec<(String, String)> {
    let first = |candidate: &Candidate| (candidate.id.to_string(), candidate.approvals[0].rule.to_string());
    verdict.approved.iter().map(first).collect()
}

const KAYLA: &str =
    "given kayla; family johnson; birth_date 1984-02-28; phone +16172345678; street 12 main st|02139; zip 02139";

#[test]
fn the_fuzzy_budget_is_the_rules() {
    let first = |claim: &str| judge(&[KAYLA], claim).rule().map(RuleId::to_string);
    let rule_01 = |claim: &str| first(claim).as_deref() == Some("01");
    assert!(rule_01("given kayla; family johnson; birth_date 1984-02-28; street 12 main st|02139"));
    assert!(
        rule_01("given kaylq; family johnsen; birth_date 1984-02-29; street 12 main st|02139"),
        "a day off is not counted"
    );
    assert!(
        !rule_01("given kaylq; family johnsen; birth_date 1984-02-28; street 12 maine st|02139"),
        "three are too many"
    );
    assert!(
        !rule_01("given kayla; family johnson; birth_date 1984-02-28; street 12 main st|02138"),
        "another ZIP code"
    );
    assert!(!rule_01("given kayla; family johnson; birth_date 1984-03-01; street 12 main st|02139"), "two days off");
    assert_eq!(first("given kayla; family johnsen; birth_date 1984-02-29; phone +16172345678").as_deref(), Some("02"));
    assert_eq!(
        first("given kaylq; family johnson; birth_date 1984-02-29; phone +16172345678"),
        None,
        "02 wants the first name exact"
    );
}

#[test]
fn an_approval_says_how_its_fields_agree() {
    let verdict = judge(&[KAYLA], "given kayla; family johnsen; birth_date 1984-02-29; phone +16172345678");
    let [approval] = verdict.approvals("m-0") else { panic!("one approval") };
    let how: Vec<(Field, Agreement)> = approval.fields.clone();
    let (exact, fuzzy) = (Agreement::Exact, Agreement::Fuzzy);
    assert_eq!(how, [(Field::Given, exact), (Field::Family, fuzzy), (Field::BirthDate, fuzzy), (Field::Phone, exact)]);
    assert_eq!((approval.product.to_string().as_str(), approval.is_exact()), ("2e-14", false));
    assert_eq!((&*verdict.version, verdict.digest.len(), verdict.outcome), ("3.4.0", 64, Outcome::Match));
    assert!(verdict.approvals("m-1").is_empty());
}

#[test]
fn the_outcome_follows_from_how_many_are_approved() {
    let outcome =
        |count: usize| judge(&vec![KAYLA; count], "given kayla; birth_date 1984-02-28; phone +16172345678").outcome;
    assert_eq!(
        [0, 1, 2, 3, 4].map(outcome).map(Outcome::name),
        ["no_match", "match", "escalate", "ambiguous", "ambiguous"]
    );
    assert_eq!(judge(&[KAYLA], "given kayla; zip 02139").outcome, Outcome::InsufficientFields);
}

#[test]
fn records_of_one_id_are_one_candidate() {
    let twice = [("m-0".into(), values(KAYLA)), ("m-0".into(), values(KAYLA))];
    let claim = values("given kayla; birth_date 1984-02-28; phone +16172345678; zip 02139; middle lee");
    let verdict = Roster::new(book(), twice).judge(&claim);
    assert_eq!((verdict.outcome, verdict.approved.len(), verdict.withdrawn.len()), (Outcome::Match, 1, 0));
}

#[test]
fn conflicting_generations_take_an_approval_back() {
    let senior = format!("{KAYLA}; suffix sr");
    let claim = "given kayla; birth_date 1984-02-28; phone +16172345678";
    let verdict = judge(&[&senior], &format!("{claim}; suffix jr"));
    assert_eq!(verdict.outcome, Outcome::NoMatch);
    assert_eq!(verdict.withdrawn[0].why, Objection::Suffix);
    assert_eq!(judge(&[&senior], claim).outcome, Outcome::Match, "one side says nothing");
}

const TWINS: [&str; 2] = [
    "given jayden; birth_date 2015-05-05; phone +16172345678; zip 02139; middle lee; namespaced_id urn:a|1",
    "given jaden; birth_date 2015-05-05; phone +16172345678; zip 02139; middle ray; namespaced_id urn:a|2",
];

#[test]
fn twins_need_an_exact_first_name() {
    let claim = "given jaydem; birth_date 2015-05-05; phone +16172345678; zip 02139";
    assert_eq!(judge(&TWINS, claim).outcome, Outcome::NoMatch);
    assert_eq!(
        approved(&judge(&TWINS[..1], claim)),
        [("m-0".to_owned(), "C2-34".to_owned())],
        "alone a slip is forgiven"
    );
    let parent = "given jaydon; birth_date 1980-01-02; phone +16172345678; zip 02139";
    let verdict =
        judge(&[TWINS[0], TWINS[1], parent], "given jaydan; birth_date 1980-01-02; phone +16172345678; zip 02139");
    assert_eq!(approved(&verdict), [("m-2".to_owned(), "C2-34".to_owned())], "a parent of twins is no twin");
}

#[test]
fn a_tie_of_twins_is_broken_by_id_then_by_middle_name() {
    let namesakes = TWINS.map(|twin| twin.replace("given jaden", "given jayden"));
    let namesakes = [&*namesakes[0], &*namesakes[1]];
    let claim = "given jayden; birth_date 2015-05-05; phone +16172345678; zip 02139";
    let of = |more: &str| judge(&namesakes, &format!("{claim}; {more}"));
    assert_eq!(of("").outcome, Outcome::Escalate);
    let by_middle = of("middle ray");
    assert_eq!((by_middle.outcome, &*by_middle.approved[0].id), (Outcome::Match, "m-1"));
    assert!(by_middle.withdrawn.iter().all(|lost| &*lost.id == "m-0" && lost.why == Objection::Twin(Field::Middle)));
    assert_eq!(&*of("middle ray; namespaced_id urn:a|1").approved[0].id, "m-0", "the id goes before the middle name");
    let third = of("middle ray; namespaced_id urn:a|3");
    assert_eq!(third.outcome, Outcome::Escalate, "an id that names neither leaves the middle name unasked");
    let bare = namesakes[0].replace("; middle lee", "");
    let verdict = judge(&[&bare, namesakes[1]], &format!("{claim}; middle ray"));
    assert_eq!(verdict.outcome, Outcome::Escalate, "a middle name nobody took down is no other one");
}

#[test]
fn an_explanation_names_nobody_and_no_value() {
    let verdict = judge(&[KAYLA], "given kayla; family johnsen; birth_date 1984-02-28; phone +16172345678");
    assert_eq!(
        explain(&book(), &verdict),
        "Match: one member is approved by the CMS matching rules 3.4.0.\n\
         m-0:\n  \
         rule 02: first name, birth date, phone the same; last name nearly the same (chance of an accident 2e-14, allowed 2e-12).\n  \
         rule 11: first name, birth date, phone the same (chance of an accident 2e-12, allowed 2e-12).\n  \
         rule 30: birth date, phone the same; last name nearly the same (chance of an accident 1e-12, allowed 2e-12).\n\
         The claim has the fields of 3 rules: 02, 11, 30.\n\
         Relatives who are not on the roster, and namesakes, are beyond these rules: an approval is evidence, no decision.\n"
    );
    let nothing = explain(&book(), &judge(&[KAYLA], "zip 02139"));
    assert!(
        nothing.starts_with("Not judged: the claim says too little by the CMS matching rules 3.4.0.\n"),
        "{nothing}"
    );
    let senior = format!("{KAYLA}; suffix sr");
    let negated =
        explain(&book(), &judge(&[&senior], "given kayla; birth_date 1984-02-28; phone +16172345678; suffix jr"));
    assert!(negated.contains("m-0: rule 11 agrees, but the suffixes name different generations"), "{negated}");
}
