use super::*;
use crate::kind::allergy::{CRITICALITY, REACTION};
use crate::kind::common::VERIFICATION;

fn known() -> (Story, Party, Party, Party, EntryId) {
    let (mut story, holder, caregiver, doctor) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    (story, holder, caregiver, doctor, entry)
}

fn none() -> AllergyDraft {
    AllergyDraft::none_known("Aucune allergie connue")
}

fn contradicted(story: &Story) -> bool {
    items(&story.review(0)).contains(&"no-known-allergy-contradicted")
}

fn reactions(story: &Story) -> usize {
    vital(&story.views()).allergies[0].reactions.len()
}

#[test]
fn additions_union() {
    let (mut story, holder, caregiver, _) = three();
    story.create(holder, penicillin());
    let nuts = AllergyDraft {
        substance: "Arachide".into(),
        ..AllergyDraft::default()
    };
    story.create(caregiver, nuts);
    story.settle();
    assert_eq!(vital(&story.views()).allergies.len(), 2);
    assert_eq!(items(&story.review(holder)), [""; 0]);
}

#[test]
fn criticality_reaction_severity_and_verification_are_separate() {
    let (mut story, holder, caregiver, doctor, entry) = known();
    story.edit(holder, entry, criticality(Criticality::High));
    story.edit(
        caregiver,
        entry,
        reaction("Urticaire", Some(Severity::Mild)),
    );
    story.edit(doctor, entry, verification(Verification::Presumed));
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, CRITICALITY), ["high"]);
    assert_eq!(current(&view, VERIFICATION), ["presumed"]);
    assert_eq!(view.members(REACTION).count(), 1);
    assert_eq!(codes(&view), [""; 0]);
}

#[test]
fn the_highest_criticality_is_shown() {
    let (mut story, holder, caregiver, doctor, entry) = known();
    story.edit(holder, entry, criticality(Criticality::UnableToAssess));
    story.edit(caregiver, entry, criticality(Criticality::High));
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, CRITICALITY), ["high"]);
    assert_eq!(view.claims(CRITICALITY).len(), 2, "both are told");
    assert_eq!(codes(&view), ["criticality-disputed"]);
    assert_eq!(story.review(doctor)[0].verdicts, [Verdict::Confirm]);
}

#[test]
fn reactions_union() {
    let (mut story, holder, caregiver, _, entry) = known();
    story.edit(holder, entry, reaction("Urticaire", None));
    story.edit(caregiver, entry, reaction("Œdème", None));
    story.settle();
    assert_eq!(reactions(&story), 2);
    assert_eq!(codes(&story.view(entry)), [""; 0]);
}

#[test]
fn one_reaction_with_two_severities_keeps_both() {
    let (mut story, holder, caregiver, _, entry) = known();
    story.edit(holder, entry, reaction("Urticaire", Some(Severity::Mild)));
    story.edit(
        caregiver,
        entry,
        reaction("urticaire", Some(Severity::Severe)),
    );
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.members(REACTION).count(), 1);
    assert_eq!(reactions(&story), 2);
    assert_eq!(codes(&view), ["concurrent-values"]);
}

#[test]
fn a_reaction_taken_back_while_it_was_made_worse_still_shows() {
    let (mut story, holder, caregiver, _, entry) = known();
    story.edit(holder, entry, reaction("Urticaire", None));
    story.settle();
    let mut back = Reaction::new("Urticaire", None);
    back.removed = Some("that was the sun".into());
    let back = AllergyPatch {
        reactions: vec![back],
        ..AllergyPatch::default()
    };
    story.edit(holder, entry, back);
    story.edit(
        caregiver,
        entry,
        reaction("Urticaire", Some(Severity::Severe)),
    );
    story.settle();
    assert_eq!(reactions(&story), 1);
}

#[test]
fn no_known_allergy_never_erases_an_allergy() {
    let (mut story, _, caregiver, _, _) = known();
    story.create(caregiver, none());
    story.settle();
    let facts = vital(&story.views());
    assert_eq!((facts.allergies.len(), facts.no_known_allergy), (1, false));
}

