use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::Database;
use crate::storage::StorageError;
use crate::storage::schema::identity::settings;

fn fresh() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let db = Database::open(&dir.path().join("carnet.sqlite")).expect("opens");
    (dir, db)
}

fn put(connection: &mut SqliteConnection, key: &str) -> Result<(), StorageError> {
    diesel::insert_into(settings::table)
        .values((settings::key.eq(key), settings::value.eq("")))
        .execute(connection)?;
    Ok(())
}

async fn keys(db: &Database) -> Vec<String> {
    db.read(|c| {
        settings::table
            .select(settings::key)
            .load(c)
            .map_err(StorageError::from)
    })
    .await
    .expect("reads")
}

#[tokio::test]
async fn a_failed_job_undoes_only_itself() {
    let (_dir, db) = fresh();
    let jobs = (0..10).map(|n| {
        db.write(move |c| {
            put(c, &format!("{n}"))?;
            if n % 2 == 0 {
                return Err(StorageError::Malformed("as the test wants"));
            }
            Ok(())
        })
    });
    let answers = futures_util::future::join_all(jobs).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), n % 2 == 1);
    }
    assert_eq!(keys(&db).await, ["1", "3", "5", "7", "9"]);
}

#[tokio::test]
async fn a_panic_costs_its_job_only() {
    let (_dir, db) = fresh();
    let before = db.write(|c| put(c, "before"));
    let panics = db.write(|c| {
        c.transaction(|c| -> Result<(), StorageError> {
            put(c, "lost")?;
            panic!("as the test wants")
        })
    });
    let after = db.write(|c| put(c, "after"));
    let (before, panics, after) = tokio::join!(before, panics, after);
    before.expect("kept");
    assert!(matches!(panics, Err(StorageError::Unfinished)));
    after.expect("kept");
    db.write(|c| put(c, "later")).await.expect("still works");
    assert_eq!(keys(&db).await, ["after", "before", "later"]);
}

#[tokio::test]
async fn a_reader_cannot_write_and_survives_a_panic() {
    let (_dir, db) = fresh();
    for _ in 0..8 {
        let panics = db.read(|_| -> Result<(), StorageError> { panic!("as the test wants") });
        assert!(matches!(panics.await, Err(StorageError::Unfinished)));
    }
    let refused = db.read(|c| put(c, "no")).await;
    assert!(matches!(refused, Err(StorageError::Query(_))));
    assert!(keys(&db).await.is_empty());
}

#[tokio::test]
async fn closing_finishes_what_waits_and_takes_no_more() {
    let (dir, db) = fresh();
    let waiting = db.write(|c| put(c, "waiting"));
    let (waiting, ()) = tokio::join!(waiting, db.close());
    waiting.expect("finished first");
    let refused = db.write(|c| put(c, "late")).await;
    assert!(matches!(refused, Err(StorageError::Closed)));
    let again = Database::open(&dir.path().join("carnet.sqlite")).expect("opens");
    assert_eq!(keys(&again).await, ["waiting"]);
}

#[tokio::test]
async fn a_newer_store_is_refused_untouched() {
    let (dir, db) = fresh();
    db.write(|c| {
        c.batch_execute(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')",
        )
        .map_err(StorageError::from)
    })
    .await
    .expect("written");
    db.close().await;
    let refused = Database::open(&dir.path().join("carnet.sqlite")).map(|_| ());
    let Err(StorageError::Newer { migration, .. }) = refused else {
        panic!("opened a newer store: {refused:?}");
    };
    assert_eq!(migration, "29991231000001");
}

#[test]
fn the_migrations_can_be_undone_and_done_again() {
    use diesel_migrations::MigrationHarness;
    let mut connection = SqliteConnection::establish(":memory:").expect("opens");
    for _ in 0..2 {
        connection
            .run_pending_migrations(super::MIGRATIONS)
            .expect("up");
        connection
            .revert_all_migrations(super::MIGRATIONS)
            .expect("down");
    }
}
