//! What a record, an entry, a person and a caregiver may have at most.

use super::*;

#[tokio::test]
async fn no_more_than_so_many_edits_of_an_entry_are_held() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let most = usize::try_from(crate::ingest::write::MOST_HELD_OF_ENTRY).expect("small");
    let note = caregiver.note("Not mine to write");
    for each in 0..=most {
        caregiver.write(note, &[Write::set("text", format!("{each}"))]);
    }
    caregiver.note("Another");
    let edits = edits(&mut caregiver);
    let verdicts = hand_in(&mut caregiver, &edits).await;
    let follows = Verdict::Held(HoldReason::FollowsHeld);
    assert_eq!(verdicts[most - 1], follows);
    assert_eq!(verdicts[most], Verdict::Refused(Refusal::EntryFull));
    // What follows it follows nothing that is kept.
    assert_eq!(verdicts[most + 1], Verdict::Refused(Refusal::Incomplete));
    assert_eq!(verdicts[most + 2], Verdict::Held(HoldReason::NotPermitted));
    let again = hand_in(&mut caregiver, &edits[most..=most]).await;
    assert_eq!(again, [Verdict::Refused(Refusal::EntryFull)]);
    // What one person has held of an entry takes no room from another.
    let (mut other, _) = world.caregiver(&mut holder).await;
    other.sync().await;
    let mine = sync_core::kind::OwnNoteDraft {
        title: "Mine".into(),
        ..Default::default()
    };
    other.write(note, &mine.writes().expect("a note"));
    let theirs = self::edits(&mut other);
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(hand_in(&mut other, &theirs).await, [held]);
}

#[tokio::test]
async fn no_more_than_so_many_bytes_of_a_person_are_held() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    holder.write(right, &[Write::set("status", r#"{"status":"revoked"}"#)]);
    holder.sync().await;
    let long = "é".repeat(8_000);
    let fit = usize::try_from(crate::ingest::write::MOST_HELD_BYTES).expect("small") / long.len();
    for _ in 0..fit + 10 {
        let entry = caregiver.allergy("Latex");
        caregiver.write(entry, &[Write::set("notes", long.clone())]);
    }
    let mut verdicts = Vec::new();
    while !caregiver.kept.unsent.is_empty() {
        let (answer, _) = caregiver.round().await;
        verdicts.extend(answer.outcomes.into_iter().map(|outcome| outcome.verdict));
    }
    let refused = Verdict::Refused(Refusal::EntryFull);
    let held = verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::Held(_)));
    let held = held.count();
    // Each entry is two edits, one of which is small.
    assert!((fit * 2 - 30..fit * 2 + 10).contains(&held), "{held}");
    assert!(verdicts.contains(&refused));
}

