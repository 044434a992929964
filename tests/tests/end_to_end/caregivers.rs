//! Caregivers: on behalf of somebody, and after the right has ended.

use carnet_mobile::face::{HeldChange, ReviewChoice, Wish};
use carnet_tests::support::Copy;
use sync_core::policy::{Profession, Role};

use super::stage::{Stage, allergy, condition, labels, note, set, sync, sync_all, view};

#[test]
fn a_phone_greys_out_by_the_matrix_of_its_server() {
    let matrix = include_str!("../../../sync-core/data/habilitation.toml");
    let row = "allergy                    = \"rw   rw   rw   rw   rw   -    rw   rw\"";
    assert!(matrix.contains(row));
    let stricter = matrix.replace(row, "allergy = \"rw rw rw rw rw - r r\"");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("habilitation.toml");
    std::fs::write(&file, stricter).expect("written");
    let file = file.to_str().expect("a path in UTF-8");
    let stage = Stage::with(&["--habilitation", file]);
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    let awa = stage.caregiver("Diallo");
    hers.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sync(&hers);
    let theirs = awa.synced(record);
    let may_add = |kind: &str| {
        let kind = kind.to_owned();
        let may = theirs.record.may(Wish::Add { kind });
        may.expect("it is decided").allowed
    };
    assert!(may_add("condition") && !may_add("allergy"));
}

fn held(copy: &Copy) -> Vec<HeldChange> {
    copy.record.held().expect("the store is whole")
}

/// Decides on the held edit of this entry.
fn decide(copy: &Copy, of: &HeldChange, verdict: &str) {
    let items = copy.record.to_review().expect("the store is whole");
    let item = items
        .iter()
        .find(|item| item.code == "held-edit" && item.entries.contains(&of.entry))
        .expect("it waits for a decision");
    assert!(!of.label.en.is_empty() && !of.label.fr.is_empty());
    assert_eq!(
        item.labels.first(),
        Some(&of.label),
        "it says of which entry"
    );
    let verdict = verdict.to_owned();
    copy.record
        .resolve(item.key.clone(), ReviewChoice::Decide { verdict })
        .expect("the holder decides");
}

#[test]
fn a_daughter_edits_on_her_mothers_behalf() {
    let stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    let awa = stage.caregiver("Diallo");
    hers.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    hers.add(allergy("Latex")).expect("added");
    hers.add(note("Journal", "à moi seule")).expect("added");
    sync(&hers);

    let theirs = awa.synced(record);
    assert_eq!(
        labels(&theirs),
        set(["Latex"]),
        "own notes are the holder's"
    );
    awa.phone.set_offline(true).expect("in the country");
    theirs.add(condition("Asthme")).expect("added");
    awa.phone.set_offline(false).expect("back");
    assert_eq!(sync(&theirs).accepted, 1);

    sync(&hers);
    let shown = view(&hers, "Asthme").created.expect("somebody wrote it");
    assert_eq!(shown.author, awa.person);
    assert_eq!(shown.role, Role::Caregiver);
    assert_eq!(shown.on_behalf_of, Some(mother.person));
    // The phone learnt how she is called.
    let entries = hers.record.entries(false).expect("entries");
    let entry = entries.iter().find(|entry| entry.label == "Asthme");
    let stamp = entry.and_then(|entry| entry.created.clone());
    let name = stamp.expect("it is shown").name.unwrap_or_default();
    assert!(name.contains("Diallo"), "{name}");

    // She may not share further, nor read the log, and her phone says so beforehand.
    let may = |wish| theirs.record.may(wish).expect("it is decided").allowed;
    let kind = "condition".to_owned();
    assert!(may(Wish::Add { kind }));
    let entry = view(&theirs, "Latex").id.to_string();
    assert!(may(Wish::Edit {
        entry: entry.clone()
    }));
    assert!(!may(Wish::Hide { entry }));
    assert!(!may(Wish::Share) && !may(Wish::ReadLog));
    let doctor = stage.professional("Morel", Profession::Physician);
    let shared = theirs.record.grant(doctor.person.to_string(), true, None);
    if shared.is_ok() {
        assert_eq!(sync(&theirs).accepted, 0);
    }
    assert!(theirs.record.access_log().is_err());
    sync(&hers);
    assert!(
        hers.record
            .rights_of(doctor.person.to_string())
            .expect("rights")
            .is_empty()
    );
}

