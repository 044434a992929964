use std::collections::BTreeSet;

use super::*;
use crate::entry::{Value, Write};

/// An entry all have seen, made by the holder.
fn known(draft: impl Into<Draft>) -> (Story, Party, Party, Party, EntryId) {
    let (mut story, holder, caregiver, doctor) = three();
    let entry = story.create(holder, draft);
    story.settle();
    (story, holder, caregiver, doctor, entry)
}

fn asthma() -> ConditionDraft {
    ConditionDraft {
        label: "Asthme".into(),
        ..ConditionDraft::default()
    }
}

#[test]
fn every_value_keeps_who_wrote_it_in_what_role_on_which_device_and_when() {
    let (mut story, _, _, doctor, entry) = known(asthma());
    let change = story.edit(doctor, entry, notes("since childhood"));
    story.sync(doctor);
    let view = story.view(entry);
    let [claim] = view.claims("notes") else {
        panic!("one claim");
    };
    let by = claim.by.as_ref().expect("the copy knows");
    assert_eq!(
        (claim.change, by.author, &by.role),
        (change, Story::person(doctor), &DOCTOR)
    );
    assert!(by.accepted.is_some() && by.seen.is_some() && by.at > crate::DeviceTime(0));
    assert_eq!(view.edited.as_ref(), Some(by));
    assert_eq!(view.created.expect("known").role, Role::Holder);
}

#[test]
fn an_edit_that_had_seen_its_predecessor_replaces_it() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    story.edit(holder, entry, notes("one"));
    story.settle();
    story.edit(caregiver, entry, notes("two"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, "notes"), ["two"]);
    assert_eq!(codes(&view), [""; 0]);
}

#[test]
fn concurrent_values_of_one_field_with_no_rule_of_its_own_are_both_kept_and_flagged() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    story.edit(holder, entry, notes("one"));
    story.edit(caregiver, entry, notes("two"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, "notes"), ["one", "two"]);
    assert_eq!(codes(&view), ["concurrent-values"]);
    assert_eq!(items(&story.review(holder)), ["concurrent-values"]);
}

#[test]
fn the_same_value_said_twice_is_no_conflict() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    story.edit(holder, entry, notes("same"));
    story.edit(caregiver, entry, notes("same"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, "notes"), ["same"]);
    assert_eq!(view.claims("notes").len(), 2);
    assert_eq!(codes(&view), [""; 0]);
}

#[test]
fn edits_of_different_fields_join_without_a_flag() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    story.edit(holder, entry, notes("one"));
    let severe = ConditionPatch {
        severity: Edit::Set(Severity::Severe),
        ..ConditionPatch::default()
    };
    story.edit(caregiver, entry, severe);
    story.settle();
    let view = story.view(entry);
    assert_eq!(current(&view, "notes"), ["one"]);
    assert_eq!(current(&view, "severity"), ["severe"]);
    assert_eq!(codes(&view), [""; 0]);
}

#[test]
fn a_client_says_why_it_removes_an_entry() {
    let removed = |status: Status| {
        let patch = CommonPatch {
            status: Some(status),
            ..CommonPatch::default()
        };
        let draft = AllergyDraft {
            common: Common {
                status: patch.status.clone(),
                ..Common::default()
            },
            ..penicillin()
        };
        let typed = AllergyPatch {
            common: patch.clone(),
            ..AllergyPatch::default()
        };
        let written = [
            Draft::from(draft).writes(),
            Patch::from(typed).writes(),
            Patch::Any(patch).writes(),
        ];
        written.map(|written| written.err())
    };
    let missing = [Some(Invalid::Missing { field: "reason" }); 3];
    for code in StatusCode::ALL {
        let needed = ![StatusCode::Active, StatusCode::Revoked].contains(code);
        let expected = if needed { missing } else { [None; 3] };
        assert_eq!(removed(Status::from(code.clone())), expected, "{code:?}");
        assert_eq!(removed(Status::because(code.clone(), "why")), [None; 3]);
    }
    assert_eq!(removed(Status::because(StatusCode::Stopped, " ")), missing);
    // What another program wrote stands all the same.
    let (mut story, holder, ..) = three();
    let entry = story.create(holder, penicillin());
    let status = Status::from(StatusCode::Inactive).to_value();
    story.write(holder, entry, &[crate::entry::Write::set("status", status)]);
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::Ended);
    assert!(view.status.lacks_reason());
}

