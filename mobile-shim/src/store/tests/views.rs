//! Views in memory are those of what is on disk, whatever happened to it.

use sync_core::merge::{self, EntryView, FieldClaim, FlagCode};
use sync_core::sync::{HeldEdit, HoldReason};

use super::*;
use crate::driver::Cancel;

fn labels(store: &mut Store, profile: &Unlocked) -> Vec<String> {
    let views = store.views(profile, &RECORD).unwrap();
    views.iter().map(text).collect()
}

fn text(view: &EntryView) -> String {
    let current = &view.field("text").unwrap().current;
    current[0].as_text().unwrap().to_owned()
}

/// What the documents say, without any view that was kept.
pub(super) fn derived(rows: &mut RecordRows<'_>) -> Vec<EntryView> {
    let mut views = Vec::new();
    for id in rows.older_than(u64::MAX).unwrap() {
        let local = rows.load(&id).unwrap().unwrap();
        views.push(merge::view(id, &local.state(), &local.provenance()));
    }
    views.sort_by_key(|view| view.id);
    views
}

#[test]
fn views_follow_what_is_durable_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    assert!(labels(&mut store, &profile).is_empty());
    edit(&mut store, &profile, entry(2), "two");
    edit(&mut store, &profile, entry(1), "one");
    assert_eq!(labels(&mut store, &profile), ["one", "two"]);
    let before = store.views(&profile, &RECORD).unwrap();
    edit(&mut store, &profile, entry(2), "zwei");
    assert_eq!(labels(&mut store, &profile), ["one", "zwei"]);
    assert_eq!(
        text(&before[1]),
        "two",
        "what was given out stays as it was"
    );
    let author = store.author(&profile, &RECORD).unwrap();
    let failed: Result<(), Error> = store.with_replica(&profile, &RECORD, |head, rows| {
        let writes = [Write::set("text", "never")];
        head.edit(rows, &author, entry(1), &writes, Vec::new(), DeviceTime(1))?;
        rows.remove(&entry(2))?;
        Err(Error::Cancelled)
    });
    assert!(failed.is_err());
    assert_eq!(labels(&mut store, &profile), ["one", "zwei"]);
    store
        .with_replica::<_, Error>(&profile, &RECORD, |_, rows| Ok(rows.remove(&entry(1))?))
        .unwrap();
    assert_eq!(labels(&mut store, &profile), ["zwei"]);
}

#[test]
fn what_another_handle_wrote_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    edit(&mut store, &profile, entry(1), "one");
    assert_eq!(labels(&mut store, &profile), ["one"]);
    let mut other = Store::open(folder.path(), &vault).unwrap();
    edit(&mut other, &profile, entry(1), "uno");
    edit(&mut other, &profile, entry(2), "due");
    assert_eq!(labels(&mut store, &profile), ["uno", "due"]);
    edit(&mut other, &profile, entry(2), "tre");
    edit(&mut store, &profile, entry(3), "quattro");
    let all = ["uno", "tre", "quattro"];
    assert_eq!(labels(&mut store, &profile), all);
    assert_eq!(labels(&mut other, &profile), all);
}

#[test]
fn views_of_another_version_are_derived_anew_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    edit(&mut store, &profile, entry(1), "one");
    edit(&mut store, &profile, entry(2), "two");
    drop(store);
    let mut store = Store::open(folder.path(), &vault).unwrap();
    let older = |store: &mut Store| {
        let entries = schema::entries::table;
        let older = entries.filter(schema::entries::format.eq(7));
        older
            .count()
            .get_result::<i64>(&mut store.connection)
            .unwrap()
    };
    store
        .connection
        .batch_execute("UPDATE entries SET format = 7")
        .unwrap();
    assert_eq!(older(&mut store), 2);
    let one = store.rows(&profile, &RECORD).view(&entry(1)).unwrap();
    assert_eq!(text(&one.unwrap()), "one");
    assert_eq!(labels(&mut store, &profile), ["one", "two"]);
    assert_eq!(older(&mut store), 0);
}

#[test]
fn a_forgotten_profile_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    edit(&mut store, &profile, entry(1), "one");
    assert_eq!(labels(&mut store, &profile), ["one"]);
    assert_eq!(store.kept.len(), 1);
    store.forget_views(&profile.row);
    assert!(store.kept.is_empty());
    assert_eq!(labels(&mut store, &profile), ["one"]);
}

