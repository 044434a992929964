//! The states by name.

use sync_core::entry::{STATUS, Write};
use sync_core::kind::Verdict;
use sync_core::merge;
use sync_core::policy::{RightKind, Role};
use sync_core::replica::AsideReason;
use sync_core::sync::{HoldReason, Refusal, Settlement};
use sync_core::{ChangeHash, EntryId};

use super::History;
use super::household::{CARER, DOCTOR, HOLDER, Household, SECOND, TABLET};
use crate::records::world::{Phone, World};

const IN_GOOD_FAITH: AsideReason = AsideReason::Held(HoldReason::NoLongerPermitted);
const FOLLOWS: AsideReason = AsideReason::Held(HoldReason::FollowsHeld);

/// A household whose caregiver has lost the right, and does not know yet.
async fn without_right() -> (Household, EntryId) {
    let mut home = Household::new().await;
    let entry = home.shared;
    home.set_right(HOLDER, home.rights[0], false);
    home.sync(HOLDER).await;
    (home, entry)
}

/// Whatever happens next, nothing is stuck.
async fn ends_well(home: Household) {
    let mut history = History::of(home, 0);
    history
        .end()
        .await
        .unwrap_or_else(|stuck| panic!("{stuck}"));
}

/// The holder decides on the first that they are asked of.
async fn decides(home: &mut Household, on: usize, of: ChangeHash, verdict: Verdict) {
    let asked = home.asked(on);
    assert_eq!(asked[0].key, format!("held-edit/{of}"), "{asked:?}");
    let made = home.decide(on, &asked[0], verdict).expect("offered");
    let heard = home.sync(on).await;
    assert!(made.iter().all(|change| heard.accepted.contains(change)));
}

async fn settlement(home: &Household, of: ChangeHash) -> Option<Settlement> {
    home.held().await[&of].settlement
}

fn remarks(home: &Household, on: usize, entry: EntryId) -> Vec<String> {
    let local = &home.phones[on].kept.entries[&entry];
    let view = merge::view(entry, &local.state(), &local.provenance());
    let said = view.claims("notes").iter();
    said.filter_map(|claim| claim.value.as_text().map(str::to_owned))
        .collect()
}

/// Its beginning is held and all that follows it: the holder takes one up after the other, and the
/// entry is as its author had left it.
#[tokio::test]
async fn the_first_change_of_an_entry_and_what_follows_it() {
    let (mut home, _) = without_right().await;
    let entry = home.create(CARER);
    let first = home.phones[CARER].kept.unsent[0].change;
    let then = [home.remark(CARER, entry), home.remark(CARER, entry)];
    let last = remarks(&home, CARER, entry);
    let heard = home.sync(CARER).await;
    assert_eq!(heard.aside[&first], IN_GOOD_FAITH);
    assert!(then.iter().all(|change| heard.aside[change] == FOLLOWS));
    home.sync(HOLDER).await;
    for change in [first, then[0], then[1]] {
        assert_eq!(home.asked(HOLDER).len(), 1, "one after the other");
        decides(&mut home, HOLDER, change, Verdict::Accept).await;
    }
    assert!(home.asked(HOLDER).is_empty());
    assert_eq!(remarks(&home, HOLDER, entry), last);
    ends_well(home).await;
}

/// What began the entry is left out: what follows it has nothing to be taken up in.
#[tokio::test]
async fn what_follows_a_beginning_that_was_left_out_can_be_left_out() {
    let (mut home, _) = without_right().await;
    let entry = home.create(CARER);
    let first = home.phones[CARER].kept.unsent[0].change;
    let then = home.remark(CARER, entry);
    home.sync(CARER).await;
    home.sync(HOLDER).await;
    decides(&mut home, HOLDER, first, Verdict::Discard).await;
    assert_eq!(home.asked(HOLDER)[0].verdicts, [Verdict::Discard]);
    decides(&mut home, HOLDER, then, Verdict::Discard).await;
    ends_well(home).await;
}

/// Two phones had shown it, and somebody with every right had written on it: the server lost all
/// that, and the device that made the first was revoked. Each is told that it is held, and the holder
/// decides on it and on what others wrote after it.
#[tokio::test]
async fn what_others_had_shown_and_written_on() {
    let mut home = Household::new().await;
    let entry = home.shared;
    let copy = home.world.copy();
    let first = home.remark(CARER, entry);
    home.sync(CARER).await;
    home.sync(DOCTOR).await;
    let theirs = home.remark(DOCTOR, entry);
    home.sync(DOCTOR).await;
    home.sync(TABLET).await;
    let own = home.remark(TABLET, entry);
    home.sync(TABLET).await;
    home.put_back(&copy);
    home.world.revoke(&home.phones[CARER]).await;
    home.sync(DOCTOR).await;
    home.sync(TABLET).await;
    for (on, change, why) in [
        (DOCTOR, first, IN_GOOD_FAITH),
        (TABLET, first, IN_GOOD_FAITH),
        (DOCTOR, theirs, FOLLOWS),
        (TABLET, own, FOLLOWS),
    ] {
        let aside = home.phones[on].kept.aside.iter();
        let mut aside = aside.filter(|aside| aside.change == change);
        assert_eq!(aside.next().map(|aside| aside.why), Some(why));
    }
    for change in [first, theirs, own] {
        decides(&mut home, TABLET, change, Verdict::Accept).await;
    }
    ends_well(home).await;
}

