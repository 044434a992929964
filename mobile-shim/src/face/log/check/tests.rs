use sync_core::policy::Role;
use sync_core::{Epoch, LogIncarnation, PersonId};
use uuid::Uuid;

use super::*;

const RECORD: RecordId = RecordId(Uuid::from_u128(0x2d71_c0f8_9a3e_4b16_8f52_e7d0_46ab_93c1));
const ANA: PersonId = PersonId(Uuid::from_u128(0x6b0e_f4a9_1d82_4c37_a5e8_03bf_d297_5c64));

/// A log that can be forked at any line.
#[derive(Clone)]
struct Log {
    head: LogHead,
    events: Vec<ChainedEvent>,
}

impl Log {
    fn new() -> Self {
        Log {
            head: LogHead::genesis(&RECORD),
            events: Vec::new(),
        }
    }

    fn then(mut self, at: u64, action: AccessAction) -> Self {
        let event = AccessEvent {
            seq: 0,
            at: Tick(at),
            logged: None,
            person: ANA,
            role: Role::Holder,
            on_behalf_of: None,
            device: None,
            action,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: None,
        };
        self.events.push(self.head.append(&RECORD, event));
        self
    }

    /// What the server signs of it.
    fn signed(&self, at: u64, life: u8) -> Checkpoint {
        Checkpoint {
            record: RECORD,
            viewer: ANA,
            log: LogIncarnation([life; 16]),
            tick: Tick(at),
            epoch: Epoch([0; 8]),
            access_log: self.head.hash,
        }
    }
}

fn read(log: Log, at: u64) -> Log {
    log.then(at, AccessAction::Read)
}

#[test]
fn a_fork_shown_once_is_noticed_when_the_log_looks_well_again() {
    let common = read(Log::new(), 1);
    let fork = read(common.clone(), 2);
    let back = common.clone().then(3, AccessAction::Write);
    let signed = [
        common.signed(1, 1),
        fork.signed(2, 1),
        back.signed(3, 1),
        back.signed(4, 1),
    ];
    let newest_only = check(RECORD, &back.events, &[], &signed[2..]).unwrap();
    assert!(newest_only.intact);
    let all = check(RECORD, &back.events, &[], &signed).unwrap();
    assert!(!all.intact && all.broken_at.is_none());
    assert!(all.problem.unwrap().en.contains("written anew"));
}

#[test]
fn what_a_declared_restore_lost_is_no_fork() {
    let copied = read(Log::new(), 1);
    let lost = read(copied.clone(), 2);
    let restored = copied.clone().then(5, AccessAction::Restore);
    let signed = [lost.signed(2, 1), restored.signed(6, 2)];
    let checked = check(RECORD, &restored.events, &lost.events[1..], &signed).unwrap();
    assert!(checked.intact && checked.restored.is_some(), "{checked:?}");
    assert_eq!((checked.lines, checked.heads, checked.lost), (2, 2, 1));
    // A restore explains nothing that was signed since, nor within its own life.
    for late in [lost.signed(2, 2), lost.signed(7, 1)] {
        let signed = [late, restored.signed(8, 2)];
        assert!(
            !check(RECORD, &restored.events, &[], &signed)
                .unwrap()
                .intact
        );
    }
}

#[test]
fn a_log_of_which_nothing_was_signed_cannot_be_checked() {
    assert!(check(RECORD, &[], &[], &[]).is_none());
    let empty = Log::new();
    let nothing_yet = check(RECORD, &[], &[], &[empty.signed(1, 1)]).unwrap();
    assert!(nothing_yet.intact);
}

#[test]
fn every_break_is_said_in_french_too() {
    let all = [
        Broken::Unreadable,
        Broken::Place(3),
        Broken::Hash,
        Broken::Time,
        Broken::Witness,
    ];
    for why in all {
        let words = broken(why);
        assert!(!words.fr.is_empty() && words.fr != words.en, "{words:?}");
    }
}
