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

use super::cast::Cast;
use super::disk::Disk;
use super::oracle::{Moment, Oracle};

/// What is noted of a device to check it by; goes back with its store when a copy is restored.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// The edits made there.
    made: BTreeMap<ChangeHash, (EntryId, Vec<Write>)>,
    /// Of these, those that its person wrote there; what is handed back is among the others.
    wrote: BTreeSet<ChangeHash>,
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
        self.wrote.insert(change);
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

/// Each count, by what it counts.
macro_rules! counts {
    ($($(#[$meta:meta])* $group:ident { $($(#[$doc:meta])* $count:ident,)+ })+) => {
        /// How often what was seen.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($($(#[$doc])* pub $count: u64,)+)+
        }

        impl Counts {
            /// Each count.
            pub fn each(&mut self) -> impl Iterator<Item = &mut u64> {
                let Counts { $($($count,)+)+ } = self;
                [$($($count,)+)+].into_iter()
            }

            $(
                $(#[$meta])*
                pub fn $group(&self) -> impl Iterator<Item = (&'static str, u64)> {
                    [$((stringify!($count), self.$count),)+].into_iter()
                }
            )+
        }
    };
}

counts! {
    /// What came of it, each with its name.
    happened {
        /// Edits made on devices.
        edits,
        /// Edits accepted.
        accepted,
        /// Edits held.
        held,
        /// Edits held that were made in good faith.
        good_faith,
        /// Edits refused as equivocation.
        equivocations,
        /// Edits refused for other reasons, to be sent again or set aside.
        refused,
        /// Requests answered.
        requests,
        /// Entries forgotten on demand.
        forgotten,
        /// Full resends.
        resends,
        /// Answers that were only a page.
        pages,
        /// Answers that go on with a walk in the course of which something fell due.
        fell_due,
        /// Answers refused because they go on from where the device does not stand.
        late,
        /// Held edits settled.
        settled,
        /// Acknowledged edits that it had lost then and has again.
        handed_back,
        /// Entries destroyed.
        destroyed,
        /// Turns after which edits of the same request waited for another.
        turns,
        /// Turns after which a mark waited for the rest of its request.
        doomed,
        /// Answers worked out once more, because rights or entries changed before they were given.
        taken_back,
        /// News told to somebody connected.
        pushed,
        /// How often those who are connected were looked after and something had fallen due.
        turned,
        /// Edits that whoever carried them heard to be held.
        shown_held,
        /// Edits of another record that were brought here, and refused.
        stray_edits,
    }
    /// What went wrong, each with its name.
    faults {
        /// Messages that were lost.
        lost,
        /// Messages that were under way for long.
        delayed,
        /// Messages that came twice.
        doubled,
        /// Messages that came after one that was sent later.
        overtaken,
        /// Messages that came damaged.
        damaged,
        /// Crashes, of server or device.
        crashes,
        /// How often the server's store was put back from a copy.
        put_back,
        /// Requests that a crash cut short between two turns.
        cut_short,
        /// Crashes of one process of the server while others went on.
        processes,
        /// Lines on which nothing arrives, and neither end hears of it.
        half_open,
        /// Clocks that jumped by days.
        jumps,
        /// Times when half of the hardware was cut off at once.
        partitions,
        /// Stores in which a bit turned over.
        rotten,
        /// Devices that lost what they had taken for durable.
        unsynced,
        /// Messages that were carried by hand.
        carried,
        /// Devices that were revoked, and signed in again with a fresh key.
        revoked,
        /// Devices that forgot the record because it was closed to their person.
        closed,
        /// Times when the clock of the server was set.
        server_jumps,
        /// Transactions of the server that a crash cut, and of which nothing was left.
        torn,
        /// Transactions of the server that a crash cut, and all of which was there.
        untold,
        /// Rows of the server that were not what was written there.
        rotten_rows,
        /// Requests of another record.
        stray_requests,
        /// Edits of another record that said to have been accepted there.
        stray_proofs,
        /// Answers of another record.
        stray_answers,
        /// Frames of another record.
        stray_frames,
        /// Edits made with a checkpoint of another record.
        stray_checkpoints,
    }
}

impl Counts {
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
    cast: Cast,
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
    /// Of these, what it told before its store was put back: it may still be on its way.
    outdated: BTreeSet<CursorDigest>,
}

impl Checks {
    /// Checks of a new record.
    pub fn new(cast: Cast) -> Self {
        Checks {
            cast,
            oracle: Oracle::new(cast),
            ..Checks::default()
        }
    }
}