#[test]
fn a_removal_is_a_status_with_a_reason_and_destroys_nothing() {
    let (mut story, holder, _, _, entry) = known(asthma());
    story.edit(holder, entry, status(StatusCode::Resolved));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::Ended);
    assert_eq!(view.status.reason.as_deref(), Some("why"));
    assert_eq!(view.label, "Asthme");
}

#[test]
fn a_concurrent_edit_keeps_a_resolved_inactive_or_refuted_entry_active_and_flagged() {
    for ended in [
        StatusCode::Resolved,
        StatusCode::Inactive,
        StatusCode::Refuted,
    ] {
        let (mut story, holder, caregiver, _, entry) = known(asthma());
        story.edit(holder, entry, status(ended));
        story.edit(caregiver, entry, notes("it came back"));
        story.settle();
        let view = story.view(entry);
        assert_eq!(view.standing, Standing::Active);
        assert_eq!(codes(&view), ["status-against-edit"]);
        assert_eq!(items(&story.review(holder)), ["status-against-edit"]);
    }
}

#[test]
fn a_status_written_after_the_edit_stands() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    story.edit(caregiver, entry, notes("it came back"));
    story.settle();
    story.edit(holder, entry, status(StatusCode::Resolved));
    story.settle();
    assert_eq!(story.view(entry).standing, Standing::Ended);
    assert_eq!(codes(&story.view(entry)), [""; 0]);
}

#[test]
fn two_who_end_an_entry_in_different_words_end_it() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    story.edit(holder, entry, status(StatusCode::Resolved));
    story.edit(caregiver, entry, status(StatusCode::Inactive));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::Ended);
    assert_eq!(codes(&view), ["concurrent-values"]);
}

#[test]
fn a_clinicians_refutation_stands_flagged_against_a_concurrent_edit() {
    let (mut story, _, caregiver, doctor, entry) = known(penicillin());
    story.edit(doctor, entry, status(StatusCode::Refuted));
    story.edit(caregiver, entry, notes("she had a rash"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::Ended);
    assert_eq!(codes(&view), ["refuted-against-edit"]);
}

#[test]
fn unless_the_concurrent_edit_adds_a_reaction() {
    let (mut story, _, caregiver, doctor, entry) = known(penicillin());
    story.edit(doctor, entry, status(StatusCode::Refuted));
    story.edit(caregiver, entry, reaction("Œdème", Some(Severity::Severe)));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::Active);
    assert_eq!(codes(&view), ["refutation-against-danger"]);
    assert_eq!(story.review(doctor)[0].danger, Danger::Critical);
}

#[test]
fn or_raises_criticality() {
    for (said, stands) in [
        (Criticality::High, Standing::Active),
        (Criticality::UnableToAssess, Standing::Active),
    ] {
        let (mut story, _, caregiver, doctor, entry) = known(penicillin());
        story.edit(doctor, entry, status(StatusCode::Refuted));
        story.edit(caregiver, entry, criticality(said));
        story.settle();
        assert_eq!(story.view(entry).standing, stands);
    }
}

#[test]
fn entered_in_error_by_its_author_takes_the_entry_out_whatever_is_concurrent() {
    let (mut story, holder, caregiver, doctor, entry) = known(penicillin());
    story.edit(holder, entry, status(StatusCode::EnteredInError));
    story.edit(caregiver, entry, reaction("Œdème", None));
    story.edit(doctor, entry, status(StatusCode::Active));
    story.settle();
    assert!(story.view(entry).in_error());
    assert!(vital(&story.views()).allergies.is_empty());
    assert_eq!(items(&story.review(holder)), ["edited-while-in-error"]);
}

