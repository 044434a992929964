//! What a person may do, before they do it.

use ed25519_dalek::SigningKey;
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::Write;
use sync_core::kind::{AllergyDraft as NewAllergy, Draft, RightDraft};
use sync_core::policy::{DelegationType, Profession, RightKind, Role};
use sync_core::replica::Author;
use sync_core::{DeviceTime, Digest32, Epoch, LogIncarnation, PersonId, RecordId, Tick};
use uuid::Uuid;

use super::*;
use crate::error::Error;
use crate::store::RecordCard;

const HERS: RecordId = RecordId(Uuid::from_u128(41));
const HOLDER: PersonId = PersonId(Uuid::from_u128(42));

/// The record of somebody else, whom the person of the profile helps, and treats.
fn helped(tried: &Tried) -> Arc<Record> {
    let device = tried.carnet.device();
    let info = &tried.carnet.profiles().unwrap()[0];
    let profile = tried.carnet.unlock(info.id.clone()).unwrap();
    let row = device.store().profiles().unwrap()[0].0;
    let unlocked = device.profile(&row).unwrap();
    let mut store = device.store();
    let mut cards = store.records(&unlocked).unwrap();
    let roles = vec![Role::Caregiver, Role::Professional(Profession::Physician)];
    cards.push(RecordCard {
        record: HERS,
        holder: HOLDER,
        name: "Awa Diallo".to_owned(),
        role: Role::Caregiver,
        roles,
        in_doubt: false,
    });
    store.put_records(&unlocked, &cards).unwrap();
    drop(store);
    profile.record(HERS.to_string()).unwrap()
}

fn by(person: PersonId, role: Role) -> Author {
    Author {
        person,
        role,
        on_behalf_of: None,
        key: SigningKey::from_bytes(&[8; 32]),
    }
}

/// Somebody's edit of the record the person helps with, on their own device.
fn written(tried: &Tried, author: &Author, entry: &str, writes: &[Write]) {
    let device = tried.carnet.device();
    let row = device.store().profiles().unwrap()[0].0;
    let unlocked = device.profile(&row).unwrap();
    let entry = entry.parse().unwrap();
    let mut store = device.store();
    let made = store.with_replica::<_, Error>(&unlocked, &HERS, |head, rows| {
        Ok(head.edit(rows, author, entry, writes, Vec::new(), DeviceTime(2))?)
    });
    made.unwrap();
}

/// The holder's delegation arrives, with a first sync.
fn delegated(tried: &Tried) {
    let device = tried.carnet.device();
    let row = device.store().profiles().unwrap()[0].0;
    let unlocked = device.profile(&row).unwrap();
    let holder = by(HOLDER, Role::Holder);
    let right = RightDraft {
        delegation_type: Some(DelegationType::Caregiver),
        ..RightDraft::new(RightKind::Delegation, unlocked.card.person)
    };
    let writes = Draft::Right(right).writes().unwrap();
    let entry = device.new_entry_id().unwrap();
    let checkpoint = Checkpoint {
        record: HERS,
        viewer: unlocked.card.person,
        log: LogIncarnation([1; 16]),
        tick: Tick(7),
        epoch: Epoch([1; 8]),
        access_log: Digest32([1; 32]),
    };
    let mut store = device.store();
    let made = store.with_replica::<_, Error>(&unlocked, &HERS, |head, rows| {
        head.checkpoint = Some(SignedCheckpoint::new(&holder.key, &checkpoint));
        Ok(head.edit(rows, &holder, entry, &writes, Vec::new(), DeviceTime(1))?)
    });
    made.unwrap();
}

fn add(kind: &str) -> Wish {
    Wish::Add {
        kind: kind.to_owned(),
    }
}

fn read(kind: &str) -> Wish {
    Wish::Read {
        kind: kind.to_owned(),
    }
}

fn why(record: &Record, wish: Wish) -> Option<String> {
    let answer = record.may(wish).unwrap();
    assert_eq!(answer.allowed, answer.reason.is_none());
    assert_eq!(answer.reason.is_some(), answer.words.is_some());
    answer.reason
}

