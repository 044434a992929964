//! How far a device has come, as whoever keeps the log remembers it.

use crate::audit::LogHead;
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::{Digest32, EntryId, Epoch, LogIncarnation, Tick};

const WITNESS: &[u8] = b"carnet/cursor-witness/1";

/// The layout of an encoded cursor while a walk is under way.
const WALKING: u8 = 5;
/// The same, of a device that has all it was to be given.
const RESTING: u8 = 2;

/// How far a device has come.
///
/// A device that has all it may see stands at `base`. While it is given more than fits one
/// answer, `base` stays where the walk began and `upto` goes through the entries by their last
/// touch. Many may fall due at one tick: a page may end within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the log.
    pub log: LogIncarnation,
    /// Everything up to here was given before this walk; zero in a full resend.
    pub base: Tick,
    /// Entries touched last up to here were given in this walk.
    pub upto: Tick,
    /// Of those of the tick `upto`, only those up to this one; all of them, if none is named.
    pub within: Option<EntryId>,
    /// The record's time when this walk began; zero when none is under way.
    pub started: Tick,
    /// Held edits changed up to here were told.
    pub held: Tick,
    /// Of those of the tick `held`, only those that came up to here; all of them, if it is zero.
    pub held_within: Tick,
    /// What the last checkpoint says.
    pub told: Tick,
    /// What decided the viewer's rights.
    pub epoch: Epoch,
    /// The last checkpoint.
    pub digest: CheckpointDigest,
    /// This walk is a full resend.
    pub resending: bool,
    /// The device compares what it has with what it may have up to the moment of the one stretch
    /// there is, which is given to it in that way. If it asks for pages instead, they are given.
    pub comparing: bool,
    /// In this resend the vital entries come first (see [`crate::kind::Kind::is_vital`]), and not all
    /// of them have come.
    pub vital_first: bool,
    /// In a full resend: all vital entries were given, as they stood then, before the others; zero if
    /// they were not.
    pub vital: Tick,
    /// When the last happened that the pages of this walk told of.
    pub reached: Tick,
    /// What was compared last left nothing to ask: all that differs was named.
    pub compared: bool,
    /// The pages of this walk so far.
    pub stretches: Stretches,
    /// How far the access logs had come when it was given.
    pub witness: Witness,
}

/// Pages of a walk that were worked out as the log stood at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// How far they went.
    pub upto: Tick,
    /// Of the entries of the tick `upto`, only up to this one; all of them, if none is named.
    pub within: Option<EntryId>,
    /// That moment.
    pub at: Tick,
}

impl Stretch {
    /// Whether these pages, or those before them, went through an entry that is met at a tick.
    pub fn passed(&self, at: Tick, entry: EntryId) -> bool {
        let Stretch { upto, within, .. } = *self;
        at < upto || at == upto && within.is_none_or(|within| entry <= within)
    }
}

/// The pages of a walk, by the moments as of which they were worked out, in order: what they told
/// of an entry follows from how it stood then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretches {
    all: [Stretch; Stretches::MOST],
    len: usize,
}

impl Stretches {
    /// How many moments a cursor remembers. A walk in the course of which the log changes more
    /// often begins anew.
    pub const MOST: usize = 12;

    /// Those there are.
    pub fn iter(&self) -> impl Iterator<Item = Stretch> {
        self.all.into_iter().take(self.len)
    }

    /// The last.
    pub fn last(&self) -> Option<Stretch> {
        self.iter().last()
    }

    /// Whether there is no room for another.
    pub fn is_full(&self) -> bool {
        self.len == Self::MOST
    }

    /// Adds a page; to the last stretch, if it was worked out as of the same moment.
    pub fn add(&mut self, page: Stretch) {
        match self
            .len
            .checked_sub(1)
            .and_then(|last| self.all.get_mut(last))
        {
            Some(last) if last.at == page.at => *last = page,
            _ => {
                if let Some(next) = self.all.get_mut(self.len) {
                    *next = page;
                    self.len += 1;
                }
            }
        }
    }
}

/// How far a record's access log, and what is chained apart from it, had come at a moment. Whatever
/// is accepted or given is in them, so a store whose logs do not contain this has lost something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// How many events the access log had.
    pub log: u64,
    /// How many were chained apart.
    pub apart: u64,
    /// Names the last of both.
    pub heads: [u8; 8],
}

impl Witness {
    /// What these heads bear out.
    pub fn of(log: &LogHead, apart: &LogHead) -> Self {
        let digest = Digest32::of(&[WITNESS, &log.hash.0, &apart.hash.0]).0;
        let mut heads = [0; 8];
        heads.copy_from_slice(&digest[..8]);
        Witness {
            log: log.seq,
            apart: apart.seq,
            heads,
        }
    }
}

impl Cursor {
    /// The checkpoint that was given with this cursor, as edits name it.
    pub fn seen(&self) -> Seen {
        Seen {
            log: self.log,
            tick: self.told,
            digest: self.digest,
        }
    }

