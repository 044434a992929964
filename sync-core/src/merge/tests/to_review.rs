use super::*;
use crate::entry::Write;
use crate::sync::HoldReason;
use crate::{EntryId, Tick};

#[test]
fn a_contradiction_with_a_hidden_entry_betrays_nothing() {
    let (mut story, holder, _, doctor) = three();
    let hidden = story.create(holder, penicillin());
    story.create(doctor, AllergyDraft::none_known("Aucune"));
    story.create(doctor, penicillin());
    story.settle();
    assert_eq!(story.review(holder).len(), 2);
    let mut visible = story.views();
    visible.retain(|view| view.id != hidden);
    let list = review(&visible, &[], &story.viewer(doctor));
    // The doctor's own two entries still contradict each other.
    assert_eq!(items(&list), ["no-known-allergy-contradicted"]);
    assert!(list.iter().all(|item| !item.entries.contains(&hidden)));
    let flags = cross_flags(&visible, TODAY);
    assert!(
        flags
            .iter()
            .all(|(id, flag)| *id != hidden && !flag.entries.contains(&hidden))
    );
}

#[test]
fn the_list_is_ordered_by_danger() {
    let (mut story, holder, caregiver, _) = three();
    let contact = EmergencyContactDraft {
        name: "Jeanne".into(),
        ..EmergencyContactDraft::default()
    };
    let contact = story.create(holder, contact);
    story.create(holder, penicillin());
    story.create(holder, penicillin());
    story.settle();
    story.edit(holder, contact, notes("one"));
    story.edit(caregiver, contact, notes("two"));
    story.create(caregiver, AllergyDraft::none_known("Aucune"));
    let nuts = AllergyDraft {
        substance: "Arachide".into(),
        ..AllergyDraft::default()
    };
    story.create(holder, nuts);
    story.settle();
    let dangers: Vec<_> = story
        .review(holder)
        .iter()
        .map(|item| item.danger)
        .collect();
    assert_eq!(dangers, [Danger::Critical, Danger::Low, Danger::Low]);
}

#[test]
fn every_flag_has_one_code_and_a_sentence_in_two_languages() {
    for code in FlagCode::ALL {
        let words = code.words();
        assert!(words.en.ends_with('.') && words.fr.ends_with('.'));
        let json = serde_json::to_string(code).expect("JSON");
        assert_eq!(json, format!("\"{}\"", code.code()));
    }
}

#[test]
fn an_item_names_both_sides_with_who_and_when() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    let one = story.edit(holder, entry, notes("one"));
    let two = story.edit(caregiver, entry, notes("two"));
    story.settle();
    let item = story.review(holder).remove(0);
    let changes: Vec<_> = item.claims.iter().map(|side| side.claim.change).collect();
    assert_eq!(changes, [one, two]);
    assert!(item.claims.iter().all(|side| side.claim.by.is_some()));
}

#[test]
fn a_conflict_settled_once_comes_back_only_when_it_is_another() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(holder, entry, notes("one"));
    story.edit(caregiver, entry, notes("two"));
    story.settle();
    story.resolve(holder, 0, &Choice::Decide(Verdict::Confirm));
    assert_eq!(items(&story.review(holder)), [""; 0]);
    assert_eq!(
        codes(&story.view(entry)),
        ["concurrent-values"],
        "still told"
    );
    story.edit(holder, entry, notes("three"));
    story.edit(caregiver, entry, notes("four"));
    story.settle();
    assert_eq!(items(&story.review(holder)), ["concurrent-values"]);
}

#[test]
fn a_resolution_is_an_edit_that_keeps_both_sides() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(holder, entry, notes("one"));
    let two = story.edit(caregiver, entry, notes("two"));
    story.settle();
    story.resolve(holder, 0, &Choice::Take(two));
    let view = story.view(entry);
    assert_eq!(current(&view, "notes"), ["two"]);
    assert_eq!(codes(&view), [""; 0]);
    assert_eq!(story.state(entry).history.len(), 4);
}

#[test]
fn where_a_clinicians_word_is_at_stake_a_clinician_decides() {
    let (mut story, holder, _, doctor) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(doctor, entry, criticality(Criticality::High));
    story.edit(holder, entry, criticality(Criticality::UnableToAssess));
    story.settle();
    let verdicts = |party| story.review(party)[0].verdicts.clone();
    assert_eq!(
        (verdicts(holder), verdicts(doctor)),
        (vec![], vec![Verdict::Confirm])
    );
    let decision = ReviewDecisionDraft::new(story.review(doctor)[0].key.as_str(), Verdict::Confirm);
    story.create(holder, decision.clone());
    story.settle();
    assert_eq!(story.review(doctor).len(), 1);
    story.create(doctor, decision);
    story.settle();
    assert_eq!(story.review(doctor).len(), 0);
}

