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
async fn a_store_that_another_keeps_locked_says_so_and_works_again_once_it_does_not() {
    let (_dir, db) = fresh();
    // Nothing here waits ten seconds.
    let hurried = |c: &mut SqliteConnection| Ok(c.batch_execute("PRAGMA busy_timeout = 0")?);
    db.write::<_, StorageError, _>(hurried).await.expect("set");
    db.can_write().await.expect("nobody else writes");
    let mut other = super::open_connection(db.path()).expect("opens");
    other.batch_execute("BEGIN IMMEDIATE").expect("locks");
    let refused = db.write(|c| put(c, "locked out")).await;
    let error = refused.expect_err("locked");
    assert!(error.is_busy(), "{error}");
    other.batch_execute("ROLLBACK").expect("unlocks");
    db.can_write().await.expect("nobody else writes any more");
    db.write(|c| put(c, "later")).await.expect("written");
    assert_eq!(keys(&db).await, ["later"]);
}

#[tokio::test]
async fn a_copy_put_back_beside_the_log_of_another_is_refused_untouched() {
    let (dir, db) = fresh();
    let path = dir.path().join("carnet.sqlite");
    let copy = dir.path().join("copy.sqlite");
    db.write(|c| put(c, "copied")).await.expect("written");
    let mut other = super::open_connection(&path).expect("opens");
    diesel::sql_query(format!("VACUUM INTO '{}'", copy.display()))
        .execute(&mut other)
        .expect("copied");
    db.write(|c| put(c, "after")).await.expect("written");
    // As after a kill: the log is left behind, and a copy takes the place of its file.
    let put_back = dir.path().join("put-back.sqlite");
    let wal = dir.path().join("put-back.sqlite-wal");
    std::fs::copy(&copy, &put_back).expect("put back");
    std::fs::copy(dir.path().join("carnet.sqlite-wal"), &wal).expect("left behind");
    let refused = Database::open(&put_back).map(|_| ());
    let error = refused.expect_err("refused");
    assert!(matches!(error, StorageError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("put-back.sqlite-wal"), "{error}");
    let bytes = |path| std::fs::read(path).expect("there");
    assert_eq!(bytes(&put_back), bytes(&copy));
    std::fs::remove_file(&wal).expect("removed");
    let again = Database::open(&put_back).expect("opens");
    assert_eq!(keys(&again).await, ["copied"]);
}

#[test]
fn whoever_finds_a_damaged_store_is_told_what_to_do() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("carnet.sqlite");
    std::fs::write(&path, "x".repeat(4096)).expect("written");
    let refused = Database::open(&path).map(|_| ());
    let error = refused.expect_err("no store").to_string();
    assert!(
        error.contains("-wal") && error.contains("backup"),
        "{error}"
    );
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

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// What the statement finds, which selects one column called `name`.
fn names(statement: &str) -> Vec<String> {
    let (dir, _db) = fresh();
    let path = dir.path().join("carnet.sqlite");
    let mut connection = super::open_connection(&path).expect("opens");
    let found: Vec<Found> = diesel::sql_query(statement)
        .load(&mut connection)
        .expect(statement);
    found.into_iter().map(|found| found.name).collect()
}

#[test]
fn every_foreign_key_has_an_index_that_begins_with_it() {
    let bare = names(
        "SELECT t.name || '.' || f.\"from\" AS name
         FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f
         WHERE t.schema = 'main' AND t.type = 'table' AND f.seq = 0 AND NOT EXISTS (
             SELECT 1 FROM pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
             WHERE c.seqno = 0 AND c.name = f.\"from\" AND NOT i.partial)",
    );
    assert_eq!(bare, [""; 0]);
}

#[test]
fn every_table_is_strict_and_the_logs_guard_themselves() {
    let loose = names(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
         AND NOT strict AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'",
    );
    assert_eq!(loose, [""; 0]);
    let triggers = names("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name");
    let expected = [
        "audit_apart_delete",
        "audit_apart_order",
        "audit_apart_update",
        "audit_delete",
        "audit_order",
        "audit_update",
        "destroyed_delete",
        "destroyed_update",
        "entries_destroyed_insert",
        "entries_destroyed_update",
        "lives_delete",
        "lives_update",
        "log_delete",
        "log_order",
        "log_update",
        "records_clock",
        "records_identity",
        "records_life",
    ];
    assert_eq!(triggers, expected);
}
