//! A full resend in which only what differs is sent.
//!
//! A device whose cursor cannot be honoured has most of what it may have. What of the log stood at the
//! moment when the walk began, and has not been touched since, is a page that is given by comparing:
//! the device finds out which entries it has not in that version, and is given those. Then the walk
//! goes on after that page as after any other.

use std::collections::BTreeMap;

use super::{Among, Compare, Compared, Cursor, Log, OPENED, Page, Stretch, Stretches, Walk};
use crate::reconcile::{Inventory, ItemId, Ranges};
use crate::sync::limits::MAX_RECONCILE;
use crate::{EntryId, Tick};

/// What the page has that is given by comparing.
#[derive(Default)]
struct Standing {
    inventory: Inventory,
    /// When the viewer noticed each entry last.
    noticed: BTreeMap<EntryId, Tick>,
}

impl<L: Log> Walk<'_, L> {
    /// Starts over: gives all if it is little, and else nothing yet, and lets the device compare.
    pub(super) fn start_over(self) -> Result<Page<L::Change>, L::Error> {
        let mut all = Walk::new(self.log, self.viewer, self.since, true)?;
        all.budget = all.budget.min(all.since.at_once);
        all.go()?;
        if !all.page.more {
            return all.finish();
        }
        let mut offer = Walk::new(all.log, all.viewer, all.since, true)?;
        offer.begin_comparing();
        offer.page.more = true;
        Ok(offer.page)
    }

    /// From now on this is a full resend whose first page is what stands now.
    fn begin_comparing(&mut self) {
        let at = self.since.until;
        let cursor = &mut self.page.cursor;
        self.page.reset = true;
        cursor.started = at;
        cursor.vital_first = false;
        (cursor.comparing, cursor.compared) = (true, false);
        cursor.stretches = Stretches::default();
        cursor.stretches.add(Stretch {
            upto: at,
            within: None,
            at,
        });
    }

    /// The device does not compare: if it did before, it asks for pages instead. If it may have been
    /// given something by then, or named what both have, all begins anew with these pages: what is
    /// hidden from now on goes because none of them names it.
    pub(super) fn turned_to_pages(mut self) -> Result<Self, L::Error> {
        let Cursor {
            comparing,
            compared,
            ..
        } = self.page.cursor;
        if !comparing {
            return Ok(self);
        }
        if compared {
            return Walk::new(self.log, self.viewer, self.since, true);
        }
        let cursor = &mut self.page.cursor;
        (cursor.comparing, cursor.vital_first) = (false, true);
        cursor.stretches = Stretches::default();
        self.first = true;
        Ok(self)
    }

    /// Answers a device that compares.
    pub(super) fn compare(mut self, asked: &Compare) -> Result<Page<L::Change>, L::Error> {
        let goes_on = self.page.cursor.comparing && !self.was_hidden()?;
        if !goes_on && self.since.returning {
            // What was found is not what differs now. If there is little left for the viewer, or
            // nothing any more, the device is not to keep the rest for so many rounds.
            return self.start_over();
        }
        if goes_on && asked.message.is_empty() && !self.page.cursor.compared {
            // It says that it has all, and was not told of all that differs.
            return self.start_over();
        }
        if !goes_on {
            self = Walk::new(self.log, self.viewer, self.since, true)?;
            self.begin_comparing();
        }
        let begun = self.page.cursor.stretches.last();
        let begun = begun.map_or(self.since.until, |begun| begun.at);
        let standing = self.standing(begun)?;
        let most = self.since.budget.min(MAX_RECONCILE);
        let mut reply = None;
        if !asked.message.is_empty() {
            // What cannot be read is not let in.
            let said = standing.inventory.reply(&asked.message, most);
            let asks = |asked: Ranges| said.is_ok() && asked != Ranges::default();
            let asks = Ranges::of(&asked.message).is_some_and(asks);
            reply = said.ok().flatten();
            let left = reply.as_ref().map(|reply| Ranges::of(reply));
            let named = left.is_none_or(|left| left.is_some_and(|left| left.digests == 0));
            self.page.cursor.compared |= asks && named;
        }
        self.page.more = true;
        if reply.is_some() {
            self.page.compared = Some(Compared {
                message: reply.map(Into::into),
                given: 0,
            });
        }
        if self.page.compared.is_some() || self.page.reset || !self.page.cursor.compared {
            return Ok(self.page);
        }
        let given = self.fill(&asked.wanted, &standing)?;
        self.page.compared = Some(Compared {
            message: None,
            given: u32::try_from(given).unwrap_or(u32::MAX),
        });
        if given < asked.wanted.len() {
            return Ok(self.page);
        }
        self.page.more = false;
        (self.page.cursor.comparing, self.page.cursor.compared) = (false, false);
        self.page.cursor.upto = begun;
        self.reached = standing
            .noticed
            .values()
            .copied()
            .fold(self.reached, Tick::max);
        self.tell_destroyed(begun)?;
        self.go()?;
        self.finish()
    }

    /// Whether something was hidden from the viewer since the comparison began, and still is. Nobody
    /// knows then whether the device has it, and to be told to forget it would name it: all begins anew.
    fn was_hidden(&mut self) -> Result<bool, L::Error> {
        let (until, begun) = (self.since.until, self.page.cursor.stretches.last());
        let begun = begun.map_or(until, |begun| begun.at);
        let (gone, left): (Vec<_>, Vec<_>) = self
            .log
            .met(Among::All, until, begun, until)?
            .into_iter()
            .map(|(_, met)| met)
            .partition(|met| met.destroyed.is_some());
        if gone.iter().any(|met| met.destroyed <= Some(begun)) {
            return Ok(true);
        }
        let rows = left.into_iter().map(|met| met.row).collect();
        for entry in self.log.open(rows)?.into_iter().flatten() {
            // What they may have now comes whole with the rest: it was touched.
            let now = self.log.class(&entry)?;
            let then = self.log.class_at(&entry, begun)?;
            let might = then.is_some_and(|class| self.may_read(&class, begun));
            if might && !self.may_read(&now, until) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the viewer may have, as it stood at a moment, of what has not been touched since.
    fn standing(&mut self, begun: Tick) -> Result<Standing, L::Error> {
        let mut found = Standing::default();
        if !self.viewer.standing.may_open() {
            return Ok(found);
        }
        let mut versions = Vec::new();
        let mut after = Tick(0);
        loop {
            let met = self.log.met(Among::All, after, begun, begun)?;
            let whole = met.len() >= L::CHUNK;
            let end = met.last().map_or(begun, |(last, _)| *last);
            let met = met.into_iter().filter(|(_, met)| met.destroyed.is_none());
            let mut met = met.peekable();
            while met.peek().is_some() {
                let some = met.by_ref().take(OPENED);
                let (at, rows): (Vec<_>, Vec<_>) = some
                    .map(|(at, met)| ((at, met.entry, met.touched, met.due), met.row))
                    .unzip();
                let opened = self.log.open(rows)?;
                for ((at, id, touched, due), entry) in at.into_iter().zip(opened) {
                    let Some(entry) = entry else { continue };
                    let class = self.log.class(&entry)?;
                    let due = due.filter(|due| *due <= begun);
                    if self.may_read(&class, begun) && at == self.noticed(&class, touched, due) {
                        versions.push((id, self.log.version(&entry)?));
                        found.noticed.insert(id, at);
                    }
                }
            }
            if !whole {
                break;
            }
            after = end;
        }
        found.inventory = versions.into_iter().collect();
        Ok(found)
    }

    /// Gives what is wanted, as far as it fits; answers how many of it are dealt with. What is not
    /// as it stood any more comes, or is forgotten, later in the walk.
    fn fill(&mut self, wanted: &[ItemId], standing: &Standing) -> Result<usize, L::Error> {
        for (dealt, item) in wanted.iter().enumerate() {
            let Some(id) = standing.inventory.entry(item) else {
                continue;
            };
            if self.budget == 0 {
                return Ok(dealt);
            }
            if self.page.entries.contains_key(&id) {
                continue;
            }
            let Some(entry) = self.log.find(id)? else {
                continue;
            };
            let class = self.log.class(&entry)?;
            let at = standing.noticed.get(&id).copied().unwrap_or_default();
            if !self.give(at, id, &entry, Tick(0))? {
                return Ok(dealt);
            }
            self.keep(id, &class);
        }
        Ok(wanted.len())
    }

    /// Tells of what was destroyed while the device had it.
    fn tell_destroyed(&mut self, begun: Tick) -> Result<(), L::Error> {
        let told = self.page.cursor.told;
        if told == Tick(0) || !self.viewer.standing.may_open() {
            return Ok(());
        }
        for (at, met) in self.log.met(Among::All, begun, Tick(0), begun)? {
            if met.destroyed.is_some_and(|made| made <= told) && at == met.touched {
                self.page.destroyed.insert(met.entry);
                self.page.forget.insert(met.entry);
            }
        }
        Ok(())
    }
}
