//! The guard: nothing from outside reaches Automerge that has not passed here.
//!
//! Automerge 0.12 panics, hangs or accepts what it cannot load again on hostile bytes. So only one
//! shape gets through: an uncompressed change chunk of bounded size whose checksum holds, that
//! claims no more than a change may hold, that re-encodes to the same bytes, and that does nothing
//! but set or remove scalars of the flat map.

mod columns;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::{Key, ObjectId, OpId, OpType};
use automerge::{Change, ExpandedChange};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::change::Actor;
use crate::entry::{self, EntryDocument, EntryState, PastChange, Write, work};
use crate::reader::Reader;
use crate::{Bytes, ChangeHash, Digest32};

/// The largest change, in bytes.
pub const MAX_CHANGE: usize = 64 * 1024;
/// The most operations in one change.
pub const MAX_OPERATIONS: usize = 256;
/// The most values that one change overwrites.
pub const MAX_PREDECESSORS: usize = 8_192;
/// The most dependencies of one change; and so the most changes of an entry that none other follows.
pub const MAX_DEPENDENCIES: usize = 64;
/// The longest key, in bytes.
pub const MAX_KEY: usize = 96;
/// The most changes of one entry.
pub const MAX_CHANGES: usize = 2_000;
/// The most operations and dependencies of all changes of one entry together: eight a change of an
/// entry that has as many of those as it may.
pub const MAX_PARTS: usize = 16_384;
/// The most values that stand under one key of an entry, written by people who did not know of each
/// other's. An edit that adds none is taken however many there are, if it follows all last changes.
pub const MAX_VALUES: usize = 64;
/// The largest entry, saved, in bytes.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
pub(crate) const CHANGE_CHUNK: u8 = 1;

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Unsafe {
    /// Not one whole uncompressed change chunk.
    #[error("not one uncompressed change chunk")]
    Chunk,
    /// The checksum does not hold.
    #[error("wrong checksum")]
    Checksum,
    /// Larger than allowed.
    #[error("too large")]
    TooLarge,
    /// Automerge cannot read it.
    #[error("unreadable")]
    Unreadable,
    /// Not the one canonical encoding of what it says.
    #[error("not canonical")]
    NotCanonical,
    /// Does something other than set or remove scalars of the flat map.
    #[error("not a flat edit")]
    NotFlat,
    /// The kind of an entry is written by its first change, and only by it.
    #[error("the kind is written by the first change only")]
    Kind,
    /// Overwrites an operation that its dependencies do not hold.
    #[error("refers to what is not there")]
    Dangling,
    /// Automerge refuses it, or cannot load the result again.
    #[error("cannot be applied")]
    Unfit,
    /// Same actor and number as another change of the entry.
    #[error("the same actor and sequence number as another change")]
    Equivocation,
    /// The entry would have too many changes or grow too large.
    #[error("the entry is full")]
    Full,
    /// Whoever tried it did not live to say what came of it.
    #[error("it ended the process that tried it")]
    Harmful,
}

/// A change that passed the checks that need no document.
#[derive(Clone, Debug)]
pub struct Inspected {
    change: Change,
    /// What it says.
    pub past: PastChange,
}

impl Inspected {
    /// Its name.
    pub fn hash(&self) -> ChangeHash {
        self.past.hash
    }

    /// Whose.
    pub fn actor(&self) -> Actor {
        self.past.actor
    }

    pub(crate) fn into_change(self) -> Change {
        self.change
    }
}

/// Checks one change chunk by itself.
///
/// # Errors
/// Says which rule it breaks; see the module.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, Unsafe> {
    check_chunk(bytes)?;
    quietly(|| {
        let change = Change::from_bytes(bytes.to_vec()).map_err(|_| Unsafe::Unreadable)?;
        if change.raw_bytes() != bytes || change.len() > MAX_OPERATIONS {
            return Err(Unsafe::NotCanonical);
        }
        let expanded = change.decode();
        check_flat(&expanded)?;
        if Change::from(expanded).raw_bytes() != bytes {
            return Err(Unsafe::NotCanonical);
        }
        let past = entry::past(&change);
        let root = past.deps.is_empty();
        let writes_kind = past.writes.iter().any(|write| write.key == entry::KIND);
        if root != writes_kind {
            return Err(Unsafe::Kind);
        }
        Ok(Inspected { change, past })
    })
}