#[test]
fn what_is_cancelled_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let author = store.author(&profile, &RECORD).unwrap();
    let cancel = Cancel::default();
    let stopped: Result<(), Error> = store.with_replica(&profile, &RECORD, |head, rows| {
        rows.stop_when(cancel.clone());
        for number in 1.. {
            let writes = [Write::set(KIND, "own-note")];
            let id = entry(number);
            head.edit(rows, &author, id, &writes, Vec::new(), DeviceTime(1))?;
            if number == 3 {
                cancel.cancel();
            }
        }
        Ok(())
    });
    assert!(matches!(stopped, Err(Error::Store(StoreError::Cancelled))));
    let mut rows = store.rows(&profile, &RECORD);
    assert_eq!((rows.count().unwrap(), rows.waiting().unwrap()), (0, 0));
}

#[test]
fn a_record_whose_right_has_ended_is_forgotten_but_for_own_edits() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let sent = edit(&mut store, &profile, entry(1), "sent");
    edit(&mut store, &profile, entry(2), "not sent");
    store
        .with_replica::<_, Error>(&profile, &RECORD, |head, rows| {
            let mut local = rows.load(&entry(1))?.unwrap();
            local.accepted(&sent, sync_core::Tick(7));
            rows.store(&entry(1), &local)?;
            rows.dequeue(&sent)?;
            head.cursor = Some(vec![1].into());
            Ok(())
        })
        .unwrap();
    let cards = store.records(&profile).unwrap();
    store.put_records(&profile, &[]).unwrap();
    let ended = store.record(&profile, &RECORD).unwrap().unwrap();
    assert!(ended.has_ended() && ended.role == cards[0].role);
    assert!(store.views(&profile, &RECORD).unwrap().is_empty());
    assert_eq!(store.head(&profile, &RECORD).unwrap().cursor, None);
    let mut rows = store.rows(&profile, &RECORD);
    assert!(rows.load(&entry(1)).unwrap().is_none());
    assert_eq!(rows.queue(9).unwrap()[0].edit.entry, entry(2));
    // The right is given again.
    store.put_records(&profile, &cards).unwrap();
    let back = store.record(&profile, &RECORD).unwrap().unwrap();
    assert_eq!(back, cards[0]);
    assert!(store.forget_record(&profile, &RECORD).is_err());
    store.put_records(&profile, &[]).unwrap();
    store.forget_record(&profile, &RECORD).unwrap();
    assert!(store.records(&profile).unwrap().is_empty());
}