#[test]
fn no_known_allergy_is_contradicted_by_an_active_allergy_its_author_had_not_seen() {
    let (mut story, holder, caregiver, _) = three();
    story.settle();
    story.create(holder, penicillin());
    story.create(caregiver, none());
    story.settle();
    assert!(contradicted(&story));
    assert_eq!(story.review(holder)[0].danger, Danger::Critical);
}

#[test]
fn not_by_one_they_had_seen() {
    let (mut story, _, caregiver, _, _) = known();
    story.create(caregiver, none());
    story.settle();
    assert!(!contradicted(&story));
}

#[test]
fn and_by_any_later_one_even_of_somebody_who_had_seen_the_statement() {
    let (mut story, holder, caregiver, _) = three();
    story.create(caregiver, none());
    story.settle();
    assert!(vital(&story.views()).no_known_allergy);
    story.create(holder, penicillin());
    story.settle();
    assert!(contradicted(&story));
    assert!(!vital(&story.views()).no_known_allergy);
}

#[test]
fn later_on_the_same_device_too_before_and_after_it_is_sent() {
    let (mut story, holder, _, _) = three();
    story.create(holder, none());
    story.create(holder, penicillin());
    assert_eq!(cross_flags(&story.views_at(holder), TODAY).len(), 2);
    story.sync(holder);
    assert_eq!(cross_flags(&story.views_at(holder), TODAY).len(), 2);
}

#[test]
fn earlier_on_the_same_device_was_seen_before_and_after_it_is_sent() {
    let (mut story, holder, _, _) = three();
    story.create(holder, penicillin());
    story.create(holder, none());
    assert_eq!(cross_flags(&story.views_at(holder), TODAY), []);
    story.sync(holder);
    assert_eq!(cross_flags(&story.views_at(holder), TODAY), []);
}

#[test]
fn phones_that_met_the_server_at_different_times_saw_different_things() {
    let (mut story, holder, caregiver, doctor) = three();
    story.create(holder, penicillin());
    story.sync(caregiver);
    story.sync(holder);
    story.sync(doctor);
    // The caregiver met the server before the allergy did, the doctor after.
    let early = story.create(caregiver, none());
    let late = story.create(doctor, none());
    story.settle();
    let flagged: Vec<EntryId> = cross_flags(&story.views(), TODAY)
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert!(flagged.contains(&early) && !flagged.contains(&late));
}

#[test]
fn an_allergy_that_became_active_again_was_not_seen_active() {
    let (mut story, holder, caregiver, _, entry) = known();
    story.edit(holder, entry, status(StatusCode::Inactive));
    story.settle();
    story.create(caregiver, none());
    story.settle();
    assert!(!contradicted(&story));
    story.edit(holder, entry, status(StatusCode::Active));
    story.settle();
    assert!(contradicted(&story));
}

#[test]
fn a_statement_said_again_after_seeing_the_allergy_is_no_longer_contradicted() {
    let (mut story, holder, caregiver, _) = three();
    story.settle();
    story.create(holder, penicillin());
    let statement = story.create(caregiver, none());
    story.settle();
    assert!(contradicted(&story));
    story.edit(caregiver, statement, status(StatusCode::Active));
    story.settle();
    assert!(!contradicted(&story));
}

#[test]
fn no_known_food_allergy_says_nothing_of_medicines() {
    let (mut story, holder, caregiver, _) = three();
    let of = |category, draft: AllergyDraft| AllergyDraft {
        category: Some(category),
        ..draft
    };
    story.create(holder, of(AllergyCategory::Medication, penicillin()));
    story.create(caregiver, of(AllergyCategory::Food, none()));
    story.settle();
    assert!(!contradicted(&story));
}

