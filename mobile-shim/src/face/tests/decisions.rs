//! What was decided on an entry is hidden with it.

use std::sync::Mutex;

use ed25519_dalek::SigningKey;
use sync_core::change::{Actor, Edit, SignedOrigin};
use sync_core::entry::{Visibility, Write};
use sync_core::kind::Kind;
use sync_core::replica::Entries as _;
use sync_core::sync::Refusal;
use sync_core::{ChangeHash, DeviceTime, EntryId, Tick};

use super::*;
use crate::store::StoreError;
use crate::testing::{Phone, RECORD};

const STRICTER: [&str; 2] = ["hidden-from-professionals", "hidden-from-representatives"];

fn allergy(record: &Record) -> String {
    let draft = AllergyDraft {
        substance: text("Latex"),
        ..AllergyDraft::default()
    };
    record.add_allergy(draft, None).unwrap()
}

/// Two allergies that look like one, on whom an assignment and a decision were made.
fn decided(record: &Record) -> String {
    let (one, _) = (allergy(record), allergy(record));
    decide(record);
    one
}

fn decide(record: &Record) {
    let twice = |item: &ReviewEntry| item.code == "possible-duplicate";
    let items = record.to_review().unwrap();
    let item = items.into_iter().find(twice).unwrap();
    let somebody = "00000000-0000-0000-0000-0000000000aa".to_owned();
    record.assign(item.key.clone(), Some(somebody)).unwrap();
    let verdict = "not-a-duplicate".to_owned();
    let choice = ReviewChoice::Decide { verdict };
    record.resolve(item.key, choice).unwrap();
}

/// Who may not see the decisions.
fn decisions(record: &Record) -> Vec<Visibility> {
    let views = record.views().unwrap();
    let all = views
        .iter()
        .filter(|view| view.kind == Kind::ReviewDecision);
    all.map(|view| view.visibility.clone()).collect()
}

fn visibility(record: &Record, entry: &str) -> Visibility {
    let views = record.views().unwrap();
    let view = views.find(&entry.parse::<EntryId>().unwrap());
    view.unwrap().visibility.clone()
}

fn field(key: &str, json: &str) -> Vec<FieldValue> {
    vec![FieldValue {
        key: key.to_owned(),
        json: json.to_owned(),
    }]
}

#[test]
fn every_way_of_hiding_an_entry_hides_what_was_decided_on_it() {
    type Hides = fn(&Record, String) -> Result<(), CarnetError>;
    let ways: [Hides; 5] = [
        |record, entry| record.hide(entry),
        |record, entry| record.edit_entry(entry, field(STRICTER[0], "true"), None, None),
        |record, entry| record.edit_entry(entry, field(STRICTER[1], "true"), None, None),
        |record, entry| {
            let details = Details {
                hidden_from_representatives: Some(true),
                ..Details::default()
            };
            record.edit_details(entry, details)
        },
        |record, entry| record.write(entry.parse().unwrap(), &[Write::set(STRICTER[0], true)]),
    ];
    for hide in ways {
        let Tried { record, .. } = try_out();
        let one = decided(&record);
        assert_eq!(decisions(&record), vec![Visibility::default(); 2]);
        hide(&record, one.clone()).unwrap();
        let strict = visibility(&record, &one);
        assert_ne!(strict, Visibility::default());
        assert_eq!(decisions(&record), vec![strict; 2]);
    }
}

#[derive(Default)]
struct Steps(Mutex<Vec<usize>>);

impl ChangeListener for Steps {
    fn entries_changed(&self, changed: Vec<String>, _: Vec<String>) {
        lock(&self.0).push(changed.len());
    }
}

#[test]
fn an_entry_and_what_was_decided_on_it_are_hidden_in_one_step() {
    let Tried { record, .. } = try_out();
    let one = decided(&record);
    let steps = Arc::new(Steps::default());
    let _watch = record.watch(steps.clone()).unwrap();
    record
        .edit_entry(one.clone(), field(STRICTER[0], "true"), None, None)
        .unwrap();
    assert_eq!(*lock(&steps.0), [3]);
    // An edit that hides nothing touches its entry alone; so does showing it again.
    record
        .edit_entry(one.clone(), field("notes", "\"rouge\""), None, None)
        .unwrap();
    record.unhide(one).unwrap();
    assert_eq!(*lock(&steps.0), [3, 1, 1]);
}

#[test]
fn what_is_decided_on_a_hidden_entry_is_hidden_from_the_start() {
    for key in STRICTER {
        let Tried { record, .. } = try_out();
        let (one, _) = (allergy(&record), allergy(&record));
        record
            .edit_entry(one.clone(), field(key, "true"), None, None)
            .unwrap();
        decide(&record);
        assert_eq!(decisions(&record), vec![visibility(&record, &one); 2]);
    }
}

#[test]
fn a_delay_that_is_not_this_persons_to_set_is_left_alone() {
    let Tried { record, .. } = try_out();
    let one = decided(&record);
    let delay = Write::set(
        "hidden-from-patient-until",
        sync_core::entry::Value::Uint(u64::MAX / 2),
    );
    record.write(one.parse().unwrap(), &[delay]).unwrap();
    let until = visibility(&record, &one).hidden_from_patient_until;
    assert_eq!(until, Some(Tick(u64::MAX / 2)));
    assert_eq!(decisions(&record), vec![Visibility::default(); 2]);
}

fn opened(phone: &Phone) -> Arc<Record> {
    Record::new(phone.device.clone(), phone.profile.row, RECORD)
}