/// Adds an inspected change to an entry and makes sure that the result can be loaded again.
///
/// The caller has checked that the document holds the change's dependencies.
///
/// What the entry's history may hold is bounded, so that the work is: it follows the number of
/// operations and dependencies, and not how many of the changes are concurrent.
///
/// # Errors
/// Says which rule it breaks; the document is then untouched.
pub fn admit(
    document: &EntryDocument,
    state: &EntryState,
    inspected: &Inspected,
) -> Result<(EntryDocument, EntryState, Vec<u8>), Unsafe> {
    let past = &inspected.past;
    let parts = |past: &PastChange| past.writes.len() + past.deps.len();
    let all = state.history.iter().chain([past]).map(parts).sum::<usize>();
    if state.history.len() >= MAX_CHANGES || all > MAX_PARTS {
        return Err(Unsafe::Full);
    }
    if past.deps.is_empty() != state.history.is_empty() {
        return Err(Unsafe::Kind);
    }
    let of_actor = state.history.iter().filter(|c| c.actor == past.actor);
    let last = of_actor.map(|c| c.seq).max().unwrap_or(0);
    if past.seq <= last {
        return Err(Unsafe::Equivocation);
    }
    if past.seq != last + 1 {
        return Err(Unsafe::Dangling);
    }
    quietly(|| {
        let mut next = document.clone();
        check_references(state, &inspected.change.decode())?;
        next.apply(inspected.change.clone())
            .map_err(|_| Unsafe::Unfit)?;
        let saved = next.save();
        if saved.len() > MAX_DOCUMENT {
            return Err(Unsafe::Full);
        }
        // The last changes name all that came before them: where these agree, the history is what was
        // known before, and this change.
        let again = EntryDocument::load(&saved).map_err(|_| Unsafe::Unfit)?;
        let after = again.state_after(state, past);
        if again.heads() != next.heads() || !after.is_sound() {
            return Err(Unsafe::Unfit);
        }
        // Whoever edits an entry follows all its last changes: there are no more than may be named.
        let (before, left) = (document.heads().len(), again.heads().len());
        if left > MAX_DEPENDENCIES && left > before {
            return Err(Unsafe::Full);
        }
        let values = |state: &EntryState, write: &Write| state.claims(&write.key).len();
        let adds = |write| values(&after, write) > values(state, write);
        let mut writes = past.writes.iter();
        if writes.any(|write| values(&after, write) > MAX_VALUES && adds(write)) {
            return Err(Unsafe::Full);
        }
        Ok((again, after, saved))
    })
}

/// What came of adding a change to an entry where it harms nobody: a process of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The last changes of the entry that it was added to, sorted.
    pub onto: Vec<ChangeHash>,
    /// The entry with it, saved, which can be loaded again; or why the change is refused.
    pub outcome: Result<Bytes, Unsafe>,
}

/// Tries an inspected change on an entry: [`admit`], for somebody else to take over with [`adopt`].
/// Gives the entry as it is then.
pub fn attempt(
    document: &EntryDocument,
    state: &EntryState,
    inspected: &Inspected,
) -> (Trial, Option<(EntryDocument, EntryState)>) {
    let onto = document.heads();
    let mut deps = inspected.past.deps.iter();
    let admitted = match deps.all(|dep| document.has(dep)) {
        true => admit(document, state, inspected),
        false => Err(Unsafe::Dangling),
    };
    match admitted {
        Ok((document, state, saved)) => {
            let outcome = Ok(saved.into());
            (Trial { onto, outcome }, Some((document, state)))
        }
        Err(why) => {
            let outcome = Err(why);
            (Trial { onto, outcome }, None)
        }
    }
}

/// As [`admit`] of a change that was tried elsewhere on the same entry: what was saved there is
/// loaded, and nothing else is asked of Automerge.
///
/// # Errors
/// Says which rule the change breaks; [`Unsafe::Unfit`] if it was tried on the entry as it stood
/// before other changes, or if what was saved is not the entry with this change and no other.
pub fn adopt(
    document: &EntryDocument,
    state: &EntryState,
    inspected: &Inspected,
    trial: &Trial,
) -> Result<(EntryDocument, EntryState, Vec<u8>), Unsafe> {
    if trial.onto != document.heads() {
        return Err(Unsafe::Unfit);
    }
    let saved = trial.outcome.clone()?.0;
    // The last changes name all that came before them, so what has these is this entry.
    let mut last: BTreeSet<ChangeHash> = trial.onto.iter().copied().collect();
    for dep in &inspected.past.deps {
        last.remove(dep);
    }
    last.insert(inspected.hash());
    quietly(|| {
        let again = EntryDocument::load(&saved).map_err(|_| Unsafe::Unfit)?;
        let after = again.state_after(state, &inspected.past);
        if !again.heads().iter().eq(&last) || !after.is_sound() {
            return Err(Unsafe::Unfit);
        }
        Ok((again, after, saved))
    })
}

