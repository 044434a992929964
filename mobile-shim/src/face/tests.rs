mod decisions;
mod may;
mod room;

use std::sync::{Arc, Mutex};

use super::*;
use crate::device::lock;
use crate::error::CarnetError;
use crate::testing::{FakeNetwork, FakeServer, MemoryVault, PatientClock};

struct Tried {
    carnet: Arc<Carnet>,
    record: Arc<Record>,
    folder: tempfile::TempDir,
}

fn try_out() -> Tried {
    let folder = tempfile::tempdir().unwrap();
    let network = Arc::new(FakeNetwork {
        server: FakeServer::new(),
        lines: false,
    });
    let vault = Arc::new(MemoryVault::default());
    let clock = Arc::new(PatientClock::default());
    let carnet = Carnet::with_network(folder.path(), vault, network, clock).unwrap();
    let profile = carnet.try_out("Jeanne Martin".to_owned()).unwrap();
    let id = profile.records().unwrap()[0].id.clone();
    Tried {
        record: profile.record(id).unwrap(),
        carnet,
        folder,
    }
}

fn text(text: &str) -> CodedText {
    CodedText {
        text: text.to_owned(),
        ..CodedText::default()
    }
}

fn current(entry: &Entry, key: &str) -> Vec<String> {
    let field = entry.fields.iter().find(|field| field.key == key);
    let texts = field.map(|field| field.current.iter().map(|text| text.fr.clone()));
    texts.map(Iterator::collect).unwrap_or_default()
}

#[test]
fn every_kind_is_added_and_edited_and_said_in_words() {
    let Tried { record, .. } = try_out();
    let contact = record
        .add_contact(
            ContactDraft {
                name: "Awa Martin".to_owned(),
                relationship: Some("fille".to_owned()),
                phones: vec![PhoneNumber {
                    number: "06 12 34 56 78".to_owned(),
                    rank: 1,
                    used_for: None,
                }],
                ..ContactDraft::default()
            },
            None,
        )
        .unwrap();
    let edit = ContactEdit {
        email: Some("awa@example.fr".to_owned()),
        remove_phones: vec!["06 12 34 56 78".to_owned()],
        clear: vec!["relationship".to_owned()],
        ..ContactEdit::default()
    };
    record.edit_contact(contact.clone(), edit).unwrap();
    let contact = record.entry(contact).unwrap();
    assert_eq!(current(&contact, "email"), ["awa@example.fr"]);
    let phone = contact.fields.iter().find(|f| f.key.starts_with("phone/"));
    assert_eq!(phone.unwrap().current[0].fr, "06 12 34 56 78 [retiré]");
    let group = BloodGroupDraft {
        abo: "ab".to_owned(),
        rhd: "negative".to_owned(),
        source: "laboratory".to_owned(),
    };
    let group = record.add_blood_group(group, None).unwrap();
    let group = record.entry(group).unwrap();
    assert_eq!(group.summary.fr, "AB− (laboratoire)");
    let medication = MedicationDraft {
        product: text("Doliprane"),
        dose: Some("1".to_owned()),
        unit: Some("comprimé".to_owned()),
        as_needed: true,
        ..MedicationDraft::default()
    };
    let medication = record.add_medication(medication, None).unwrap();
    let shown = record.entry(medication.clone()).unwrap();
    assert_eq!(shown.summary.fr, "Doliprane, 1 comprimé, si besoin");
    let reason = Some("fin du traitement".to_owned());
    record
        .set_status(medication.clone(), "stopped".to_owned(), reason)
        .unwrap();
    let shown = record.entry(medication).unwrap();
    assert_eq!(shown.standing, EntryStanding::Ended);
    assert_eq!(shown.status.fr, "arrêté");
}