#[test]
fn what_was_decided_without_knowing_of_the_hiding_is_hidden_at_the_next_sync() {
    let server = FakeServer::new();
    let phones = [1, 2].map(|number| Phone::new(&server, number));
    let [here, there] = [&phones[0], &phones[1]].map(opened);
    let (one, _) = (allergy(&here), allergy(&here));
    here.sync_now(None, None).unwrap();
    there.sync_now(None, None).unwrap();
    here.hide(one.clone()).unwrap();
    decide(&there);
    there.sync_now(None, None).unwrap();
    assert_eq!(decisions(&there), vec![Visibility::default(); 2]);
    here.sync_now(None, None).unwrap();
    let strict = visibility(&here, &one);
    assert_eq!(decisions(&here), vec![strict.clone(); 2]);
    // It has gone to the server in the same sync, and everybody has it from there.
    assert_eq!(here.state().unwrap().waiting, 0);
    there.sync_now(None, None).unwrap();
    assert_eq!(decisions(&there), vec![strict; 2]);
}

/// From the first round on, the server holds what it is sent.
struct ThenHeld(Arc<FakeServer>);

impl SyncListener for ThenHeld {
    fn progressed(&self, _: SyncResult, _: u64) {
        self.0.hold_edits(true);
    }
}

#[test]
fn a_hiding_that_the_server_does_not_take_is_not_tried_again() {
    let server = FakeServer::new();
    let phones = [1, 2].map(|number| Phone::new(&server, number));
    let [here, there] = [&phones[0], &phones[1]].map(opened);
    let (one, _) = (allergy(&here), allergy(&here));
    here.sync_now(None, None).unwrap();
    there.sync_now(None, None).unwrap();
    here.hide(one).unwrap();
    here.sync_now(None, None).unwrap();
    decide(&there);
    let then_held = Arc::new(ThenHeld(server.clone()));
    let synced = there.sync_now(Some(then_held), None).unwrap();
    assert_eq!((synced.accepted, synced.held), (2, 2));
    let again = there.sync_now(None, None).unwrap();
    assert_eq!((again.held, again.round_trips), (0, 1));
    assert_eq!(there.state().unwrap().waiting, 0);
}

/// From the first round on, the server finds every entry full.
struct ThenFull(Arc<FakeServer>);

impl SyncListener for ThenFull {
    fn progressed(&self, _: SyncResult, _: u64) {
        self.0.refuse_edits(Some(Refusal::EntryFull));
    }
}

#[test]
fn a_decision_that_was_full_is_tried_again_once_there_is_more_in_it() {
    let server = FakeServer::new();
    let phones = [1, 2].map(|number| Phone::new(&server, number));
    let [here, there] = [&phones[0], &phones[1]].map(opened);
    let (one, _) = (allergy(&here), allergy(&here));
    here.sync_now(None, None).unwrap();
    there.sync_now(None, None).unwrap();
    here.hide(one.clone()).unwrap();
    here.sync_now(None, None).unwrap();
    decide(&there);
    let then_full = Arc::new(ThenFull(server.clone()));
    let synced = there.sync_now(Some(then_full), None).unwrap();
    assert_eq!((synced.accepted, synced.round_trips), (2, 2));
    server.refuse_edits(None);
    // Nothing has changed in them.
    let again = there.sync_now(None, None).unwrap();
    assert_eq!((again.accepted, again.round_trips), (0, 1));
    assert_eq!(decisions(&there), vec![Visibility::default(); 2]);
    // Somebody settles one of them.
    let settled = decision(&there);
    there
        .write(settled, &[Write::set("notes", "settled")])
        .unwrap();
    there.sync_now(None, None).unwrap();
    let strict = visibility(&there, &one);
    assert_eq!(visibility(&there, &settled.to_string()), strict);
    let hidden = decisions(&there).into_iter().filter(|one| *one == strict);
    assert_eq!(hidden.count(), 1);
}

/// One of the decisions.
fn decision(record: &Record) -> EntryId {
    let views = record.views().unwrap();
    let mut all = views
        .iter()
        .filter(|view| view.kind == Kind::ReviewDecision);
    all.next().unwrap().id
}

/// So many people wrote in a decision apart that an edit cannot name all they follow: the entry is
/// hidden, and the other decision too.
#[test]
fn an_entry_is_hidden_though_a_decision_on_it_takes_no_more() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    let record = opened(&phone);
    let one = decided(&record);
    let full = decision(&record);
    let filled = phone
        .device
        .store()
        .with_replica(&phone.profile, &RECORD, |_, rows| {
            let mut local = rows.load(&full)?.unwrap();
            let base = local.clone();
            let origin = base.provenance().into_values().next().unwrap().origin;
            let key = SigningKey::from_bytes(&[9; 32]);
            for number in 0..65 {
                let writes = [Write::set("notes", format!("{number}"))];
                let sign =
                    |change: &ChangeHash| SignedOrigin::new(&key, &RECORD, &full, change, &origin);
                let (actor, at) = (Actor([number; 16]), DeviceTime(0));
                let written = base.clone().write(full, actor, &writes, at, sign).unwrap();
                let Edit { change, origin, .. } = written.edit;
                local.take(&change, origin, Some(Tick(1)), None).unwrap();
            }
            rows.store(&full, &local)?;
            Ok::<_, StoreError>(())
        });
    filled.unwrap();
    record.hide(one.clone()).unwrap();
    let strict = visibility(&record, &one);
    assert_ne!(strict, Visibility::default());
    assert_eq!(
        visibility(&record, &full.to_string()),
        Visibility::default()
    );
    let hidden = decisions(&record).into_iter().filter(|one| *one == strict);
    assert_eq!(hidden.count(), 1);
}