#[test]
fn a_holder_may_do_everything_to_their_own_record() {
    let tried = try_out();
    let record = &tried.record;
    let title = "Journal".to_owned();
    let note = NoteDraft { title, text: None };
    let entry = record.add_note(note, None).unwrap();
    let entry = || entry.clone();
    for wish in [
        read("own-note"),
        add("own-note"),
        Wish::Edit { entry: entry() },
        Wish::Hide { entry: entry() },
        Wish::HideFromRepresentatives { entry: entry() },
        Wish::Share,
        Wish::ReadLog,
    ] {
        assert_eq!(why(record, wish), None);
    }
    let nowhere = record.may(Wish::Edit {
        entry: HOLDER.to_string(),
    });
    assert_eq!(nowhere, Err(CarnetError::NotFound));
}

#[test]
fn a_caregiver_is_told_why_not() {
    let tried = try_out();
    let record = helped(&tried);
    let reason = |wish| why(&record, wish);
    assert_eq!(reason(add("allergy")).as_deref(), Some("not-synced"));
    delegated(&tried);
    assert_eq!(reason(add("allergy")), None);
    assert_eq!(reason(read("allergy")), None);
    let notes = reason(read("own-note"));
    assert_eq!(notes.as_deref(), Some("unknown-entry"));
    let own_note = reason(add("own-note"));
    assert_eq!(own_note.as_deref(), Some("kind-not-writable"));
    let share = reason(Wish::Share);
    assert_eq!(share.as_deref(), Some("rights-are-the-holders"));
    let log = reason(Wish::ReadLog);
    assert_eq!(log.as_deref(), Some("log-is-the-holders"));
    let text = text("Latex");
    let allergy = AllergyDraft {
        substance: text,
        ..AllergyDraft::default()
    };
    let entry = record.add_allergy(allergy, None).unwrap();
    let edit = record.may(Wish::Edit {
        entry: entry.clone(),
    });
    let edit = edit.unwrap();
    assert!(edit.allowed && !edit.as_proposal);
    assert_eq!(
        reason(Wish::Hide { entry }).as_deref(),
        Some("may-not-hide")
    );
}

#[test]
fn the_role_one_acts_in_decides_and_stays_chosen() {
    let tried = try_out();
    let record = helped(&tried);
    delegated(&tried);
    // Nobody verified on this device that they are a physician, so that role gives nothing here.
    record.act_as("physician".to_owned()).unwrap();
    assert_eq!(why(&record, add("allergy")).as_deref(), Some("no-right"));
    record.act_as("caregiver".to_owned()).unwrap();
    assert_eq!(why(&record, add("allergy")), None);
    let denied = record.act_as("holder".to_owned());
    let reason = "no-right".to_owned();
    assert_eq!(denied, Err(CarnetError::NotPermitted { reason }));
}

#[test]
fn an_item_is_for_those_to_settle_to_whom_it_is_offered() {
    let tried = try_out();
    let record = &tried.record;
    for _ in 0..2 {
        let draft = AllergyDraft {
            substance: text("Pénicilline"),
            ..AllergyDraft::default()
        };
        record.add_allergy(draft, None).unwrap();
    }
    let item = record.to_review().unwrap().remove(0).key;
    assert_eq!(why(record, Wish::Review { item }), None);
    let item = "nothing".to_owned();
    assert_eq!(
        record.may(Wish::Review { item }),
        Err(CarnetError::NotFound)
    );
}

