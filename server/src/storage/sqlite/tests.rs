use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use std::sync::{Arc, Barrier};

use sync_core::Tick;

use super::{Database, READERS};
use crate::clock::{Clock, ManualClock};
use crate::sessions::after;
use crate::storage::StorageError;
use crate::storage::schema::identity::settings;

const NOW: Tick = Tick(1_790_000_000_000_000);

/// A clock at `NOW`, as it moves and as it is asked.
fn clock() -> (Arc<ManualClock>, Arc<dyn Clock>) {
    let clock = Arc::new(ManualClock::at(NOW));
    (clock.clone(), clock)
}

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

/// Also of more than may wait: nobody is forgotten.
#[tokio::test]
async fn every_read_is_answered_once() {
    let (_dir, db) = fresh();
    let reads = (0..3_000).map(|n| db.read(move |_| Ok::<_, StorageError>(n)));
    let answers = futures_util::future::join_all(reads).await;
    let answers: Result<Vec<u32>, StorageError> = answers.into_iter().collect();
    assert!(answers.expect("reads").into_iter().eq(0..3_000));
}

/// One that lasts keeps no other waiting: each of these goes on only once all have begun.
#[tokio::test]
async fn reads_go_on_side_by_side() {
    let (_dir, db) = fresh();
    for _ in 0..50 {
        let all = Arc::new(Barrier::new(READERS));
        let reads = (0..READERS).map(|_| {
            let all = all.clone();
            db.read(move |_| Ok::<_, StorageError>(all.wait().is_leader()))
        });
        let led = futures_util::future::join_all(reads).await;
        let led = led.into_iter().filter(|led| matches!(led, Ok(true)));
        assert_eq!(led.count(), 1);
    }
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
    let (moves, clock) = clock();
    db.can_write(&clock).await.expect("nobody else writes");
    let mut other = super::open_connection(db.path()).expect("opens");
    other.batch_execute("BEGIN IMMEDIATE").expect("locks");
    let refused = db.write(|c| put(c, "locked out")).await;
    let error = refused.expect_err("locked");
    assert!(error.is_busy(), "{error}");
    moves.set(after(NOW, super::TRIED_EVERY));
    let refused = db.can_write(&clock).await.expect_err("locked");
    assert!(refused.is_busy(), "{refused}");
    other.batch_execute("ROLLBACK").expect("unlocks");
    // It was found out a moment ago, and is not tried again at once.
    let refused = db.can_write(&clock).await.expect_err("it was locked");
    assert!(refused.is_busy(), "{refused}");
    moves.set(after(moves.now(), super::FAILED_FOR));
    let unlocked = db.can_write(&clock).await;
    unlocked.expect("nobody else writes any more");
    db.write(|c| put(c, "later")).await.expect("written");
    assert_eq!(keys(&db).await, ["later"]);
}

/// A store that can be locked but has no room is noticed.
#[tokio::test]
async fn a_store_without_room_says_so_and_works_again_once_it_has_some() {
    let (_dir, db) = fresh();
    let set = |pragma: &'static str| {
        db.write(move |c| -> Result<_, StorageError> { Ok(c.batch_execute(pragma)?) })
    };
    // No page is free, and SQLite takes the number of pages that there are for the most if that is
    // more.
    let mut other = super::open_connection(db.path()).expect("opens");
    other.batch_execute("VACUUM").expect("packed");
    set("PRAGMA max_page_count = 1").await.expect("set");
    let (moves, clock) = clock();
    for _ in 0..2 {
        let error = db.can_write(&clock).await.expect_err("no room");
        assert!(error.is_full() && !error.is_busy(), "{error}");
    }
    // SQLite undid all, and the writer went on with a connection without that limit.
    moves.set(after(NOW, super::FAILED_FOR));
    db.can_write(&clock).await.expect("there is room again");
    assert!(keys(&db).await.is_empty());
}

