use domain::lifecycle::PolicyRef;
use domain::messages::{Manifest, ReceivedData};
use domain::person::ConsentPolicy;
use domain::{Code, EventBody, FailureClass, RequestId};

use super::*;
use crate::database::Database;
use crate::fixture::{OPERATION, REQUEST, dispatched, projected, received};
use crate::queries::request;
use crate::rows::Rows;
use crate::statement::Inserts;
use crate::write::{Batch, Offsets, write};

/// Whatever a row says, the database gives it back.
async fn comes_back(row: &RequestRow) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open(&folder.path().join("p.sqlite")).await.expect("a database");
    {
        let mut writer = database.writer().await;
        let connection = writer.begin().await.expect("a connection");
        let mut tx = connection.begin().await.expect("a transaction");
        let batch = Batch { requests: vec![row], rows: &Rows::default(), next: &Offsets::new() };
        write(&mut tx, &mut Inserts::default(), &batch).await.expect("it is written");
        tx.commit().await.expect("a commit");
        writer.done();
    }
    let stored = request::by_id(&database, REQUEST).await.expect("an answer").expect("a row");
    assert_eq!(restore(&stored).as_ref(), Ok(row));
}

#[tokio::test]
async fn a_bare_row_comes_back_as_it_was() {
    comes_back(&RequestRow::new(REQUEST, Position { partition: 2, offset: 9 })).await;
}

#[tokio::test]
async fn a_full_row_comes_back_as_it_was() {
    let policy = PolicyRef::default();
    let received_data = ReceivedData { records: 4, evidence: Some("e".to_owned()), ..ReceivedData::default() };
    let class = FailureClass::BusinessRule;
    let history = [
        received(),
        EventBody::Validated { consent: ConsentPolicy::Sensitive, consent_end: Timestamp(9), policy },
        EventBody::IdentityMatched {
            member_token: Default::default(),
            rule: "r".to_owned(),
            candidates: 1,
            policy,
            roster_version: 1,
            evidence: None,
        },
        EventBody::ReviewOpened {
            code: Code::SeveralCandidates,
            candidates: 2,
            policy,
            due_by: Timestamp(1),
            roster_version: None,
            evidence: None,
        },
        dispatched(),
        EventBody::AttemptFailed {
            operation_id: OPERATION,
            attempt: 1,
            class,
            code: "c".to_owned(),
            retry_at: Some(Timestamp(1)),
        },
        EventBody::Acknowledged { operation_id: OPERATION, reference: "ref".to_owned() },
        EventBody::Fulfilled { operation_id: OPERATION, manifest: Manifest::default(), received: received_data },
        EventBody::PartnerRefused { operation_id: OPERATION, class, code: "no".to_owned() },
        EventBody::ExceptionRaised { code: Code::CountMismatch, owner: "o".to_owned(), runbook: "b".to_owned() },
        EventBody::Escalated { tier: 2, owner: "p".to_owned() },
        EventBody::Superseded { by: RequestId([4; 16]) },
        EventBody::Closed {
            outcome: domain::TerminalOutcome::Fulfilled,
            code: Some(Code::CountMismatch),
            events: 1,
            chain: [0; 32],
        },
    ];
    let (row, _) = projected(history);
    comes_back(&row.expect("a request")).await;
}

#[test]
fn a_column_that_no_row_of_ours_holds_is_named() {
    assert_eq!(named::<domain::State>(Some("asleep"), "state"), Err("state"));
    assert_eq!(digest("abc"), None);
    assert_eq!(digest(&"é".repeat(32)), None);
    assert_eq!(number::<u32>(-1, "events"), Err("events"));
}