fn held(story: &Story, author: Party, reason: HoldReason) -> HeldForReview {
    let view = &story.views()[0];
    let mut by = view.created.clone().expect("known");
    by.author = Story::person(author);
    HeldForReview {
        entry: view.id,
        change: ChangeHash([9; 32]),
        by,
        reason,
        received: Tick(50),
        writes: vec![Write::set("notes", "written on the train")],
        follows: story
            .state(view.id)
            .history
            .iter()
            .map(|past| past.hash)
            .collect(),
    }
}

#[test]
fn a_held_edit_in_good_faith_goes_to_the_holder_to_accept_or_discard() {
    let (mut story, holder, caregiver, doctor) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    let held = [held(&story, caregiver, HoldReason::NoLongerPermitted)];
    let list = |story: &Story, party| review(&story.views(), &held, &story.viewer(party));
    let item = list(&story, holder).remove(0);
    assert_eq!(item.verdicts, [Verdict::Accept, Verdict::Discard]);
    let representative = story.party(Role::Representative);
    for party in [caregiver, doctor, representative] {
        assert_eq!(list(&story, party)[0].verdicts, []);
    }
    let accept = resolve(&item, &Choice::Decide(Verdict::Accept)).expect("offered");
    assert_eq!(accept.cites, [held[0].change]);
    assert_eq!(accept.edits, [(entry, held[0].writes.clone())]);
    let discard = resolve(&item, &Choice::Decide(Verdict::Discard)).expect("offered");
    let decision = story.create(holder, discard.decision.expect("a decision"));
    story.settle();
    assert!(list(&story, holder).is_empty());
    let discarded = discards(&story.state(decision), &story.provenance());
    assert_eq!(discarded, [held[0].change]);
}

#[test]
fn what_was_decided_on_a_held_edit_is_hidden_with_its_entry() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    let held = [held(&story, caregiver, HoldReason::NoLongerPermitted)];
    let item = review(&story.views(), &held, &story.viewer(holder)).remove(0);
    let discard = resolve(&item, &Choice::Decide(Verdict::Discard)).expect("offered");
    let decision = story.create(holder, discard.decision.expect("a decision"));
    story.settle();
    assert_eq!(decisions_to_hide(story.views().iter()), []);
    story.edit(holder, entry, hides());
    story.settle();
    let strictest = story.view(entry).visibility;
    assert_eq!(
        decisions_to_hide(story.views().iter()),
        [(decision, strictest)]
    );
}

/// A held edit that would show an entry again, made before somebody hid it, leaves it hidden.
#[test]
fn an_accepted_held_edit_shows_nothing_that_was_hidden_meanwhile() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    let mut held = held(&story, caregiver, HoldReason::NoLongerPermitted);
    held.writes = vec![
        Write::set("hidden-from-professionals", false),
        Write::set("notes", "written on the train"),
    ];
    story.edit(holder, entry, hides());
    story.settle();
    let item = review(&story.views(), &[held], &story.viewer(holder)).remove(0);
    let accept = resolve(&item, &Choice::Decide(Verdict::Accept)).expect("offered");
    let keys: Vec<&str> = accept.edits[0].1.iter().map(|w| w.key.as_str()).collect();
    assert!(keys.contains(&"notes") && !keys.contains(&"hidden-from-professionals"));
}

#[test]
fn an_edit_held_for_another_reason_asks_for_nothing() {
    let (mut story, holder, caregiver, _) = three();
    story.create(holder, penicillin());
    story.settle();
    let held = held(&story, caregiver, HoldReason::NotPermitted);
    assert!(review(&story.views(), &[held], &story.viewer(holder)).is_empty());
}

/// What follows something held is asked once that is decided on, whether it was taken up or left out;
/// and what would change an entry that is not here can only be left out.
#[test]
fn what_follows_a_held_edit_is_asked_after_it() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    let first = held(&story, caregiver, HoldReason::NoLongerPermitted);
    let mut then = held(&story, caregiver, HoldReason::FollowsHeld);
    then.change = ChangeHash([8; 32]);
    then.follows.insert(first.change);
    let changes = |story: &Story, held: &[HeldForReview]| {
        let list = review(&story.views(), held, &story.viewer(holder));
        let asked = list.into_iter().map(|item| item.claims[0].claim.change);
        asked.collect::<Vec<_>>()
    };
    let both = [then.clone(), first.clone()];
    assert_eq!(changes(&story, &both), [first.change]);
    // Taken up, it is not among those any more of which nothing was decided.
    assert_eq!(changes(&story, &both[..1]), [then.change]);
    let list = review(&story.views(), &both, &story.viewer(holder));
    let discard = resolve(&list[0], &Choice::Decide(Verdict::Discard)).expect("offered");
    story.create(holder, discard.decision.expect("a decision"));
    story.settle();
    assert_eq!(changes(&story, &both), [then.change]);

    then.entry = EntryId(uuid::Uuid::from_u128(77));
    let list = review(&story.views(), &[then], &story.viewer(holder));
    assert_eq!(list[0].verdicts, [Verdict::Discard]);
    assert!(story.view(entry).counts());
}