/// SQLite undoes the whole group then: the rest of it is told that nothing was kept.
#[tokio::test]
async fn who_shares_a_group_with_a_job_that_has_no_room_is_told_to_try_again() {
    let (_dir, db) = fresh();
    let (open, gate) = std::sync::mpsc::channel();
    let (begins, began) = tokio::sync::oneshot::channel();
    let mut waits = Box::pin(db.write(move |_| -> Result<(), StorageError> {
        begins.send(()).expect("awaited");
        gate.recv().expect("opened");
        Ok(())
    }));
    assert!(futures_util::poll!(&mut waits).is_pending());
    began.await.expect("begins");
    // These wait for the gate, and so share the next group.
    let mut group = std::pin::pin!(futures_util::future::join3(
        db.write(|c| put(c, "before")),
        db.write(|c| -> Result<(), StorageError> {
            c.batch_execute("PRAGMA max_page_count = 1")?;
            crate::settings::note(c, "full", &"0".repeat(1 << 20))
        }),
        db.write(|c| put(c, "after")),
    ));
    assert!(futures_util::poll!(&mut group).is_pending());
    open.send(()).expect("waits");
    let (before, full, after) = group.await;
    assert!(full.expect_err("no room").is_full());
    for told in [before, after] {
        assert!(matches!(told, Err(StorageError::Commit(_))), "{told:?}");
    }
    waits.await.expect("a group before");
    assert!(keys(&db).await.is_empty());
}

/// Whoever asks again and again does not make the store write each time.
#[tokio::test]
async fn whether_it_can_be_written_to_is_tried_now_and_then() {
    let (dir, db) = fresh();
    let wal = dir.path().join("carnet.sqlite-wal");
    let written = || std::fs::metadata(&wal).expect("the log").len();
    let (moves, clock) = clock();
    // What a store begins with is folded after the first write, and before the second.
    for key in ["one", "two"] {
        db.write(|c| put(c, key)).await.expect("written");
    }
    db.can_write(&clock).await.expect("writes");
    let once = written();
    for _ in 0..10 {
        db.can_write(&clock).await.expect("could be written to");
    }
    assert_eq!(written(), once);
    let later = after(NOW, super::TRIED_EVERY);
    let cases = [(later, true), (NOW, true), (NOW, false)];
    for (at, tries) in cases {
        let before = written();
        moves.set(at);
        db.can_write(&clock).await.expect("writes");
        assert_eq!(
            written() > before,
            tries,
            "set back, a clock is not believed"
        );
    }
}

/// A probe that asks and goes away has begun the one try all others are told of.
#[tokio::test]
async fn whoever_asks_whether_it_can_be_written_to_and_goes_away_does_not_make_it_tried_again() {
    let (_dir, db) = fresh();
    let hurried = |c: &mut SqliteConnection| Ok(c.batch_execute("PRAGMA busy_timeout = 0")?);
    db.write::<_, StorageError, _>(hurried).await.expect("set");
    let mut other = super::open_connection(db.path()).expect("opens");
    other.batch_execute("BEGIN IMMEDIATE").expect("locks");
    let (_, clock) = clock();
    {
        let mut asks = std::pin::pin!(db.can_write(&clock));
        assert!(futures_util::poll!(&mut asks).is_pending());
    }
    // It waits for what came of that, and by then nobody keeps the store locked.
    let told = db.can_write(&clock).await.expect_err("locked");
    assert!(told.is_busy(), "{told}");
    other.batch_execute("ROLLBACK").expect("unlocks");
    let told = db.can_write(&clock).await.expect_err("it was locked");
    assert!(told.is_busy(), "{told}");
}

/// What was overwritten stays in the log while somebody reads what was before; writers go on.
#[tokio::test]
async fn the_log_is_folded_in_once_nobody_reads_and_nobody_waits_for_that() {
    let (dir, db) = fresh();
    let log = || std::fs::read(dir.path().join("carnet.sqlite-wal")).expect("the log");
    let holds = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
    // Whoever waited for a reader would wait for ever.
    let patient =
        |c: &mut SqliteConnection| Ok(c.batch_execute("PRAGMA busy_timeout = 2000000000")?);
    db.write::<_, StorageError, _>(patient).await.expect("set");
    db.write(|c| put(c, "overwritten")).await.expect("written");
    let mut reader = super::open_connection(db.path()).expect("opens");
    reader
        .batch_execute("BEGIN; SELECT * FROM settings")
        .expect("reads");
    db.write(|c| crate::settings::remove(c, "overwritten"))
        .await
        .expect("removed");
    db.fold_soon();
    for key in ["one", "two"] {
        db.write(|c| put(c, key)).await.expect("written");
    }
    assert!(holds(&log(), "overwritten"));
    reader.batch_execute("ROLLBACK").expect("read");
    for key in ["three", "four"] {
        db.write(|c| put(c, key)).await.expect("written");
    }
    assert!(!holds(&log(), "overwritten"));
    assert!(!holds(
        &std::fs::read(db.path()).expect("the file"),
        "overwritten"
    ));
    let patience = db.write(|c| {
        let asked = diesel::sql_query("SELECT timeout AS name FROM pragma_busy_timeout");
        Ok::<Vec<Waits>, StorageError>(asked.load(c)?)
    });
    assert_eq!(patience.await.expect("asked")[0].name, 2_000_000_000);
}

