use super::*;
use crate::policy::{DelegationType, RightFact, RightKind};
use crate::{PersonId, Tick};

const SOMEBODY: PersonId = PersonId(uuid::Uuid::from_u128(77));

fn known(right: RightKind) -> (Story, Party, Party, EntryId) {
    let mut story = Story::default();
    let phone = story.party(Role::Holder);
    let tablet = story.party(Role::Holder);
    let entry = story.create(phone, RightDraft::new(right, SOMEBODY));
    story.settle();
    (story, phone, tablet, entry)
}

fn fact(story: &Story, entry: EntryId) -> RightFact {
    right_fact(&story.view(entry)).expect("a right")
}

fn until(right: RightKind, tick: u64) -> RightPatch {
    RightPatch {
        ends: Edit::Set(Tick(tick)),
        ..RightPatch::new(right)
    }
}

#[test]
fn a_right_says_who_may_what_and_when() {
    let (story, _, _, entry) = known(RightKind::Delegation);
    let fact = fact(&story, entry);
    assert_eq!((fact.entry, fact.kind), (entry, RightKind::Delegation));
    assert_eq!(fact.person, SOMEBODY);
    assert_eq!(fact.delegation_type, Some(DelegationType::Caregiver));
    assert!(!fact.revoked && fact.accepted < Tick(u64::MAX));
}

#[test]
fn revocation_beats_a_grant() {
    let (mut story, phone, tablet, entry) = known(RightKind::Grant);
    assert!(fact(&story, entry).write);
    story.edit(phone, entry, status(StatusCode::Revoked));
    story.edit(tablet, entry, until(RightKind::Grant, 900));
    story.settle();
    assert!(fact(&story, entry).revoked);
    assert_eq!(codes(&story.view(entry)), ["right-restricted"]);
    story.edit(tablet, entry, status(StatusCode::Active));
    story.settle();
    assert!(
        !fact(&story, entry).revoked,
        "given again by somebody who had seen it"
    );
}

#[test]
fn the_earlier_end_wins() {
    let (mut story, phone, tablet, entry) = known(RightKind::Delegation);
    story.edit(phone, entry, until(RightKind::Delegation, 900));
    story.edit(tablet, entry, until(RightKind::Delegation, 300));
    story.settle();
    assert_eq!(fact(&story, entry).ends, Some(Tick(300)));
    let view = story.view(entry);
    let ends = view.field("ends").expect("there");
    assert_eq!(ends.current, [crate::entry::Value::Uint(300)]);
    assert_eq!(codes(&view), ["right-restricted"]);
}

#[test]
fn an_end_beats_none() {
    let (mut story, phone, tablet, entry) = known(RightKind::Delegation);
    story.edit(phone, entry, until(RightKind::Delegation, 900));
    story.settle();
    let open = RightPatch {
        ends: Edit::Clear,
        ..RightPatch::new(RightKind::Delegation)
    };
    story.edit(phone, entry, open);
    story.edit(tablet, entry, until(RightKind::Delegation, 300));
    story.settle();
    assert_eq!(fact(&story, entry).ends, Some(Tick(300)));
}

#[test]
fn reading_only_beats_writing() {
    let (mut story, phone, tablet, entry) = known(RightKind::Grant);
    let write = |write| RightPatch {
        write: Some(write),
        ..RightPatch::new(RightKind::Grant)
    };
    story.edit(phone, entry, write(false));
    story.settle();
    assert!(!fact(&story, entry).write);
    story.edit(phone, entry, write(true));
    story.settle();
    assert!(fact(&story, entry).write);
    story.edit(phone, entry, write(false));
    story.write(
        tablet,
        entry,
        &[crate::entry::Write::set("write", crate::entry::Value::Null)],
    );
    story.settle();
    assert!(!fact(&story, entry).write);
}

#[test]
fn a_block_outlasts_a_lifting_that_had_not_seen_an_edit_of_it() {
    let (mut story, phone, tablet, entry) = known(RightKind::Block);
    story.edit(phone, entry, status(StatusCode::Revoked));
    story.edit(tablet, entry, until(RightKind::Block, 900));
    story.settle();
    assert!(!fact(&story, entry).revoked);
    assert_eq!(codes(&story.view(entry)), ["right-restricted"]);
    story.edit(phone, entry, status(StatusCode::Inactive));
    story.settle();
    assert!(fact(&story, entry).revoked);
}

#[test]
fn a_remark_beside_its_lifting_brings_no_block_back() {
    let (mut story, phone, tablet, entry) = known(RightKind::Block);
    story.edit(phone, entry, status(StatusCode::Revoked));
    story.edit(tablet, entry, notes("asked for by my daughter"));
    story.settle();
    assert!(fact(&story, entry).revoked);
    assert!(codes(&story.view(entry)).is_empty());
}

#[test]
fn a_block_made_again_outlasts_a_lifting_that_had_not_seen_it() {
    let (mut story, phone, tablet, entry) = known(RightKind::Block);
    story.edit(phone, entry, status(StatusCode::Revoked));
    story.settle();
    story.edit(phone, entry, status(StatusCode::Active));
    story.edit(tablet, entry, status(StatusCode::Inactive));
    story.settle();
    assert!(!fact(&story, entry).revoked);
}

#[test]
fn what_is_no_right_says_nothing() {
    let (mut story, holder, _, _) = three();
    let entry = story.create(holder, penicillin());
    story.settle();
    assert_eq!(right_fact(&story.view(entry)), None);
}

#[test]
fn a_decision_names_the_held_change_it_leaves_out() {
    let (mut story, holder, caregiver, _) = three();
    let change = ChangeHash([0xab; 32]);
    let decide = |decision| ReviewDecisionDraft {
        change: Some(change.to_string()),
        ..ReviewDecisionDraft::new("held-edit/x", decision)
    };
    let discard = story.create(holder, decide(Verdict::Discard));
    let accept = story.create(holder, decide(Verdict::Accept));
    let of_another = story.create(caregiver, decide(Verdict::Discard));
    story.settle();
    story.edit(holder, of_another, notes("as I would"));
    story.settle();
    let discarded = |story: &Story, entry| discards(&story.state(entry), &story.provenance());
    assert_eq!(discarded(&story, discard), [change]);
    assert_eq!(discarded(&story, accept), []);
    assert_eq!(discarded(&story, of_another), []);
    story.edit(holder, discard, status(StatusCode::Revoked));
    story.settle();
    assert_eq!(discarded(&story, discard), []);
}
