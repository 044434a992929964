//! What arrives after its device was revoked, or what it is of was hidden or destroyed.

use super::*;

#[test]
fn what_a_revoked_device_signed_is_for_the_holder_to_decide() {
    let mut keeper = Keeper::new();
    let writes = AllergyDraft {
        substance: Label::text("lactose"),
        ..AllergyDraft::default()
    };
    let writes = writes.writes().unwrap();
    let seen = Some(seen(day(3)));
    let edit = caregiver().edit(ALLERGY, &mut EntryDocument::new(), &writes, seen);
    let submitter = Submitter {
        registration: Registration::Revoked,
        ..caregiver().submitter()
    };
    let verified = VerifiedEdit::new(&RECORD, &submitter.key, edit).unwrap();
    let mut lane = Lane {
        record: RECORD,
        ledger: &mut keeper.ledger,
        matrix: &keeper.matrix,
        submitter: &submitter,
        proven: &seen.map(|seen| [seen]).unwrap(),
        handed_back: None,
        entries: &mut keeper.entries,
        lease_days: LEASE,
        tables: Tables::CURRENT,
        tried: None,
    };
    let judged = lane.submit(&verified, day(4));
    assert!(
        matches!(
            judged,
            Judged::Held {
                held: HeldChange {
                    reason: HoldReason::NoLongerPermitted,
                    ..
                },
                ..
            }
        ),
        "{judged:?}"
    );
}