#[test]
fn what_she_wrote_before_she_heard_is_held_and_the_mother_decides() {
    let stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    let awa = stage.caregiver("Diallo");
    let right = hers
        .record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    hers.add(allergy("Latex")).expect("added");
    sync(&hers);
    let theirs = awa.synced(record);

    // Offline, both: the daughter writes, the mother takes the right back.
    awa.phone.set_offline(true).expect("in the country");
    theirs.add(condition("Asthme")).expect("added");
    theirs.add(condition("Migraine")).expect("added");
    hers.record.revoke(right, None).expect("revokes");
    sync(&hers);

    awa.phone.set_offline(false).expect("back");
    let told = sync(&theirs);
    assert_eq!((told.accepted, told.held), (0, 2));
    let kept = held(&theirs);
    assert_eq!(kept.len(), 2, "they stay on her phone");
    for one in &kept {
        assert!(one.own && one.reason == "no-longer-permitted", "{one:?}");
    }
    assert!(labels(&theirs).is_empty(), "and the record is gone from it");
    let records = awa.profile.records().expect("the phone's store is whole");
    assert!(records[0].ended, "it is no longer one she may open");
    let may = theirs.record.may(Wish::Add {
        kind: "allergy".to_owned(),
    });
    assert_eq!(
        may.expect("it is known").reason.as_deref(),
        Some("no-right")
    );

    sync(&hers);
    assert_eq!(labels(&hers), set(["Latex"]), "nothing by itself");
    let waiting = held(&hers);
    assert_eq!(waiting.len(), 2);
    let about = |name: &str| {
        let says = |one: &&HeldChange| one.fields.iter().any(|field| field.text.en == name);
        waiting.iter().find(says).expect("what it would write")
    };
    for one in &waiting {
        assert_eq!(one.by.as_ref().map(|by| by.person.clone()), Some(awa.id()));
    }
    decide(&hers, about("Asthme"), "accept");
    decide(&hers, about("Migraine"), "discard");
    sync_all(&[&hers]);
    assert_eq!(labels(&hers), set(["Asthme", "Latex"]));
    assert!(
        !super::stage::to_review(&hers).contains("held-edit"),
        "decided"
    );

    let elsewhere = mother.invite(&stage, "tablet").synced(record);
    assert_eq!(labels(&elsewhere), set(["Asthme", "Latex"]));
    assert!(held(&elsewhere).iter().all(|one| one.settled.is_some()));
}

#[test]
fn a_held_hide_says_in_words_what_would_be_hidden_from_whom() {
    let stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    hers.add(allergy("Latex")).expect("added");
    let awa = stage.caregiver("Diallo");
    hers.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sync(&hers);
    let theirs = awa.synced(record);
    let entries = theirs.record.list(false).expect("the store is whole");
    let latex = entries.iter().find(|entry| entry.kind == "allergy");
    let latex = latex.expect("it is there").id.clone();
    theirs.record.hide(latex).expect("written here");
    assert_eq!(sync(&theirs).held, 1);
    let waiting = held(&theirs);
    let [one] = &waiting[..] else {
        panic!("one is held: {waiting:?}");
    };
    assert_eq!(one.label.fr, "Latex");
    let [field] = &one.fields[..] else {
        panic!("one field is written: {one:?}");
    };
    assert_eq!(
        (field.title.fr.as_str(), field.text.fr.as_str()),
        ("Masqué aux professionnels", "oui")
    );
}

#[test]
fn of_many_caregivers_only_three_help_at_a_time() {
    let stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    hers.add(allergy("Latex")).expect("added");
    let people: Vec<_> = ["Diallo", "Ndiaye", "Sow", "Traoré"]
        .into_iter()
        .map(|name| stage.caregiver(name))
        .collect();
    for one in &people {
        hers.record
            .delegate(one.id(), "caregiver".to_owned(), None, None)
            .expect("delegates");
    }
    sync(&hers);
    let open: Vec<bool> = people
        .iter()
        .map(|one| one.phone.copy(&one.profile, record).is_ok())
        .collect();
    assert_eq!(open, [true, true, true, false], "the fourth waits");
}

#[test]
fn a_right_that_is_given_again_brings_the_record_back() {
    let stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    let awa = stage.caregiver("Diallo");
    let delegate = || {
        let kind = "caregiver".to_owned();
        let right = hers.record.delegate(awa.id(), kind, None, None);
        right.expect("delegates")
    };
    let right = delegate();
    hers.add(allergy("Latex")).expect("added");
    sync(&hers);
    let theirs = awa.synced(record);
    hers.record.revoke(right, None).expect("revokes");
    sync(&hers);
    // Her phone hears of it when it asks what she may open, before it syncs.
    let records = awa.profile.refresh_records().expect("the server answers");
    assert!(records[0].ended && labels(&theirs).is_empty());
    delegate();
    sync(&hers);
    sync(&theirs);
    assert_eq!(labels(&theirs), set(["Latex"]));
    let records = awa.profile.refresh_records().expect("the server answers");
    assert!(!records[0].ended);
}

#[test]
fn a_physician_who_is_also_a_caregiver_chooses_the_role() {
    let stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    let awa = stage.on_phone("Diallo", Profession::Physician);
    hers.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    hers.record.grant(awa.id(), true, None).expect("grants");
    sync(&hers);
    let theirs = awa.synced(record);
    let opened = || {
        let mut records = awa.profile.records().expect("records").into_iter();
        records.next().expect("one record")
    };
    assert_eq!(opened().roles, ["caregiver", "physician"]);
    let choose = |role: &str| theirs.record.act_as(role.to_owned());
    for role in ["physician", "caregiver"] {
        choose(role).expect("it is hers");
        assert_eq!(opened().role, role);
        theirs.add(condition(role)).expect("added");
        assert_eq!(sync(&theirs).accepted, 1);
    }
    assert!(choose("nurse").is_err());
    sync(&hers);
    let stamp = |label| view(&hers, label).created.expect("somebody wrote it");
    let physician = Role::Professional(Profession::Physician);
    assert_eq!(stamp("physician").role, physician);
    assert_eq!(stamp("physician").on_behalf_of, None);
    assert_eq!(stamp("caregiver").role, Role::Caregiver);
    assert_eq!(stamp("caregiver").on_behalf_of, Some(mother.person));
    // The role stays chosen when the list of records is asked for again.
    choose("physician").expect("it is hers");
    awa.profile.refresh_records().expect("the server answers");
    assert_eq!(opened().role, "physician");
}
