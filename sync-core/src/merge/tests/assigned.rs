use std::collections::BTreeSet;

use super::*;
use crate::policy::{DelegationType, Matrix, RightKind};
use crate::{PersonId, Tick};

/// Two allergies that may be one, and whoever may read them in a record with these rights.
fn doubled() -> (Story, Party, Party, Party, EntryId) {
    let (mut story, holder, caregiver, doctor) = three();
    let delegation = RightDraft {
        delegation_type: Some(DelegationType::Caregiver),
        ..RightDraft::new(RightKind::Delegation, Story::person(caregiver))
    };
    story.create(holder, delegation);
    story.create(
        holder,
        RightDraft::new(RightKind::Grant, Story::person(doctor)),
    );
    let entry = story.create(holder, penicillin());
    story.create(holder, penicillin());
    story.settle();
    (story, holder, caregiver, doctor, entry)
}

fn assigned(story: &mut Story, by: Party, to: Party) -> Vec<PersonId> {
    let list = story.review(by);
    let item = list
        .iter()
        .find(|item| item.code == FlagCode::PossibleDuplicate);
    let choice = Choice::Assign(Some(Story::person(to)));
    let made = resolve(item.expect("linked"), &choice).expect("not so yet");
    story.create(by, made.decision.expect("an assignment"));
    story.settle();
    unseen(story, by)
}

/// Who is named and may not see it, as a party is told.
fn unseen(story: &Story, party: Party) -> Vec<PersonId> {
    let list = story.review(party);
    let item = list
        .iter()
        .find(|item| item.code == FlagCode::PossibleDuplicate);
    let (views, viewer) = (story.views(), story.viewer(party));
    let item = item.expect("still linked");
    assert_eq!(item.assigned.len(), 1);
    let now = Tick(1_000_000);
    assigned_unseen(item, &views, &viewer, &Matrix::default(), now)
}

#[test]
fn whoever_may_see_an_item_looks_after_it() {
    let (mut story, holder, caregiver, doctor, _) = doubled();
    for to in [caregiver, doctor, holder] {
        assert_eq!(assigned(&mut story, holder, to), []);
    }
}

#[test]
fn the_holder_is_told_of_whoever_may_not() {
    let (mut story, holder, caregiver, doctor, entry) = doubled();
    let stranger = story.party(DOCTOR);
    let told = assigned(&mut story, holder, stranger);
    assert_eq!(told, [Story::person(stranger)], "without a right");
    assert_eq!(assigned(&mut story, holder, doctor), []);
    let hide = CommonPatch {
        hidden_from_professionals: Some(true),
        ..CommonPatch::default()
    };
    story.edit(holder, entry, hide);
    story.settle();
    assert_eq!(unseen(&story, holder), [Story::person(doctor)]);
    // Nobody else knows who may see what.
    assert_eq!(unseen(&story, caregiver), []);
    assert_eq!(unseen(&story, doctor), []);
    assert_eq!(assigned(&mut story, holder, holder), []);
}

#[test]
fn a_right_that_was_taken_back_counts_no_more() {
    let (mut story, holder, caregiver, _, _) = doubled();
    assert_eq!(assigned(&mut story, holder, caregiver), []);
    let rights = story.views();
    let delegation = rights
        .iter()
        .find(|view| right_fact(view).is_some_and(|fact| fact.person == Story::person(caregiver)));
    let delegation = delegation.expect("given").id;
    story.edit(holder, delegation, status(StatusCode::Revoked));
    story.settle();
    assert_eq!(unseen(&story, holder), [Story::person(caregiver)]);
}

/// Three directives of one date, and what the holder said of them together: a decision and an
/// assignment.
fn three_of_a_date() -> (Story, Party, Vec<EntryId>, BTreeSet<EntryId>) {
    let (mut story, holder, _, _) = three();
    let directives = ["Tout essayer.", "Pas d’acharnement.", "Ne pas réanimer."].map(|text| {
        let mut draft = AdvanceDirectiveDraft::new(DirectiveType::Directive);
        draft.text = Some(text.to_owned());
        draft.common.occurred = Some("2022-01-10".parse().expect("a date"));
        story.create(holder, draft)
    });
    story.settle();
    let item = story.review(holder).remove(0);
    assert_eq!(item.code, FlagCode::DirectivesSameDate);
    let assign = Choice::Assign(Some(Story::person(holder)));
    let said = [assign, Choice::Decide(Verdict::Confirm)].map(|choice| {
        let made = resolve(&item, &choice).expect("offered");
        story.create(holder, made.decision.expect("a decision"))
    });
    story.settle();
    (
        story,
        holder,
        directives.to_vec(),
        said.into_iter().collect(),
    )
}

#[test]
fn what_was_said_of_three_entries_is_hidden_with_each_of_them() {
    let (story, holder, directives, said) = three_of_a_date();
    assert_eq!(decisions_to_hide(story.views().iter()), []);
    for directive in directives {
        let mut story = story.clone();
        let hide = CommonPatch {
            hidden_from_professionals: Some(true),
            ..CommonPatch::default()
        };
        story.edit(holder, directive, hide);
        story.settle();
        let hidden = story.view(directive).visibility;
        let to_hide = decisions_to_hide(story.views().iter());
        assert!(to_hide.iter().all(|(_, strictest)| *strictest == hidden));
        let decisions: BTreeSet<EntryId> = to_hide.iter().map(|(decision, _)| *decision).collect();
        assert_eq!(decisions, said);
    }
}