    /// No tick later than this was told with it.
    pub fn latest(&self) -> Tick {
        [
            self.upto,
            self.started,
            self.held,
            self.told,
            self.vital,
            self.reached,
        ]
        .into_iter()
        .fold(self.base, Tick::max)
    }

    /// Whether the device has all it was to be given: no walk is under way.
    pub fn rests(&self) -> bool {
        self.base == self.upto && self.within.is_none() && !self.resending
    }

    /// This cursor as bytes, in clear: seal them before they travel. One of a device that has all it
    /// was to be given is shorter, and always of one length; so the length tells only what the
    /// device was told.
    pub fn encode(&self) -> Vec<u8> {
        let walks = !self.has_all();
        let mut bytes = vec![if walks { WALKING } else { RESTING }];
        bytes.extend_from_slice(&self.log.0);
        let ticks = [self.base, self.told, self.upto, self.started, self.held];
        for tick in &ticks[..if walks { 5 } else { 2 }] {
            bytes.extend_from_slice(&tick.0.to_be_bytes());
        }
        bytes.extend_from_slice(&self.epoch.0);
        bytes.extend_from_slice(&self.digest.0);
        for len in [self.witness.log, self.witness.apart] {
            bytes.extend_from_slice(&len.to_be_bytes()[3..]);
        }
        bytes.extend_from_slice(&self.witness.heads);
        if walks {
            let flags = [
                self.resending,
                self.comparing,
                self.compared,
                self.vital_first,
            ];
            let flags = flags.into_iter().zip(0..);
            bytes.push(flags.fold(0, |all, (flag, bit)| all | u8::from(flag) << bit));
            for tick in [self.vital, self.reached] {
                bytes.extend_from_slice(&tick.0.to_be_bytes());
            }
            bytes.extend_from_slice(&named(self.within));
            bytes.extend_from_slice(&self.held_within.0.to_be_bytes());
            for Stretch { upto, within, at } in self.stretches.all {
                bytes.extend_from_slice(&upto.0.to_be_bytes());
                bytes.extend_from_slice(&named(within));
                bytes.extend_from_slice(&at.0.to_be_bytes());
            }
        }
        bytes
    }

    /// A cursor from its bytes; nothing when they are not those of one of this layout.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut take = |length| {
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(part)
        };
        let walks = match take(1)? {
            [WALKING] => true,
            [RESTING] => false,
            _ => return None,
        };
        let log = LogIncarnation::from_slice(take(16)?)?;
        let mut tick = || Some(Tick(number(take(8)?)));
        let (base, told) = (tick()?, tick()?);
        let (upto, started, held) = match walks {
            true => (tick()?, tick()?, tick()?),
            false => (base, Tick(0), base),
        };
        let mut cursor = Cursor {
            log,
            base,
            upto,
            started,
            held,
            told,
            epoch: Epoch::from_slice(take(8)?)?,
            digest: CheckpointDigest::from_slice(take(16)?)?,
            witness: Witness {
                log: number(take(5)?),
                apart: number(take(5)?),
                heads: take(8)?.try_into().ok()?,
            },
            resending: false,
            comparing: false,
            vital_first: false,
            vital: Tick(0),
            reached: Tick(0),
            compared: false,
            within: None,
            held_within: Tick(0),
            stretches: Stretches::default(),
        };
        if walks {
            let flags = take(1)?.first().copied().filter(|flags| *flags < 16)?;
            (cursor.resending, cursor.comparing) = (flags & 1 > 0, flags & 2 > 0);
            (cursor.compared, cursor.vital_first) = (flags & 4 > 0, flags & 8 > 0);
            (cursor.vital, cursor.reached) = (Tick(number(take(8)?)), Tick(number(take(8)?)));
            cursor.within = name(take(16)?)?;
            cursor.held_within = Tick(number(take(8)?));
        }
        for _ in 0..if walks { Stretches::MOST } else { 0 } {
            let upto = Tick(number(take(8)?));
            let within = name(take(16)?)?;
            let at = Tick(number(take(8)?));
            if at > Tick(0) {
                cursor.stretches.add(Stretch { upto, within, at });
            }
        }
        rest.is_empty().then_some(cursor)
    }

    /// Whether the device has all it was to be given, and was told of all that is held.
    pub fn has_all(&self) -> bool {
        let held = self.held == self.base && self.held_within == Tick(0);
        self.rests() && held && self.started == Tick(0)
    }
}

/// An entry that may be named, as bytes: none is all zeros.
fn named(entry: Option<EntryId>) -> [u8; 16] {
    entry.map_or([0; 16], |entry| *entry.as_bytes())
}

/// The other way round; nothing when it is not as long.
fn name(bytes: &[u8]) -> Option<Option<EntryId>> {
    let entry = EntryId::from_slice(bytes)?;
    Some(Some(entry).filter(|entry| !entry.0.is_nil()))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}
