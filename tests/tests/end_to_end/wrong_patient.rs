//! A doctor finds that an entry is another patient's: it is destroyed everywhere.

use sync_core::policy::Profession;

use super::stage::{Stage, allergy, labels, set, sync, view};

#[test]
fn a_doctor_marks_it_and_everybody_forgets_it() {
    let stage = Stage::new();
    let (jeanne, record) = stage.holder("Jeanne");
    let mine = jeanne.synced(record);
    let awa = stage.caregiver("Awa");
    let doctor = stage.on_phone("Bernard", Profession::Physician);
    mine.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    mine.record.grant(doctor.id(), true, None).expect("grants");
    sync(&mine);
    let theirs = doctor.synced(record);
    theirs.add(allergy("Pénicilline")).expect("added");
    theirs.add(allergy("Arachide")).expect("added");
    sync(&theirs);
    sync(&mine);
    let hers = awa.synced(record);
    let wrong = view(&hers, "Pénicilline").id;

    // Awa edits both on the way, while the doctor finds the mistake.
    awa.phone.set_offline(true).expect("no network");
    for label in ["Pénicilline", "Arachide"] {
        let id = view(&hers, label).id.to_string();
        let edit = carnet_mobile::face::Details {
            source: Some("carnet de santé".to_owned()),
            ..Default::default()
        };
        hers.record.edit_details(id, edit).expect("edited");
    }
    let status = "wrong-patient".to_owned();
    let why = Some("dossier de sa sœur".to_owned());
    theirs
        .record
        .set_status(wrong.to_string(), status, why)
        .expect("marked");
    assert_eq!(sync(&theirs).destroyed, 1);
    assert_eq!(sync(&mine).destroyed, 1);
    awa.phone.set_offline(false).expect("a network");
    let told = sync(&hers);
    assert_eq!((told.destroyed, told.not_kept, told.accepted), (1, 0, 1));
    // What she wrote herself is hers to write anew, or to drop.
    let held = hers.record.held().expect("reads");
    let [edit] = &held[..] else {
        panic!("one edit: {held:?}");
    };
    assert!(edit.own && edit.reason == "destroyed");
    assert_eq!(edit.fields[0].text.en, "carnet de santé");
    hers.record
        .drop_destroyed_edit(edit.change.clone())
        .expect("dropped");
    let again = hers.record.drop_destroyed_edit(edit.change.clone());
    assert!(again.is_err());
    assert!(hers.record.held().expect("reads").is_empty());
    let destroyed = hers.record.destroyed().expect("reads");
    assert_eq!(destroyed.len(), 1);
    assert_eq!(
        (destroyed[0].entry.as_str(), destroyed[0].not_kept),
        (&*wrong.to_string(), 0)
    );
    for copy in [&mine, &hers, &theirs] {
        sync(copy);
        assert_eq!(labels(copy), set(["Arachide"]));
        assert!(copy.record.entry(wrong.to_string()).is_err());
    }

    // The holder reads who did it, and that nothing was taken out of the log.
    let log = mine.record.access_log().expect("the log");
    let lines: Vec<_> = log.iter().filter(|line| line.action == "destroy").collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].person, doctor.id());
    assert_eq!(lines[0].entries, [wrong.to_string()]);
    assert_eq!(lines[0].reason.as_deref(), Some("wrong-patient"));
    assert!(mine.record.verify_access_log().expect("checks").intact);
    let verified = stage.server().carnet_text(&["verify"]).expect("verifies");
    let counted = verified
        .lines()
        .find(|line| line.starts_with("entries destroyed"));
    assert!(
        counted.is_some_and(|line| line.trim_end().ends_with('1')),
        "{verified}"
    );
}
