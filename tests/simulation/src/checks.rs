//! What must hold at every step, and what must hold once all faults are over.

mod at_device;
mod at_end;
mod at_server;

pub use at_end::settled;
pub use at_server::short;

use std::collections::{BTreeMap, BTreeSet};

use sync_core::audit::LogHead;
use sync_core::entry::Write;
use sync_core::sync::{CursorDigest, Refusal};
use sync_core::{ChangeHash, EntryId, LogIncarnation, Tick};

use super::disk::Disk;
use super::oracle::{Moment, Oracle};

/// What is noted of a device to check it by; goes back with its store when a copy is restored.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// The edits made there.
    made: BTreeMap<ChangeHash, (EntryId, Vec<Write>)>,
    /// Every entry that it ever held: what somebody saw they have seen, restore or not.
    ever_held: BTreeSet<EntryId>,
    /// The checkpoint it held last.
    checkpoint: Option<(LogIncarnation, Tick)>,
    /// A copy of the store was put back without the device noticing.
    pub cloned: bool,
    /// What the server lost and this device had: it must not lose it too.
    owes: BTreeSet<(EntryId, ChangeHash)>,
    /// The record was closed to its person, and has not come anew since.
    closed: bool,
    /// Entries that it had and dropped: it may not know any more whose they were.
    dropped: BTreeSet<EntryId>,
    /// What of that was its own and was signed anew under another key.
    renewed: BTreeSet<ChangeHash>,
}

impl Diary {
    /// Notes an edit.
    pub fn made(&mut self, entry: EntryId, change: ChangeHash, writes: &[Write]) {
        self.made.insert(change, (entry, writes.to_vec()));
        self.ever_held.insert(entry);
    }

    /// Notes that the record is about to be forgotten, and with it what was destroyed.
    pub fn closed(&mut self, disk: &Disk) {
        self.closed = true;
        self.dropped.extend(disk.entries.keys());
        self.made
            .retain(|_, (entry, _)| !disk.destroyed.contains(entry));
    }

    /// Notes what is gone with a store that was put back, or that an answer took while the device
    /// could not know.
    pub fn owes_only(&mut self, has: impl Fn(&EntryId, &ChangeHash) -> bool) {
        self.owes.retain(|(entry, change)| has(entry, change));
    }

    /// The diary of the store once its copy is back.
    pub fn restored(&self, copy: Diary) -> Diary {
        Diary {
            ever_held: self.ever_held.union(&copy.ever_held).copied().collect(),
            cloned: self.cloned,
            closed: self.closed || copy.closed,
            dropped: self.dropped.union(&copy.dropped).copied().collect(),
            owes: self.owes.clone(),
            renewed: self.renewed.clone(),
            ..copy
        }
    }
}

/// What the server promised of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Accepted,
    Held,
}

/// How often what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Edits made on devices.
    pub edits: u64,
    /// Edits accepted.
    pub accepted: u64,
    /// Edits held.
    pub held: u64,
    /// Edits held that were made in good faith.
    pub good_faith: u64,
    /// Edits refused as equivocation.
    pub equivocations: u64,
    /// Edits refused for other reasons, to be sent again or set aside.
    pub refused: u64,
    /// Requests answered.
    pub requests: u64,
    /// Entries forgotten on demand.
    pub forgotten: u64,
    /// Full resends.
    pub resends: u64,
    /// Answers that were only a page.
    pub pages: u64,
    /// Answers that go on with a walk in the course of which something fell due.
    pub fell_due: u64,
    /// Crashes, of server or device.
    pub crashes: u64,
    /// Answers refused because they go on from where the device does not stand.
    pub late: u64,
    /// Held edits settled.
    pub settled: u64,
    /// How often the server's store was put back from a copy.
    pub put_back: u64,
    /// Acknowledged edits that it had lost then and has again.
    pub handed_back: u64,
    /// Devices that were revoked, and signed in again with a fresh key.
    pub revoked: u64,
    /// Entries destroyed.
    pub destroyed: u64,
    /// Devices that forgot the record because it was closed to their person.
    pub closed: u64,
    /// Turns after which edits of the same request waited for another.
    pub turns: u64,
    /// Requests that a crash cut short between two turns.
    pub cut_short: u64,
    /// Turns after which a mark waited for the rest of its request.
    pub doomed: u64,
    /// Answers worked out once more, because rights or entries changed before they were given.
    pub taken_back: u64,
    /// News told to somebody connected.
    pub pushed: u64,
    /// How often those who are connected were looked after and something had fallen due.
    pub turned: u64,
    /// Messages that were carried by hand.
    pub carried: u64,
    /// Edits that whoever carried them heard to be held.
    pub shown_held: u64,
    /// Crashes of one process of the server while others went on.
    pub processes: u64,
    /// Lines on which nothing arrives, and neither end hears of it.
    pub half_open: u64,
    /// Clocks that jumped by days.
    pub jumps: u64,
    /// Times when half of the hardware was cut off at once.
    pub partitions: u64,
    /// Stores in which a bit turned over.
    pub rotten: u64,
    /// Devices that lost what they had taken for durable.
    pub unsynced: u64,
}

impl Counts {
    /// Each count.
    pub fn each(&mut self) -> impl Iterator<Item = &mut u64> {
        let Counts {
            edits,
            accepted,
            held,
            good_faith,
            equivocations,
            refused,
            requests,
            forgotten,
            resends,
            pages,
            fell_due,
            crashes,
            late,
            settled,
            put_back,
            handed_back,
            revoked,
            destroyed,
            closed,
            turns,
            cut_short,
            doomed,
            taken_back,
            pushed,
            turned,
            carried,
            shown_held,
            processes,
            half_open,
            jumps,
            partitions,
            rotten,
            unsynced,
        } = self;
        [
            edits,
            accepted,
            held,
            good_faith,
            equivocations,
            refused,
            requests,
            forgotten,
            resends,
            pages,
            fell_due,
            crashes,
            late,
            settled,
            put_back,
            handed_back,
            revoked,
            destroyed,
            closed,
            turns,
            cut_short,
            doomed,
            taken_back,
            pushed,
            turned,
            carried,
            shown_held,
            processes,
            half_open,
            jumps,
            partitions,
            rotten,
            unsynced,
        ]
        .into_iter()
    }

    /// Adds another history's.
    pub fn add(&mut self, mut other: Counts) {
        for (count, more) in self.each().zip(other.each()) {
            *count += *more;
        }
    }

    fn refused(&mut self, why: Refusal) {
        match why {
            Refusal::Equivocation => self.equivocations += 1,
            _ => self.refused += 1,
        }
    }
}

/// The checks, and what they remember.
#[derive(Default)]
pub struct Checks {
    /// The law in plain words, over all that was accepted.
    pub oracle: Oracle,
    /// What happened.
    pub counts: Counts,
    promised: BTreeMap<ChangeHash, Promise>,
    /// What was promised and lost with the server's store.
    lost: BTreeSet<ChangeHash>,
    /// Of that, what a device still has once all faults are over.
    owed: BTreeSet<ChangeHash>,
    /// Which life of the log there is, once it is not the first.
    log: Option<LogIncarnation>,
    /// Which entries the server gave to which device, whether that took them or not.
    given: BTreeSet<(&'static str, EntryId)>,
    /// The heads of the access log, as far as it was verified.
    heads: Vec<LogHead>,
    /// By its cursor, the moment as of which an answer tells.
    told: BTreeMap<CursorDigest, Moment>,
}
