//! What does not fit.

use sync_core::sync::Refusal;

use super::*;
use crate::testing::{Phone, RECORD};

#[test]
fn what_a_full_record_does_not_take_is_kept_here_and_said() {
    let server = FakeServer::new();
    let phone = Phone::new(&server, 1);
    let record = Record::new(phone.device.clone(), phone.profile.row, RECORD);
    server.refuse_edits(Some(Refusal::RecordFull));
    let draft = AllergyDraft {
        substance: text("Latex"),
        ..AllergyDraft::default()
    };
    let entry = record.add_allergy(draft, None).unwrap();
    record.sync_now(None, None).unwrap();
    let state = record.state().unwrap();
    assert_eq!((state.waiting, state.set_aside), (0, 1));
    let held = record.held().unwrap();
    let [kept] = &held[..] else {
        panic!("one: {held:?}");
    };
    assert_eq!((&kept.entry, &*kept.reason), (&entry, "record-full"));
    assert!(kept.own && kept.label.fr.contains("Latex"));
    assert!(kept.words.fr.contains("reste sur cet appareil"));
}
