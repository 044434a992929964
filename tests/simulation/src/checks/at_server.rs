//! Checks of what the server does.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::audit::{self, AccessAction, AccessEvent, LogHead};
use sync_core::change::{Origin, Voucher};
use sync_core::checkpoint::Checkpoint;
use sync_core::entry::{HIDDEN_FROM_PATIENT_UNTIL, Value};
use sync_core::policy::Role;
use sync_core::sync::{
    CursorDigest, HeldEdit, HoldReason, Refusal, Settlement, SyncAnswer, Verdict,
};
use sync_core::{ChangeHash, EntryId, RecordId, Tick, guard};

use super::{Checks, Promise};
use crate::cast::{Profile, Who};
use crate::device::Device;
use crate::keeper::{Books, Judgement, Keeper, Read};
use crate::oracle::{Moment, Wish};

/// How many lines of the access log are looked at: more than other jobs of one transaction write.
const RECENT: usize = 40;

impl Checks {
    /// A request had a turn; its transaction is not durable yet.
    pub fn passed(
        &mut self,
        keeper: &Keeper,
        device: &Device,
        (judged, freed): (&[Judgement], &[Judgement]),
        to_come: &BTreeSet<EntryId>,
    ) -> Result<(), String> {
        let mut freed = freed.iter().peekable();
        for (at, judgement) in judged.iter().enumerate() {
            self.judged(keeper, device, judgement)?;
            let next = judged.get(at + 1).map_or(Tick(u64::MAX), |next| next.tick);
            while let Some(judgement) = freed.next_if(|freed| freed.tick < next) {
                self.freed(judgement)?;
            }
        }
        let books = keeper.books();
        let all = books.destroyed.keys();
        let mut new = all.filter(|entry| !self.oracle.is_destroyed(entry));
        if let Some(entry) = new.find(|entry| to_come.contains(entry)) {
            return Err(format!(
                "{entry} is destroyed before the request that marks it is taken in"
            ));
        }
        self.destroyed(books)?;
        let written = judged
            .iter()
            .filter(|judgement| matches!(judgement.verdict, Verdict::Accepted(_)));
        let written = written.map(|judgement| judgement.edit.entry).collect();
        self.is_logged(books, &device.profile, (AccessAction::Write, &written))?;
        let held = judged
            .iter()
            .filter(|judgement| judgement.new && matches!(judgement.verdict, Verdict::Held(_)));
        let held = held.map(|judgement| judgement.edit.entry).collect();
        self.is_logged(books, &device.profile, (AccessAction::Hold, &held))
    }

    /// Edits of another record had a turn: none of them is taken.
    pub fn astray(&mut self, judged: &[Judgement]) -> Result<(), String> {
        for Judgement {
            change, verdict, ..
        } in judged
        {
            self.counts.stray_edits += 1;
            match verdict {
                Verdict::Refused(Refusal::NotAuthentic | Refusal::UnknownCheckpoint) => {}
                _ => {
                    let short = short(change);
                    return Err(format!("{short} is of another record: {verdict:?}"));
                }
            }
        }
        Ok(())
    }

    /// What is destroyed was said to be another patient's by somebody whose word destroys.
    pub fn destroyed(&mut self, books: &Books) -> Result<(), String> {
        for (entry, at) in &books.destroyed {
            self.counts.destroyed += u64::from(!self.oracle.is_destroyed(entry));
            if !self.oracle.destroy(*entry, *at) {
                return Err(format!(
                    "{entry} is destroyed, and nobody's word destroys it"
                ));
            }
        }
        Ok(())
    }

    /// A request was taken in to its end: what a physician says in it is another patient's, and
    /// nobody else since, is destroyed; unless a later request, which is not done, says more.
    pub fn taken_in(&self, books: &Books, judged: &[Judgement]) -> Result<(), String> {
        let entries = judged.iter().map(|judgement| judgement.edit.entry);
        let left = entries.filter(|entry| {
            let gone = books.destroyed.contains_key(entry) || books.doomed.contains_key(entry);
            !gone && self.oracle.is_marked(entry)
        });
        none_left(left.collect())
    }

