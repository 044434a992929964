use super::*;

fn jeanne(phones: Vec<Phone>) -> EmergencyContactDraft {
    EmergencyContactDraft {
        name: "Jeanne".into(),
        phones,
        ..EmergencyContactDraft::default()
    }
}

fn numbers(story: &Story) -> Vec<String> {
    let facts = vital(&story.views());
    let phones = facts.contacts[0].phones.iter();
    phones.map(|phone| phone.number.clone()).collect()
}

fn add(number: &str, rank: u32) -> EmergencyContactPatch {
    EmergencyContactPatch {
        phones: vec![Phone::new(number, rank)],
        ..EmergencyContactPatch::default()
    }
}

fn rename(name: &str) -> EmergencyContactPatch {
    EmergencyContactPatch {
        name: Some(name.into()),
        ..EmergencyContactPatch::default()
    }
}

#[test]
fn a_contact_is_merged_field_by_field() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, jeanne(vec![]));
    story.settle();
    let relationship = EmergencyContactPatch {
        relationship: Edit::Set("fille".into()),
        ..EmergencyContactPatch::default()
    };
    let address = EmergencyContactPatch {
        address: Edit::Set("Brest".into()),
        ..EmergencyContactPatch::default()
    };
    story.edit(holder, entry, relationship);
    story.edit(caregiver, entry, address);
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, "relationship"), ["fille"]);
    assert_eq!(current(&view, "address"), ["Brest"]);
    assert_eq!(codes(&view), [""; 0]);
}

#[test]
fn two_telephone_numbers_are_both_kept_in_order() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, jeanne(vec![Phone::new("0100000000", 1)]));
    story.settle();
    story.edit(holder, entry, add("0300000000", 2));
    story.edit(caregiver, entry, add("0200000000", 0));
    story.settle();
    assert_eq!(numbers(&story), ["0200000000", "0100000000", "0300000000"]);
    assert_eq!(codes(&story.view(entry)), [""; 0]);
}

#[test]
fn numbers_of_one_rank_come_in_the_order_the_record_got_them() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, jeanne(vec![]));
    story.settle();
    story.edit(holder, entry, add("0900000000", 0));
    story.edit(caregiver, entry, add("0100000000", 0));
    story.sync(holder);
    story.sync(caregiver);
    assert_eq!(numbers(&story), ["0900000000", "0100000000"]);
}

#[test]
fn a_number_changed_on_two_sides_keeps_both_new_ones() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, jeanne(vec![Phone::new("0100000000", 0)]));
    story.settle();
    for (party, number) in [(holder, "0200000000"), (caregiver, "0300000000")] {
        let mut old = Phone::new("01 00 00 00 00", 0);
        old.removed = Some("changed".into());
        let change = EmergencyContactPatch {
            phones: vec![old, Phone::new(number, 0)],
            ..EmergencyContactPatch::default()
        };
        story.edit(party, entry, change);
    }
    story.settle();
    assert_eq!(numbers(&story), ["0200000000", "0300000000"]);
}

#[test]
fn a_number_that_one_took_back_is_called_as_the_other_says() {
    let (mut story, holder, caregiver, _) = three();
    let all = vec![Phone::new("0100000000", 2), Phone::new("0300000000", 3)];
    let entry = story.create(holder, jeanne(all));
    story.settle();
    let mut old = Phone::new("0300000000", 3);
    old.removed = Some("changed".into());
    let back = EmergencyContactPatch {
        phones: vec![old],
        ..EmergencyContactPatch::default()
    };
    story.edit(holder, entry, back);
    story.edit(caregiver, entry, add("0300000000", 1));
    story.settle();
    assert_eq!(numbers(&story), ["0300000000", "0100000000"]);
}

#[test]
fn two_names_are_both_kept_and_flagged() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, jeanne(vec![]));
    story.settle();
    story.edit(holder, entry, rename("Jeanne Martin"));
    story.edit(caregiver, entry, rename("Jeanne Durand"));
    story.settle();
    assert_eq!(vital(&story.views()).contacts[0].names.len(), 2);
    assert_eq!(story.view(entry).label, "Jeanne Durand / Jeanne Martin");
    assert_eq!(story.review(holder)[0].danger, Danger::Low);
}

#[test]
fn a_contact_that_a_doctor_wrote_is_the_holders_to_change() {
    let (mut story, holder, _, doctor) = three();
    let entry = story.create(doctor, jeanne(vec![]));
    story.settle();
    story.edit(holder, entry, rename("Jeanne Martin"));
    story.settle();
    assert_eq!(story.view(entry).label, "Jeanne Martin");
}
