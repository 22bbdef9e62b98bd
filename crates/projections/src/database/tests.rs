use crate::database::Database;
use crate::fixture::REQUEST;
use crate::queries::request;

/// Readers are not shut out by a new beginning that fails: once its place is there again, they ask again.
#[tokio::test]
async fn readers_outlive_a_new_beginning_that_fails() {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("projections");
    std::fs::create_dir(&folder).expect("room");
    let database = Database::open(&folder.join("p.sqlite")).await.expect("a database");
    std::fs::remove_dir_all(&folder).expect("it is there");
    database.begin_anew().await.expect_err("there is no folder to begin in");
    std::fs::create_dir(&folder).expect("room");
    database.writer().await.offsets().await.expect("whoever writes makes the file");
    let nobody = request::by_id(&database, REQUEST).await.expect("an answer");
    assert!(nobody.is_none());
}