    /// No request is under way: no mark waits for the rest of one.
    pub fn decided(&self, books: &Books) -> Result<(), String> {
        let all = self.oracle.existing().into_iter();
        let left = all
            .filter(|entry| !books.destroyed.contains_key(entry) && self.oracle.is_marked(entry));
        none_left(books.doomed.keys().copied().chain(left).collect())
    }

    fn judged(
        &mut self,
        keeper: &Keeper,
        device: &Device,
        judgement: &Judgement,
    ) -> Result<(), String> {
        let Judgement {
            edit,
            past,
            tick,
            change,
            verdict,
            new,
        } = judgement;
        let short = short(change);
        let origin = edit.origin.read().map_err(|_| "an origin cannot be read")?;
        let Some(past) = past else {
            return Err(format!(
                "the guard refuses {short}, which a real device made"
            ));
        };
        if edit.origin.voucher == Voucher::Frame {
            let name = device.profile.name;
            return Err(format!("{name} hands {short} in with nobody's word for it"));
        }
        let handed_back = origin.author != device.profile.author.person;
        let of_another_key = origin.device != device.profile.submitter().device;
        if handed_back && self.log.is_none() {
            let name = device.profile.name;
            return Err(format!("{name} hands {short} back, and nothing was lost"));
        }
        let wish = Wish {
            person: origin.author,
            role: &origin.role,
            entry: edit.entry,
            past,
        };
        let known = self.oracle.has(&edit.entry, change);
        match verdict {
            Verdict::Accepted(_) | Verdict::Duplicate(_) if known && *new => Err(format!(
                "{short} is accepted a second time, as if it were new"
            )),
            Verdict::Duplicate(_) if known => Ok(()),
            Verdict::Duplicate(_) => Err(format!("{short} is a duplicate of nothing")),
            Verdict::Accepted(_) => {
                if !self.oracle.may_write(wish, Moment::at(*tick)) {
                    return Err(format!(
                        "{short} of {} is accepted without the right",
                        device.profile.name
                    ));
                }
                self.counts.accepted += 1;
                self.oracle.accept(edit.entry, past, origin.author, *tick);
                Ok(())
            }
            Verdict::Held(_) if !keeper.books().held.contains_key(change) => {
                Err(format!("{short} is said to be held, and is not kept"))
            }
            Verdict::Held(reason) if *new => {
                self.counts.held += 1;
                let in_good_faith = self.acts_in_good_faith(keeper, (&origin, wish), *tick);
                // Of what was accepted in a lost life of the log, the holder is always asked.
                let of_another_life = origin.seen.is_none_or(|seen| seen.log != keeper.log());
                let again = self.log.is_some() && of_another_life;
                // What a device signed that was revoked since is for the holder to decide, unless
                // its person hands it in.
                let revoked = handed_back && keeper.is_revoked(origin.device);
                // So is what gives somebody a right and was signed by a device that the server lost.
                let about_right = self.oracle.about_rights(&edit.entry, past);
                let revoked = revoked || about_right && keeper.has_lost(origin.device);
                let permitted = !revoked && self.oracle.may_write(wish, Moment::at(*tick));
                match reason {
                    HoldReason::FollowsHeld => Ok(()),
                    _ if permitted => Err(format!("{short} is held although it is permitted")),
                    HoldReason::NoLongerPermitted if in_good_faith => {
                        self.counts.good_faith += 1;
                        Ok(())
                    }
                    HoldReason::NoLongerPermitted if again => Ok(()),
                    HoldReason::NotPermitted if !in_good_faith => Ok(()),
                    _ => Err(format!("{short} is held for the wrong reason, {reason:?}")),
                }
            }
            Verdict::Held(_) => Ok(()),
            Verdict::Refused(why) => {
                self.counts.refused(*why);
                let cloned = device.diary.cloned;
                let known_entry = self.oracle.existing().contains(&edit.entry);
                let in_good_faith = || {
                    let follows = &past.deps;
                    let taken = |dep: &ChangeHash| self.oracle.has(&edit.entry, dep);
                    let this_life = origin.seen.is_some_and(|seen| seen.log == keeper.log());
                    !handed_back
                        && this_life
                        && !self.oracle.is_destroyed(&edit.entry)
                        && !follows.is_empty()
                        && follows.iter().all(taken)
                        && self.acts_in_good_faith(keeper, (&origin, wish), *tick)
                };
                match why {
                    Refusal::Incomplete if in_good_faith() => Err(format!(
                        "{short} is refused, and its author could not know better"
                    )),
                    Refusal::UnknownCheckpoint | Refusal::Incomplete => Ok(()),
                    Refusal::Destroyed if keeper.books().destroyed.contains_key(&edit.entry) => {
                        Ok(())
                    }
                    Refusal::Equivocation if cloned || self.log.is_some() => Ok(()),
                    // A store and its copy signed the beginning of an entry anew, each for itself.
                    Refusal::Malformed if cloned && known_entry && past.deps.is_empty() => Ok(()),
                    // It is too late to hand it back, or the server lost whose the device is.
                    Refusal::NotAuthentic if handed_back => Ok(()),
                    Refusal::NotAuthentic if of_another_key && self.log.is_some() => Ok(()),
                    _ => Err(format!("{short} of a real device is refused: {why:?}")),
                }
            }
        }
    }

