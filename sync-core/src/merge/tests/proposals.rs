use std::collections::BTreeMap;

use super::*;
use crate::EntryId;
use crate::entry::{Value, Write};

/// The holder's allergy, confirmed by the doctor; all have seen it.
fn confirmed() -> (Story, Party, Party, Party, EntryId) {
    let (mut story, holder, caregiver, doctor) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(doctor, entry, verification(Verification::Confirmed));
    story.settle();
    (story, holder, caregiver, doctor, entry)
}

fn rename(text: &str) -> AllergyPatch {
    AllergyPatch {
        substance: Some(text.into()),
        ..AllergyPatch::default()
    }
}

#[test]
fn a_lay_edit_of_a_clinician_confirmed_fact_is_a_proposal_even_when_sequential() {
    let (mut story, holder, _, doctor, entry) = confirmed();
    story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.label, "Pénicilline");
    assert!(view.confirmed);
    let [(key, claim)] = view.proposals().collect::<Vec<_>>()[..] else {
        panic!("one proposal");
    };
    assert_eq!(key, "label");
    assert_eq!(
        claim.by.as_ref().expect("known").author,
        Story::person(holder)
    );
    assert_eq!(items(&story.review(doctor)), ["proposal"]);
}

#[test]
fn a_concurrent_lay_edit_is_a_proposal_too() {
    let (mut story, holder, _, doctor) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(doctor, entry, verification(Verification::Confirmed));
    story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    assert_eq!(story.view(entry).label, "Pénicilline");
    assert_eq!(codes(&story.view(entry)), ["proposal"]);
}

#[test]
fn what_a_clinician_wrote_is_confirmed_by_that() {
    let (mut story, holder, _, doctor) = three();
    let entry = story.create(doctor, penicillin());
    story.settle();
    story.edit(holder, entry, status(StatusCode::Refuted));
    story.settle();
    let view = story.view(entry);
    assert_eq!((view.standing, view.confirmed), (Standing::Active, true));
    assert_eq!(codes(&view), ["proposal"]);
}

#[test]
fn unless_they_wrote_it_in_doubt() {
    let (mut story, holder, _, doctor) = three();
    let draft = AllergyDraft {
        verification: Some(Verification::Unconfirmed),
        ..penicillin()
    };
    let entry = story.create(doctor, draft);
    story.settle();
    story.edit(holder, entry, status(StatusCode::Inactive));
    story.settle();
    let view = story.view(entry);
    assert_eq!((view.standing, view.confirmed), (Standing::Ended, false));
}

#[test]
fn a_lay_edit_never_lowers_a_clinicians_confirmation() {
    for concurrent in [false, true] {
        let (mut story, holder, _, doctor) = three();
        let entry = story.create(holder, penicillin());
        story.settle();
        story.edit(doctor, entry, verification(Verification::Confirmed));
        if !concurrent {
            story.settle();
        }
        story.edit(holder, entry, verification(Verification::Unconfirmed));
        story.settle();
        let view = story.view(entry);
        assert_eq!(current(&view, "verification"), ["confirmed"]);
        assert!(view.confirmed);
    }
}

#[test]
fn pharmacists_and_nurses_propose() {
    let (mut story, _, _, _, entry) = confirmed();
    let pharmacist = story.party(PHARMACIST);
    let nurse = story.party(Role::Professional(crate::policy::Profession::Nurse));
    story.settle();
    story.edit(pharmacist, entry, rename("Amoxicilline"));
    story.edit(nurse, entry, status(StatusCode::Refuted));
    story.settle();
    let view = story.view(entry);
    assert_eq!(
        (view.label.as_str(), view.standing),
        ("Pénicilline", Standing::Active)
    );
    assert_eq!(view.proposals().count(), 2);
}

