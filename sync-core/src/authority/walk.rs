//! What is new to a viewer since a cursor, page by page.
//!
//! A walk goes through the entries in the order in which something last happened to them that the
//! viewer may notice, and then through the held edits; a page is as much of it as fits one answer.
//! What a viewer may not know of leaves no trace in a page, nor in how many pages there are, nor in
//! how long one takes: the walk does not meet it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Among, Cursor, Log, Met, Stretch, Stretches, Witness, leaves};
use crate::checkpoint::CheckpointDigest;
use crate::entry::EntryClass;
use crate::guard::MAX_CHANGES;
use crate::kind::Kind;
use crate::policy::{Matrix, Standing};
use crate::reconcile::{Compare, Compared};
use crate::sync::limits::{MAX_ENTRY, MAX_FRAME, MAX_ORIGIN};
use crate::sync::{HeldEdit, Item, Weighs as _};
use crate::{ChangeHash, EntryId, Epoch, LogIncarnation, Tick};

/// What an edit weighs besides its change and its origin: names, places.
const OVERHEAD: usize = 32;

// What one entry weighs at most fits a frame too.
const _: () = assert!(MAX_ENTRY + MAX_CHANGES * (MAX_ORIGIN + OVERHEAD) < MAX_FRAME);

/// To whom a page is given.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'v> {
    /// What they are to the record now.
    pub standing: &'v Standing,
    /// What each profession reads.
    pub matrix: &'v Matrix,
    /// What decides their rights now.
    pub epoch: Epoch,
    /// It is the holder.
    pub holder: bool,
}

/// Where a page starts, and what it can carry.
#[derive(Clone, Copy, Debug)]
pub struct Since<'s> {
    /// Which life of the log there is.
    pub log: LogIncarnation,
    /// The log's last tick.
    pub until: Tick,
    /// As the device last had it.
    pub cursor: Option<Cursor>,
    /// The viewer may be told that they saw everything up to here, once they did.
    pub floor: Tick,
    /// Edits that the device just handed in, by the ticks at which they were accepted.
    pub own: &'s BTreeSet<Tick>,
    /// The entries of the edits it handed in that are in the record, those included that were
    /// accepted before, and those that it may know were destroyed.
    pub answered: &'s BTreeSet<EntryId>,
    /// Edits of the viewer's that the answer says to be held.
    pub held: &'s BTreeSet<ChangeHash>,
    /// How many bytes of edits the page should carry; it ends after the entry that reaches this.
    pub budget: usize,
    /// How many bytes of edits the page may carry, unless one entry has more: it ends before the entry
    /// that would be too much.
    pub most: usize,
    /// The device showed a cursor, be it one that nobody can read: it has a copy.
    pub returning: bool,
    /// How many bytes of edits it is given all the same when all starts over, if that is all there is.
    pub at_once: usize,
    /// It compares this copy with the log, instead of being sent all.
    pub compare: Option<&'s Compare>,
}

/// What is new, as far as one answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<C = Item> {
    /// A full resend starts here.
    pub reset: bool,
    /// Changes to give.
    pub items: Vec<C>,
    /// Entries to forget.
    pub forget: BTreeSet<EntryId>,
    /// Of these, those that were destroyed.
    pub destroyed: BTreeSet<EntryId>,
    /// Held edits to tell of.
    pub held: Vec<HeldEdit>,
    /// What a device is told that compares its copy with the log.
    pub compared: Option<Compared>,
    /// There is more.
    pub more: bool,
    /// How far this goes; the digest of its checkpoint is still to come.
    pub cursor: Cursor,
    /// The log's last tick when this was worked out.
    pub until: Tick,
    /// Every entry of which something is given to read, and how many changes.
    pub entries: BTreeMap<EntryId, u64>,
    /// Of these entries, until when the holder may not know of some.
    pub kept: BTreeMap<EntryId, Tick>,
}

