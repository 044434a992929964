use super::*;

fn regimen(product: &str, dose: &str) -> Regimen {
    Regimen {
        product: product.into(),
        substances: vec!["paracétamol".into()],
        dose: Some(dose.into()),
        ..Regimen::default()
    }
}

fn change(product: &str, dose: &str) -> MedicationTakenPatch {
    MedicationTakenPatch {
        regimen: Some(regimen(product, dose)),
        ..MedicationTakenPatch::default()
    }
}

fn known() -> (Story, Party, Party, Party, EntryId) {
    let (mut story, holder, caregiver, doctor) = three();
    let draft = MedicationTakenDraft {
        regimen: regimen("Doliprane", "1"),
        ..MedicationTakenDraft::default()
    };
    let entry = story.create(holder, draft);
    story.settle();
    (story, holder, caregiver, doctor, entry)
}

fn treatment(story: &Story) -> TreatmentFact {
    vital(&story.views()).treatments.remove(0)
}

#[test]
fn of_two_concurrent_regimens_both_are_shown_and_neither_is_current() {
    let (mut story, holder, _, doctor, entry) = known();
    story.edit(holder, entry, change("Doliprane", "2"));
    story.edit(doctor, entry, change("Doliprane", "3"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(codes(&view), ["dose-disputed"]);
    assert_eq!(current(&view, "regimen"), [""; 0]);
    let treatment = treatment(&story);
    assert_eq!(treatment.current, None);
    assert_eq!(treatment.regimens.len(), 2);
    assert_eq!(
        story.review(doctor)[0].verdicts,
        [],
        "only an edit settles it"
    );
}

#[test]
fn a_regimen_is_one_value_never_merged_part_by_part() {
    let (mut story, holder, caregiver, _, entry) = known();
    story.edit(holder, entry, change("Doliprane", "2"));
    story.edit(caregiver, entry, change("Efferalgan", "1"));
    story.settle();
    let mut shown = treatment(&story).regimens;
    shown.sort_by(|a, b| a.product.text.cmp(&b.product.text));
    assert_eq!(
        shown,
        [regimen("Doliprane", "2"), regimen("Efferalgan", "1")]
    );
    assert_eq!(story.view(entry).label, "Doliprane / Efferalgan");
}

#[test]
fn the_same_regimen_twice_is_current() {
    let (mut story, holder, caregiver, _, entry) = known();
    story.edit(holder, entry, change("Doliprane", "2"));
    story.edit(caregiver, entry, change("Doliprane", "2"));
    story.settle();
    assert_eq!(treatment(&story).current, Some(regimen("Doliprane", "2")));
}

#[test]
fn stop_against_change_shows_both_to_reconcile_never_resumed_by_itself() {
    let (mut story, holder, _, doctor, entry) = known();
    story.edit(holder, entry, status(StatusCode::Stopped));
    story.edit(doctor, entry, change("Doliprane", "3"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::ToReconcile);
    assert_eq!(codes(&view), ["to-reconcile"]);
    let treatment = treatment(&story);
    assert_eq!(treatment.current, None);
    assert_eq!(treatment.regimens, [regimen("Doliprane", "3")]);
    assert_eq!(
        treatment.stop.expect("shown too").status,
        StatusCode::Stopped
    );
    assert_eq!(story.review(doctor)[0].danger, Danger::High);
}

#[test]
fn a_person_reconciles_either_way() {
    for (take_stop, standing) in [(true, Standing::Ended), (false, Standing::Active)] {
        let (mut story, holder, _, doctor, entry) = known();
        let stop = story.edit(holder, entry, status(StatusCode::Stopped));
        let dose = story.edit(doctor, entry, change("Doliprane", "3"));
        story.settle();
        story.resolve(
            doctor,
            0,
            &Choice::Take(if take_stop { stop } else { dose }),
        );
        assert_eq!(story.view(entry).standing, standing);
        assert_eq!(items(&story.review(doctor)), [""; 0]);
    }
}

#[test]
fn a_disputed_dose_is_settled_by_taking_one() {
    let (mut story, holder, _, doctor, entry) = known();
    let first = story.edit(holder, entry, change("Doliprane", "2"));
    story.edit(doctor, entry, change("Doliprane", "3"));
    story.settle();
    story.resolve(doctor, 0, &Choice::Take(first));
    assert_eq!(treatment(&story).current, Some(regimen("Doliprane", "2")));
    assert_eq!(codes(&story.view(entry)), [""; 0]);
}

#[test]
fn a_stop_that_nobody_edited_against_stands() {
    let (mut story, holder, _, _, entry) = known();
    story.edit(holder, entry, status(StatusCode::Stopped));
    story.settle();
    assert_eq!(story.view(entry).standing, Standing::Ended);
    assert!(vital(&story.views()).treatments.is_empty());
}

#[test]
fn the_same_active_substance_twice_is_linked() {
    let (mut story, _, caregiver, _, _) = known();
    let draft = MedicationTakenDraft {
        regimen: Regimen {
            substances: vec!["Paracetamol".into()],
            ..regimen("Efferalgan", "1")
        },
        ..MedicationTakenDraft::default()
    };
    let other = story.create(caregiver, draft);
    story.settle();
    assert_eq!(items(&story.review(caregiver)), ["substance-twice"]);
    assert_eq!(vital(&story.views()).treatments.len(), 2);
    story.edit(caregiver, other, status(StatusCode::Stopped));
    story.settle();
    assert_eq!(items(&story.review(caregiver)), [""; 0]);
}