#[test]
fn a_lay_edit_may_add_a_reaction_and_raise_criticality_but_not_lower_it() {
    let (mut story, holder, caregiver, _, entry) = confirmed();
    story.edit(holder, entry, reaction("Urticaire", None));
    story.settle();
    story.edit(caregiver, entry, criticality(Criticality::High));
    story.settle();
    let view = story.view(entry);
    assert_eq!(vital(&story.views()).allergies[0].reactions.len(), 1);
    assert_eq!(current(&view, "criticality"), ["high"]);
    assert_eq!(codes(&view), ["proposal"]);
    assert_eq!(view.proposals().count(), 1, "the criticality alone");

    let (mut story, holder, _, doctor, entry) = confirmed();
    story.edit(doctor, entry, criticality(Criticality::High));
    story.settle();
    story.edit(holder, entry, criticality(Criticality::Low));
    story.settle();
    assert_eq!(current(&story.view(entry), "criticality"), ["high"]);
}

#[test]
fn hiding_is_the_holders_even_on_a_confirmed_fact() {
    let (mut story, holder, _, _, entry) = confirmed();
    let hide = CommonPatch {
        hidden_from_professionals: Some(true),
        ..CommonPatch::default()
    };
    story.edit(holder, entry, hide);
    story.settle();
    assert!(story.view(entry).visibility.hidden_from_professionals);
    assert_eq!(codes(&story.view(entry)), ["hidden-allergy"]);
}

#[test]
fn a_clinician_takes_a_proposal_up() {
    let (mut story, holder, _, doctor, entry) = confirmed();
    story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    let choice = Choice::Decide(Verdict::Accept);
    assert_eq!(resolve(&story.review(holder)[0], &choice), None);
    story.resolve(doctor, 0, &choice);
    let view = story.view(entry);
    assert_eq!(view.label, "Amoxicilline");
    assert_eq!(
        view.claims("label")[0].by.as_ref().expect("known").role,
        DOCTOR
    );
    assert_eq!(items(&story.review(doctor)), [""; 0]);
}

#[test]
fn or_leaves_it_out() {
    let (mut story, holder, caregiver, doctor, entry) = confirmed();
    story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    let verdicts = |party| story.review(party)[0].verdicts.clone();
    assert_eq!(verdicts(doctor), [Verdict::Accept, Verdict::Discard]);
    assert_eq!(verdicts(holder), [Verdict::Discard], "their own");
    assert_eq!(verdicts(caregiver), []);
    story.resolve(doctor, 0, &Choice::Decide(Verdict::Discard));
    assert_eq!(items(&story.review(doctor)), [""; 0]);
    assert_eq!(story.view(entry).label, "Pénicilline");
    assert_eq!(
        story.view(entry).proposals().count(),
        1,
        "kept, and still told"
    );
}

#[test]
fn a_proposal_said_to_be_accepted_stays_until_it_is_taken_up() {
    let (mut story, holder, _, doctor, entry) = confirmed();
    story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    let said = ReviewDecisionDraft::new(story.review(doctor)[0].key.as_str(), Verdict::Accept);
    story.create(doctor, said);
    story.settle();
    assert_eq!(items(&story.review(doctor)), ["proposal"]);
}

#[test]
fn taking_up_a_doubt_takes_the_confirmation_back() {
    let (mut story, holder, _, doctor, entry) = confirmed();
    story.edit(holder, entry, verification(Verification::Unconfirmed));
    story.settle();
    assert!(story.view(entry).confirmed);
    story.resolve(doctor, 0, &Choice::Decide(Verdict::Accept));
    let view = story.view(entry);
    assert_eq!(current(&view, "verification"), ["unconfirmed"]);
    assert!(!view.confirmed);
}

#[test]
fn a_clinicians_later_edit_answers_a_proposal() {
    let (mut story, holder, _, doctor, entry) = confirmed();
    story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    story.edit(doctor, entry, rename("Pénicilline G"));
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.label, "Pénicilline G");
    assert_eq!(codes(&view), [""; 0]);
}

