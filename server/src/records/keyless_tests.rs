//! A record whose key is not here, as after the key store was put back from an older copy than the
//! data store: it cannot be opened, and keeps nobody from anything else.

use diesel::SqliteConnection;
use sync_core::policy::RightKind;
use sync_core::sync::Verdict;

use super::world::World;
use super::{AccessError, SignInChange};

#[tokio::test]
async fn a_record_without_a_key_locks_out_nobody_it_names() {
    let mut world = World::new();
    let mut lost = world.holder(1).await;
    let mut other = world.holder(2).await;
    let helper = world.person(None).await;
    for holder in [&mut lost, &mut other] {
        holder.right(RightKind::Delegation, helper);
        holder.sync().await;
    }
    let mut third = world.holder(3).await;
    third.sync().await;
    world.lose_key(lost.head.record, &mut [&mut lost, &mut other, &mut third]);
    let records = world.records.clone();
    let (holder, device) = (lost.author.person, lost.visitor.device.expect("a key").id);
    let job = move |c: &mut SqliteConnection| {
        // As when they sign in.
        records.note_sign_in(c, holder, Some(device), SignInChange::DeviceAdded)?;
        let own = records.of_person(c, holder, None, 10)?.records;
        let helped = records.of_person(c, helper, None, 10)?.records;
        Ok::<_, AccessError>((own, helped))
    };
    let (own, helped) = world.records.db.write(job).await.expect("lists");
    assert!(own.is_empty());
    let helped: Vec<_> = helped.iter().map(|summary| summary.record).collect();
    assert_eq!(helped, [other.head.record]);
    // A third holder can delegate to the same helper.
    third.right(RightKind::Delegation, helper);
    let (answer, _) = third.round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    let request = lost.request();
    assert!(lost.ask(request).await.is_err());
}