/// A device that the keeper has lost may have been revoked in the time that it lost: a right that it
/// gave is held until the device itself comes, and all else is judged as of any.
#[test]
fn of_a_device_that_is_lost_only_what_gives_a_right_is_held() {
    let mut keeper = Keeper::new();
    let lost = Submitter {
        registration: Registration::Lost,
        ..holder().submitter()
    };
    let made = holder().edit(ALLERGY, &mut EntryDocument::new(), &allergy(), None);
    assert!(accepted(&keeper.submit_as(&lost, &made, day(2))));
    let mut document = keeper.document(GRANT);
    let ends = [Write::set("status", r#"{"status":"revoked"}"#)];
    let ends = holder().edit(GRANT, &mut document, &ends, None);
    assert!(accepted(&keeper.submit_as(&lost, &ends, day(3))));

    // To bring it back gives it, and so does to change one.
    let again = [Write::set("status", r#"{"status":"active"}"#)];
    let again = holder().edit(GRANT, &mut document, &again, None);
    let judged = keeper.submit_as(&lost, &again, day(4));
    assert_eq!(held(&judged), Some(HoldReason::NotPermitted));
    let longer = [Write::set("ends", crate::entry::Value::Uint(day(90).0))];
    let longer = holder().edit(DELEGATION, &mut keeper.document(DELEGATION), &longer, None);
    let judged = keeper.submit_as(&lost, &longer, day(4));
    assert_eq!(held(&judged), Some(HoldReason::NotPermitted));
    let judged = keeper.submit(&holder(), &again, day(5));
    assert!(matches!(&judged, Judged::Accepted(of) if of.releases.len() == 1));
}

/// The edits of a device that was revoked, the second following the first, handed in by its author
/// and by somebody else, in this order: what becomes of them in the end.
fn of_a_revoked_device(author_first: bool, edits: &[Edit], mut keeper: Keeper) -> Keeper {
    let own = caregiver().submitter();
    let others = Submitter {
        registration: Registration::Revoked,
        ..own.clone()
    };
    let both = match author_first {
        true => [&own, &others],
        false => [&others, &own],
    };
    for (submitter, from) in both.into_iter().zip([day(4), day(6)]) {
        for (edit, after) in edits.iter().zip(0..) {
            keeper.submit_as(submitter, edit, Tick(from.0 + after));
        }
    }
    keeper
}

/// Whoever comes first: what its author may write is in the record in the end, and nothing of it
/// waits; what they may not is held.
#[test]
fn what_a_revoked_device_signed_ends_alike_whoever_hands_it_in_first() {
    let own = caregiver();
    let mut document = EntryDocument::new();
    let seen = Some(seen(day(3)));
    let notes = [Write::set("notes", "rouge")];
    let edits = [
        own.edit(ALLERGY, &mut document, &allergy(), seen),
        own.edit(ALLERGY, &mut document, &notes, seen),
    ];
    for has_right in [true, false] {
        let ends = [true, false].map(|author_first| {
            let mut keeper = Keeper::new();
            if !has_right {
                keeper.revoke(DELEGATION, RightKind::Delegation, Tick(day(3).0 + 1));
            }
            let mut keeper = of_a_revoked_device(author_first, &edits, keeper);
            let kept = keeper.entries.remove(&ALLERGY).expect("known");
            let open = kept.held.values().filter(|held| held.open).count();
            (kept.provenance.len(), open)
        });
        let expected = if has_right { (2, 0) } else { (0, 2) };
        assert_eq!(ends, [expected; 2], "has the right: {has_right}");
    }
}

/// It is given free by its author's word, and by nothing that had another cause: a right that came
/// back, or a decision of the holder's.
#[test]
fn only_what_was_held_for_its_device_is_given_free() {
    let own = caregiver();
    let seen = Some(seen(day(3)));
    let edit = own.edit(ALLERGY, &mut EntryDocument::new(), &allergy(), seen);
    let change = guard::inspect(&edit.change).expect("a change").hash();
    let revoked = Submitter {
        registration: Registration::Revoked,
        ..own.submitter()
    };
    // Others again: it stays.
    let mut keeper = Keeper::new();
    for tick in [day(4), day(5)] {
        let judged = keeper.submit_as(&revoked, &edit, tick);
        assert_eq!(held(&judged), Some(HoldReason::NoLongerPermitted));
    }
    let judged = keeper.submit(&own, &edit, day(6));
    let Judged::Accepted(admission) = judged else {
        panic!("{judged:?}");
    };
    assert_eq!(admission.releases, [change]);
    assert!(matches!(
        keeper.submit(&own, &edit, day(7)),
        Judged::Duplicate(..)
    ));
    // The holder has decided.
    let mut keeper = Keeper::new();
    keeper.submit_as(&revoked, &edit, day(4));
    let kept = keeper.entries.get_mut(&ALLERGY).expect("held");
    kept.held.get_mut(&change).expect("held").open = false;
    let judged = keeper.submit(&own, &edit, day(5));
    assert_eq!(held(&judged), Some(HoldReason::NoLongerPermitted));
    // It was held for want of a right, which was given again.
    let mut keeper = Keeper::new();
    keeper.revoke(DELEGATION, RightKind::Delegation, day(4));
    let judged = keeper.submit(&own, &edit, day(5));
    assert_eq!(held(&judged), Some(HoldReason::NoLongerPermitted));
    let again = RightDraft::new(RightKind::Delegation, CAREGIVER)
        .writes()
        .unwrap();
    let entry = EntryId(Uuid::from_u128(103));
    let given = holder().edit(entry, &mut EntryDocument::new(), &again, None);
    assert!(accepted(&keeper.submit(&holder(), &given, day(6))));
    let judged = keeper.submit(&own, &edit, day(7));
    assert_eq!(held(&judged), Some(HoldReason::NoLongerPermitted));
}

#[test]
fn an_edit_of_what_was_destroyed_is_refused_to_whoever_could_see_it() {
    let class = |kind: &str| EntryClass {
        kind: kind.to_owned(),
        visibility: crate::entry::Visibility::default(),
        author: DOCTOR,
        concerns: None,
        about: String::new(),
    };
    let edit = |party: &Party| {
        let seen = Some(seen(day(1)));
        party.edit(ALLERGY, &mut EntryDocument::new(), &allergy(), seen)
    };
    for (kind, caregivers) in [
        ("allergy", Refusal::Destroyed),
        ("own-note", Refusal::Incomplete),
    ] {
        let mut keeper = Keeper::new();
        let stood = crate::authority::leaves_all((&class(kind), day(1)), day(2));
        let gone = Gone {
            stood,
            left: Vec::new(),
        };
        keeper.entries.insert(ALLERGY, Kept::destroyed(gone));
        for (party, wanted) in [(holder(), Refusal::Destroyed), (caregiver(), caregivers)] {
            let judged = keeper.submit(&party, &edit(&party), day(3));
            assert_eq!(refused(&judged), Some(wanted), "{kind}");
        }
        // Also once the right has ended: they know of it already.
        keeper.revoke(DELEGATION, RightKind::Delegation, day(4));
        let judged = keeper.submit(&caregiver(), &edit(&caregiver()), day(5));
        assert_eq!(refused(&judged), Some(caregivers), "{kind}");
    }
    // Of one that was destroyed before the store was put back, nobody knows where it stood.
    let mut keeper = Keeper::new();
    keeper
        .entries
        .insert(ALLERGY, Kept::destroyed(Gone::default()));
    let judged = keeper.submit(&caregiver(), &edit(&caregiver()), day(3));
    assert_eq!(refused(&judged), Some(Refusal::Destroyed));
}

#[test]
fn an_edit_of_what_was_hidden_and_destroyed_is_refused_to_whoever_saw_it_before() {
    let class = |hidden| EntryClass {
        kind: "allergy".to_owned(),
        visibility: crate::entry::Visibility {
            hidden_from_professionals: hidden,
            ..crate::entry::Visibility::default()
        },
        author: HOLDER,
        concerns: None,
        about: String::new(),
    };
    let touches = [(day(1), class(false)), (day(4), class(true))];
    let gone = Gone {
        stood: crate::authority::leaves_all((&class(true), day(4)), day(5)),
        left: crate::authority::stands(&touches).1,
    };
    let doctor = doctor();
    for (checkpoint, wanted) in [
        (Some(day(3)), Refusal::Destroyed),
        (Some(day(4)), Refusal::Incomplete),
        (None, Refusal::Incomplete),
    ] {
        let mut keeper = Keeper::new();
        let kept = Kept::destroyed(gone.clone());
        keeper.entries.insert(ALLERGY, kept);
        let checkpoint = checkpoint.map(seen);
        let edit = doctor.edit(ALLERGY, &mut EntryDocument::new(), &allergy(), checkpoint);
        let judged = keeper.submit(&doctor, &edit, day(6));
        assert_eq!(refused(&judged), Some(wanted), "{checkpoint:?}");
    }
}

#[test]
fn an_edit_of_what_is_younger_than_its_checkpoint_is_judged_as_an_edit() {
    // A page gave the entry before there was a checkpoint that covers it.
    let flag = crate::entry::HIDDEN_FROM_REPRESENTATIVES;
    let doctor = doctor();
    for (write, wanted) in [
        (Write::set("notes", "a word"), HoldReason::NoLongerPermitted),
        // It would leave an entry that they might have made.
        (Write::set(flag, false), HoldReason::NotPermitted),
    ] {
        let mut keeper = Keeper::new();
        let mut document = EntryDocument::new();
        let writes = [allergy(), vec![Write::set(flag, true)]].concat();
        let made = holder().edit(ALLERGY, &mut document, &writes, None);
        assert!(accepted(&keeper.submit(&holder(), &made, day(2))));
        let edit = doctor.edit(ALLERGY, &mut document, &[write], Some(seen(day(1))));
        let submitter = Submitter {
            registration: Registration::Revoked,
            ..doctor.submitter()
        };
        let judged = keeper.submit_as(&submitter, &edit, day(3));
        assert_eq!(held(&judged), Some(wanted));
    }
}

#[test]
fn what_is_in_the_record_is_known_to_its_author_whatever_checkpoint_it_names() {
    let mut keeper = Keeper::new();
    let holder = holder();
    let old = Seen {
        log: LogIncarnation([7; 16]),
        ..seen(day(1))
    };
    let edit = holder.edit(ALLERGY, &mut EntryDocument::new(), &allergy(), Some(old));
    // It was handed back, while its checkpoint was still believed.
    keeper.former = BTreeMap::from([(old.log, day(2))]);
    assert!(accepted(&keeper.submit(&holder, &edit, day(3))));
    keeper.former.clear();
    let judged = keeper.submit(&holder, &edit, day(40));
    assert!(matches!(judged, Judged::Duplicate(..)), "{judged:?}");
    let new = holder.edit(DELEGATION, &mut EntryDocument::new(), &allergy(), Some(old));
    let judged = keeper.submit(&holder, &new, day(40));
    assert_eq!(refused(&judged), Some(Refusal::UnknownCheckpoint));
}

/// What followed something that was held, once that is in the record: it is judged by itself, as of now
/// and as of when it came, and what follows it in turn waits for it.
#[test]
fn what_followed_a_held_edit_is_judged_by_itself_once_that_is_in_the_record() {
    let (own, other) = (caregiver(), doctor());
    let seen = Some(seen(day(3)));
    let mut document = EntryDocument::new();
    let first = own.edit(ALLERGY, &mut document, &allergy(), seen);
    let note = |said: &str| [Write::set("notes", said)];
    let second = other.edit(ALLERGY, &mut document, &note("rouge"), seen);
    let third = own.edit(ALLERGY, &mut document, &note("bleu"), seen);
    let follows = |edit: &Edit| guard::inspect(&edit.change).expect("a change").past.deps;
    let name = |edit: &Edit| guard::inspect(&edit.change).expect("a change").hash();
    for has_right in [true, false] {
        let mut keeper = Keeper::new();
        if !has_right {
            keeper.revoke(GRANT, RightKind::Grant, Tick(day(3).0 + 1));
        }
        let revoked = Submitter {
            registration: Registration::Revoked,
            ..own.submitter()
        };
        keeper.submit_as(&revoked, &first, day(4));
        for (party, edit, at) in [(&other, &second, day(5)), (&own, &third, day(6))] {
            let judged = keeper.submit(party, edit, at);
            assert_eq!(held(&judged), Some(HoldReason::FollowsHeld));
        }
        let is_freed = |keeper: &Keeper, edit: &Edit| {
            keeper.entries[&ALLERGY].is_freed(&name(edit), &follows(edit))
        };
        assert!(!is_freed(&keeper, &second) && !is_freed(&keeper, &third));
        assert!(accepted(&keeper.submit(&own, &first, day(7))));
        assert!(is_freed(&keeper, &second) && !is_freed(&keeper, &third));

        let judged = keeper.free(&other, &second, day(8));
        let now = keeper.entries[&ALLERGY].held[&name(&second)];
        if !has_right {
            let reason = HoldReason::NoLongerPermitted;
            assert_eq!(
                (held(&judged), now.reason, now.open),
                (Some(reason), reason, true)
            );
            assert_eq!(now.received, day(5));
            assert!(!is_freed(&keeper, &third));
            continue;
        }
        let Judged::Accepted(admission) = judged else {
            panic!("{judged:?}");
        };
        assert_eq!(admission.releases, [name(&second)]);
        assert!(!now.open && is_freed(&keeper, &third));
        assert!(accepted(&keeper.free(&own, &third, day(9))));
        assert!(!keeper.entries[&ALLERGY].has_followers());
    }
}
