//! All that somebody may see, sent anew over a line that is open.

use sync_core::entry::Write;
use sync_core::sync::limits::LEAST_ANSWER;

use super::*;

/// Asks for small pages, and takes the answer; whether there is more.
async fn page(socket: &mut Socket, phone: &mut Phone) -> (SyncAnswer, bool) {
    let mut request = phone.request();
    request.limit = Some(u32::try_from(LEAST_ANSWER).expect("small"));
    let request = Encoding::Cbor.write(&request);
    socket.send(Message::binary(request)).await.expect("sends");
    let answer = read(&next(socket).await);
    let more = phone.receive(&answer).more;
    (answer, more)
}

/// Writes more than fits one small page.
async fn much(holder: &mut Phone) -> Vec<sync_core::EntryId> {
    let mut entries = Vec::new();
    for number in 0..12 {
        let entry = holder.allergy(&format!("Allergène {number}"));
        holder.write(entry, &[Write::set("notes", "x".repeat(6_000))]);
        entries.push(entry);
    }
    holder.sync().await;
    entries
}

/// A new phone goes live before it has anything. While its pages come, others write: it is told
/// nothing unasked in between, and misses nothing.
#[tokio::test]
async fn a_phone_that_has_nothing_gets_all_over_the_line_while_others_write() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let mut all = much(&mut holder).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let (record, person) = (holder.head.record, holder.author.person);
    let mut fresh = world.phone(record, person, holder.author.role.clone(), person);
    let token = world.sign_in(&mut fresh);
    let mut socket = connect(&running, &fresh, &token).await.expect("connects");
    let (mut pages, mut more) = (0, true);
    while more {
        let (answer, left) = page(&mut socket, &mut fresh).await;
        assert_eq!(answer.reset, pages == 0);
        (pages, more) = (pages + 1, left);
        if pages < 3 {
            all.push(caregiver.allergy(&format!("Meanwhile {pages}")));
            caregiver.sync().await;
        }
    }
    assert!(pages > 3, "{pages}");
    assert!(all.iter().all(|entry| fresh.has(*entry)));
    // From here on it is told unasked.
    let late = caregiver.allergy("Afterwards");
    caregiver.sync().await;
    fresh.receive(&read(&next(&mut socket).await));
    assert!(fresh.has(late));
    running.stop().await;
}

/// A right ends and is given again while its caregiver is connected: all goes, and all comes again,
/// the first page unasked.
#[tokio::test]
async fn whoever_gets_their_right_back_gets_all_again_over_the_line() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let all = much(&mut holder).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    let token = world.sign_in(&mut caregiver);
    let mut socket = connect(&running, &caregiver, &token)
        .await
        .expect("connects");
    while page(&mut socket, &mut caregiver).await.1 {}
    assert!(all.iter().all(|entry| caregiver.has(*entry)));

    holder.write(right, &[Write::set("status", r#"{"status":"revoked"}"#)]);
    holder.sync().await;
    let answer = read(&next(&mut socket).await);
    assert!(answer.reset && !answer.more);
    caregiver.receive(&answer);
    assert!(!all.iter().any(|entry| caregiver.has(*entry)));

    holder.right(
        sync_core::policy::RightKind::Delegation,
        caregiver.author.person,
    );
    holder.sync().await;
    let first = read(&next(&mut socket).await);
    assert!(first.reset && first.more);
    assert!(caregiver.receive(&first).more);
    while page(&mut socket, &mut caregiver).await.1 {}
    assert!(all.iter().all(|entry| caregiver.has(*entry)));
    running.stop().await;
}
