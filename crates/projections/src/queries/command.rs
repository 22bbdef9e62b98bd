//! One command.

use domain::CommandId;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// What came of a command, as far as it was judged.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Command {
    /// The intent.
    pub command_id: String,
    /// The request it was about; for a letter without a request, the letter.
    pub request_id: String,
    /// What was wanted.
    pub action: String,
    /// Who wanted it, where the facts say.
    pub operator: Option<String>,
    /// When the fleet last acted on it.
    pub at: i64,
    /// accepted, passed, done, failed or refused.
    pub result: String,
    /// Why, where there is something to explain.
    pub code: Option<String>,
}

/// The command of this id; none as long as nobody has judged it.
pub async fn by_id(database: &Database, command_id: CommandId) -> Result<Option<Command>, StoreError> {
    let sql = "SELECT command_id, request_id, action, operator, at, result, code FROM commands WHERE command_id = $1";
    database.row(sql, vec![value(command_id)]).await
}