#[test]
fn an_item_offers_what_its_reader_may_do_and_nothing_else() {
    let tried = try_out();
    let record = helped(&tried);
    delegated(&tried);
    for _ in 0..2 {
        let draft = AllergyDraft {
            substance: text("Latex"),
            ..AllergyDraft::default()
        };
        record.add_allergy(draft, None).unwrap();
    }
    // A caregiver edits, and decides nothing.
    let item = record.to_review().unwrap().remove(0);
    assert_eq!(item.verdicts, [""; 0]);
    assert!(!item.assignable);
    assert_eq!(item.editable, item.entries);
    let settle = |verdict: &str| Wish::Settle {
        item: item.key.clone(),
        choice: ReviewChoice::Decide {
            verdict: verdict.to_owned(),
        },
    };
    let refused = why(&record, settle("not-a-duplicate"));
    assert_eq!(refused.as_deref(), Some("kind-not-writable"));
    assert_eq!(
        why(&record, settle("confirm")).as_deref(),
        Some("not-offered")
    );
    let assign = Wish::Assign {
        item: item.key.clone(),
    };
    assert_eq!(why(&record, assign).as_deref(), Some("kind-not-writable"));
    assert_eq!(why(&record, Wish::Review { item: item.key }), None);
    // To the holder, the same item offers all.
    let own = &tried.record;
    for _ in 0..2 {
        let draft = AllergyDraft {
            substance: text("Latex"),
            ..AllergyDraft::default()
        };
        own.add_allergy(draft, None).unwrap();
    }
    let item = own.to_review().unwrap().remove(0);
    assert_eq!(item.verdicts, ["not-a-duplicate"]);
    assert!(item.assignable && item.editable == item.entries);
    let assign = Wish::Assign { item: item.key };
    assert_eq!(why(own, assign), None);
}

#[test]
fn what_comes_of_a_wrong_patient_is_told_and_not_done() {
    let tried = try_out();
    let record = helped(&tried);
    delegated(&tried);
    let latex = NewAllergy {
        substance: "Latex".into(),
        ..NewAllergy::default()
    };
    let writes = Draft::from(latex).writes().unwrap();
    let made = |author: &Author| {
        let id = tried.carnet.device().new_entry_id().unwrap().to_string();
        written(&tried, author, &id, &writes);
        id
    };
    let holder = by(HOLDER, Role::Holder);
    let told = |entry: &str| {
        let before = record.entry(entry.to_owned()).unwrap();
        let told = record.wrong_patient(entry.to_owned()).unwrap();
        assert_eq!(record.entry(entry.to_owned()).unwrap(), before);
        told
    };
    let draft = AllergyDraft {
        substance: text("Pollens"),
        ..AllergyDraft::default()
    };
    let own = record.add_allergy(draft, None).unwrap();
    let waiting = record.state().unwrap().waiting;
    assert_eq!(told(&own), WrongPatient::Destroys);
    assert_eq!(record.state().unwrap().waiting, waiting);
    // As soon as somebody else has written in it, it is not the author's alone to destroy.
    written(&tried, &holder, &own, &[Write::set("notes", "rouge")]);
    assert_eq!(told(&own), WrongPatient::Withdraws);
    assert_eq!(told(&made(&holder)), WrongPatient::Proposes);
    let doctor = Role::Professional(Profession::Physician);
    let doctor = by(PersonId(Uuid::from_u128(43)), doctor);
    assert_eq!(told(&made(&doctor)), WrongPatient::Proposes);
    // What comes of it is what was told.
    let reason = Some("dossier de Jean".to_owned());
    record
        .set_status(own.clone(), "wrong-patient".to_owned(), reason)
        .unwrap();
    assert_eq!(record.entry(own).unwrap().standing, EntryStanding::InError);
    let nowhere = record.wrong_patient(HOLDER.to_string());
    assert_eq!(nowhere, Err(CarnetError::NotFound));
}

