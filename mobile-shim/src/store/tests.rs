mod views;

use std::path::Path;
use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use sync_core::entry::{KIND, Write};
use sync_core::replica::{Entries as _, Unsent};
use sync_core::sign::PublicKey;
use sync_core::{ChangeHash, DeviceTime, EntryId, Incarnation};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::error::Error;
use crate::testing::{MemoryVault, RECORD, sign_in};
use crate::vault::VaultError;

const SERVER_KEY: PublicKey = PublicKey([9; 32]);
const SECRET: &str = "allergie-aux-arachides";

fn open(folder: &Path, vault: &MemoryVault) -> (Store, Unlocked) {
    let mut store = Store::open(folder, vault).unwrap();
    let profile = sign_in(&mut store, vault, 5, SERVER_KEY);
    (store, profile)
}

fn entry(number: u128) -> EntryId {
    EntryId(Uuid::from_u128(
        0x0192_f3a4_b5c6_7d81_9e2f_7c4b_d816_3a50 + number,
    ))
}

/// Writes an entry, creating it the first time.
fn edit(store: &mut Store, profile: &Unlocked, id: EntryId, text: &str) -> ChangeHash {
    let author = store.author(profile, &RECORD).unwrap();
    store
        .with_replica::<_, Error>(profile, &RECORD, |head, rows| {
            let mut writes = vec![Write::set("text", text)];
            if rows.load(&id)?.is_none() {
                writes.push(Write::set(KIND, "own-note"));
                let label = r#"{"text":"note"}"#;
                writes.push(Write::set("label", label));
            }
            Ok(head.edit(rows, &author, id, &writes, Vec::new(), DeviceTime(1))?)
        })
        .unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let name = file.file_name();
        // The shared-memory file is rebuilt from the log; a dead process's is not to be trusted.
        if !name.to_string_lossy().ends_with("-shm") {
            std::fs::copy(file.path(), to.join(name)).unwrap();
        }
    }
}

/// What is on disk at every instant between two statements is a whole store: what a process leaves
/// that is killed there.
#[test]
fn killed_between_any_two_statements_the_store_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let images: Arc<Mutex<Vec<TempDir>>> = Arc::default();
    let taken = images.clone();
    let from = folder.path().to_owned();
    store
        .connection
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(
                event,
                InstrumentationEvent::StartQuery { .. } | InstrumentationEvent::FinishQuery { .. }
            ) {
                let image = tempfile::tempdir().unwrap();
                copy(&from, image.path());
                taken.lock().unwrap().push(image);
            }
        });
    let made = [
        edit(&mut store, &profile, entry(1), "one"),
        edit(&mut store, &profile, entry(2), "two"),
        edit(&mut store, &profile, entry(1), "three"),
    ];
    drop(store);
    let images = std::mem::take(&mut *images.lock().unwrap());
    assert!(images.len() > 20, "only {} instants", images.len());
    let mut seen = 0;
    for image in &images {
        let mut store = Store::open(image.path(), &vault).unwrap();
        let profile = store.unlock(&profile.row, &vault).unwrap();
        let mut rows = store.rows(&profile, &RECORD);
        let queue = rows.queue(10).unwrap();
        let pending: Vec<_> = queue.iter().map(|unsent| unsent.change).collect();
        assert!(
            made.starts_with(&pending),
            "an edit without those before it"
        );
        for Unsent { edit, change, .. } in &queue {
            assert!(rows.load(&edit.entry).unwrap().unwrap().has(change));
            assert!(rows.view(&edit.entry).unwrap().is_some());
        }
        let kept: usize = [entry(1), entry(2)]
            .iter()
            .filter_map(|id| rows.load(id).unwrap())
            .map(|local| local.state().history.len())
            .sum();
        assert_eq!(kept, pending.len(), "an edit the queue does not know of");
        assert!(pending.len() >= seen, "an edit came back out of the store");
        seen = pending.len();
        let derived = views::derived(&mut rows);
        let shown = store.views(&profile, &RECORD).unwrap();
        assert_eq!(shown[..], derived[..], "a view that is not its entry's");
    }
    assert_eq!(seen, made.len());
}

/// What one more edit takes: statements, and bytes in the row of the record.
fn cost_of_an_edit(store: &mut Store, profile: &Unlocked, number: u128) -> (usize, usize) {
    let statements = Arc::new(Mutex::new(0));
    let counted = statements.clone();
    store
        .connection
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                *counted.lock().unwrap() += 1;
            }
        });
    edit(store, profile, entry(number), "one more");
    store
        .connection
        .set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let head: Vec<u8> = schema::records::table
        .select(schema::records::head)
        .first(&mut store.connection)
        .unwrap();
    let statements = *statements.lock().unwrap();
    (statements, head.len())
}