#[test]
fn fields_that_cannot_stand_are_named_and_nothing_is_kept() {
    let Tried { record, .. } = try_out();
    let invalid = |result: Result<String, CarnetError>, named: &str, word: &str| match result {
        Err(CarnetError::Invalid { field, problem }) => {
            assert_eq!((field.as_str(), problem.as_str()), (named, word));
        }
        other => panic!("not refused as it should be: {other:?}"),
    };
    let nothing = AllergyDraft::default();
    invalid(record.add_allergy(nothing, None), "label", "missing");
    let odd = ConditionDraft {
        label: text("Asthme"),
        severity: Some("enormous".to_owned()),
        ..ConditionDraft::default()
    };
    invalid(record.add_condition(odd, None), "severity", "unknown-code");
    let when = Common {
        occurred: Some("hier".to_owned()),
        ..Common::default()
    };
    let note = NoteDraft {
        title: "Note".to_owned(),
        text: None,
    };
    invalid(record.add_note(note, Some(when)), "occurred", "not-a-date");
    invalid(
        record.grant("nobody".to_owned(), true, None),
        "person",
        "unusable",
    );
    assert_eq!(record.entries(true).unwrap(), []);
}

#[test]
fn a_right_is_given_and_taken_back() {
    let Tried { record, .. } = try_out();
    let person = "0191d6a0-0000-7000-8000-00000000000a".to_owned();
    let right = record
        .delegate(
            person.clone(),
            "caregiver".to_owned(),
            None,
            Some(4_000_000_000_000),
        )
        .unwrap();
    assert_eq!(record.rights_of(person.clone()).unwrap().len(), 1);
    record.revoke(right.clone(), None).unwrap();
    assert!(record.rights_of(person).unwrap().is_empty());
    assert_eq!(record.entry(right).unwrap().status.en, "revoked");
}

#[test]
fn what_two_entries_contradict_is_reviewed_and_settled_by_a_person() {
    let Tried { record, .. } = try_out();
    for _ in 0..2 {
        let draft = AllergyDraft {
            substance: text("Pénicilline"),
            ..AllergyDraft::default()
        };
        record.add_allergy(draft, None).unwrap();
    }
    let items = record.to_review().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].code, "possible-duplicate");
    let assigned = |person: Option<&str>| {
        let person = person.map(str::to_owned);
        record.assign(items[0].key.clone(), person).unwrap();
        record.to_review().unwrap().remove(0).assigned
    };
    let (one, other) = (
        "00000000-0000-0000-0000-0000000000aa",
        "00000000-0000-0000-0000-0000000000bb",
    );
    let to = assigned(Some(one)).remove(0);
    assert_eq!(
        (to.person.as_str(), to.unseen),
        (one, true),
        "without a right"
    );
    let now: Vec<_> = assigned(Some(other))
        .into_iter()
        .map(|to| (to.person, to.own))
        .collect();
    assert_eq!(now, [(other.to_owned(), false)]);
    assert_eq!(assigned(None), []);
    let nobody = record.assign(items[0].key.clone(), Some("Awa".to_owned()));
    assert!(matches!(nobody, Err(CarnetError::Invalid { .. })));
    let verdict = items[0].verdicts[0].clone();
    let decide = ReviewChoice::Decide { verdict };
    record.resolve(items[0].key.clone(), decide).unwrap();
    assert_eq!(record.to_review().unwrap(), []);
    record.hide(items[0].entries[0].clone()).unwrap();
    let all = record.entries(false).unwrap();
    let shown = all
        .iter()
        .filter(|entry| !entry.hidden)
        .map(|entry| &entry.id);
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [&items[0].entries[1]],
        "nothing tells of it"
    );
    let again = ReviewChoice::Decide {
        verdict: "accept".to_owned(),
    };
    let gone = record.resolve(items[0].key.clone(), again);
    assert_eq!(gone, Err(CarnetError::NotFound));
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl ChangeListener for Heard {
    fn entries_changed(&self, changed: Vec<String>, _: Vec<String>) {
        lock(&self.0).extend(changed);
    }
}