#[test]
fn a_held_edit_is_not_offered_twice() {
    let (folder, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (vault, their_vault) = (MemoryVault::default(), MemoryVault::default());
    let (mut other, author) = open(theirs.path(), &their_vault);
    let change = edit(&mut other, &author, entry(1), "theirs");
    let unsent = other.rows(&author, &RECORD).queue(1).unwrap().remove(0);
    let held = HeldEdit {
        edit: unsent.edit,
        reason: HoldReason::NoLongerPermitted,
        received: sync_core::Tick(9),
        settled: None,
        yours: false,
    };
    let (mut store, profile) = open(folder.path(), &vault);
    store
        .with_replica::<_, Error>(&profile, &RECORD, |_, rows| Ok(rows.note_held(&held)?))
        .unwrap();
    let offered = |store: &mut Store| {
        store
            .review(&profile, &RECORD, jiff::civil::date(2024, 10, 5))
            .unwrap()
            .1
            .len()
    };
    assert_eq!(offered(&mut store), 1);
    let author = store.author(&profile, &RECORD).unwrap();
    let writes = [Write::set(KIND, "own-note"), Write::set("text", "theirs")];
    store
        .with_replica::<_, Error>(&profile, &RECORD, |head, rows| {
            let id = entry(1);
            Ok(head.edit(rows, &author, id, &writes, vec![change], DeviceTime(2))?)
        })
        .unwrap();
    assert_eq!(offered(&mut store), 0);
}

/// What follows something held is offered once that is taken up, and not as something its author
/// had not seen.
#[test]
fn what_follows_a_held_edit_is_offered_after_it() {
    let (folder, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (vault, their_vault) = (MemoryVault::default(), MemoryVault::default());
    let (mut other, author) = open(theirs.path(), &their_vault);
    let changes = ["one", "two"].map(|text| edit(&mut other, &author, entry(1), text));
    let edits = other.rows(&author, &RECORD).queue(2).unwrap();
    let reasons = [HoldReason::NoLongerPermitted, HoldReason::FollowsHeld];
    let (mut store, profile) = open(folder.path(), &vault);
    for (unsent, reason) in edits.into_iter().zip(reasons) {
        let held = HeldEdit {
            edit: unsent.edit,
            reason,
            received: sync_core::Tick(9),
            settled: None,
            yours: false,
        };
        store
            .with_replica::<_, Error>(&profile, &RECORD, |_, rows| Ok(rows.note_held(&held)?))
            .unwrap();
    }
    let offered = |store: &mut Store| {
        let day = jiff::civil::date(2024, 10, 5);
        let (_, items) = store.review(&profile, &RECORD, day).unwrap();
        let asked = items.iter();
        let asked = asked.map(|item| (item.claims[0].claim.change, item.unseen.len()));
        asked.collect::<Vec<_>>()
    };
    assert_eq!(offered(&mut store), [(changes[0], 0)]);
    let author = store.author(&profile, &RECORD).unwrap();
    let writes = [
        Write::set(KIND, "own-note"),
        Write::set("label", r#"{"text":"note"}"#),
        Write::set("text", "one"),
    ];
    store
        .with_replica::<_, Error>(&profile, &RECORD, |head, rows| {
            let (id, cites) = (entry(1), vec![changes[0]]);
            Ok(head.edit(rows, &author, id, &writes, cites, DeviceTime(2))?)
        })
        .unwrap();
    assert_eq!(offered(&mut store), [(changes[1], 0)]);
}

/// A treatment beside whose last day somebody proposes that it is active is marked on the entry and
/// in lists as it is on the list to review, from the day on which it has run out.
#[test]
fn a_treatment_that_ran_out_in_doubt_is_marked_on_that_day() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let author = store.author(&profile, &RECORD).unwrap();
    let regimen = r#"{"product":{"text":"Fer"},"ends":"2024-08-31"}"#;
    let writes = [
        Write::set(KIND, "medication-taken"),
        Write::set("regimen", regimen),
        Write::set("status", r#"{"status":"active"}"#),
    ];
    let change = store
        .with_replica::<_, Error>(&profile, &RECORD, |head, rows| {
            Ok(head.edit(rows, &author, entry(1), &writes, vec![], DeviceTime(1))?)
        })
        .unwrap();
    let mut view = store.views(&profile, &RECORD).unwrap()[0].clone();
    let marks = |view: &EntryView, today| {
        let views = super::super::views::Views::new(vec![view.clone()]);
        let cast = views.cast_on(&view.id, today);
        cast.iter().map(|(_, flag)| flag.code).collect::<Vec<_>>()
    };
    let (last, after) = (
        jiff::civil::date(2024, 8, 31),
        jiff::civil::date(2024, 10, 5),
    );
    assert_eq!(marks(&view, after), [], "over");
    let status = view.fields.iter_mut().find(|field| field.key == "status");
    status.unwrap().proposals.push(FieldClaim {
        value: r#"{"status":"active","reason":"toujours"}"#.into(),
        change,
        by: None,
    });
    assert_eq!(marks(&view, last), []);
    assert_eq!(marks(&view, after), [FlagCode::ToReconcile]);
}

/// However many treatments of one substance are over, two that are not are marked.
#[test]
fn two_treatments_are_marked_among_many_that_are_over() {
    let folder = tempfile::tempdir().unwrap();
    let vault = MemoryVault::default();
    let (mut store, profile) = open(folder.path(), &vault);
    let author = store.author(&profile, &RECORD).unwrap();
    for number in 1..=20 {
        let regimen = match number {
            1 | 20 => r#"{"product":{"text":"Fer"}}"#,
            _ => r#"{"product":{"text":"Fer"},"ends":"2020-08-31"}"#,
        };
        let writes = [
            Write::set(KIND, "medication-taken"),
            Write::set("regimen", regimen),
        ];
        store
            .with_replica::<_, Error>(&profile, &RECORD, |head, rows| {
                let at = DeviceTime(number as i64);
                Ok(head.edit(rows, &author, entry(number), &writes, vec![], at)?)
            })
            .unwrap();
    }
    let views = store.views(&profile, &RECORD).unwrap();
    let today = jiff::civil::date(2024, 10, 5);
    let marked = |number| {
        let cast = views.cast_on(&entry(number), today);
        let twice = cast
            .iter()
            .filter(|(_, flag)| flag.code == FlagCode::SubstanceTwice);
        twice.count()
    };
    let marked: Vec<_> = (1..=20).map(marked).collect();
    let mut expected = vec![0; 20];
    (expected[0], expected[19]) = (1, 1);
    assert_eq!(marked, expected);
}