/// Handed back edit by edit, what follows something held still goes to the server.
#[tokio::test]
async fn what_follows_is_handed_in_though_the_first_is_held_before_it_goes() {
    let mut home = Household::new().await;
    let entry = home.shared;
    let copy = home.world.copy();
    let first = home.remark(CARER, entry);
    let then = home.remark(CARER, entry);
    home.sync(CARER).await;
    home.sync(TABLET).await;
    home.put_back(&copy);
    home.world.revoke(&home.phones[CARER]).await;
    home.sync_by(TABLET, Some(1)).await.expect("ends");
    let held = home.held().await;
    let reasons = [first, then].map(|change| AsideReason::Held(held[&change].reason));
    assert_eq!(reasons, [IN_GOOD_FAITH, FOLLOWS]);
    ends_well(home).await;
}

/// Its author goes on without it, has the right again, and it is taken up after that; and left out
/// once it is taken up, which changes nothing.
#[tokio::test]
async fn released_after_what_followed_was_made_again_and_left_out_after_that() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    let phone = &mut home.phones[CARER];
    let request = phone.request();
    let answer = phone.ask(request).await.expect("answers");
    home.remark(CARER, entry);
    home.phones[CARER].receive(&answer);
    home.set_right(HOLDER, home.rights[0], true);
    home.sync(HOLDER).await;
    let heard = home.sync(CARER).await;
    assert_eq!(heard.accepted.len(), 1, "what followed, without it");
    home.sync(HOLDER).await;
    let later = remarks(&home, HOLDER, entry);
    decides(&mut home, HOLDER, held, Verdict::Accept).await;
    let both = remarks(&home, HOLDER, entry);
    assert!(both.len() == 2 && later.iter().all(|said| both.contains(said)));
    home.leave_out(HOLDER, held);
    home.sync(HOLDER).await;
    assert_eq!(settlement(&home, held).await, Some(Settlement::Released));
    ends_well(home).await;
}

/// Held twice: by its author's phone, and by a copy of its store.
#[tokio::test]
async fn by_a_copy_of_the_store_that_made_it() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    let phone = &home.phones[CARER];
    let store = (phone.head.clone(), phone.kept.clone());
    home.sync(CARER).await;
    home.put_phone_back(CARER, &store);
    let heard = home.sync(CARER).await;
    assert_eq!(heard.aside[&held], IN_GOOD_FAITH);
    home.sync(HOLDER).await;
    decides(&mut home, HOLDER, held, Verdict::Accept).await;
    // And once more, after it was decided on.
    home.put_phone_back(CARER, &store);
    home.sync(CARER).await;
    assert_eq!(home.held().await.len(), 1);
    ends_well(home).await;
}

#[tokio::test]
async fn released_when_the_entry_is_hidden_from_its_author() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    home.sync(CARER).await;
    let hides = [Write::set("hidden-from-representatives", true)];
    home.write(HOLDER, entry, &hides, Vec::new());
    home.set_right(HOLDER, home.rights[0], true);
    home.sync(HOLDER).await;
    decides(&mut home, HOLDER, held, Verdict::Accept).await;
    home.sync(CARER).await;
    assert!(!home.shown(CARER).contains(&entry));
    ends_well(home).await;
}

#[tokio::test]
async fn when_the_entry_is_destroyed() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    home.sync(CARER).await;
    home.sync(HOLDER).await;
    assert_eq!(home.asked(HOLDER).len(), 1);
    home.phones[DOCTOR].wrong_patient(entry);
    home.sync(DOCTOR).await;
    home.sync(HOLDER).await;
    assert!(home.asked(HOLDER).is_empty());
    home.sync(CARER).await;
    let aside = home.phones[CARER].kept.aside.iter();
    let why: Vec<AsideReason> = aside.map(|aside| aside.why).collect();
    assert_eq!(why, [AsideReason::Refused(Refusal::Destroyed)]);
    assert!(
        settlement(&home, held)
            .await
            .is_none_or(|s| s == Settlement::Discarded)
    );
    ends_well(home).await;
}