#[test]
fn whoever_edits_is_told_beforehand_that_it_will_be_a_proposal() {
    let (mut story, holder, caregiver, doctor, entry) = confirmed();
    let nurse = story.party(Role::Professional(crate::policy::Profession::Nurse));
    let lay = story.create(caregiver, penicillin());
    let own = story.create(nurse, penicillin());
    story.settle();
    let told = |party, entry| {
        let viewer = story.viewer(party);
        let other = Label::text("Amoxicilline").to_value();
        let (role, person) = (&viewer.role, viewer.person);
        proposes(&story.view(entry), role, person, "label", Some(&other))
    };
    let all = [holder, doctor, nurse];
    assert_eq!(all.map(|by| told(by, entry)), [true, false, true]);
    assert_eq!(all.map(|by| told(by, lay)), [false, false, true]);
    assert_eq!(all.map(|by| told(by, own)), [false, false, false]);
    for (by, entry) in [(nurse, lay), (holder, entry), (holder, lay), (nurse, own)] {
        let mut after = story.clone();
        after.edit(by, entry, rename("Amoxicilline"));
        after.settle();
        let open = after.view(entry).proposals().count();
        assert_eq!(open == 1, told(by, entry), "{by}");
    }
}

/// The holder's proposal of another name, what the list says of it, and who proposed it with what.
fn proposed() -> (Story, Party, Party, Party, EntryId, crate::ChangeHash) {
    let (mut story, holder, caregiver, doctor, entry) = confirmed();
    let proposal = story.edit(holder, entry, rename("Amoxicilline"));
    story.settle();
    (story, holder, caregiver, doctor, entry, proposal)
}

#[test]
fn a_discard_crosses_what_was_taken_up_only_if_whoever_made_it_might() {
    let (story, holder, caregiver, doctor, _, _) = proposed();
    let item = story.review(doctor).remove(0);
    let accepted = resolve(&item, &Choice::Decide(Verdict::Accept)).expect("it is offered");
    let (entry, writes) = &accepted.edits[0];
    for (by, left) in [(caregiver, &[][..]), (holder, &["decided-differently"])] {
        let mut story = story.clone();
        story.create(
            by,
            ReviewDecisionDraft {
                on: Some(entry.to_string()),
                ..ReviewDecisionDraft::new(item.key.as_str(), Verdict::Discard)
            },
        );
        story.write(doctor, *entry, writes);
        story.settle();
        assert_eq!(story.view(*entry).label, "Amoxicilline");
        assert_eq!(items(&story.review(doctor)), left, "{by}");
    }
}

/// What a program of somebody else's writes that takes up a field it writes at once.
fn accepts(proposal: crate::ChangeHash, field: &str) -> Write {
    Write::set(format!("accepts/{proposal}"), field)
}

#[test]
fn whoever_writes_a_field_and_takes_up_another_value_of_it_says_what_they_write() {
    let (mut story, _, _, doctor, entry, proposal) = proposed();
    let other = Write::set("label", Label::text("Pénicilline G").to_value());
    story.write(doctor, entry, &[other, accepts(proposal, "label")]);
    story.settle();
    let view = story.view(entry);
    assert_eq!(view.label, "Pénicilline G");
    assert_eq!(view.claims("label").len(), 1);
    assert_eq!(items(&story.review(doctor)), ["proposal"], "still asked");
    story.resolve(doctor, 0, &Choice::Decide(Verdict::Accept));
    assert_eq!(story.view(entry).label, "Amoxicilline");
    assert_eq!(items(&story.review(doctor)), [""; 0]);
}

#[test]
fn one_of_two_that_were_taken_up_at_once_is_taken_up_after_all() {
    let (mut story, _, caregiver, doctor, entry, one) = proposed();
    let other = story.edit(caregiver, entry, rename("Ampicilline"));
    story.settle();
    let both = [accepts(one, "label"), accepts(other, "label")];
    story.write(doctor, entry, &both);
    story.settle();
    assert_eq!(story.view(entry).label, "Pénicilline");
    story.resolve(doctor, 0, &Choice::Take(other));
    assert_eq!(story.view(entry).label, "Ampicilline");
    assert_eq!(items(&story.review(doctor)), [""; 0]);
}

