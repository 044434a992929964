//! What a page tells of held edits.

use super::Walk;
use crate::Tick;
use crate::authority::{Log, MetHeld};
use crate::sync::HeldEdit;

/// What a held edit weighs besides its change.
const HELD_OVERHEAD: usize = 256;

impl<L: Log> Walk<'_, L> {
    /// Tells of held edits, once all entries are given: the holder of those that wait for their
    /// decision, an author of their own, that they are held and what was decided.
    pub(super) fn tell_held(&mut self) -> Result<(), L::Error> {
        let until = self.since.until;
        let told = (self.page.cursor.held, self.page.cursor.held_within);
        let (upto, within) = told;
        let after = Tick(upto.0 - u64::from(within > Tick(0)));
        let is_new = |since: Tick, held: &MetHeld<L::Held>| {
            since > upto || (since == upto && within > Tick(0) && held.received > within)
        };
        let changed = self.log.held_changed(after, until)?.into_iter();
        let mut changed: Vec<(Tick, MetHeld<L::Held>)> = changed
            .filter_map(|held| Some((self.told_since(&held)?, held)))
            .filter(|(since, held)| is_new(*since, held) && *since <= until)
            .collect();
        changed.sort_by_key(|(since, held)| (*since, held.received));
        (self.page.cursor.held, self.page.cursor.held_within) = (until, Tick(0));
        let (mut last, mut last_received) = told;
        for (since, held) in changed {
            let facts = self.log.held_facts(&held.row)?;
            let (decides, destroyed) = (self.decides(&held), facts.destroyed);
            // What they were never told of was destroyed before they might know of it.
            if decides && destroyed && held.due.is_some_and(|due| due > held.changed) {
                continue;
            }
            if self.budget == 0 {
                // Several may change at one tick.
                let within = if since == last {
                    last_received
                } else {
                    Tick(0)
                };
                self.page.more = true;
                (self.page.cursor.held, self.page.cursor.held_within) = (last, within);
                break;
            }
            (last, last_received) = (since, held.received);
            let answered = || held.settlement.is_none() && self.since.held.contains(&facts.change);
            // The holder is told of their own that nobody decides on, as any author is.
            let yours = held.own && !(decides && facts.for_holder);
            if !yours && !facts.for_holder || yours && answered() {
                // To pass one over costs too, and anybody may have many held.
                self.spend(HELD_OVERHEAD);
                continue;
            }
            self.reached = self.reached.max(since);
            if destroyed {
                self.page.forget.insert(held.entry);
                self.page.destroyed.insert(held.entry);
                continue;
            }
            let (edit, reason) = self.log.open_held(&held.row)?;
            self.spend(edit.bytes() + HELD_OVERHEAD);
            if let Some(entry) = self.log.find(edit.entry)? {
                let class = self.log.class(&entry)?;
                self.keep(edit.entry, &class);
            }
            self.page.entries.entry(edit.entry).or_default();
            self.page.held.push(HeldEdit {
                edit,
                reason,
                received: held.received,
                settled: held.settlement,
                yours: yours && held.settlement.is_none(),
            });
        }
        Ok(())
    }

    /// Since when there is something to tell the viewer of a held edit, if they may be told at
    /// all: the holder when it came, but not before they may know of it; an author when it came,
    /// and when it was settled. That it was put off tells of its entry, and is not told to them.
    fn told_since(&self, held: &MetHeld<L::Held>) -> Option<Tick> {
        if self.decides(held) {
            return Some(held.due.map_or(held.changed, |due| due.max(held.changed)));
        }
        held.own.then_some(match held.settlement {
            Some(_) => held.changed,
            None => held.received,
        })
    }

    /// Whether the viewer is told of a held edit as the one who decides, or decided, on it.
    fn decides(&self, held: &MetHeld<L::Held>) -> bool {
        self.viewer.holder && !(held.own && held.settlement.is_some())
    }
}
