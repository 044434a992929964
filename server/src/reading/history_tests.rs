//! What is kept of an entry's changes in one piece stands for the log, wherever it is there.

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use sync_core::EntryId;
use sync_core::entry::Write;
use sync_core::sync::SyncAnswer;

use crate::fault::Fault;
use crate::records::histories::MOST_HISTORY;
use crate::records::world::{Phone, World};
use crate::storage::StorageError;
use crate::storage::records::RecordStore as _;

/// What a phone that knows nothing is given first.
async fn all(phone: &mut Phone) -> SyncAnswer {
    let mut request = phone.request();
    (request.cursor, request.edits) = (None, None);
    phone.ask(request).await.expect("answered")
}

async fn keeps(world: &World, phone: &Phone, entry: EntryId) -> bool {
    let record = phone.head.record;
    let read = move |c: &mut SqliteConnection| c.history(record, entry);
    let kept: Result<_, StorageError> = world.records.db.read(read).await;
    kept.expect("reads").is_some()
}

/// Makes the store one that was written before histories were kept.
async fn forget_histories(world: &World) {
    let forget = |c: &mut SqliteConnection| -> Result<_, Fault> {
        let forgotten = c.batch_execute("UPDATE contents SET history = NULL");
        Ok(forgotten.map_err(StorageError::from)?)
    };
    world.records.db.write(forget).await.expect("forgotten");
}

#[tokio::test]
async fn whoever_is_given_an_entry_gets_what_the_log_has() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let mut doctor = world.doctor(&mut holder).await;
    let shared = holder.allergy("Latex");
    holder.hidden_allergy("Iode");
    holder.sync().await;
    for (phone, said) in [(&mut caregiver, "vue"), (&mut doctor, "revue")] {
        phone.sync().await;
        phone.write(shared, &[Write::set("notes", said)]);
        phone.allergy("Pollen");
        phone.sync().await;
    }
    for phone in [&mut holder, &mut caregiver, &mut doctor] {
        phone.sync().await;
        let kept = all(phone).await;
        assert!(keeps(&world, phone, shared).await);
        forget_histories(&world).await;
        let by_log = all(phone).await;
        assert!(kept.news.is_some());
        assert_eq!(kept.news, by_log.news);
        // The next change of an entry keeps all of them again.
        phone.write(shared, &[Write::set("notes", "encore")]);
        phone.sync().await;
        assert!(keeps(&world, phone, shared).await);
        let some = all(phone).await;
        forget_histories(&world).await;
        assert_eq!(some.news, all(phone).await.news);
        phone.write(shared, &[Write::set("notes", "enfin")]);
        phone.sync().await;
    }
}

#[tokio::test]
async fn what_is_too_much_for_one_piece_is_read_in_the_log() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let entry = holder.allergy("Latex");
    holder.sync().await;
    let mut written = 0;
    while written < MOST_HISTORY {
        let notes = format!("{written} {}", "à surveiller, ".repeat(120));
        holder.write(entry, &[Write::set("notes", notes.as_str())]);
        holder.sync().await;
        assert!(holder.kept.unsent.is_empty() && holder.kept.aside.is_empty());
        written += notes.len();
    }
    assert!(!keeps(&world, &holder, entry).await);
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let (theirs, mine) = (
        &caregiver.kept.entries[&entry],
        &holder.kept.entries[&entry],
    );
    assert_eq!(theirs.state(), mine.state());
    // It may still be written.
    caregiver.write(entry, &[Write::set("notes", "bref")]);
    caregiver.sync().await;
    assert!(caregiver.kept.unsent.is_empty() && caregiver.kept.aside.is_empty());
}