#[test]
fn an_edit_costs_the_same_however_many_wait() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    // The first edit also notes under which key edits are made here.
    edit(&mut store, &profile, entry(1), "the first");
    let early = cost_of_an_edit(&mut store, &profile, 2);
    for number in 3..200 {
        edit(&mut store, &profile, entry(number), "waits");
    }
    assert_eq!(cost_of_an_edit(&mut store, &profile, 200), early);
    let mut rows = store.rows(&profile, &RECORD);
    assert_eq!(rows.waiting().unwrap(), 200);
    let queue = rows.queue(1_000).unwrap();
    let made: Vec<EntryId> = queue.iter().map(|unsent| unsent.edit.entry).collect();
    assert_eq!(made, (1..=200).map(entry).collect::<Vec<_>>());
}

#[test]
fn a_call_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let author = store.author(&profile, &RECORD).unwrap();
    let failed: Result<(), Error> = store.with_replica(&profile, &RECORD, |head, rows| {
        let writes = [Write::set(KIND, "own-note")];
        head.edit(rows, &author, entry(1), &writes, Vec::new(), DeviceTime(1))?;
        Err(Error::Cancelled)
    });
    assert!(matches!(failed, Err(Error::Cancelled)));
    let mut rows = store.rows(&profile, &RECORD);
    assert_eq!((rows.count().unwrap(), rows.waiting().unwrap()), (0, 0));
}

#[test]
fn nothing_planted_is_readable_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    edit(&mut store, &profile, entry(1), SECRET);
    let planted: Vec<Vec<u8>> = vec![
        SECRET.into(),
        "own-note".into(),
        "Jeanne Martin".into(),
        "localhost".into(),
        "a-bearer-token".into(),
        RECORD.as_bytes().to_vec(),
        RECORD.to_string().into(),
        profile.card.person.as_bytes().to_vec(),
        entry(1).as_bytes().to_vec(),
        vec![5; 32],
    ];
    let search = || {
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for needle in &planted {
                let found = bytes.windows(needle.len()).any(|window| window == needle);
                assert!(
                    !found,
                    "plaintext at rest: {}",
                    String::from_utf8_lossy(needle)
                );
            }
        }
    };
    search();
    drop(store);
    search();
}

fn incarnation(store: &mut Store, profile: &Unlocked) -> Incarnation {
    store
        .with_replica::<_, Error>(profile, &RECORD, |head, _| Ok(head.incarnation))
        .unwrap()
}

#[test]
fn a_store_put_back_from_a_copy_takes_a_fresh_incarnation() {
    let folder = tempfile::tempdir().unwrap();
    let copied = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let first = incarnation(&mut store, &profile);
    drop(store);
    let mut store = Store::open(folder.path(), &vault).unwrap();
    assert_eq!(incarnation(&mut store, &profile), first, "reopened");
    drop(store);
    copy(folder.path(), copied.path());
    drop(Store::open(folder.path(), &vault).unwrap());
    copy(copied.path(), folder.path());
    let mut store = Store::open(folder.path(), &vault).unwrap();
    let second = incarnation(&mut store, &profile);
    assert_ne!(second, first, "put back");
    assert_eq!(incarnation(&mut store, &profile), second, "once");
    drop(store);
    let elsewhere = tempfile::tempdir().unwrap();
    copy(folder.path(), elsewhere.path());
    let mut store = Store::open(elsewhere.path(), &vault).unwrap();
    assert_ne!(incarnation(&mut store, &profile), second, "copied");
}

#[test]
fn without_its_vault_the_store_stays_closed() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    vault.close();
    let denied = store.unlock(&profile.row, &vault);
    assert!(matches!(denied, Err(StoreError::Vault(VaultError::Denied))));
    assert_eq!(
        store.profiles().unwrap().len(),
        1,
        "a locked profile still has a name"
    );
    drop(store);
    let other = MemoryVault::default();
    assert!(matches!(
        Store::open(folder.path(), &other),
        Err(StoreError::Foreign)
    ));
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, _) = open(folder.path(), &vault);
    store
        .connection
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')")
        .unwrap();
    drop(store);
    assert!(matches!(
        Store::open(folder.path(), &vault),
        Err(StoreError::Newer)
    ));
}

#[test]
fn a_removed_profile_takes_its_records_along_and_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    edit(&mut store, &profile, entry(1), "one");
    let mut colleague = profile.card.clone();
    colleague.person = sync_core::PersonId(Uuid::from_u128(77));
    let secrets = store.secrets(&profile).unwrap();
    let colleague = store.put_profile(&colleague, &secrets, &vault).unwrap();
    store.remove_profile(&profile.row, &vault).unwrap();
    assert!(store.records(&profile).unwrap().is_empty());
    assert_eq!(store.rows(&profile, &RECORD).count().unwrap(), 0);
    assert!(matches!(
        store.unlock(&profile.row, &vault),
        Err(StoreError::Absent)
    ));
    assert!(store.unlock(&colleague.row, &vault).is_ok());
}