#[test]
fn whoever_tells_two_entries_apart_may_by_these_two_whatever_else_they_list() {
    let (mut story, holder, caregiver, doctor) = three();
    let colleague = story.party(DOCTOR);
    let one = story.create(doctor, penicillin());
    let other = story.create(colleague, penicillin());
    let nuts = AllergyDraft {
        substance: "Arachide".into(),
        ..AllergyDraft::default()
    };
    let own = story.create(holder, nuts);
    story.settle();
    for (by, crossed) in [(caregiver, false), (doctor, true)] {
        let mut story = story.clone();
        let item = story.review(by).remove(0);
        let apart = ReviewDecisionDraft {
            on: Some(format!("{one} {other} {own}")),
            ..ReviewDecisionDraft::new(item.key.as_str(), Verdict::NotADuplicate)
        };
        story.create(by, apart);
        story.edit(colleague, other, Patch::Any(status(StatusCode::Inactive)));
        story.settle();
        let list = items(&story.review(holder));
        assert_eq!(list.contains(&"decided-differently"), crossed, "{list:?}");
    }
}

#[test]
fn that_two_entries_of_clinicians_are_two_is_a_proposal_of_anybody_else() {
    let (mut story, _, caregiver, doctor) = three();
    let colleague = story.party(DOCTOR);
    story.create(doctor, penicillin());
    story.create(colleague, penicillin());
    story.settle();
    let item = story.review(caregiver).remove(0);
    assert_eq!(item.verdicts, []);
    let apart = ReviewDecisionDraft::new(item.key.as_str(), Verdict::NotADuplicate);
    let apart = story.create(caregiver, apart);
    story.settle();
    let item = story.review(doctor).remove(0);
    let proposed: Vec<EntryId> = item
        .claims
        .iter()
        .filter(|side| side.proposed)
        .map(|side| side.entry)
        .collect();
    assert_eq!(proposed, [apart]);
    story.resolve(doctor, 0, &Choice::Decide(Verdict::NotADuplicate));
    assert_eq!(items(&story.review(doctor)), [""; 0]);
}

/// What a clinician wrote last of an entry that none confirmed is theirs, field by field.
#[test]
fn of_each_field_it_is_told_beforehand_whether_it_will_be_a_proposal() {
    let (mut story, holder, caregiver, doctor) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(doctor, entry, rename("Pénicilline G"));
    let doubted = story.create(doctor, penicillin());
    story.settle();
    let colleague = story.party(DOCTOR);
    story.settle();
    story.edit(colleague, doubted, verification(Verification::Unconfirmed));
    story.settle();
    let ended: Patch = Patch::Any(status(StatusCode::Refuted));
    let patches: [Patch; 5] = [
        rename("Amoxicilline").into(),
        criticality(Criticality::High).into(),
        reaction("Urticaire", None).into(),
        Patch::Any(notes("au printemps")),
        ended,
    ];
    let mut told = BTreeMap::new();
    for entry in [entry, doubted] {
        for by in [holder, caregiver, doctor] {
            for (place, patch) in patches.iter().enumerate() {
                let view = story.view(entry);
                let viewer = story.viewer(by);
                let writes = patch.writes().expect("a good patch");
                let said = writes.iter().any(|write| {
                    let value = write.value.as_ref();
                    proposes(&view, &viewer.role, viewer.person, &write.key, value)
                });
                let mut after = story.clone();
                after.edit(by, entry, patch.clone());
                after.settle();
                let open = after.view(entry).proposals().count();
                assert_eq!(open == 1, said, "{by} {place} of {entry}");
                told.insert((entry, by, place), said);
            }
        }
    }
    let of = |entry, by| [0, 1, 2, 3, 4].map(|place| told[&(entry, by, place)]);
    assert_eq!(of(entry, holder), [true, false, false, false, true]);
    assert_eq!(of(doubted, caregiver), [true, true, false, false, false]);
    assert_eq!(of(doubted, doctor), [false; 5]);
}