/// A record in which nothing but rights was ever written.
#[tokio::test]
async fn no_more_than_so_many_entries_are_rights_and_those_can_be_changed() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (caregiver, given) = world.caregiver(&mut holder).await;
    let record = holder.head.record;
    let read = move |c: &mut SqliteConnection| -> Result<_, Fault> { Ok(c.record(record)?) };
    let row = world
        .records
        .db
        .read(read)
        .await
        .expect("reads")
        .expect("there");
    let records = world.records.clone();
    let fill = move |c: &mut SqliteConnection| -> Result<_, AccessError> {
        let admitted = records.admit(c, record, row.holder)?;
        let mut ledger = admitted.known.ledger.clone();
        let right = RightEntry {
            entry: fresh_entry(),
            state: EntryState::default(),
            provenance: BTreeMap::new(),
            bytes: 0,
        };
        while ledger.count() < crate::ingest::limits::MOST_RIGHTS - 1 {
            let entry = fresh_entry();
            ledger.put(RightEntry {
                entry,
                ..right.clone()
            });
        }
        records.remember_rights(&admitted.row, Arc::new(KnownRights::new(ledger)));
        Ok(())
    };
    world.records.db.read(fill).await.expect("worked out");
    let [one, other] = [world.person(None).await, world.person(None).await];
    let last = holder.right(RightKind::Grant, one);
    holder.right(RightKind::Grant, other);
    holder.write(given, &[Write::set("status", r#"{"status":"revoked"}"#)]);
    holder.write(last, &[Write::set("status", r#"{"status":"revoked"}"#)]);
    let note = holder.note("No right");
    let full = Verdict::Refused(Refusal::RightsFull);
    let (answer, report) = holder.round().await;
    let verdicts: Vec<_> = answer.outcomes.iter().map(|o| o.verdict.clone()).collect();
    assert_eq!(verdicts.len(), 5);
    let refused = |at: &usize| verdicts[*at] == full;
    assert_eq!((0..5).filter(refused).collect::<Vec<_>>(), [1]);
    assert!(
        (0..5)
            .filter(|at| *at != 1)
            .all(|at| verdicts[at].accepted().is_some())
    );
    // Its author is told, and keeps it aside.
    assert_eq!(report.aside.len(), 1);
    assert!(holder.has(note) && holder.kept.unsent.is_empty());
    let mut theirs = caregiver;
    assert!(theirs.sync().await.changed.is_empty());
}

/// Its rights take all that they may.
#[tokio::test]
async fn of_rights_that_are_full_each_can_be_taken_back_once_and_shortly() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut rights = Vec::new();
    for _ in 0..3 {
        rights.push(holder.right(RightKind::Grant, world.person(None).await));
    }
    holder.sync().await;
    let (record, person) = (holder.head.record, holder.author.person);
    let records = world.records.clone();
    let fill = move |c: &mut SqliteConnection| -> Result<_, AccessError> {
        let admitted = records.admit(c, record, person)?;
        let mut ledger = admitted.known.ledger.clone();
        ledger.put(RightEntry {
            entry: fresh_entry(),
            state: EntryState::default(),
            provenance: BTreeMap::new(),
            bytes: crate::ingest::limits::MOST_RIGHTS_BYTES - ledger.bytes(),
        });
        records.remember_rights(&admitted.row, Arc::new(KnownRights::new(ledger)));
        Ok(())
    };
    world.records.db.read(fill).await.expect("worked out");
    let revoked = Write::set("status", r#"{"status":"revoked"}"#);
    // By chance, so that it is not compressed to what is taken.
    let ideograph = |two: &[u8]| {
        let chance = u32::from(two[0]) << 4 | u32::from(two[1] & 0xf);
        char::from_u32(0x4e00 + chance).expect("a character")
    };
    let long: String = random::<16_000>().chunks(2).map(ideograph).collect();
    let [one, two, three] = rights[..] else {
        panic!("three: {rights:?}");
    };
    holder.right(RightKind::Grant, world.person(None).await);
    holder.write(one, &[Write::set("notes", "kept on")]);
    holder.write(two, &[revoked.clone(), Write::set("notes", long)]);
    holder.write(three, &[revoked, Write::set("notes", "no more")]);
    holder.write(three, &[Write::set("notes", "again")]);
    let (answer, _) = holder.round().await;
    let taken = answer.outcomes.iter().map(|o| match o.verdict {
        Verdict::Refused(Refusal::RightsFull) => false,
        Verdict::Accepted(_) => true,
        ref other => panic!("{other:?}"),
    });
    let taken: Vec<bool> = taken.collect();
    assert_eq!(taken, [false, false, false, true, false]);
}

#[tokio::test]
async fn a_caregiver_helps_five_people_at_most() {
    let world = World::new();
    let helper = world.person(None).await;
    let mut holders = Vec::new();
    for n in 0..6 {
        holders.push(world.holder(n).await);
    }
    let mut rights: Vec<EntryId> = Vec::new();
    for holder in &mut holders {
        holder.sync().await;
        rights.push(holder.right(RightKind::Delegation, helper));
    }
    let outcomes = join_all(holders.iter_mut().map(Phone::round)).await;
    let held: Vec<usize> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, (answer, _))| {
            answer.outcomes[0].verdict == Verdict::Held(HoldReason::NotPermitted)
        })
        .map(|(n, _)| n)
        .collect();
    assert_eq!(held.len(), 1);
    let refused = held[0];
    assert!(!holders[refused].has(rights[refused]));
    let status = serde_json::json!({ "status": "revoked" }).to_string();
    // Where one ends, another can begin.
    let ends = (refused + 1) % 6;
    let write = sync_core::entry::Write::set("status", status);
    holders[ends].write(rights[ends], &[write]);
    holders[ends].sync().await;
    holders[refused].right(RightKind::Delegation, helper);
    let (answer, _) = holders[refused].round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    let records = world.records.clone();
    let job = move |c: &mut diesel::SqliteConnection| {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = records.of_person(c, helper, after, 2)?;
            assert!(page.records.len() <= 2);
            listed.extend(page.records);
            after = match page.next {
                Some(next) => Some(next),
                None => break Ok::<_, crate::records::AccessError>(listed),
            };
        }
    };
    let listed = world.records.db.read(job).await.expect("lists");
    assert_eq!(listed.len(), 5);
    assert!(
        listed
            .iter()
            .all(|summary| summary.roles == [Role::Caregiver])
    );
}

/// Five who delegated to one helper, and a sixth holder.
async fn helper_of_five(world: &World) -> (sync_core::PersonId, Phone) {
    let helper = world.person(None).await;
    for n in 0..5 {
        let mut holder = world.holder(n).await;
        holder.right(RightKind::Delegation, helper);
        let (answer, _) = holder.round().await;
        assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    }
    let mut sixth = world.holder(5).await;
    sixth.sync().await;
    (helper, sixth)
}

#[tokio::test]
async fn lifting_a_block_does_not_get_round_the_limit_of_five() {
    let world = World::new();
    let (helper, mut sixth) = helper_of_five(&world).await;
    let block = sixth.right(RightKind::Block, helper);
    assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
    // Blocked, it makes nobody a caregiver.
    let delegation = sixth.right(RightKind::Delegation, helper);
    assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
    let status = |of: &str| serde_json::json!({ "status": of }).to_string();
    sixth.write(block, &[Write::set("status", status("revoked"))]);
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(verdict(&mut sixth).await, held);
    // Without the delegation the block can be lifted.
    sixth.write(delegation, &[Write::set("status", status("revoked"))]);
    assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
    sixth.write(block, &[Write::set("status", status("revoked"))]);
    assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
}

/// It may get its place by another's going, which nobody holds up.
#[tokio::test]
async fn a_delegation_that_waits_for_a_place_counts_to_the_limit_of_five() {
    let world = World::new();
    let (helper, mut sixth) = helper_of_five(&world).await;
    for _ in 0..3 {
        let person = world.person(None).await;
        sixth.right(RightKind::Delegation, person);
        assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
    }
    sixth.right(RightKind::Delegation, helper);
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(verdict(&mut sixth).await, held);
}

#[tokio::test]
async fn the_limit_of_five_holds_at_any_time_to_come() {
    let world = World::new();
    let (helper, mut sixth) = helper_of_five(&world).await;
    let draft = |right, starts, ends| {
        let days = |n: u64| world.clock.now().plus_days(n);
        let draft = RightDraft {
            starts: Some(days(starts)),
            ends: Some(days(ends)),
            ..RightDraft::new(right, helper)
        };
        draft.writes().expect("a right")
    };
    // The block ends within the time of the delegation.
    sixth.write(fresh_entry(), &draft(RightKind::Block, 0, 5));
    assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
    sixth.write(fresh_entry(), &draft(RightKind::Delegation, 1, 10));
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(verdict(&mut sixth).await, held);
    let delegation = fresh_entry();
    sixth.write(delegation, &draft(RightKind::Delegation, 1, 5));
    assert!(matches!(verdict(&mut sixth).await, Verdict::Accepted(_)));
    let ends = world.clock.now().plus_days(6);
    sixth.write(delegation, &[Write::set("ends", Value::Uint(ends.0))]);
    assert_eq!(verdict(&mut sixth).await, held);
}

/// What a device states of an edit may be longer than that: it counts to the size of an answer.
#[tokio::test]
async fn the_pages_of_large_origins_are_as_small_as_others() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let count = 60;
    for number in 0..count {
        let cites = (0..50).map(|place| ChangeHash([number + place; 32]));
        let draft = sync_core::kind::OwnNoteDraft {
            title: "Mine".into(),
            ..Default::default()
        };
        let writes = draft.writes().expect("a note");
        holder.write_citing(fresh_entry(), &writes, cites.collect());
    }
    holder.sync().await;
    let (record, person) = (holder.head.record, holder.author.person);
    let mut other = world.phone(record, person, Role::Holder, person);
    let (mut pages, mut given) = (0, 0);
    loop {
        let mut request = other.request();
        request.limit = Some(1);
        let answer = other.ask(request).await.expect("answers");
        let log = answer.checkpoint.seen().expect("a checkpoint").log;
        let keys = world.records.server_keys();
        let items = answer.news.as_ref().map_or_else(Vec::new, |frame| {
            let read = frame.unpack_attested(&record, log, &keys);
            read.expect("a frame").items
        });
        let bytes: usize = items.iter().map(|item| item.edit.bytes()).sum();
        let last = items.last().map_or(0, |item| item.edit.bytes());
        assert!(
            bytes <= LEAST_ANSWER + last,
            "{bytes} of {} edits",
            items.len()
        );
        (pages, given) = (pages + 1, given + items.len());
        if !other.receive(&answer).more {
            break;
        }
    }
    assert_eq!(given, usize::from(count));
    assert!(pages > usize::from(count) * 1_600 / LEAST_ANSWER, "{pages}");
}
