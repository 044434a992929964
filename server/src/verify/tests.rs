use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;

use super::*;
use crate::clock::Clock as _;
use crate::records::lives;
use crate::records::world::{Phone, World};
use crate::storage::StorageError;

async fn findings(world: &World, phone: &Phone) -> Findings {
    let (keys, id) = (world.records.keys.clone(), phone.head.record);
    let device = phone.visitor.device.expect("has a key");
    let job = move |connection: &mut SqliteConnection| {
        let mut devices = |_: &mut SqliteConnection, id| {
            Ok::<_, Fault>((id == device.id).then_some(device.public_key))
        };
        record(connection, &keys, &mut devices, id)
    };
    world.records.db.read(job).await.expect("reads")
}

/// A record with some history, and a caregiver's edit held in it.
async fn lived() -> (World, Phone) {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let note = holder.note("One");
    holder.note("Two");
    holder.sync().await;
    let hidden = sync_core::entry::HIDDEN_FROM_PROFESSIONALS;
    holder.write(note, &[sync_core::entry::Write::set(hidden, true)]);
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    let mut doctor = world.doctor(&mut holder).await;
    for result in ["Annoncé", "À annoncer"] {
        world.clock.advance_seconds(2 * 86_400);
        holder.sync().await;
        doctor.sync().await;
        doctor.result(result, world.clock.now().plus_days(1));
        doctor.sync().await;
    }
    caregiver.sync().await;
    let status = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(right, &[sync_core::entry::Write::set("status", status)]);
    holder.sync().await;
    caregiver.note("Too late");
    caregiver.sync().await;
    holder.sync().await;
    (world, holder)
}

#[tokio::test]
async fn a_sound_record_is_found_sound() {
    let (world, holder) = lived().await;
    let found = findings(&world, &holder).await;
    assert_eq!(found.wrong, []);
    assert_eq!((found.entries, found.changes, found.held), (6, 8, 1));
    assert_eq!((found.destroyed, found.unsigned), (0, 2));
    assert!(found.events > 5);
    assert_eq!(found.apart, 2);
}

#[tokio::test]
async fn a_destroyed_entry_is_counted_not_blamed() {
    let (world, mut holder) = lived().await;
    let note = holder.note("Three");
    holder.sync().await;
    holder.wrong_patient(note);
    holder.sync().await;
    let found = findings(&world, &holder).await;
    assert_eq!(found.wrong, []);
    assert_eq!(
        (found.entries, found.destroyed, found.unfinished),
        (6, 1, 0)
    );
}

/// A key that is gone is a destruction only if the journal says so, and the store follows it.
#[tokio::test]
async fn a_lost_key_is_blamed() {
    for journal in [true, false] {
        let (world, holder) = lived().await;
        let id = holder.head.record;
        let job = move |c: &mut SqliteConnection| c.entries_after(id, None, 1);
        let rows: Vec<EntryRow> = world.records.db.read(job).await.expect("reads");
        let keys = &world.records.keys;
        let destroyed = keys.destroy_entries(&[(id, rows[0].entry, rows[0].key)]);
        destroyed.expect("destroyed");
        if !journal {
            let mut store = crate::storage::sqlite::open_connection(keys.path()).expect("opens");
            let forgotten = store.batch_execute("DELETE FROM destroyed_entries");
            forgotten.expect("forgotten");
        }
        let found = findings(&world, &holder).await;
        let wrong: Vec<&str> = found
            .wrong
            .iter()
            .map(|wrong| wrong.what.as_str())
            .collect();
        let wanted = match journal {
            true => "its key was destroyed and its rows were not: serving mends that",
            false => "its key does not exist",
        };
        assert_eq!(wrong, [wanted]);
    }
}

/// A store that was written before there were shelves.
#[tokio::test]
async fn the_entries_of_an_older_release_are_put_on_shelves() {
    let (world, holder) = lived().await;
    let keys = world.records.keys.clone();
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        c.batch_execute(
            "DELETE FROM places; DELETE FROM departures; DELETE FROM shelves;
             UPDATE records SET shelves = 0",
        )
        .expect("taken out");
        lives::fill_shelves(c, &keys)
    };
    world.records.db.write(job).await.expect("filled");
    assert_eq!(findings(&world, &holder).await.wrong, []);
}