#[test]
fn a_certainty_taken_up_confirms_though_somebody_took_up_two_at_once_before() {
    let (mut story, holder, _, claire) = three();
    let bernard = story.party(DOCTOR);
    let pharmacist = story.party(PHARMACIST);
    let nurse = story.party(Role::Professional(crate::policy::Profession::Nurse));
    let entry = story.create(holder, penicillin());
    story.settle();
    let yes = story.edit(pharmacist, entry, verification(Verification::Confirmed));
    let no = story.edit(nurse, entry, verification(Verification::Unconfirmed));
    story.settle();
    let both = [accepts(yes, "verification"), accepts(no, "verification")];
    story.write(claire, entry, &both);
    story.settle();
    assert!(!story.view(entry).confirmed);
    story.resolve(bernard, 0, &Choice::Take(yes));
    assert!(story.view(entry).confirmed);
    story.edit(holder, entry, criticality(Criticality::High));
    story.settle();
    assert_eq!(codes(&story.view(entry)), ["proposal"]);
}

#[test]
fn to_empty_a_field_and_to_remove_it_is_one_proposal() {
    let (mut story, holder, caregiver, doctor, entry) = confirmed();
    story.write(holder, entry, &[Write::remove("criticality")]);
    story.edit(
        caregiver,
        entry,
        AllergyPatch {
            criticality: Edit::Clear,
            ..AllergyPatch::default()
        },
    );
    story.settle();
    assert_eq!(items(&story.review(doctor)), ["proposal"]);
    story.resolve(doctor, 0, &Choice::Decide(Verdict::Accept));
    assert_eq!(current(&story.view(entry), "criticality"), [""; 0]);
    assert_eq!(items(&story.review(doctor)), [""; 0]);
}

/// How a pregnancy ended, said again and again, is looked through once for each end that stands
/// apart.
#[test]
fn outcomes_said_again_and_again_are_looked_through_once() {
    let steps = |outcomes: usize| {
        let (mut story, holder, caregiver, doctor) = three();
        let due = Write::set("due", "2024-12-24");
        let first = [
            Write::set("kind", "pregnancy"),
            Write::set("schema", Value::Uint(1)),
            due,
        ];
        let entry = story.next_entry();
        story.write(holder, entry, &first);
        story.settle();
        for by in [holder, caregiver] {
            story.write(by, entry, &[Write::set("ended", "2024-08")]);
        }
        for outcome in ["miscarriage", "unknown"].iter().cycle().take(outcomes) {
            story.write(doctor, entry, &[Write::set("outcome", *outcome)]);
        }
        story.write(doctor, entry, &[Write::set("ended", "2024-09")]);
        story.settle();
        let (state, provenance) = (story.state(entry), story.provenance());
        let (_, steps) = crate::entry::work::of(|| view(entry, &state, &provenance));
        steps
    };
    let (few, many) = (steps(20), steps(40));
    assert!(few > 20 && many <= 2 * few, "{few} and {many}");
}

/// Whoever takes up all that many propose, to no effect and again and again, costs no more than what
/// they name.
#[test]
fn what_is_taken_up_to_no_effect_is_compared_once() {
    let steps = |keys: usize| {
        let (mut story, holder, caregiver, doctor, entry) = confirmed();
        let keys: Vec<String> = (0..keys).map(|number| format!("k{number}")).collect();
        let mut proposals = Vec::new();
        for by in [holder, caregiver] {
            let said = keys
                .iter()
                .map(|key| Write::set(key.as_str(), format!("{by}")));
            proposals.push(story.write(by, entry, &said.collect::<Vec<Write>>()));
            story.settle();
        }
        for again in 0..3 {
            let named = format!("{} again-{again}", keys.join(" "));
            let both = proposals.iter();
            let both = both.map(|proposal| accepts(*proposal, &named));
            story.write(doctor, entry, &both.collect::<Vec<Write>>());
        }
        story.settle();
        let (state, provenance) = (story.state(entry), story.provenance());
        let (view, steps) = crate::entry::work::of(|| view(entry, &state, &provenance));
        assert_eq!(view.proposals().count(), 2 * keys.len());
        steps
    };
    let (few, many) = (steps(20), steps(40));
    assert!(few > 0 && many <= 2 * few, "{few} and {many}");
}