#[test]
fn entered_in_error_by_a_clinician_too() {
    let (mut story, _, caregiver, doctor, entry) = known(penicillin());
    story.edit(doctor, entry, status(StatusCode::EnteredInError));
    story.edit(caregiver, entry, notes("no, it is so"));
    story.settle();
    assert!(story.view(entry).in_error());
    assert_eq!(items(&story.review(doctor)), ["edited-while-in-error"]);
}

#[test]
fn entered_in_error_by_somebody_else_is_a_proposal() {
    let (mut story, _, caregiver, doctor, entry) = known(penicillin());
    story.edit(caregiver, entry, status(StatusCode::EnteredInError));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.standing, Standing::Active);
    assert_eq!(codes(&view), ["proposal"]);
    assert_eq!(vital(&story.views()).allergies.len(), 1);
    assert_eq!(items(&story.review(doctor)), ["proposal"]);
}

#[test]
fn unknown_keys_and_kinds_are_kept_and_shown() {
    let (mut story, holder, caregiver, _) = three();
    let entry = EntryId(uuid::Uuid::from_u128(99));
    let creation = [
        Write::set("kind", "of-a-newer-version"),
        Write::set("label", Label::text("Grossesse").to_value()),
        Write::set("due", "2027-01"),
    ];
    story.write(holder, entry, &creation);
    story.settle();
    story.edit(caregiver, entry, notes("seen by an older app"));
    story.write(holder, entry, &[Write::set("due", "2027-02")]);
    story.write(caregiver, entry, &[Write::set("due", Value::Int(3))]);
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.kind, Kind::Unknown("of-a-newer-version".into()));
    assert_eq!(view.label, "Grossesse");
    assert_eq!(view.field("due").expect("kept").current.len(), 2);
    assert_eq!(codes(&view), ["concurrent-values"]);
}

#[test]
fn between_concurrent_visibilities_the_most_restrictive_wins() {
    let hide = |hide| CommonPatch {
        hidden_from_professionals: Some(hide),
        ..CommonPatch::default()
    };
    let until = |tick| CommonPatch {
        hidden_from_patient_until: Edit::Set(crate::Tick(tick)),
        ..CommonPatch::default()
    };
    let (mut story, holder, caregiver, doctor, entry) = known(penicillin());
    story.edit(holder, entry, hide(true));
    story.edit(caregiver, entry, hide(false));
    story.edit(doctor, entry, until(5));
    story.edit(holder, entry, until(9));
    story.settle();
    let view = story.view(entry);
    assert!(view.visibility.hidden_from_professionals);
    assert_eq!(
        view.visibility.hidden_from_patient_until,
        Some(crate::Tick(9))
    );
    let field = view.field("hidden-from-professionals").expect("there");
    assert_eq!(field.current, [Value::Bool(true)]);
    assert_eq!(codes(&view), ["hidden-allergy", "visibility-restricted"]);
}

#[test]
fn hiding_is_no_edit_that_keeps_an_entry_active() {
    let (mut story, holder, caregiver, _, entry) = known(asthma());
    let hide = CommonPatch {
        hidden_from_representatives: Some(true),
        ..CommonPatch::default()
    };
    story.edit(holder, entry, hide);
    story.edit(caregiver, entry, status(StatusCode::Resolved));
    story.settle();
    assert_eq!(story.view(entry).standing, Standing::Ended);
}

#[test]
fn a_view_survives_being_stored() {
    let (mut story, holder, caregiver, _, entry) = known(penicillin());
    story.edit(holder, entry, notes("one"));
    story.edit(caregiver, entry, notes("two"));
    story.settle();
    let view = story.view(entry);
    let cbor = crate::codec::to_cbor(&view);
    assert_eq!(
        crate::codec::from_cbor::<EntryView>(&cbor).expect("reads back"),
        view
    );
    let json = serde_json::to_string(&view).expect("JSON");
    assert_eq!(
        serde_json::from_str::<EntryView>(&json).expect("reads back"),
        view
    );
}