fn hides() -> CommonPatch {
    CommonPatch {
        hidden_from_professionals: Some(true),
        ..CommonPatch::default()
    }
}

#[test]
fn decisions_that_name_what_is_hidden_are_to_be_hidden_as_strictly() {
    let (mut story, holder, _, _) = three();
    let one = story.create(holder, penicillin());
    story.create(holder, penicillin());
    story.settle();
    let me = Some(Story::person(holder));
    story.resolve(holder, 0, &Choice::Assign(me));
    story.resolve(holder, 0, &Choice::Decide(Verdict::NotADuplicate));
    story.settle();
    let to_hide = |story: &Story| decisions_to_hide(story.views().iter());
    assert_eq!(to_hide(&story), []);
    story.edit(holder, one, hides());
    story.settle();
    let strict = story.view(one).visibility;
    let found = to_hide(&story);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|(_, visibility)| *visibility == strict));
    for (decision, _) in found {
        story.edit(holder, decision, hides());
    }
    story.settle();
    assert_eq!(to_hide(&story), []);
    let delegates = CommonPatch {
        hidden_from_representatives: Some(true),
        ..CommonPatch::default()
    };
    story.edit(holder, one, delegates);
    story.settle();
    assert_eq!(to_hide(&story).len(), 2, "each flag for itself");
}

#[test]
fn an_assignment_of_all_blood_groups_names_each_of_them() {
    let (mut story, holder, _, _) = three();
    let group = |abo| {
        let group = BloodGroup::new(abo, RhD::Positive, BloodGroupSource::Laboratory);
        BloodGroupDraft::new(group)
    };
    let one = story.create(holder, group(Abo::A));
    story.create(holder, group(Abo::B));
    story.settle();
    let me = Some(Story::person(holder));
    story.resolve(holder, 0, &Choice::Assign(me));
    story.edit(holder, one, hides());
    story.settle();
    assert_eq!(decisions_to_hide(story.views().iter()).len(), 1);
}

#[test]
fn what_is_said_of_a_hidden_decision_is_hidden_with_it() {
    let (mut story, holder, caregiver, _) = three();
    let shown = story.create(holder, penicillin());
    let mut hidden = penicillin();
    hidden.common.visibility.hidden_from_professionals = true;
    story.create(holder, hidden);
    story.settle();
    story.edit(caregiver, shown, status(StatusCode::Resolved));
    let twice = |item: &ReviewItem| item.code == FlagCode::PossibleDuplicate;
    let place = story.review(holder).iter().position(twice);
    let choice = Choice::Decide(Verdict::NotADuplicate);
    story.resolve(holder, place.expect("seen as twice"), &choice);
    story.settle();
    let items = story.review(holder);
    let crossed = items
        .iter()
        .find(|item| item.code == FlagCode::DecidedDifferently);
    let crossed = crossed.expect("neither knew of the other");
    assert_eq!(crossed.entries, [shown]);
    assert!(crossed.inherited.visibility.hidden_from_professionals);
}

#[test]
fn what_is_decided_on_a_held_edit_that_hides_is_hidden() {
    let (mut story, holder, caregiver, _) = three();
    story.create(holder, penicillin());
    story.settle();
    let mut held = held(&story, caregiver, HoldReason::NoLongerPermitted);
    held.writes = vec![Write::set("hidden-from-professionals", true)];
    let list = review(&story.views(), &[held], &story.viewer(holder));
    let discard = resolve(&list[0], &Choice::Decide(Verdict::Discard)).expect("offered");
    let decision = discard.decision.expect("a decision").common.visibility;
    assert!(decision.hidden_from_professionals);
}