#[derive(diesel::QueryableByName)]
struct Waits {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    name: i32,
}

#[tokio::test]
async fn what_follows_a_job_is_done_though_nobody_waits_and_only_if_it_is_durable() {
    let (_dir, db) = fresh();
    let (sender, done) = std::sync::mpsc::channel();
    let job = |key: &'static str, kept: bool| {
        let sender = sender.clone();
        let job = move |c: &mut SqliteConnection| {
            put(c, key)?;
            let undone = StorageError::Malformed("as the test wants");
            if kept { Ok(key) } else { Err(undone) }
        };
        db.write_then(job, move |key: &&str| {
            sender.send(*key).expect("heard");
            assert_ne!(*key, "panics", "as the test wants");
        })
    };
    for (key, kept) in [("undone", false), ("panics", true), ("dropped", true)] {
        // Polled once, it waits in the writer's queue.
        let mut job = Box::pin(job(key, kept));
        assert!(futures_util::poll!(&mut job).is_pending());
    }
    db.write(|c| put(c, "next")).await.expect("still works");
    assert_eq!(done.try_iter().collect::<Vec<_>>(), ["panics", "dropped"]);
    assert_eq!(keys(&db).await, ["dropped", "next", "panics"]);
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
    // Whoever reads keeps the log from being folded in meanwhile.
    other
        .batch_execute("BEGIN; SELECT count(*) FROM settings")
        .expect("reads");
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

/// Migrations changed in their places before there was a release: a store that had them as they were
/// is refused as it is, and not half brought up to date.
#[test]
fn a_store_of_an_unreleased_build_is_refused_untouched_and_says_what_differs() {
    use diesel_migrations::MigrationHarness as _;
    let earlier = [
        ("DROP TABLE doomed", "table doomed"),
        ("ALTER TABLE held DROP COLUMN about", "table held"),
        ("DROP INDEX held_author", "index held_author"),
    ];
    for (change, what) in earlier {
        let (dir, db) = fresh();
        drop(db);
        let path = dir.path().join("carnet.sqlite");
        let mut connection = super::open_connection(&path).expect("opens");
        connection
            .revert_last_migration(super::MIGRATIONS)
            .expect("an earlier state");
        connection.batch_execute(change).expect(change);
        let had = connection.applied_migrations().expect("reads");
        let refused = Database::open(&path).map(|_| ());
        let error = refused.expect_err("refused");
        assert!(matches!(error, StorageError::Unreleased { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(connection.applied_migrations().expect("reads"), had);
    }
    // One of an earlier release is brought up to date.
    let (dir, db) = fresh();
    drop(db);
    let path = dir.path().join("carnet.sqlite");
    let mut connection = super::open_connection(&path).expect("opens");
    for _ in 0..2 {
        connection
            .revert_last_migration(super::MIGRATIONS)
            .expect("an earlier release");
    }
    Database::open(&path).expect("opens");
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
        "contents_destroyed_insert",
        "contents_destroyed_update",
        "destroyed_delete",
        "destroyed_update",
        "devices_revoked",
        "enrolment_codes_once",
        "entries_destroyed_insert",
        "entries_destroyed_update",
        "given_up_delete",
        "given_up_update",
        "lives_delete",
        "lives_update",
        "log_delete",
        "log_order",
        "log_update",
        "passkeys_revoked",
        "records_bytes",
        "records_clock",
        "records_identity",
        "records_life",
        "sessions_ended",
    ];
    assert_eq!(triggers, expected);
}
