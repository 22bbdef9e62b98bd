//! What left us or came to us about one member, under whichever of their accounts it was matched: the accounting they may ask for.

use std::collections::BTreeMap;

use domain::Token;
use identity::Roster;
use projections::queries::disclosures::{self, Disclosure};
use serde::Serialize;

use super::explanations::member_token;
use super::policies::Book;
use super::{Service, told};
use crate::exit::Failure;

/// One disclosure.
#[derive(Serialize)]
pub(super) struct Row {
    at: String,
    direction: String,
    what: String,
    counterparty: String,
    workflow: String,
    consent: Option<String>,
    records: Option<i64>,
    request_id: String,
    /// The account that the request was matched to.
    account: String,
    member_token: String,
}

/// The disclosures about whoever has an account today, in time's order.
pub(super) fn of_member(service: &Service, member_key: &str) -> Result<Vec<Row>, Failure> {
    let book = Book::read(&service.plant)?;
    let register = service.register(&book.in_force().policy().survivorship)?;
    let token = |account: &str| member_token(&service.plant, account);
    let accounts: BTreeMap<Token, &str> =
        accounts(&register.roster, member_key).into_iter().map(|account| (token(account), account)).collect();
    let tokens: Vec<Token> = accounts.keys().copied().collect();
    let found = service.projections.now()?.get(|database| disclosures::of_member(database, &tokens))?;
    let account = |token: &str| token.parse().ok().and_then(|token| accounts.get(&token)).copied().unwrap_or_default();
    Ok(found.into_iter().map(|found| Row::of(account(&found.member_token).to_owned(), found)).collect())
}

/// All accounts of whoever has this one: the one that stands for them today, and those merged into it. What was disclosed about an
/// account that is no longer on the roster can be told by its own name.
fn accounts<'a>(roster: &'a Roster, member_key: &'a str) -> Vec<&'a str> {
    let stands = roster.survivor(member_key).unwrap_or(member_key);
    let mut accounts = roster.absorbed(stands);
    accounts.push(stands);
    accounts
}

// === impl Row ===

impl Row {
    fn of(account: String, found: Disclosure) -> Self {
        let Disclosure { at, direction, what, counterparty, purpose, consent, request_id, member_token, records } =
            found;
        let at = told(at);
        Self {
            at,
            direction,
            what,
            counterparty,
            workflow: purpose,
            consent,
            records,
            request_id,
            account,
            member_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::person::RosterMember;

    use super::*;

    #[test]
    fn whichever_account_is_named_all_of_the_member_s_are_meant() {
        let into = |heir: &str| RosterMember { merged_into: Some(heir.into()), ..RosterMember::default() };
        let mut roster = Roster::default();
        for (account, row) in [("old", into("middle")), ("middle", into("heir")), ("heir", RosterMember::default())] {
            roster.put(account, &row, 1);
        }
        roster.put("other", &RosterMember::default(), 1);
        for named in ["heir", "middle", "old"] {
            let mut of_named = accounts(&roster, named);
            of_named.sort_unstable();
            assert_eq!(of_named, ["heir", "middle", "old"], "{named}");
        }
        assert_eq!((accounts(&roster, "other"), accounts(&roster, "gone")), (vec!["other"], vec!["gone"]));
        // An heir who has not come yet is no reason to forget whose the account was.
        roster.remove("heir");
        assert_eq!(accounts(&roster, "middle"), ["old", "middle"]);
    }
}