#[test]
fn the_same_substance_twice_is_linked_never_fused() {
    let named = |substance: Label| AllergyDraft {
        substance,
        ..AllergyDraft::default()
    };
    let (mut story, holder, caregiver, doctor) = three();
    story.create(holder, penicillin());
    let english = Label::coded("Penicillin", "http://snomed.info/sct", "764146007");
    story.create(caregiver, named(english));
    story.create(doctor, named("pénicilline ".into()));
    story.create(doctor, named("Iode".into()));
    story.settle();
    // First with second by code, first with third by text.
    assert_eq!(items(&story.review(holder)), ["possible-duplicate"; 2]);
    assert_eq!(vital(&story.views()).allergies.len(), 4);
}

#[test]
fn not_a_duplicate_is_remembered() {
    let (mut story, holder, caregiver, _) = three();
    story.create(holder, penicillin());
    let mut hidden = penicillin();
    hidden.common.visibility.hidden_from_professionals = true;
    let other = story.create(caregiver, hidden);
    story.settle();
    assert_eq!(
        items(&story.review(holder)),
        ["hidden-allergy", "possible-duplicate"]
    );
    story.resolve(holder, 1, &Choice::Decide(Verdict::NotADuplicate));
    assert_eq!(items(&story.review(holder)), ["hidden-allergy"]);
    story.edit(caregiver, other, notes("edited later"));
    story.settle();
    assert_eq!(
        items(&story.review(holder)),
        ["hidden-allergy"],
        "remembered"
    );
    assert_eq!(cross_flags(&story.views(), TODAY), [], "on the entries too");
    let doubts = |fact: &AllergyFact| fact.doubts.contains(&FlagCode::PossibleDuplicate);
    assert!(!vital(&story.views()).allergies.iter().any(doubts));
    let views = story.views();
    let decision = views
        .iter()
        .find(|view| view.kind == Kind::ReviewDecision)
        .expect("kept");
    assert!(
        decision.visibility.hidden_from_professionals,
        "as strict as what it touches"
    );
}

#[test]
fn two_told_apart_are_asked_about_anew_once_either_is_something_else() {
    let (mut story, holder, caregiver, _) = three();
    story.create(holder, penicillin());
    let other = story.create(caregiver, penicillin());
    story.settle();
    story.resolve(holder, 0, &Choice::Decide(Verdict::NotADuplicate));
    let called = |text: &str| AllergyPatch {
        substance: Some(Label::coded(text, "http://snomed.info/sct", "764146007")),
        ..AllergyPatch::default()
    };
    let rename = |story: &mut Story, text: &str| {
        story.edit(caregiver, other, called(text));
        story.settle();
        (
            items(&story.review(holder)).len(),
            cross_flags(&story.views(), TODAY).len(),
        )
    };
    assert_eq!(rename(&mut story, "PENICILLINE"), (0, 0), "the same name");
    assert_eq!(rename(&mut story, "Pénicilline G"), (1, 2));
    assert_eq!(
        rename(&mut story, "Pénicilline"),
        (0, 0),
        "as it was compared"
    );
}

#[test]
fn none_known_by_somebody_it_was_hidden_from_is_contradicted() {
    let hide = |hide| CommonPatch {
        hidden_from_professionals: Some(hide),
        ..CommonPatch::default()
    };
    for shown_again in [false, true] {
        let (mut story, holder, caregiver, _, entry) = known();
        story.edit(holder, entry, hide(true));
        story.settle();
        story.create(caregiver, none());
        story.settle();
        if shown_again {
            story.edit(holder, entry, hide(false));
            story.settle();
        }
        assert!(contradicted(&story), "shown again: {shown_again}");
    }
}

#[test]
fn none_known_by_the_one_who_hid_it_stands() {
    let (mut story, holder, _, _, entry) = known();
    let hide = CommonPatch {
        hidden_from_professionals: Some(true),
        ..CommonPatch::default()
    };
    story.edit(holder, entry, hide);
    story.settle();
    story.create(holder, none());
    story.settle();
    assert!(!contradicted(&story));
}
