use super::*;
use crate::fixture::{dispatched, fact};

#[test]
fn a_fact_shows_its_own_fields_and_nothing_around_them() {
    let fact = fact(1, dispatched());
    assert_eq!(fact.kind(), "partner-dispatched");
    let wanted = r#"{"operation_id":"08080808-0808-0808-0808-080808080808","partner":"harbor","bucket":1}"#;
    assert_eq!(&*fact.detail, wanted);
}

#[test]
fn only_the_outermost_braces_of_an_event_are_taken_off() {
    assert_eq!(inner(r#"{"Closed":{"outcome":"fulfilled","code":null}}"#), r#"{"outcome":"fulfilled","code":null}"#);
    assert_eq!(inner(r#"{"Held":{"at":"a:b"}}"#), r#"{"at":"a:b"}"#);
}