/// Its device was revoked since, and the author's other one hears what is decided.
#[tokio::test]
async fn of_a_device_that_was_revoked() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    home.lose_answer(CARER).await;
    let Household { world, phones, .. } = &mut home;
    world.another_key(&mut phones[CARER]).await;
    let heard = home.sync(CARER).await;
    assert_eq!(heard.aside[&held], IN_GOOD_FAITH);
    home.sync(HOLDER).await;
    decides(&mut home, HOLDER, held, Verdict::Discard).await;
    home.sync(SECOND).await;
    let told = home.phones[SECOND].kept.held.iter();
    let told: Vec<_> = told
        .map(|held| (held.change().expect("named"), held.settled))
        .collect();
    assert_eq!(told, [(held, Some(Settlement::Discarded))]);
    ends_well(home).await;
}

/// A decision is taken back: what was left out stays so, and the holder may write it themselves.
#[tokio::test]
async fn a_decision_that_is_taken_back() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    home.sync(CARER).await;
    home.sync(HOLDER).await;
    let decision = home.leave_out(HOLDER, held);
    home.sync(HOLDER).await;
    let back = [Write::set(STATUS, r#"{"status":"revoked"}"#)];
    home.write(HOLDER, decision, &back, Vec::new());
    home.sync(HOLDER).await;
    assert_eq!(settlement(&home, held).await, Some(Settlement::Discarded));
    ends_well(home).await;
}

/// One of the holder's devices takes it up, the other leaves it out, neither knowing of the other:
/// the first that comes stands, and both are told.
#[tokio::test]
async fn two_decisions_at_once() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    home.sync(CARER).await;
    for on in [HOLDER, TABLET] {
        home.sync(on).await;
    }
    let item = home.asked(TABLET).remove(0);
    home.decide(TABLET, &item, Verdict::Discard)
        .expect("offered");
    decides(&mut home, HOLDER, held, Verdict::Accept).await;
    home.sync(TABLET).await;
    assert_eq!(settlement(&home, held).await, Some(Settlement::Released));
    ends_well(home).await;
}

/// Both take up the same beginning: one of them makes the entry, and the other's goes on in it.
#[tokio::test]
async fn one_beginning_that_is_taken_up_twice() {
    let (mut home, _) = without_right().await;
    let entry = home.create(CARER);
    home.sync(CARER).await;
    for on in [HOLDER, TABLET] {
        home.sync(on).await;
        let item = home.asked(on).remove(0);
        home.decide(on, &item, Verdict::Accept).expect("offered");
        home.remark(on, entry);
    }
    home.sync(HOLDER).await;
    home.sync(TABLET).await;
    assert!(home.shown(TABLET).contains(&entry));
    ends_well(home).await;
}

/// What nobody is asked of: a right by somebody who may give none, and what follows it.
#[tokio::test]
async fn a_right_that_is_held() {
    let mut home = Household::new().await;
    let person = home.person(SECOND);
    let right = home.phones[CARER].right(RightKind::Grant, person);
    let given = home.phones[CARER].kept.unsent[0].change;
    home.set_right(CARER, right, false);
    let heard = home.sync(CARER).await;
    assert_eq!(
        heard.aside[&given],
        AsideReason::Held(HoldReason::NotPermitted)
    );
    home.sync(HOLDER).await;
    assert!(home.asked(HOLDER).is_empty());
    assert!(home.held().await.values().all(|kept| !kept.for_holder));
    ends_well(home).await;
}

/// A held edit that decides on a held edit decides nothing until it is the holder's.
#[tokio::test]
async fn a_held_edit_that_decides() {
    let (mut home, entry) = without_right().await;
    let held = home.remark(CARER, entry);
    home.leave_out(CARER, held);
    home.sync(CARER).await;
    assert_eq!(settlement(&home, held).await, None);
    ends_well(home).await;
}

/// The store was put back and knows neither the person nor their device: what others hand back of
/// theirs, and what follows it, goes again once there is something that the same device signed.
#[tokio::test]
async fn of_somebody_whom_the_copy_does_not_know() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let copy = world.copy();
    let (mut carer, _) = world.caregiver(&mut holder).await;
    carer.sync().await;
    let hers = carer.allergy("de la fille");
    carer.sync().await;
    holder.sync().await;
    // Her own phone has it no more.
    holder.write(hers, &[Write::set("hidden-from-representatives", true)]);
    holder.sync().await;
    carer.sync().await;
    assert!(!carer.has(hers));
    world.put_back(&copy, &mut [&mut holder, &mut carer]);
    holder.sync().await;
    let unknown = AsideReason::Refused(Refusal::NotAuthentic);
    assert_eq!(holder.kept.aside[0].why, unknown);
    assert!(!holder.has(hers));

    // She is entered again, signs in, and writes.
    world.person_as(carer.author.person, None).await;
    world.sign_in(&mut carer);
    carer.allergy("encore une");
    carer.sync().await;
    holder.sync().await;
    assert!(holder.has(hers) && holder.kept.aside.is_empty());
    assert_eq!(holder.kept.entries[&hers].state().history.len(), 2);
}