/// What is kept beside an entry follows from its changes, and is sealed with its key: only the server
/// itself could have it wrong.
#[tokio::test]
async fn what_does_not_follow_from_the_changes_is_found() {
    for (forged, expected) in [
        ("people", "who is said to have made its changes"),
        ("version", "its version"),
        ("history", "in one piece"),
    ] {
        let (world, holder) = lived().await;
        let (keys, id) = (world.records.keys.clone(), holder.head.record);
        let forge = move |c: &mut SqliteConnection| -> Result<(), Fault> {
            let vault = Vault::new(&keys, id)?;
            let rows = c.entries_after(id, None, 10)?;
            let row = rows.into_iter().find(|row| !row.is_right);
            let mut row = row.expect("a note");
            let key = vault.key_of(&row)?.expect("its key");
            let at = (row.entry, row.touched);
            let (_, document) = c.entry(id, row.entry)?.expect("there");
            let filed = vault.open_filed(&key, &row)?;
            let people = filed.people.filter(|_| forged != "people");
            let version = filed.version.filter(|_| forged != "version");
            let filed = (&filed.class, version.unwrap_or(Version::NONE));
            row.class = vault.seal_filed(&key, at, filed, &people.unwrap_or_default())?;
            let history = match forged {
                "history" => Some(vault.seal_history(&key, at, &History::default().to_bytes())?),
                _ => c.history(id, row.entry)?,
            };
            c.put_entry(id, &row, &document, history.as_deref())?;
            Ok(())
        };
        world.records.db.write(forge).await.expect("forged");
        let found = findings(&world, &holder).await;
        let said: Vec<&str> = found.wrong.iter().map(|wrong| &*wrong.what).collect();
        assert!(
            matches!(said[..], [one] if one.contains(expected)),
            "{said:?}"
        );
    }
}

/// A store that was written before entries' changes were kept in one piece, and its tables by number.
#[tokio::test]
async fn the_tables_of_an_older_release_are_taken_over_whole() {
    use crate::storage::sqlite::{MIGRATIONS, open_connection};
    use diesel_migrations::MigrationHarness as _;

    let (world, mut holder) = lived().await;
    let (gone, entry) = (holder.note("Three"), holder.note("Four"));
    holder.sync().await;
    holder.wrong_patient(gone);
    holder.sync().await;
    let before = findings(&world, &holder).await;
    let mut connection = open_connection(world.records.db.path()).expect("opens");
    while connection
        .applied_migrations()
        .expect("they are listed")
        .iter()
        .any(|version| version.to_string().as_str() >= "20261127")
    {
        let reverted = connection.revert_last_migration(MIGRATIONS);
        reverted.expect("an older release");
    }
    let done = connection.run_pending_migrations(MIGRATIONS);
    assert!(!done.expect("taken over").is_empty());
    assert_eq!(findings(&world, &holder).await, before);
    assert_eq!(before.wrong, []);
    // Nothing is kept in one piece yet; the next edit of an entry does it.
    let id = holder.head.record;
    let entries = move |c: &mut SqliteConnection| -> Result<_, StorageError> {
        let rows = c.entries_after(id, None, 100)?;
        let kept = |row: &EntryRow| Ok((row.entry, c.history(id, row.entry)?.is_some()));
        rows.iter().map(kept).collect::<Result<Vec<_>, _>>()
    };
    let kept = world.records.db.read(entries).await.expect("reads");
    assert!(kept.iter().all(|(_, kept)| !kept));
    holder.write(entry, &[sync_core::entry::Write::set("text", "Suite")]);
    holder.sync().await;
    let read = move |c: &mut SqliteConnection| c.history(id, entry);
    let history: Result<_, StorageError> = world.records.db.read(read).await;
    assert!(history.expect("reads").is_some());
    assert_eq!(findings(&world, &holder).await.wrong, []);
}

