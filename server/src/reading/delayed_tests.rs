//! What the holder may not know of yet, and their access log.

use sync_core::EntryId;
use sync_core::audit::{self, AccessAction, AccessEvent, ChainedEvent};
use sync_core::checkpoint::Checkpoint;
use sync_core::entry::{HIDDEN_FROM_PATIENT_UNTIL, STATUS, Value, Write};
use sync_core::sync::{HoldReason, Refusal, Verdict};

use crate::clock::Clock as _;
use crate::records::vault::Vault;
use crate::records::world::{Phone, START, World};

const DAY: u64 = 86_400;

async fn log(world: &World, holder: &Phone) -> Vec<ChainedEvent> {
    let (keys, id) = (world.records.keys.clone(), holder.head.record);
    let job = move |c: &mut diesel::SqliteConnection| {
        crate::audit::page(c, &Vault::new(&keys, id)?, 0, u32::MAX)
    };
    world.records.db.read(job).await.expect("reads")
}

/// The holder's log, verified against their phone's last checkpoint.
async fn verified(world: &World, holder: &mut Phone) -> Vec<AccessEvent> {
    holder.sync().await;
    let checkpoint = holder.head.checkpoint.as_ref().expect("a checkpoint");
    let said: Checkpoint = checkpoint.0.read().expect("a checkpoint");
    let log = log(world, holder).await;
    audit::verify(&holder.head.record, &log, &said.access_log).expect("holds");
    let read = |event: &ChainedEvent| AccessEvent::decode(&event.event).expect("an event");
    log.iter().map(read).collect()
}

fn about(log: &[AccessEvent], entry: EntryId) -> Vec<&AccessEvent> {
    let about = log.iter().filter(|event| event.entries.contains(&entry));
    about.collect()
}

#[tokio::test]
async fn the_holders_log_tells_of_a_result_when_they_may_know_of_it() {
    for by_edit in [false, true] {
        let world = World::new();
        let mut holder = world.holder(1).await;
        let known = holder.allergy("Latex");
        let mut doctor = world.doctor(&mut holder).await;
        let (mut caregiver, _) = world.caregiver(&mut holder).await;
        caregiver.sync().await;
        doctor.sync().await;
        verified(&world, &mut holder).await;
        let before = log(&world, &holder).await;

        let written = world.clock.now();
        let result = doctor.result("À annoncer", written.plus_days(2));
        let (answer, _) = doctor.round().await;
        assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
        doctor.write(result, &[Write::set("criticality", "no such thing")]);
        let (answer, _) = doctor.round().await;
        let invalid = Verdict::Refused(Refusal::Invalid);
        assert_eq!(answer.outcomes[0].verdict, invalid);
        assert_eq!(log(&world, &holder).await, before);

        // Whoever reads it besides other things is logged for those.
        world.clock.advance_seconds(DAY);
        let (record, person) = (holder.head.record, doctor.author.person);
        let role = doctor.author.role.clone();
        let mut tablet = world.phone(record, person, role, holder.author.person);
        tablet.sync().await;
        assert!(tablet.has(result));
        caregiver.sync().await;
        let early = verified(&world, &mut holder).await;
        assert!(about(&early, result).is_empty());
        let read = early.last().expect("an event");
        assert_eq!((&read.action, read.person), (&AccessAction::Read, person));
        assert_eq!((read.changes, read.entries.len()), (2, 2));
        assert!(read.entries.contains(&known));
        assert!(!holder.has(result) && !caregiver.has(result));

        if by_edit {
            let now = Value::Uint(world.clock.now().0);
            tablet.write(result, &[Write::set(HIDDEN_FROM_PATIENT_UNTIL, now)]);
            tablet.sync().await;
        } else {
            world.clock.advance_seconds(DAY + 1);
        }
        let log = verified(&world, &mut holder).await;
        assert!(holder.has(result));
        let told = about(&log, result);
        let late: Vec<_> = told.iter().filter(|e| e.logged.is_some()).collect();
        let actions: Vec<_> = late.iter().map(|event| &event.action).collect();
        use AccessAction::{Read, Refuse, Write as Wrote};
        assert_eq!(actions, [&Wrote, &Refuse, &Read]);
        assert!(late.iter().all(|event| event.person == person));
        assert!(late[0].at < written.plus_days(1) && late[2].at > written.plus_days(1));
        assert_eq!(
            late[2].device,
            tablet.visitor.device.map(|device| device.id)
        );
        let last = told.last().expect("an event");
        let read_by_holder = last.person == holder.author.person && last.logged.is_none();
        assert!(last.action == Read && read_by_holder);
        // It is told once.
        world.clock.advance_seconds(DAY);
        holder.note("Plus tard");
        let later = verified(&world, &mut holder).await;
        assert_eq!(about(&later, result).len(), told.len());
    }
}

#[tokio::test]
async fn a_held_edit_is_shown_to_the_holder_when_they_may_know_of_it() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let grant = *holder.kept.entries.keys().next().expect("the grant");
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(grant, &[Write::set(STATUS, revoked)]);
    holder.sync().await;
    let until = world.clock.now().plus_days(2);
    let result = doctor.result("À annoncer", until);
    doctor.write(result, &[Write::set("notes", "de vive voix")]);
    let (answer, _) = doctor.round().await;
    for (outcome, reason) in answer
        .outcomes
        .iter()
        .zip([HoldReason::NoLongerPermitted, HoldReason::FollowsHeld])
    {
        assert_eq!(outcome.verdict, Verdict::Held(reason));
    }
    let log = verified(&world, &mut holder).await;
    assert!(holder.kept.held.is_empty());
    assert!(about(&log, result).is_empty());
    world.clock.advance_seconds(2 * DAY + 1);
    let log = verified(&world, &mut holder).await;
    assert_eq!(holder.kept.held.len(), 2);
    let told = about(&log, result);
    let held = told.iter().filter(|e| e.action == AccessAction::Hold);
    assert!(held.clone().count() == 2 && held.clone().all(|e| e.logged.is_some()));
    let given = told.iter().filter(|e| e.action == AccessAction::Read);
    assert_eq!(given.count(), 1);
    let (again, _) = holder.round().await;
    assert!(again.held.is_empty());
}

#[tokio::test]
async fn a_mark_does_not_hide_what_its_author_had_no_right_to() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let result = caregiver.result("À taire", START.plus_days(30));
    let (answer, _) = caregiver.round().await;
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(answer.outcomes[0].verdict, held);
    let log = verified(&world, &mut holder).await;
    assert_eq!(about(&log, result).len(), 1);
}