    /// Whether an edit that comes at a tick might have been made by all that its author had seen.
    fn acts_in_good_faith(
        &self,
        keeper: &Keeper,
        (origin, wish): (&Origin, Wish<'_>),
        tick: Tick,
    ) -> bool {
        origin.seen.is_some_and(|seen| {
            tick <= seen.tick.plus_days(keeper.lease_days)
                && !self.oracle.about_rights(&wish.entry, wish.past)
                && self.oracle.might_write(wish, seen.tick)
        })
    }

    /// What followed a held edit is judged anew, once that is in the record: by the right to it alone.
    fn freed(&mut self, judgement: &Judgement) -> Result<(), String> {
        let Judgement {
            edit,
            past,
            tick,
            change,
            verdict,
            ..
        } = judgement;
        let short = short(change);
        let origin = edit.origin.read().map_err(|_| "an origin cannot be read")?;
        let past = past.as_ref().ok_or("what is held cannot be read")?;
        let wish = Wish {
            person: origin.author,
            role: &origin.role,
            entry: edit.entry,
            past,
        };
        match verdict {
            Verdict::Accepted(_) if self.oracle.has(&edit.entry, change) => {
                Err(format!("{short}, which was held, is in the record already"))
            }
            Verdict::Accepted(_) if !self.oracle.may_write(wish, Moment::at(*tick)) => Err(
                format!("{short}, which was held, is accepted without the right"),
            ),
            Verdict::Accepted(_) => {
                self.counts.accepted += 1;
                self.oracle.accept(edit.entry, past, origin.author, *tick);
                Ok(())
            }
            Verdict::Held(HoldReason::FollowsHeld) => Err(format!(
                "{short} is said to follow what is held, and does not"
            )),
            _ => Ok(()),
        }
    }

    /// An answer leaves.
    pub fn answered(
        &mut self,
        keeper: &Keeper,
        profile: &Profile,
        read: &Read,
        answer: &SyncAnswer,
    ) -> Result<(), String> {
        self.counts.requests += 1;
        let viewer = profile.author.person;
        let log = answer
            .checkpoint
            .seen()
            .map_err(|error| error.to_string())?
            .log;
        let items = match &answer.news {
            None => Vec::new(),
            Some(frame) => {
                let read = frame.unpack_attested(&self.cast.record(), log, &[keeper.public_key()]);
                let read = read.map_err(|error| format!("the server's own frame: {error}"))?;
                read.items
            }
        };
        let shown: BTreeSet<EntryId> = items.iter().map(|item| item.edit.entry).collect();
        let given = shown.iter().map(|entry| (profile.name, *entry));
        self.given.extend(given);
        let until = read.page.until;
        let moment = Moment {
            log: until,
            time: read.now,
        };
        self.told.insert(CursorDigest::of(&answer.cursor), moment);
        let readable = self.oracle.readable(viewer, moment);
        if let Some(entry) = shown.difference(&readable).next() {
            return Err(format!(
                "{} is shown {entry} without the right",
                profile.name
            ));
        }
        for held in &answer.held {
            let author = held.origin().map_err(|_| "a held origin")?.author;
            if author != viewer && profile.who != Who::Holder {
                return Err(format!("{} is told of another's held edit", profile.name));
            }
            if author != viewer && marked_until(held).is_some_and(|mark| until < mark) {
                return Err("the holder is shown a held edit too early".to_owned());
            }
        }
        self.is_logged(keeper.books(), profile, (AccessAction::Read, &shown))?;
        self.counts.resends += u64::from(answer.reset);
        self.counts.pages += u64::from(answer.more);
        self.counts.fell_due += u64::from(read.fell_due);
        Ok(())
    }

    /// Somebody's doings are in the access log, and it tells the holder of nothing too early.
    fn is_logged(
        &self,
        books: &Books,
        profile: &Profile,
        (action, entries): (AccessAction, &BTreeSet<EntryId>),
    ) -> Result<(), String> {
        let lines = books.audit.iter().rev().take(RECENT);
        let recent: Vec<&AccessEvent> = lines.map(|line| &line.event).collect();
        let holder = self
            .oracle
            .readable(self.cast.id(Who::Holder), Moment::at(books.last));
        let all = self.oracle.existing();
        let secret = |entry: &&EntryId| {
            let gone = self.oracle.is_destroyed(entry);
            !gone && all.contains(*entry) && !holder.contains(*entry)
        };
        // What was told before it was hidden from them stays told.
        let new = recent.iter().filter(|event| event.at >= books.last);
        let mut told = new.flat_map(|event| &event.entries);
        if let Some(entry) = told.find(secret) {
            return Err(format!("the holder's log tells of {entry} too early"));
        }
        let apart = books.apart.iter().map(|apart| &apart.event);
        let of_viewer = recent.iter().copied().chain(apart);
        let of_viewer = of_viewer
            .filter(|event| event.action == action && event.person == profile.author.person);
        let logged: BTreeSet<&EntryId> = of_viewer.flat_map(|event| &event.entries).collect();
        match entries.iter().all(|entry| logged.contains(entry)) {
            true => Ok(()),
            false => Err(format!(
                "{} acts without a line in the access log",
                profile.name
            )),
        }
    }

    /// An answer left for its device: from here on it binds.
    pub fn promised(&mut self, answer: &SyncAnswer) {
        for outcome in &answer.outcomes {
            let promise = match outcome.verdict {
                Verdict::Accepted(_) | Verdict::Duplicate(_) => Promise::Accepted,
                Verdict::Held(_) => Promise::Held,
                Verdict::Refused(_) => continue,
            };
            self.promised.insert(outcome.change, promise);
        }
    }

    /// The server's store is as it was up to a tick.
    pub fn put_back(
        &mut self,
        keeper: &Keeper,
        until: Tick,
        devices: &mut [Device],
    ) -> Result<(), String> {
        let books = keeper.durable();
        self.counts.put_back += 1;
        self.log = Some(keeper.log());
        self.oracle.roll_back(until);
        self.outdated.extend(self.told.keys());
        let accepted: BTreeSet<ChangeHash> = books.log.iter().map(|row| row.change).collect();
        let there =
            |change: &ChangeHash| accepted.contains(change) || books.held.contains_key(change);
        let promised = std::mem::take(&mut self.promised).into_iter();
        let (kept, lost): (BTreeMap<_, _>, BTreeMap<_, _>) =
            promised.partition(|(change, _)| there(change));
        // What the holder had released may be held again.
        let as_kept = |(change, _)| {
            let promise = match accepted.contains(&change) {
                true => Promise::Accepted,
                false => Promise::Held,
            };
            (change, promise)
        };
        self.promised = kept.into_iter().map(as_kept).collect();
        self.lost.extend(lost.into_keys());
        // What a device was given as being in the record was promised too, also where the outcome of
        // its own edit never reached it.
        for Device { disk, .. } in &*devices {
            self.lost
                .extend(disk.accepted().filter(|change| !there(change)));
        }
        // A journal that is not put back with the store says what was destroyed; whose word did may
        // be lost.
        let again = books.destroyed.iter().filter(|(_, at)| **at > until);
        for (entry, at) in again {
            self.oracle.destroy_again(*entry, *at);
        }
        self.destroyed(books)?;
        for Device { disk, diary, .. } in devices {
            let lost = |change: &ChangeHash| !there(change) && self.lost.contains(change);
            diary.owes = disk.changes().filter(|(_, change)| lost(change)).collect();
        }
        self.durable(books)
    }

    /// A transaction became durable, or a crash took back what was not.
    pub fn durable(&mut self, books: &Books) -> Result<(), String> {
        self.oracle.roll_back(books.last);
        let mut names = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        let mut last = Tick(0);
        for row in &books.log {
            if row.tick <= last {
                return Err("ticks do not increase".to_owned());
            }
            last = row.tick;
            if !names.insert(row.change) {
                return Err(format!("{} is in the log twice", short(&row.change)));
            }
            if !numbers.insert((row.entry, row.actor, row.seq)) {
                return Err("two changes have one actor and number".to_owned());
            }
        }
        for (change, promise) in &self.promised {
            let kept = match promise {
                Promise::Accepted => names.contains(change),
                Promise::Held => books.held.contains_key(change),
            };
            if !kept {
                return Err(format!("{} was acknowledged and is gone", short(change)));
            }
        }
        self.chained(books)?;
        // What somebody else had handed in first is released when its author brings it.
        let mut held = books.held.iter();
        let both = held.find(|(change, row)| {
            names.contains(*change) && row.settlement != Some(Settlement::Released)
        });
        match both.map(|(change, _)| change) {
            Some(both) => Err(format!("{} is held and accepted", short(both))),
            None => Ok(()),
        }
    }
}

impl Checks {
    /// Every line of the access log follows the one before; of those that were looked at before,
    /// none is another now.
    fn chained(&mut self, books: &Books) -> Result<(), String> {
        let known = self.heads.len().min(books.audit.len());
        let same = match known.checked_sub(1) {
            Some(last) => books.audit[last].chained.hash == self.heads[last].hash,
            None => true,
        };
        // A crash takes lines back that were never durable, and a copy those that came after it.
        self.heads.truncate(match same {
            true => known,
            false => 0,
        });
        for line in &books.audit[self.heads.len()..] {
            let record = self.cast.record();
            let mut head = match self.heads.last() {
                Some(head) => *head,
                None => LogHead::genesis(&record),
            };
            if head.append(&record, line.event.clone()).hash != line.chained.hash {
                return Err("a line of the access log does not follow the one before".to_owned());
            }
            self.heads.push(head);
        }
        Ok(())
    }
}

fn none_left(left: Vec<EntryId>) -> Result<(), String> {
    match left.first() {
        Some(entry) => Err(format!("{entry} is another patient's, and not destroyed")),
        None => Ok(()),
    }
}

/// The access log verifies, and holds what a device's last checkpoint says.
pub fn log_verifies(record: &RecordId, books: &Books, device: &Device) -> Result<(), String> {
    let Some(held) = &device.disk.head.checkpoint else {
        return Ok(());
    };
    let held: Checkpoint = held.0.read().map_err(|error| error.to_string())?;
    let events = books.audit.iter().map(|line| &line.chained);
    let verified = audit::verify(record, events, &held.access_log);
    verified
        .map(|_| ())
        .map_err(|broken| format!("for {}: {broken}", device.profile.name))
}

/// Until when a held edit asks that the holder may not know of it.
fn marked_until(held: &HeldEdit) -> Option<Tick> {
    let past = guard::inspect(&held.edit.change).ok()?.past;
    let professional = matches!(held.origin().ok()?.role, Role::Professional(_));
    match past.wrote(HIDDEN_FROM_PATIENT_UNTIL)?? {
        Value::Uint(until) if professional => Some(Tick(*until)),
        _ => None,
    }
}

/// The first digits of a change's name.
pub fn short(change: &ChangeHash) -> String {
    change.to_string().chars().take(6).collect()
}