/// Each of these is done with the triggers out of the way, as somebody with the file could.
#[tokio::test]
async fn each_tampering_is_found() {
    let tamperings = [
        // A log row changed, moved, taken out.
        (
            "UPDATE log SET change = zeroblob(length(change)) WHERE seq = 1",
            "does not open",
        ),
        (
            "UPDATE log SET tick = tick + 1000000 WHERE seq = 2",
            "does not open",
        ),
        ("DELETE FROM log WHERE seq = 2", "not what its changes make"),
        (
            "UPDATE log SET change = (SELECT change FROM log ORDER BY tick LIMIT 1),
                about = (SELECT about FROM log ORDER BY tick LIMIT 1) WHERE seq = 2",
            "does not open",
        ),
        (
            "UPDATE log SET change_blind = randomblob(16) WHERE seq = 2",
            "another name",
        ),
        // Where it stands.
        (
            "DELETE FROM places WHERE since = (SELECT max(since) FROM places)",
            "not on the shelf",
        ),
        ("UPDATE places SET since = since + 1", "not on the shelf"),
        ("UPDATE records SET shelves = shelves + 1", "its shelves"),
        // An entry's view.
        (
            "UPDATE contents SET document = zeroblob(60)",
            "its document",
        ),
        (
            "UPDATE entries SET class = zeroblob(60) WHERE is_right = 0",
            "its class",
        ),
        (
            "UPDATE contents SET history = zeroblob(60)",
            "in one piece",
        ),
        (
            "DELETE FROM contents WHERE entry_id = (SELECT max(entry_id) FROM contents)",
            "its document",
        ),
        ("UPDATE entries SET due = 5 WHERE is_right = 1", "falls due"),
        (
            "UPDATE entries SET bytes = bytes + 1 WHERE is_right = 1",
            "miscounts its bytes",
        ),
        (
            "DELETE FROM entries WHERE is_right = 0",
            "entries that do not exist",
        ),
        ("DELETE FROM parties", "cannot find the record"),
        (
            // Of a delegation there are two.
            "DELETE FROM parties WHERE person_blind NOT IN (SELECT max(person_blind) FROM parties)
                AND entry_id IN (SELECT entry_id FROM parties GROUP BY entry_id HAVING count(*) = 2)",
            "cannot find the record|its caregiver helps",
        ),
        (
            "INSERT INTO parties SELECT randomblob(16), record_id, entry_id FROM entries",
            "whom it does not name",
        ),
        // The access log: a hash, an event, the end, the middle.
        (
            "UPDATE audit SET hash = zeroblob(32) WHERE seq = 3",
            "at event 3",
        ),
        (
            "UPDATE audit SET sealed = zeroblob(60) WHERE seq = 3",
            "event 3",
        ),
        (
            "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
            "signed checkpoint",
        ),
        ("DELETE FROM audit WHERE seq = 2", "does not open|event"),
        ("UPDATE audit SET tick = tick + 1 WHERE seq = 2", "misdated"),
        // What is kept apart from it.
        (
            "UPDATE audit_apart SET sealed = zeroblob(60) WHERE seq = 1",
            "kept apart does not open",
        ),
        (
            "UPDATE audit_apart SET hash = zeroblob(32) WHERE seq = 1",
            "what is kept apart: ",
        ),
        (
            "UPDATE audit_apart SET entry_id = zeroblob(16) WHERE seq = 2",
            "misfiled",
        ),
        (
            "DELETE FROM audit_apart WHERE seq = (SELECT max(seq) FROM audit_apart)",
            "not all there",
        ),
        ("UPDATE audit_apart SET told = NULL", "do not agree"),
        // The record.
        ("UPDATE records SET audit_len = audit_len + 1", "access log"),
        (
            "UPDATE records SET rights_tick = rights_tick - 1",
            "misdates",
        ),
        (
            "UPDATE records SET opening = zeroblob(60)",
            "how it was opened",
        ),
        ("UPDATE held SET sealed = zeroblob(60)", "does not open"),
        ("DELETE FROM held", "the held edits do not agree"),
        (
            "UPDATE held SET settlement = 'released'",
            "the held edits do not agree",
        ),
    ];
    for (statement, expected) in tamperings {
        let (world, holder) = lived().await;
        let job = move |c: &mut SqliteConnection| -> Result<(), StorageError> {
            c.batch_execute(
                "DROP TRIGGER log_update; DROP TRIGGER log_delete; DROP TRIGGER audit_update;
                 DROP TRIGGER audit_delete; DROP TRIGGER records_clock;
                 DROP TRIGGER audit_apart_update; DROP TRIGGER audit_apart_delete;",
            )?;
            c.batch_execute(statement)?;
            Ok(())
        };
        // Outside the writer's transaction, so that foreign keys can be off.
        let path = world.records.db.path().to_owned();
        let mut connection = crate::storage::sqlite::open_connection(&path).expect("opens");
        connection
            .batch_execute("PRAGMA foreign_keys = OFF")
            .expect("off");
        job(&mut connection).expect(statement);
        let found = findings(&world, &holder).await;
        let said: Vec<String> = found.wrong.iter().map(ToString::to_string).collect();
        let told = said
            .iter()
            .any(|wrong| expected.split('|').any(|expected| wrong.contains(expected)));
        assert!(told, "{statement}: {said:?}");
    }
}
