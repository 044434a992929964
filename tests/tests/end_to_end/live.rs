//! Live: an edit on one phone reaches the other without being asked for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use carnet_mobile::face::{ChangeListener, LiveListener, LiveMode};
use carnet_tests::support::Copy;

use super::stage::{Stage, allergy, condition, labels, set, sync};

/// Longer than any edit takes; a story that waits so long has failed.
const LONG: Duration = Duration::from_secs(60);

struct Told(Sender<LiveMode>);

impl LiveListener for Told {
    fn live_changed(&self, mode: LiveMode) {
        // Nobody listens any more once the story has ended.
        let _ = self.0.send(mode);
    }
}

struct Changed(Sender<()>);

impl ChangeListener for Changed {
    fn entries_changed(&self, _: Vec<String>, _: Vec<String>) {
        // As above.
        let _ = self.0.send(());
    }
}

/// Waits until the copy holds an entry of this name.
fn wait_for(copy: &Copy, changes: &Receiver<()>, label: &str) {
    while !labels(copy).contains(label) {
        changes.recv_timeout(LONG).expect("the edit comes");
    }
}

#[test]
fn an_edit_reaches_the_other_phone_and_goes_on_after_a_restart() {
    let mut stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let tablet = camille.invite(&stage, "tablet");
    let theirs = tablet.synced(record);

    let (tell, modes) = channel();
    let (note, changes) = channel();
    let _watch = theirs
        .record
        .watch(Arc::new(Changed(note)))
        .expect("watches");
    let live = theirs
        .record
        .go_live(Some(Arc::new(Told(tell))))
        .expect("goes live");
    assert_eq!(modes.recv_timeout(LONG), Ok(LiveMode::Live));

    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    wait_for(&theirs, &changes, "Latex");

    // And back: an edit of the live phone goes out by itself.
    let (tell_mine, modes_mine) = channel();
    let (note_mine, changes_mine) = channel();
    let _watch_mine = mine
        .record
        .watch(Arc::new(Changed(note_mine)))
        .expect("watches");
    let live_mine = mine
        .record
        .go_live(Some(Arc::new(Told(tell_mine))))
        .expect("goes live");
    assert_eq!(modes_mine.recv_timeout(LONG), Ok(LiveMode::Live));
    theirs.add(condition("Asthme")).expect("added");
    wait_for(&mine, &changes_mine, "Asthme");

    stage.kill();
    stage.start();
    mine.add(condition("Migraine")).expect("added");
    wait_for(&theirs, &changes, "Migraine");
    assert_eq!(labels(&theirs), set(["Asthme", "Latex", "Migraine"]));

    live.stop();
    live_mine.stop();
    let ended = |modes: &Receiver<LiveMode>| {
        while modes.recv_timeout(LONG).expect("it says so") != LiveMode::Ended {}
    };
    ended(&modes);
    ended(&modes_mine);
}

#[test]
fn a_revoked_right_ends_what_a_live_phone_shows() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let awa = stage.caregiver("Diallo");
    let right = mine
        .record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let theirs = awa.synced(record);
    let (note, changes) = channel();
    let (tell, modes) = channel();
    let _watch = theirs
        .record
        .watch(Arc::new(Changed(note)))
        .expect("watches");
    let _live = theirs
        .record
        .go_live(Some(Arc::new(Told(tell))))
        .expect("goes live");
    assert_eq!(modes.recv_timeout(LONG), Ok(LiveMode::Live));
    mine.record.revoke(right, None).expect("revokes");
    sync(&mine);
    while !labels(&theirs).is_empty() {
        changes.recv_timeout(LONG).expect("it is taken back");
    }
}