/// Two notes on an allergy; the holder confirms both, the caregiver meanwhile does something else.
fn confirmed_while(meanwhile: impl FnOnce(&mut Story, Party, EntryId)) -> (Story, Party) {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    story.edit(holder, entry, notes("one"));
    story.edit(caregiver, entry, notes("two"));
    story.settle();
    let item = story.review(holder).remove(0);
    let confirm = resolve(&item, &Choice::Decide(Verdict::Confirm)).expect("offered");
    story.create(holder, confirm.decision.expect("a decision"));
    meanwhile(&mut story, caregiver, entry);
    story.settle();
    (story, caregiver)
}

#[test]
fn a_confirmation_is_crossed_by_an_edit_of_what_it_confirms_until_somebody_settles_that() {
    let (mut story, caregiver) = confirmed_while(|story, caregiver, entry| {
        story.edit(caregiver, entry, notes("one and two"));
    });
    assert_eq!(items(&story.review(caregiver)), ["decided-differently"]);
    story.resolve(caregiver, 0, &Choice::Decide(Verdict::Confirm));
    assert_eq!(items(&story.review(caregiver)), [""; 0]);
}

#[test]
fn a_confirmation_is_not_crossed_by_an_edit_of_something_else() {
    let (story, caregiver) = confirmed_while(|story, caregiver, entry| {
        story.edit(caregiver, entry, criticality(Criticality::High));
        story.edit(caregiver, entry, status(StatusCode::Resolved));
    });
    assert_eq!(items(&story.review(caregiver)), [""; 0]);
}

/// What a held edit's author had in front of them is told by what the edit follows, whatever clocks
/// and checkpoints say.
#[test]
fn what_a_held_edit_follows_is_not_told_as_written_meanwhile() {
    let (mut story, holder, caregiver, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    let known = story.edit(caregiver, entry, criticality(Criticality::High));
    story.settle();
    let later = story.edit(caregiver, entry, reaction("Urticaire", None));
    story.settle();
    let mut edit = held(&story, caregiver, HoldReason::NoLongerPermitted);
    assert!(edit.follows.remove(&later));
    assert!(edit.follows.contains(&known));
    // Its device's clock was put back, and it names no checkpoint.
    edit.by.at = crate::DeviceTime(0);
    edit.by.seen = None;
    let list = review(&story.views(), &[edit], &story.viewer(holder));
    let item = list.iter().find(|item| item.code == FlagCode::HeldEdit);
    assert_eq!(item.expect("it asks").unseen, [later]);
}

/// What names an item is told by what it is about, not by how much contradicts it.
#[test]
fn one_statement_is_one_item_however_many_allergies_contradict_it() {
    let (mut story, holder, caregiver, _) = three();
    story.orders = 2;
    story.create(caregiver, AllergyDraft::none_known("Aucune"));
    for number in 0..130 {
        let allergy = AllergyDraft {
            substance: format!("Substance {number}").as_str().into(),
            ..AllergyDraft::default()
        };
        story.create(holder, allergy);
    }
    story.settle();
    let list = story.review(holder);
    let about: Vec<usize> = list.iter().map(|item| item.entries.len()).collect();
    assert_eq!(items(&list), ["no-known-allergy-contradicted"; 2]);
    assert_eq!(about.iter().sum::<usize>(), 132);
    for item in &list {
        let assigned = resolve(item, &Choice::Assign(Some(Story::person(holder))));
        let assigned = assigned
            .and_then(|it| it.decision)
            .expect("it can be assigned");
        assigned.writes().expect("a decision can stand");
    }
    let flags = cross_flags(&story.views(), TODAY);
    let named: usize = flags.iter().map(|(_, flag)| flag.entries.len()).sum();
    assert_eq!(named, 2 * 130, "each allergy names the statement alone");
}

/// An end to come keeps an entry that a status ended apart from it, though the clock of whoever wrote
/// the status is years ahead: they wrote it no later than it was accepted.
#[test]
fn a_clock_that_is_ahead_hides_no_end_to_come() {
    let (mut story, holder, caregiver, doctor) = three();
    let entry = story.create(
        holder,
        ConditionDraft {
            label: "Asthme".into(),
            ..ConditionDraft::default()
        },
    );
    story.settle();
    story.set_ahead(doctor, jiff::SignedDuration::from_hours(60 * 365 * 24));
    let over = Status::because(StatusCode::Resolved, "plus de crises");
    story.write(doctor, entry, &[Write::set(STATUS, over.to_value())]);
    story.write(caregiver, entry, &[Write::set("ended", "2025-06")]);
    story.settle();
    let view = story.view(entry);
    let flags: Vec<FlagCode> = view.flags.iter().map(|flag| flag.code).collect();
    assert_eq!(view.standing, Standing::Active);
    assert_eq!(flags, [FlagCode::StatusAgainstEdit]);
}
