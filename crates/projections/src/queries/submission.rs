//! One submission that named no new request.

use domain::{RequestId, SubmissionId};
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// A submission that was refused, or said what another one had said.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Submission {
    /// The submission.
    pub submission_id: String,
    /// refused, duplicate or conflict.
    pub result: String,
    /// The request its key names, or for a refused one would have named.
    pub request_id: Option<String>,
    /// The upstream system, as claimed.
    pub source: Option<String>,
    /// Why it was refused.
    pub code: Option<String>,
    /// Fields at fault or in conflict, joined by commas.
    pub fields: Option<String>,
    /// When.
    pub at: i64,
}

/// The refused submissions under the key that names this request, the oldest first.
pub async fn refused(database: &Database, request_id: RequestId) -> Result<Vec<Submission>, StoreError> {
    let sql = "SELECT submission_id, result, request_id, source, code, fields, at FROM submissions \
               WHERE request_id = $1 AND result = 'refused' ORDER BY at, log_partition, log_offset";
    database.rows(sql, vec![value(request_id)]).await
}

/// The submission of this id.
pub async fn by_id(database: &Database, submission_id: SubmissionId) -> Result<Option<Submission>, StoreError> {
    let sql =
        "SELECT submission_id, result, request_id, source, code, fields, at FROM submissions WHERE submission_id = $1";
    database.row(sql, vec![value(submission_id)]).await
}
