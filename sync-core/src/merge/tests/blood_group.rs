use super::*;

fn group(abo: Abo, rhd: RhD, source: BloodGroupSource) -> BloodGroupDraft {
    BloodGroupDraft {
        blood_group: BloodGroup::new(abo, rhd, source),
        common: Common::default(),
    }
}

fn declared(abo: Abo) -> BloodGroupDraft {
    group(abo, RhD::Positive, BloodGroupSource::Declared)
}

fn laboratory(abo: Abo, rhd: RhD) -> BloodGroupDraft {
    group(abo, rhd, BloodGroupSource::Laboratory)
}

fn is_discordant(story: &Story) -> bool {
    matches!(
        vital(&story.views()).blood_group,
        BloodGroupFact::Discordant(_)
    )
}

#[test]
fn distinct_groups_are_discordant_shown_with_sources_never_one_value() {
    let (mut story, holder, _, doctor) = three();
    story.create(holder, declared(Abo::A));
    story.settle();
    // Even by somebody who had seen the other.
    story.create(doctor, laboratory(Abo::O, RhD::Positive));
    story.settle();
    let BloodGroupFact::Discordant(all) = vital(&story.views()).blood_group else {
        panic!("one value is shown");
    };
    let sources: Vec<_> = all.into_iter().map(|(_, group)| group.source).collect();
    assert_eq!(
        sources,
        [BloodGroupSource::Declared, BloodGroupSource::Laboratory]
    );
    let list = story.review(holder);
    assert_eq!(items(&list), ["discordant-blood-group"]);
    assert_eq!(
        (list[0].danger, list[0].verdicts.len()),
        (Danger::Critical, 0)
    );
}

#[test]
fn rhesus_alone_is_enough() {
    let (mut story, holder, _, doctor) = three();
    story.create(holder, declared(Abo::A));
    story.create(doctor, laboratory(Abo::A, RhD::Negative));
    story.settle();
    assert!(is_discordant(&story));
}

#[test]
fn the_same_group_from_two_sources_agrees() {
    let (mut story, holder, _, doctor) = three();
    story.create(holder, declared(Abo::A));
    story.create(doctor, laboratory(Abo::A, RhD::Positive));
    story.settle();
    let BloodGroupFact::Agreed(all) = vital(&story.views()).blood_group else {
        panic!("discordant");
    };
    assert_eq!(all.len(), 2);
    assert_eq!(items(&story.review(holder)), [""; 0]);
}

#[test]
fn only_an_entry_in_error_no_longer_counts() {
    let (mut story, holder, _, doctor) = three();
    let wrong = story.create(holder, declared(Abo::A));
    story.create(doctor, laboratory(Abo::O, RhD::Positive));
    story.settle();
    story.edit(holder, wrong, status(StatusCode::Inactive));
    story.settle();
    assert!(is_discordant(&story));
    story.edit(holder, wrong, status(StatusCode::EnteredInError));
    story.settle();
    assert!(!is_discordant(&story));
}

#[test]
fn two_groups_written_into_one_entry_are_discordant() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, declared(Abo::A));
    story.settle();
    for (party, abo) in [(holder, Abo::B), (caregiver, Abo::O)] {
        let change = BloodGroupPatch {
            blood_group: Some(declared(abo).blood_group),
            ..BloodGroupPatch::default()
        };
        story.edit(party, entry, change);
    }
    story.settle();
    assert!(is_discordant(&story));
    assert_eq!(codes(&story.view(entry)), ["discordant-blood-group"]);
    assert_eq!(current(&story.view(entry), "blood-group"), [""; 0]);
}
