//! Acts on entries that the holder may not know of yet.
//!
//! A result its author marked *not yet visible to the patient* does not exist for the holder, so
//! nothing in the holder's log may tell of it. What is done to such an entry is chained apart
//! ([`LogHead::genesis_apart`](super::LogHead::genesis_apart)), an event an entry. When the holder
//! may know of the entry, the keeper adds these events to the holder's chain
//! ([`AccessEvent::told`]): they say when each act was done, and when it came into the log.

use std::collections::BTreeMap;

use super::AccessEvent;
use crate::{EntryId, Tick};

/// An act on an entry that the holder may not know of before some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// The entry.
    pub entry: EntryId,
    /// Until when.
    pub until: Tick,
    /// The event; it names this entry alone.
    pub event: AccessEvent,
}

/// Shares out what one act did: what goes into the holder's chain now, if anything, and what is
/// kept apart.
///
/// `touched` says how many changes of each entry were moved, `kept_until` until when the holder
/// may not know of an entry, if so. Both parts take all else from `event`.
pub fn share_out(
    event: &AccessEvent,
    touched: &BTreeMap<EntryId, u64>,
    kept_until: impl Fn(&EntryId) -> Option<Tick>,
) -> (Option<AccessEvent>, Vec<Apart>) {
    let mut known = AccessEvent {
        entries: Vec::new(),
        ..event.clone()
    };
    let mut apart = Vec::new();
    for (entry, changes) in touched {
        match kept_until(entry).filter(|until| *until > event.at) {
            Some(until) => apart.push(Apart {
                entry: *entry,
                until,
                event: AccessEvent {
                    entries: vec![*entry],
                    changes: *changes,
                    ..event.clone()
                },
            }),
            None => {
                known.entries.push(*entry);
                known.changes += changes;
            }
        }
    }
    let nothing_known = known.entries.is_empty() && known.changes == 0 && !apart.is_empty();
    ((!nothing_known).then_some(known), apart)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::PersonId;
    use crate::audit::{AccessAction, LogHead, Verifier};
    use crate::policy::Role;

    fn entry(n: u128) -> EntryId {
        EntryId(Uuid::from_u128(n))
    }

    fn event() -> AccessEvent {
        AccessEvent {
            seq: 0,
            at: Tick(10),
            logged: None,
            person: PersonId(Uuid::from_u128(1)),
            role: Role::System,
            on_behalf_of: None,
            device: None,
            action: AccessAction::Read,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: None,
        }
    }

    #[test]
    fn what_is_kept_back_leaves_no_trace_in_what_is_told() {
        let touched = BTreeMap::from([(entry(1), 3), (entry(2), 4)]);
        let until = |of: u128, at: u64| move |e: &EntryId| (*e == entry(of)).then_some(Tick(at));
        let (known, apart) = share_out(&event(), &touched, until(2, 20));
        let known = known.expect("one is known");
        assert_eq!((known.entries, known.changes), (vec![entry(1)], 3));
        assert_eq!(apart.len(), 1);
        assert_eq!((apart[0].entry, apart[0].until), (entry(2), Tick(20)));
        assert_eq!(
            (apart[0].event.entries.clone(), apart[0].event.changes),
            (vec![entry(2)], 4)
        );
        // One that fell due is told like the others.
        let (known, apart) = share_out(&event(), &touched, until(2, 10));
        assert_eq!(known.map(|known| known.changes), Some(7));
        assert!(apart.is_empty());
        let only = BTreeMap::from([(entry(2), 4)]);
        let (known, apart) = share_out(&event(), &only, until(2, 20));
        assert!(known.is_none() && apart.len() == 1);
        let (known, apart) = share_out(&event(), &BTreeMap::new(), until(2, 20));
        assert!(known.is_some() && apart.is_empty());
    }

    #[test]
    fn what_is_told_late_stands_in_the_chain_with_its_own_time() {
        let record = crate::RecordId(Uuid::from_u128(9));
        let mut head = LogHead::genesis(&record);
        let open = head.append(&record, event());
        let later = AccessEvent {
            at: Tick(15),
            ..event()
        };
        let later = head.append(&record, later);
        let told = head.append(&record, event().told(Tick(20)));
        let mut verifier = Verifier::new(record, head.hash);
        for event in [&open, &later] {
            verifier.push(event).expect("follows");
        }
        let read = verifier.push(&told).expect("follows");
        assert_eq!((read.at, read.chained_at()), (Tick(10), Tick(20)));
        assert!(verifier.finish().is_ok());
        assert_ne!(LogHead::genesis(&record), LogHead::genesis_apart(&record));
    }
}
