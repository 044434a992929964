use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::work;
use crate::kind::{CommonPatch, Edit, RightDraft, RightPatch, Status, StatusCode};
use crate::merge::support::{Party, Story};
use crate::policy::{RightKind, Role};

const HOLDER: PersonId = PersonId(Uuid::from_u128(10));
const NEVER: Tick = Tick(u64::MAX);

/// A right as the keeper of the log has it, under a name.
fn right(story: &Story, of: EntryId, entry: EntryId) -> RightEntry {
    let state = story.state(of);
    let mut provenance = story.provenance();
    provenance.retain(|hash, _| state.history.iter().any(|past| past.hash == *hash));
    RightEntry {
        entry,
        bytes: 100 * state.history.len(),
        state,
        provenance,
    }
}

/// What rights say, with nothing remembered.
fn anew(rights: &BTreeMap<EntryId, RightEntry>, tick: Tick) -> Rights {
    let facts = rights.values().filter_map(|right| right.fact_at(tick));
    Rights::new(HOLDER, facts)
}

fn ends(tick: Tick) -> RightPatch {
    RightPatch {
        ends: Edit::Set(tick),
        ..RightPatch::new(RightKind::Grant)
    }
}

fn with_status(status: StatusCode) -> CommonPatch {
    CommonPatch {
        status: Some(Status::because(status, "why")),
        ..CommonPatch::default()
    }
}

/// Does one of eight things to one of the rights.
fn act(story: &mut Story, party: Party, entry: EntryId, what: u8) {
    match what {
        0 | 1 => story.try_edit(party, entry, ends(Tick(u64::from(what) * 9 + 5))),
        2 | 3 => story.try_edit(party, entry, with_status(StatusCode::Revoked)),
        4 => story.try_edit(party, entry, with_status(StatusCode::Active)),
        5 => {
            let open = RightPatch {
                ends: Edit::Clear,
                ..RightPatch::new(RightKind::Grant)
            };
            story.try_edit(party, entry, open);
        }
        _ => story.sync(party),
    }
}

proptest! {
    #[test]
    fn what_is_remembered_is_what_would_be_worked_out(
        acts in prop::collection::vec((0usize..2, 0usize..3, 0u8..8, any::<bool>()), 0..24),
    ) {
        let mut story = Story::default();
        let parties = [story.party(Role::Holder), story.party(Role::Holder)];
        let kinds = [RightKind::Grant, RightKind::Block, RightKind::Delegation];
        let entries = kinds.map(|kind| {
            story.create(parties[0], RightDraft::new(kind, Story::person(7)))
        });
        story.settle();
        let mut rights = BTreeMap::new();
        let mut ledger = RightsLedger::new(HOLDER, Vec::new());
        for (party, entry, what, asks) in acts {
            act(&mut story, parties[party], entries[entry], what);
            let now = right(&story, entries[entry], entries[entry]);
            rights.insert(now.entry, now.clone());
            let before = ledger.clone();
            ledger.put(now);
            if asks {
                prop_assert_eq!(&**ledger.latest(), &anew(&rights, NEVER));
            }
            for tick in (0..60).map(Tick) {
                prop_assert_eq!(&*ledger.at(tick), &anew(&rights, tick));
            }
            prop_assert_eq!(ledger.bytes(), rights.values().map(|right| right.bytes).sum::<usize>());
            let latest = ledger.latest().clone();
            for (entry, right) in &rights {
                let revoked = right.fact_at(NEVER).is_none_or(|fact| fact.revoked);
                prop_assert_eq!(ledger.is_over(entry), revoked);
            }
            // A copy from before is none the wiser.
            let mut back = before.clone();
            back.put(right(&story, entries[entry], entries[entry]));
            prop_assert_eq!(back.latest(), &latest);
            prop_assert!(before.count() <= ledger.count());
        }
    }
}

/// Steps of an edit of one right among `count`, and of asking what stood earlier before it.
fn steps(count: u128) -> (u64, u64) {
    let mut story = Story::default();
    let phone = story.party(Role::Holder);
    let grant = story.create(phone, RightDraft::new(RightKind::Grant, Story::person(7)));
    story.edit(phone, grant, ends(Tick(900)));
    story.sync(phone);
    let names = (0..count).map(|n| EntryId(Uuid::from_u128(1000 + n)));
    let all = names.map(|name| right(&story, grant, name)).collect();
    let mut ledger = RightsLedger::new(HOLDER, all);
    let before = Tick(3);
    ledger.at(before);
    assert_eq!(ledger.latest().facts().len() as u128, count);
    story.edit(phone, grant, with_status(StatusCode::Revoked));
    story.sync(phone);
    let edited = right(&story, grant, EntryId(Uuid::from_u128(1000)));
    let (revoked, edit) = work::of(|| {
        let kept = ledger.clone();
        ledger.put(edited);
        let latest = ledger.latest().clone();
        drop(kept);
        latest.facts().iter().filter(|fact| fact.revoked).count()
    });
    assert_eq!(revoked, 1);
    let (_, earlier) = work::of(|| ledger.at(before));
    (edit, earlier)
}

/// Of as many rights as a record takes, an edit works out the one that changed.
#[test]
fn an_edit_of_a_right_costs_the_same_however_many_there_are() {
    let few = steps(2);
    assert!(few.0 > 0 && few.1 > 0);
    assert_eq!(steps(5_000), few);
}
