use uuid::Uuid;

use super::*;
use crate::change::{Actor, Edit, Origin, SignedOrigin};
use crate::checkpoint::CheckpointDigest;
use crate::entry::{EntryDocument, Write};
use crate::policy::Role;
use crate::sign::PublicKey;
use crate::{DeviceId, DeviceTime, EntryId, Incarnation, PersonId, RecordId};

const RECORD: RecordId = RecordId(Uuid::from_u128(1));
const NOW: LogIncarnation = LogIncarnation([0; 16]);
const ONCE: LogIncarnation = LogIncarnation([1; 16]);
const UNHEARD_OF: LogIncarnation = LogIncarnation([2; 16]);

fn made(seen: Option<(LogIncarnation, u64)>) -> VerifiedEdit {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = PublicKey::of(&key);
    let entry = EntryId(Uuid::from_u128(2));
    let incarnation = Incarnation([3; 16]);
    let actor = Actor::of(&public, &incarnation, &entry);
    let writes = [Write::set("kind", "allergy")];
    let mut document = EntryDocument::new();
    let (hash, change) = document.edit(actor, &writes, DeviceTime(0)).unwrap();
    let seen = seen.map(|(log, tick)| Seen {
        log,
        tick: Tick(tick),
        digest: CheckpointDigest([0; 16]),
    });
    let origin = Origin {
        author: PersonId(Uuid::from_u128(4)),
        role: Role::Holder,
        on_behalf_of: None,
        device: DeviceId::of(&public),
        incarnation,
        seen,
        at: DeviceTime(0),
        cites: Vec::new(),
    };
    let edit = Edit {
        entry,
        change,
        origin: SignedOrigin::new(&key, &RECORD, &entry, &hash, &origin),
    };
    VerifiedEdit::new(&RECORD, &public, edit).unwrap()
}

#[test]
fn only_what_a_former_life_can_have_accepted_is_taken_back() {
    let lives = BTreeMap::from([(ONCE, Tick(100)), (LogIncarnation([9; 16]), Tick(200))]);
    let former = Former {
        log: NOW,
        lives: &lives,
        days: 30,
    };
    let now = Tick(300);
    let takes = |seen| former.takes_back(&made(seen), Tick(50), now);
    assert!(takes(Some((ONCE, 100))));
    assert!(!takes(Some((ONCE, 101))), "it had ended");
    assert!(takes(Some((UNHEARD_OF, 200))));
    assert!(!takes(Some((UNHEARD_OF, 201))));
    assert!(
        !takes(Some((NOW, 10))),
        "it says that it was made in this life"
    );
    // Made before its device was ever answered: of a device of today it is an edit of today.
    assert!(takes(None));
    assert!(!former.takes_back(&made(None), Tick(201), now));
    let late = Tick(200).plus_days(30).next(Tick(0));
    assert!(!former.takes_back(&made(Some((ONCE, 100))), Tick(50), late));
    let never = BTreeMap::new();
    let former = Former {
        lives: &never,
        ..former
    };
    assert!(!former.takes_back(&made(Some((ONCE, 1))), Tick(50), now));
}