/// A panic inside Automerge is an answer too: this input is refused.
fn quietly<T>(work: impl FnOnce() -> Result<T, Unsafe>) -> Result<T, Unsafe> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Unsafe::Unreadable))
}

fn check_chunk(bytes: &[u8]) -> Result<(), Unsafe> {
    if bytes.len() > MAX_CHANGE {
        return Err(Unsafe::TooLarge);
    }
    let (Some(magic), Some(checksum), Some(kind)) = (bytes.get(..4), bytes.get(4..8), bytes.get(8))
    else {
        return Err(Unsafe::Chunk);
    };
    if magic != MAGIC || *kind != CHANGE_CHUNK {
        return Err(Unsafe::Chunk);
    }
    let mut rest = Reader(&bytes[9..]);
    let length = rest.count().map_err(|_| Unsafe::Chunk)?;
    let used = &bytes[9..bytes.len() - rest.0.len()];
    // In its shortest form it does not end in nothing.
    let shortest = used.len() == 1 || used.last() != Some(&0);
    if length != rest.0.len() || !shortest {
        return Err(Unsafe::Chunk);
    }
    if Digest32::of(&[&bytes[8..]]).0[..4] != *checksum {
        return Err(Unsafe::Checksum);
    }
    columns::check(rest.0)
}

fn check_flat(change: &ExpandedChange) -> Result<(), Unsafe> {
    if change.deps.len() > MAX_DEPENDENCIES
        || change.operations.is_empty()
        || !change.extra_bytes.is_empty()
        || change.message.is_some()
        || change.actor_id.to_bytes().len() != 16
    {
        return Err(Unsafe::NotFlat);
    }
    let mut keys = BTreeSet::new();
    for op in &change.operations {
        let (ObjectId::Root, Key::Map(key), false) = (&op.obj, &op.key, op.insert) else {
            return Err(Unsafe::NotFlat);
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/.".contains(&b);
        if !keys.insert(key) {
            return Err(Unsafe::NotFlat);
        }
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(plain) {
            return Err(Unsafe::NotFlat);
        }
        match &op.action {
            OpType::Put(value) if entry::value_of(value).is_some() => {}
            OpType::Delete => {}
            _ => return Err(Unsafe::NotFlat),
        }
    }
    Ok(())
}

/// Every operation overwrites exactly what stood under its key for its author, each once, and is
/// numbered right after what they had; so the state follows from the writes and their order alone.
fn check_references(state: &EntryState, change: &ExpandedChange) -> Result<(), Unsafe> {
    let seen = state.closure(change.deps.iter().map(|dep| ChangeHash(dep.0)));
    let history = state.history.iter();
    let before: Vec<&PastChange> = history.filter(|past| seen.contains(&past.hash)).collect();
    let last = before.iter().map(|past| past.last_op()).max();
    if change.start_op.get() != last.unwrap_or(0) + 1 {
        return Err(Unsafe::Dangling);
    }
    let mut keys = BTreeSet::new();
    for op in &change.operations {
        let Key::Map(key) = &op.key else {
            return Err(Unsafe::NotFlat);
        };
        keys.insert(key.as_str());
    }
    let stood = entry::standing(&before, |key| keys.contains(key));
    for op in &change.operations {
        let Key::Map(key) = &op.key else {
            return Err(Unsafe::NotFlat);
        };
        let standing = stood.get(key.as_str()).map_or(&[][..], Vec::as_slice);
        work::steps(standing.len() + op.pred.len());
        let standing = standing.iter();
        let standing = standing.map(|write| (write.counter, write.change.actor.as_bytes()));
        let mut standing: Vec<(u64, &[u8])> = standing.collect();
        let named = op.pred.iter();
        let named = named.map(|OpId(counter, actor)| (*counter, actor.to_bytes()));
        let mut named: Vec<(u64, &[u8])> = named.collect();
        standing.sort_unstable();
        named.sort_unstable();
        let removes_nothing = matches!(op.action, OpType::Delete) && standing.is_empty();
        if removes_nothing || named != standing {
            return Err(Unsafe::Dangling);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