#[test]
fn listeners_hear_of_edits_until_they_are_stopped() {
    let Tried { record, .. } = try_out();
    let heard = Arc::new(Heard::default());
    let watch = record.watch(heard.clone()).unwrap();
    let note = |title: &str| {
        let title = title.to_owned();
        record
            .add_note(NoteDraft { title, text: None }, None)
            .unwrap()
    };
    let first = note("one");
    assert_eq!(*lock(&heard.0), std::slice::from_ref(&first));
    watch.stop();
    note("two");
    assert_eq!(*lock(&heard.0), [first]);
}

#[test]
fn a_record_on_this_device_only_asks_for_a_sign_in_to_sync() {
    let Tried { record, carnet, .. } = try_out();
    assert_eq!(record.sync_now(None, None), Err(CarnetError::SignInNeeded));
    carnet.set_offline(true).unwrap();
    assert_eq!(record.sync_now(None, None), Err(CarnetError::Offline));
    let state = record.state().unwrap();
    assert!(state.offline && !state.signed_in);
}

/// Writes noise over every file of a store, journals too.
fn damage(folder: &std::path::Path) {
    for file in ["carnet.sqlite", "carnet.sqlite-wal", "carnet.sqlite-shm"] {
        std::fs::write(folder.join(file), [7; 5_000]).unwrap();
    }
}

#[test]
fn a_damaged_store_is_wiped_all_the_same() {
    let Tried { carnet, folder, .. } = try_out();
    damage(folder.path());
    carnet.wipe().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // One that does not open any more, too.
    damage(folder.path());
    let vault = Arc::new(MemoryVault::default());
    let path = folder.path().to_str().unwrap().to_owned();
    assert!(Carnet::open(path.clone(), vault.clone()).is_err());
    wipe_folder(path.clone(), vault.clone()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    Carnet::open(path, vault).unwrap();
}

#[test]
fn what_could_not_be_deleted_is_said_and_the_rest_is_gone() {
    let Tried { carnet, folder, .. } = try_out();
    // A folder in a file's place stays.
    let stays = folder.path().join("carnet.sqlite-journal");
    std::fs::create_dir(&stays).unwrap();
    let files = vec!["carnet.sqlite-journal".to_owned()];
    assert_eq!(carnet.wipe(), Err(CarnetError::NotWiped { files }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    std::fs::remove_dir(stays).unwrap();
    carnet.wipe().unwrap();
}

#[test]
fn a_locked_profile_says_so_and_opens_by_its_vault() {
    let Tried { record, carnet, .. } = try_out();
    let profile = carnet.profiles().unwrap()[0].id.clone();
    carnet.lock(profile.clone()).unwrap();
    assert_eq!(record.entries(false), Err(CarnetError::Locked));
    carnet.unlock(profile).unwrap();
    assert_eq!(record.entries(false), Ok(Vec::new()));
}

#[test]
fn a_treatment_that_is_over_casts_no_doubt_on_another_of_its_substance() {
    let Tried { record, .. } = try_out();
    let add = |ends: Option<&str>| {
        let mut regimen = serde_json::json!({"product": {"text": "Paracétamol"}});
        if let Some(ends) = ends {
            regimen["ends"] = ends.into();
        }
        let draft = serde_json::json!({"kind": "medication-taken", "regimen": regimen});
        record.add_json(draft.to_string()).unwrap()
    };
    let doubted = |entry: &String| {
        let line = |line: &EntryLine| line.id == *entry;
        let line = record.list(false).unwrap().into_iter().find(line).unwrap();
        line.flags.contains(&"substance-twice".to_owned())
    };
    let (over, current) = (add(Some("1950-01-01")), add(None));
    assert!(!doubted(&over) && !doubted(&current));
    let twice = add(None);
    assert!(!doubted(&over) && doubted(&current) && doubted(&twice));
}