#[test]
fn settling_what_a_clinician_confirmed_is_told_to_be_a_proposal() {
    let tried = try_out();
    let record = helped(&tried);
    delegated(&tried);
    let doctor = Role::Professional(Profession::Physician);
    let doctor = by(PersonId(Uuid::from_u128(43)), doctor);
    let latex = NewAllergy {
        substance: "Latex".into(),
        ..NewAllergy::default()
    };
    let writes = Draft::from(latex).writes().unwrap();
    let ended = Write::set("status", r#"{"status":"inactive","reason":"test négatif"}"#);
    let danger = [Write::set("criticality", "high")];
    let settled = |author: &Author| {
        let entry = tried.carnet.device().new_entry_id().unwrap().to_string();
        written(&tried, author, &entry, &writes);
        written(&tried, author, &entry, std::slice::from_ref(&ended));
        written(&tried, author, &entry, &danger);
        let items = record.to_review().unwrap();
        let about = |item: &&ReviewEntry| {
            item.code == "danger-after-ending" && item.entries == [entry.clone()]
        };
        let item = items.iter().find(about).unwrap();
        let mut sides = item.sides.iter();
        let side = sides.find(|side| side.field == "criticality").unwrap();
        let choice = ReviewChoice::Take {
            change: side.claim.change.clone(),
        };
        let item = item.key.clone();
        record.may(Wish::Settle { item, choice }).unwrap()
    };
    let of_doctor = settled(&doctor);
    assert!(of_doctor.allowed && of_doctor.as_proposal);
    let of_holder = settled(&by(HOLDER, Role::Holder));
    assert!(of_holder.allowed && !of_holder.as_proposal);
}

#[test]
fn of_each_field_it_is_told_whether_it_will_be_a_proposal() {
    let tried = try_out();
    let record = helped(&tried);
    delegated(&tried);
    let doctor = Role::Professional(Profession::Physician);
    let doctor = by(PersonId(Uuid::from_u128(43)), doctor);
    let latex = NewAllergy {
        substance: "Latex".into(),
        ..NewAllergy::default()
    };
    let entry = tried.carnet.device().new_entry_id().unwrap().to_string();
    let writes = Draft::from(latex).writes().unwrap();
    written(&tried, &by(HOLDER, Role::Holder), &entry, &writes);
    let edit = || {
        record
            .may(Wish::Edit {
                entry: entry.clone(),
            })
            .unwrap()
    };
    assert!(!edit().as_proposal);
    written(
        &tried,
        &doctor,
        &entry,
        &[Write::set("criticality", "high")],
    );
    assert!(edit().as_proposal, "of the criticality");
    let told = |field: &str, json: Option<&str>| {
        let json = json.map(str::to_owned);
        let (entry, field) = (entry.clone(), field.to_owned());
        record.may(Wish::Write { entry, field, json })
    };
    let proposes = |field, json| told(field, json).unwrap().as_proposal;
    assert!(proposes("criticality", Some("\"low\"")));
    assert!(proposes("criticality", None));
    assert!(!proposes("label", Some(r#"{"text":"Caoutchouc"}"#)));
    assert!(!proposes("notes", Some("\"au travail\"")));
    assert!(proposes(
        "status",
        Some(r#"{"status":"refuted","reason":"test négatif"}"#)
    ));
    assert!(told("notes", Some("no JSON")).is_err());
}

/// Whether a directive counts that the holder closed is asked of the holder alone.
#[test]
fn whether_a_closed_directive_counts_is_for_the_holder_to_answer() {
    let tried = try_out();
    let record = helped(&tried);
    delegated(&tried);
    let holder = by(HOLDER, Role::Holder);
    let entry = tried.carnet.device().new_entry_id().unwrap().to_string();
    let wish = [
        Write::set("kind", "advance-directive"),
        Write::set("schema", sync_core::entry::Value::Uint(1)),
        Write::set("directive", "directive"),
        Write::set("text", "Tout essayer."),
        Write::set("occurred", "2024-01-10"),
    ];
    written(&tried, &holder, &entry, &wish);
    let closed = Write::set("status", r#"{"status":"inactive","reason":"je réfléchis"}"#);
    written(&tried, &holder, &entry, std::slice::from_ref(&closed));
    let item = record.to_review().unwrap().remove(0);
    assert_eq!(item.code, "directive-closed");
    assert_eq!(item.in_force, [entry]);
    assert!(!item.decides);
    assert_eq!(item.editable, [""; 0]);
}