#[test]
fn a_form_shows_what_stands_not_what_is_proposed() {
    let (mut story, holder, _, doctor, entry) = known(penicillin());
    story.edit(doctor, entry, verification(Verification::Confirmed));
    story.edit(doctor, entry, criticality(Criticality::High));
    story.settle();
    story.edit(holder, entry, criticality(Criticality::UnableToAssess));
    story.settle();
    let view = story.view(entry);
    let Some(Draft::Allergy(form)) = Draft::read(&view.kind, &view) else {
        panic!("an allergy");
    };
    assert_eq!(form.criticality, Some(Criticality::High));
    assert_eq!(form.verification, Some(Verification::Confirmed));
}

#[test]
fn an_end_on_a_day_to_come_is_no_end_yet() {
    let (mut story, holder, ..) = three();
    let ended = |day: &str| day.parse().ok();
    for day in ["2024-10-06", "2024-10-05"] {
        let label: Label = day.into();
        story.create(
            holder,
            DeviceDraft {
                removed: ended(day),
                ..DeviceDraft::new(label.clone())
            },
        );
        story.create(
            holder,
            ConditionDraft {
                ended: ended(day),
                ..ConditionDraft::new(label)
            },
        );
        story.create(
            holder,
            PregnancyDraft {
                ended: ended(day),
                ..PregnancyDraft::new(jiff::civil::date(2024, 12, 24))
            },
        );
    }
    story.settle();
    let facts = vital(&story.views());
    let devices: Vec<&str> = facts.devices.iter().map(|one| one.label.as_str()).collect();
    let conditions = facts.conditions.iter();
    let conditions: Vec<&str> = conditions.map(|one| one.label.as_str()).collect();
    let still = ["2024-10-06"];
    assert_eq!((&*devices, &*conditions), (&still[..], &still[..]));
    assert_eq!(facts.pregnancies.len(), 1);
}

/// Of however many replacements of one document, each is flagged that stands beside one whose author
/// did not know of it.
#[test]
fn each_of_many_replacements_made_apart_is_flagged() {
    let (mut story, holder, _, _) = three();
    let hash = |number: usize| format!("{number:064x}");
    let draft = |number, replaces| {
        let content = Content::new(hash(number), 100, MediaType::Pdf);
        DocumentDraft {
            replaces,
            ..DocumentDraft::new(
                DocumentType::parse("11502-2").expect("a code"),
                "Bilan",
                content,
            )
        }
    };
    let first = story.create(holder, draft(0, None));
    let parties: Vec<Party> = (0..24).map(|_| story.party(DOCTOR)).collect();
    story.settle();
    for (number, party) in parties.iter().enumerate() {
        if number % 7 != 3 {
            story.sync(*party);
        }
        story.create(*party, draft(number + 1, Some(first)));
        // The first one comes last, and nobody knew of it.
        if number != 0 && number % 5 != 4 {
            story.sync(*party);
        }
    }
    story.settle();
    let views = story.views();
    let made = |view: &EntryView| view.created.clone().expect("known");
    let apart = |one: &EntryView, other: &EntryView| {
        !made(one).had_seen(&made(other)) && !made(other).had_seen(&made(one))
    };
    let siblings: Vec<&EntryView> = views.iter().filter(|view| view.id != first).collect();
    let mut flagged = BTreeSet::new();
    for (entry, flag) in cross_flags(&views, TODAY) {
        assert_eq!(flag.code, FlagCode::ReplacedTwice);
        let of = |id| {
            siblings
                .iter()
                .find(|view| view.id == id)
                .expect("a sibling")
        };
        assert!(apart(of(entry), of(flag.entries[0])));
        flagged.insert(entry);
    }
    let beside = siblings.iter().filter(|one| {
        let mut others = siblings.iter().filter(|other| other.id != one.id);
        others.any(|other| apart(one, other))
    });
    let beside: BTreeSet<EntryId> = beside.map(|view| view.id).collect();
    assert!(beside.len() > 16, "{}", beside.len());
    assert_eq!(flagged, beside);
}