/// A device that became known and was revoked after the copy: the journal of revocations, which is
/// not put back, says so of a device that the store has never heard of.
#[tokio::test]
async fn of_a_device_that_was_revoked_and_that_the_copy_does_not_know() {
    let mut home = Household::new().await;
    let entry = home.shared;
    let copy = home.world.copy();
    let Household { world, phones, .. } = &mut home;
    world.another_key(&mut phones[SECOND]).await;
    let made = home.remark(SECOND, entry);
    home.sync(SECOND).await;
    home.sync(TABLET).await;
    home.world.revoke(&home.phones[SECOND]).await;
    home.put_back(&copy);
    home.sync(TABLET).await;
    let held = AsideReason::Held(home.held().await[&made].reason);
    assert_eq!(held, IN_GOOD_FAITH);
    decides(&mut home, TABLET, made, Verdict::Accept).await;
    ends_well(home).await;
}

/// A right that was given and taken back after the copy, given by a phone that the copy does not know:
/// others hand both back, and the first is held, and so the second. Then that phone comes and hands in
/// the first, which is in the record: so is the second, and the right is over.
#[tokio::test]
async fn what_takes_a_right_back_that_is_held_until_the_phone_comes_that_gave_it() {
    let mut home = Household::new().await;
    let somebody = home.world.person(None).await;
    let copy = home.world.copy();
    let (record, patient) = (home.phones[HOLDER].head.record, home.person(HOLDER));
    let mut other = home.world.phone(record, patient, Role::Holder, patient);
    other.sync().await;
    let right = other.right(RightKind::Delegation, somebody);
    let given = other.kept.unsent[0].change;
    other.sync().await;
    home.sync(TABLET).await;
    home.set_right(TABLET, right, false);
    let taken_back = home.phones[TABLET].kept.unsent[0].change;
    home.sync(TABLET).await;

    let Household { world, phones, .. } = &mut home;
    let mut phones: Vec<&mut Phone> = phones.iter_mut().chain([&mut other]).collect();
    world.put_back(&copy, &mut phones);
    let heard = home.sync(TABLET).await;
    let not_permitted = AsideReason::Held(HoldReason::NotPermitted);
    assert_eq!(heard.aside[&given], not_permitted);
    assert_eq!(heard.aside[&taken_back], FOLLOWS);

    home.world.sign_in(&mut other);
    for _ in 0..4 {
        other.sync().await;
    }
    assert_eq!(settlement(&home, given).await, Some(Settlement::Released));
    let released = Some(Settlement::Released);
    assert_eq!(settlement(&home, taken_back).await, released);
    home.sync(HOLDER).await;
    home.sync(TABLET).await;
    for kept in [
        &other.kept,
        &home.phones[HOLDER].kept,
        &home.phones[TABLET].kept,
    ] {
        let local = &kept.entries[&right];
        let view = merge::view(right, &local.state(), &local.provenance());
        let fact = merge::right_fact(&view).expect("a right");
        assert!(fact.revoked, "it is in force again");
        assert!(kept.aside.is_empty());
    }
    ends_well(home).await;
}

/// A decision, and after it in the same request the edit that it leaves out, by the author of both, to
/// whose device that edit would be given free: it stays left out.
#[tokio::test]
async fn what_is_left_out_and_handed_in_by_one_request() {
    let mut home = Household::new().await;
    let entry = home.shared;
    let copy = home.world.copy();
    let made = home.remark(TABLET, entry);
    home.sync(TABLET).await;
    home.sync(DOCTOR).await;
    home.sync(HOLDER).await;
    home.put_back(&copy);
    home.world.revoke(&home.phones[TABLET]).await;
    home.sync(DOCTOR).await;
    let held = AsideReason::Held(home.held().await[&made].reason);
    assert_eq!(held, IN_GOOD_FAITH);
    while home.phones[HOLDER].kept.unsent.is_empty() {
        home.world.sign_in(&mut home.phones[HOLDER]);
        home.phones[HOLDER].round().await;
    }
    // What is held of the entry is looked at before the decision, too.
    home.remark(HOLDER, entry);
    home.leave_out(HOLDER, made);
    home.phones[HOLDER].kept.unsent.rotate_left(1);
    home.sync(HOLDER).await;
    assert_eq!(settlement(&home, made).await, Some(Settlement::Discarded));
    assert!(!home.phones[HOLDER].kept.entries[&entry].has(&made));
}