impl<C> Page<C> {
    /// A page that tells nothing and ends in a cursor.
    pub fn empty(cursor: Cursor, until: Tick) -> Self {
        Page {
            reset: false,
            items: Vec::new(),
            forget: BTreeSet::new(),
            destroyed: BTreeSet::new(),
            held: Vec::new(),
            compared: None,
            more: false,
            cursor,
            until,
            entries: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Whether anything of the record is given to read.
    pub fn gives(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Whether all vital entries of a full resend were given, and others are to come.
    pub fn vital_given(&self) -> bool {
        self.more && self.cursor.vital > Tick(0)
    }

    /// Whether a device has anything to do about it.
    pub fn tells(&self) -> bool {
        self.gives() || !self.forget.is_empty() || self.reset || self.more
    }
}

/// Works out the next page for a viewer. Goes on from the cursor if it is of this log and these
/// rights, and else starts over: a device that has a copy of more than a little is given nothing yet
/// then, so that it may compare that copy instead.
///
/// # Errors
/// Those of the log.
pub fn walk<L: Log>(
    log: &mut L,
    viewer: Viewer<'_>,
    since: &Since<'_>,
) -> Result<Page<L::Change>, L::Error> {
    let walk = Walk::new(log, viewer, since, false)?;
    if let Some(compare) = since.compare {
        return walk.compare(compare);
    }
    if walk.page.reset && since.returning {
        return walk.start_over();
    }
    let mut walk = walk.turned_to_pages()?;
    walk.go()?;
    match walk.loses_track()? {
        true => walk.start_over(),
        false => walk.finish(),
    }
}

/// Whether there is something that the viewer may notice after a tick and not after another.
fn changed<L: Log>(log: &mut L, after: Tick, until: Tick) -> Result<bool, L::Error> {
    Ok(!log.met(Among::All, after, after, until)?.is_empty())
}

/// How many entries are opened at once.
const OPENED: usize = 256;

/// What to tell of an entry.
enum What {
    /// All its changes: the device has not got it.
    Whole,
    /// Its changes since the walk's base.
    Since,
    /// That it must be forgotten: the device may have it.
    Forget,
}

struct Walk<'w, L: Log> {
    log: &'w mut L,
    viewer: Viewer<'w>,
    since: &'w Since<'w>,
    budget: usize,
    /// When the last happened that this page tells of.
    reached: Tick,
    /// No page was given before this answer.
    first: bool,
    /// What the page weighs.
    weight: usize,
    /// The last entry that was passed, if it stands at the cursor's tick.
    passed: Option<EntryId>,
    page: Page<L::Change>,
}

impl<'w, L: Log> Walk<'w, L> {
    fn new(
        log: &'w mut L,
        viewer: Viewer<'w>,
        since: &'w Since<'w>,
        anew: bool,
    ) -> Result<Self, L::Error> {
        let of_this_log = since.cursor.filter(|cursor| cursor.log == since.log);
        let goes_on = |cursor: &Cursor| !anew && cursor.epoch == viewer.epoch;
        let mut going_on = of_this_log.filter(goes_on);
        if let Some(Cursor { stretches, .. }) = going_on
            && stretches.is_full()
            && let Some(last) = stretches.last()
            && changed(log, last.at, since.until)?
        {
            going_on = None;
        }
        let fresh = Cursor {
            log: since.log,
            base: Tick(0),
            upto: Tick(0),
            within: None,
            started: Tick(0),
            held: Tick(0),
            held_within: Tick(0),
            // What was once said stays said: a checkpoint never goes back.
            told: of_this_log.map_or(Tick(0), |cursor| cursor.told),
            epoch: viewer.epoch,
            digest: CheckpointDigest([0; 16]),
            resending: true,
            comparing: false,
            vital_first: true,
            vital: Tick(0),
            reached: Tick(0),
            compared: false,
            stretches: Stretches::default(),
            witness: Witness::default(),
        };
        Ok(Walk {
            log,
            viewer,
            since,
            budget: since.budget,
            reached: going_on.map_or(Tick(0), |cursor| cursor.reached),
            first: going_on.is_none_or(|cursor| cursor.stretches.last().is_none()),
            weight: 0,
            passed: None,
            page: Page {
                reset: going_on.is_none(),
                ..Page::empty(going_on.unwrap_or(fresh), since.until)
            },
        })
    }

    fn go(&mut self) -> Result<(), L::Error> {
        if self.viewer.standing.may_open() {
            self.entries()?;
        }
        self.forget_own()?;
        if !self.page.more {
            self.tell_held()?;
        }
        Ok(())
    }

    fn may_read(&self, class: &EntryClass, at: Tick) -> bool {
        let Viewer {
            standing, matrix, ..
        } = self.viewer;
        standing.may_read(class, matrix, at)
    }

    /// Up to when the device was given what there is of entries like this one, before the pages that
    /// the cursor remembers.
    fn base(&self, class: &EntryClass) -> Tick {
        let Cursor { base, vital, .. } = self.page.cursor;
        match Kind::is_vital(&class.kind) {
            true => base.max(vital),
            false => base,
        }
    }

    fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }

    /// Whether this page leaves the device with an entry of somebody else's that no cursor tells of:
    /// after a restore it handed the entry back, and no page has given it yet. Were it hidden before
    /// one does, nobody would know that it must be forgotten. What a full resend does not name goes
    /// by itself.
    fn loses_track(&mut self) -> Result<bool, L::Error> {
        let base = self.page.cursor.base;
        if !self.page.more || base == Tick(0) {
            return Ok(false);
        }
        for id in self.since.answered {
            if self.page.entries.contains_key(id) || self.page.forget.contains(id) {
                continue;
            }
            let Some(entry) = self.log.find(*id)? else {
                continue;
            };
            let own = self.log.class(&entry)?.author == self.viewer.standing.person();
            if !own && !self.has(*id, &entry)?.0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes through the entries until the budget is spent and there is something more to tell: in a
    /// full resend, first through the vital ones, then through the others up to where those had come,
    /// and from there through all.
    fn entries(&mut self) -> Result<(), L::Error> {
        let until = self.since.until;
        if self.page.cursor.vital_first {
            self.go_through(Among::Vital, until)?;
            if self.page.more {
                return Ok(());
            }
            self.have_given_vital(until);
        }
        let vital = self.page.cursor.vital;
        let Cursor { upto, within, .. } = self.page.cursor;
        if upto < vital || upto == vital && within.is_some() {
            self.go_through(Among::Others, vital)?;
            if self.page.more {
                return Ok(());
            }
        }
        self.go_through(Among::All, until)
    }

    /// From here on the others are given, from the first on. Little of them comes with the last of the
    /// vital ones, so that these are there soon.
    fn have_given_vital(&mut self, until: Tick) {
        if self.page.gives() {
            self.budget = self.budget.min(self.since.at_once);
        }
        let cursor = &mut self.page.cursor;
        (cursor.vital_first, cursor.vital) = (false, until);
        (cursor.upto, cursor.within) = (Tick(0), None);
        let began = cursor.stretches.iter().next();
        cursor.stretches = Stretches::default();
        for at in began.map(|first| first.at).into_iter().chain([until]) {
            cursor.stretches.add(Stretch {
                at,
                ..Stretch::default()
            });
        }
    }

    /// Goes through some of the entries, up to a tick, until the budget is spent and there is something
    /// more to tell.
    fn go_through(&mut self, among: Among, until: Tick) -> Result<(), L::Error> {
        self.passed = self.page.cursor.within.take();
        let mut within = self.passed;
        loop {
            let Cursor {
                upto,
                base,
                told,
                stretches,
                ..
            } = self.page.cursor;
            let given = |at: Tick, entry: EntryId| at == upto && Some(entry) <= within;
            let after = Tick(upto.0 - u64::from(within.is_some()));
            // What left a shelf before was not given in this walk, nor before it. But a device that
            // was here before may hold what it does not show, of what was destroyed meanwhile.
            let began = stretches.iter().next().map(|first| first.at);
            let left = match began {
                _ if base > Tick(0) => base,
                _ if told > Tick(0) => Tick(0),
                Some(began) => began,
                None => self.since.until,
            };
            let mut met = self.log.met(among, after, left.max(after), until)?;
            let whole = met.len() >= L::CHUNK;
            let end = match met.last() {
                Some((last, _)) if whole => *last,
                _ => until,
            };
            met.retain(|(at, met)| !given(*at, met.entry));
            let mut met = met.into_iter().peekable();
            while met.peek().is_some() {
                if !self.open(met.by_ref().take(OPENED).collect())? {
                    self.page.more = true;
                    return Ok(());
                }
            }
            self.page.cursor.upto = end;
            within = None;
            if !whole {
                return Ok(());
            }
        }
    }

    /// Opens entries that were met and tells of them; answers whether all of them were told.
    fn open(&mut self, met: Vec<(Tick, Met<L::Row>)>) -> Result<bool, L::Error> {
        let (destroyed, met): (Vec<_>, Vec<_>) = met
            .into_iter()
            .partition(|(_, met)| met.destroyed.is_some());
        for (at, met) in destroyed {
            self.meet_destroyed(at, &met);
        }
        let (found, rows): (Vec<_>, Vec<_>) = met
            .into_iter()
            .map(|(at, met)| ((at, met.entry, met.touched, met.due), met.row))
            .unzip();
        let opened = self.log.open(rows)?;
        for ((at, id, touched, due), entry) in found.into_iter().zip(opened) {
            if let Some(entry) = entry
                && !self.meet(at, id, (touched, due), &entry)?
            {
                return Ok(false);
            }
            self.page.cursor.upto = at;
            self.passed = Some(id);
        }
        Ok(true)
    }

    /// Tells that an entry was destroyed, if the device may have it. When it left a shelf before
    /// that, it was hidden there: no more is told.
    fn meet_destroyed(&mut self, at: Tick, met: &Met<L::Row>) {
        let Cursor { base, told, .. } = self.page.cursor;
        let made = met.destroyed.unwrap_or(met.touched);
        if made > base.max(told) && self.first {
            return;
        }
        if at == met.touched {
            self.page.destroyed.insert(met.entry);
        }
        self.page.forget.insert(met.entry);
        self.reached = self.reached.max(at);
    }

    /// Tells of one entry what there is to tell; answers whether it was told, or nothing is to be.
    fn meet(
        &mut self,
        at: Tick,
        id: EntryId,
        (touched, due): (Tick, Option<Tick>),
        entry: &L::Entry,
    ) -> Result<bool, L::Error> {
        let now = self.log.class(entry)?;
        let until = self.since.until;
        let due = due.filter(|due| *due <= until);
        if self.may_read(&now, until) && at != self.noticed(&now, touched, due) {
            return Ok(true);
        }
        let Some(what) = self.what(id, entry, &now)? else {
            return Ok(true);
        };
        let room = self.budget > 0;
        let told = match what {
            _ if !room => false,
            What::Whole => self.give(at, id, entry, Tick(0))?,
            What::Since => self.give(at, id, entry, self.base(&now))?,
            What::Forget => {
                self.page.forget.insert(id);
                self.reached = self.reached.max(at);
                return Ok(true);
            }
        };
        if told {
            self.keep(id, &now);
        } else {
            // Several may fall due at one tick.
            let same = at == self.page.cursor.upto;
            self.page.cursor.within = self.passed.filter(|_| same);
        }
        Ok(told)
    }

    /// Notes until when the holder may not know of an entry that is given.
    fn keep(&mut self, id: EntryId, class: &EntryClass) {
        let until = class.kept_from_holder_until();
        if let Some(until) = until.filter(|until| *until > self.since.until) {
            self.page.kept.insert(id, until);
        }
    }

    /// When the viewer notices what was touched last at a tick: then, or when it falls due, if
    /// that shows it to them.
    fn noticed(&self, class: &EntryClass, touched: Tick, due: Option<Tick>) -> Tick {
        match due.filter(|due| touched < *due) {
            Some(due) if !self.may_read(class, touched) && self.may_read(class, due) => due,
            _ => touched,
        }
    }

    fn what(
        &mut self,
        id: EntryId,
        entry: &L::Entry,
        now: &EntryClass,
    ) -> Result<Option<What>, L::Error> {
        let readable = self.may_read(now, self.since.until);
        // Where nothing was given before these pages, all there is of it is given, whatever they had.
        if readable && self.base(now) == Tick(0) {
            return Ok(Some(What::Whole));
        }
        let (has, since_base) = self.has(id, entry)?;
        Ok(match (has, readable) {
            (true, true) if since_base => Some(What::Since),
            (_, true) => Some(What::Whole),
            (true, false) => Some(What::Forget),
            (false, false) if self.may_have_made(entry, now)? => Some(What::Forget),
            (false, false) => None,
        })
    }

    /// Whether the device may have made an entry while the pages of this walk came: with one of them
    /// it was told that the entry is in the record, and none has given it yet.
    fn may_have_made(&mut self, entry: &L::Entry, now: &EntryClass) -> Result<bool, L::Error> {
        let Cursor {
            base, stretches, ..
        } = self.page.cursor;
        let Some(last) = stretches.last() else {
            return Ok(false);
        };
        if now.author != self.viewer.standing.person() {
            return Ok(false);
        }
        let touches = self.log.classes(entry, self.since.until)?;
        let made = touches.first().map(|(tick, _)| *tick);
        Ok(made.is_some_and(|made| base < made && made <= last.at))
    }

    /// Whether the device has an entry, and never may have been told to forget it since the walk's
    /// base, as far as cursors tell.
    fn has(&mut self, id: EntryId, entry: &L::Entry) -> Result<(bool, bool), L::Error> {
        let class = self.log.class(entry)?;
        let base = self.base(&class);
        let saw = base > Tick(0)
            && match self.log.class_at(entry, base)? {
                Some(class) => self.may_read(&class, base),
                None => false,
            };
        self.after_pages(id, entry, (base, saw))
    }

    /// Whether the device has an entry after the pages of this walk so far, if at its base it had
    /// it or not; and whether it never may have been told to forget it since.
    ///
    /// Each page told of what it met, as that stood when the page was worked out.
    fn after_pages(
        &mut self,
        id: EntryId,
        entry: &L::Entry,
        (base, saw): (Tick, bool),
    ) -> Result<(bool, bool), L::Error> {
        let stretches = self.page.cursor.stretches;
        if stretches.last().is_none() {
            return Ok((saw, saw));
        }
        let touches = self.log.classes(entry, self.since.until)?;
        let (mut has, mut from) = (
            saw,
            Stretch {
                upto: base,
                ..Stretch::default()
            },
        );
        for stretch in stretches.iter() {
            let at = stretch.at;
            let known = touches.partition_point(|(touched, _)| *touched <= at);
            if let Some((touched, class)) = touches[..known].last() {
                let due = class.visibility.hidden_from_patient_until;
                let within =
                    |tick: Tick| base < tick && !from.passed(tick, id) && stretch.passed(tick, id);
                if !self.may_read(class, at) {
                    has &= !self.left(&touches[..known]).any(within);
                } else if within(self.noticed(class, *touched, due.filter(|due| *due <= at))) {
                    has = true;
                }
            }
            from = stretch;
        }
        let first = touches.iter().rposition(|(touched, _)| *touched <= base);
        let mut since = touches[first.unwrap_or(0)..].iter();
        let readable = |(at, class): &(Tick, EntryClass)| self.may_read(class, base.max(*at));
        Ok((has, saw && since.all(readable)))
    }

    /// When an entry, after each of its changes of that class, left a shelf of the viewer's.
    fn left<'t>(&'t self, touches: &'t [(Tick, EntryClass)]) -> impl Iterator<Item = Tick> + 't {
        let Viewer {
            standing, matrix, ..
        } = self.viewer;
        let left = move |pair: &'t [(Tick, EntryClass)]| {
            let [(touched, before), (at, after)] = pair else {
                return None;
            };
            let mut shelves = leaves((before, *touched), after, *at).into_iter();
            shelves
                .any(|shelf| shelf.is_for(standing, matrix))
                .then_some(*at)
        };
        touches.windows(2).filter_map(left)
    }

    /// Gives the changes of an entry after a tick, but those that the device just handed in; answers
    /// whether they fit.
    fn give(
        &mut self,
        at: Tick,
        id: EntryId,
        entry: &L::Entry,
        after: Tick,
    ) -> Result<bool, L::Error> {
        let none = BTreeSet::new();
        let but = if after > Tick(0) {
            self.since.own
        } else {
            &none
        };
        let items = self.log.changes(entry, after, but)?;
        if items.is_empty() {
            return Ok(true);
        }
        let weight: usize = items.iter().map(|item| item.bytes() + OVERHEAD).sum();
        if self.weight + weight > self.since.most && self.page.gives() {
            return Ok(false);
        }
        self.weight += weight;
        self.spend(weight);
        self.page.entries.insert(id, items.len() as u64);
        self.page.items.extend(items);
        self.reached = self.reached.max(at);
        Ok(true)
    }

    /// What the device wrote while it could, and may no longer see: the answer to it was lost, and
    /// since then it was hidden or the right ended. No cursor of the device knows of it.
    fn forget_own(&mut self) -> Result<(), L::Error> {
        for entry in self.since.answered {
            if self.page.entries.contains_key(entry) {
                continue;
            }
            if self.log.is_destroyed(*entry)? {
                self.page.forget.insert(*entry);
                self.page.destroyed.insert(*entry);
            } else if let Some(found) = self.log.find(*entry)? {
                let class = self.log.class(&found)?;
                if !self.may_read(&class, self.since.until) {
                    self.page.forget.insert(*entry);
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Page<L::Change>, L::Error> {
        let Walk {
            log,
            since,
            mut page,
            reached,
            ..
        } = self;
        let until = since.until;
        let cursor = &mut page.cursor;
        if page.more {
            if cursor.started == Tick(0) {
                cursor.started = until;
            }
            cursor.reached = reached;
            let at = match cursor.stretches.last() {
                Some(last) if !changed(log, last.at, until)? => last.at,
                _ => until,
            };
            let Cursor { upto, within, .. } = *cursor;
            cursor.stretches.add(Stretch { upto, within, at });
        } else {
            *cursor = Cursor {
                base: until,
                upto: until,
                within: None,
                held: until,
                held_within: Tick(0),
                started: Tick(0),
                resending: false,
                comparing: false,
                vital_first: false,
                vital: Tick(0),
                reached: Tick(0),
                compared: false,
                stretches: Stretches::default(),
                // No later than what the viewer may know of: the time of what is hidden from them
                // stays hidden too.
                told: cursor.told.max(since.floor).max(reached),
                ..*cursor
            };
        }
        Ok(page)
    }
}

mod comparing;
mod held;
#[cfg(test)]
mod tests;
