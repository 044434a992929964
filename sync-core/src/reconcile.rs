//! What two copies of a record differ in, found without sending either.
//!
//! Each party makes an [`Inventory`] of the entries it has, each under a name that stands for all of
//! its changes and when they were accepted. Two parties whose names for an entry are equal have the
//! same of it. Which names differ they find by range-based set reconciliation (the protocol of the
//! `negentropy` crate, version 1): a few rounds, and bytes that follow the difference.

use std::collections::{BTreeMap, BTreeSet};

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use serde::{Deserialize, Serialize};

use crate::codec::Malformed;
use crate::sync::limits::{MAX_RECONCILE, MAX_WANTED};
use crate::{Bytes, ChangeHash, Digest32, EntryId, Tick, fixed_bytes};

const ITEM: &[u8] = b"carnet/item/1";
const VERSION: &[u8] = b"carnet/version/1";

/// Which version of the protocol all messages begin with.
const PROTOCOL: u8 = 0x61;

/// The smallest bound of a message that there is.
const LEAST_MESSAGE: usize = 4_096;

fixed_bytes! {
    /// Names all changes of an entry that are in the record, and when each was accepted.
    Version, 16
}

fixed_bytes! {
    /// Names an entry in one version.
    ItemId, 32
}

impl Default for Version {
    fn default() -> Self {
        Version::NONE
    }
}

impl Version {
    /// Of an entry that has no changes.
    pub const NONE: Version = Version([0; 16]);

    /// The version after one more change, which was accepted later than those before: the first half
    /// of SHA-256(`carnet/version/1` ‖ version ‖ tick, 8 bytes big-endian ‖ change hash).
    #[must_use]
    pub fn and(&self, accepted: Tick, change: &ChangeHash) -> Version {
        let tick = accepted.0.to_be_bytes();
        let digest = Digest32::of(&[VERSION, &self.0, &tick, change.as_bytes()]);
        let mut version = [0; 16];
        version.copy_from_slice(&digest.0[..16]);
        Version(version)
    }

    /// The version of an entry of these changes, in the order in which they were accepted.
    pub fn of<'c>(changes: impl IntoIterator<Item = (Tick, &'c ChangeHash)>) -> Version {
        let and = |version: Version, (tick, change): (Tick, &ChangeHash)| version.and(tick, change);
        changes.into_iter().fold(Version::NONE, and)
    }
}

impl ItemId {
    /// SHA-256(`carnet/item/1` ‖ entry ‖ version).
    pub fn of(entry: &EntryId, version: &Version) -> ItemId {
        ItemId(Digest32::of(&[ITEM, entry.as_bytes(), &version.0]).0)
    }
}

/// What a device asks when it compares its copy with the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// The next message of the reconciliation; empty once the device knows all differences.
    #[serde(rename = "m")]
    pub message: Bytes,
    /// What the server has and the device has not, as far as it knows: to be given once nothing is
    /// left to compare.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<ItemId>,
}

impl Compare {
    /// Whether this is within bounds and its message can be read.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.message.len() > MAX_RECONCILE || self.wanted.len() > MAX_WANTED {
            return Err(Malformed("reconciliation"));
        }
        match self.message.is_empty() {
            true => Ok(()),
            // How a message is read does not follow from what the reader has.
            false => Inventory::default().reply(&self.message, 0).map(drop),
        }
    }
}

/// What the server says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The server's message; nothing once nothing is left to compare.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Bytes>,
    /// How many of the first of what was wanted are dealt with: given, or to be given or forgotten in
    /// what follows.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub given: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What one message told a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// What the server has not.
    pub have: Vec<ItemId>,
    /// What the server has and the device has not.
    pub need: Vec<ItemId>,
    /// The next message; nothing once all differences are known.
    pub next: Option<Vec<u8>>,
}

/// What one party has of a record.
#[derive(Clone, Debug)]
pub struct Inventory {
    items: BTreeMap<ItemId, EntryId>,
    sorted: NegentropyStorageVector,
}

impl Default for Inventory {
    fn default() -> Self {
        Inventory::from_iter([])
    }
}

impl FromIterator<(EntryId, Version)> for Inventory {
    fn from_iter<T: IntoIterator<Item = (EntryId, Version)>>(entries: T) -> Self {
        let entries = entries.into_iter();
        let items = entries.map(|(entry, version)| (ItemId::of(&entry, &version), entry));
        let items: BTreeMap<ItemId, EntryId> = items.collect();
        let mut sorted = NegentropyStorageVector::with_capacity(items.len());
        for (item, entry) in &items {
            // It takes what is put in until it is sealed, which it is once.
            let put = sorted.insert(made(entry), Id::from_byte_array(item.0));
            debug_assert!(put.is_ok());
        }
        let sealed = sorted.seal();
        debug_assert!(sealed.is_ok());
        Inventory { items, sorted }
    }
}

impl Inventory {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The entries, by what names them.
    pub fn iter(&self) -> impl Iterator<Item = (ItemId, EntryId)> {
        self.items.iter().map(|(item, entry)| (*item, *entry))
    }

    /// The entry of this name, if it is here in that version.
    pub fn entry(&self, item: &ItemId) -> Option<EntryId> {
        self.items.get(item).copied()
    }

    /// A device's first message.
    ///
    /// # Errors
    /// None that is known.
    pub fn first(&self) -> Result<Vec<u8>, Malformed> {
        self.party(0)?.initiate().map_err(unreadable)
    }

    /// The server's answer to a device's message, of about `most` bytes (0: of any length); nothing
    /// if there is no difference left in it.
    ///
    /// # Errors
    /// When the message cannot be read.
    pub fn reply(&self, message: &[u8], most: usize) -> Result<Option<Vec<u8>>, Malformed> {
        of_this_protocol(message)?;
        let reply = self.party(most)?.reconcile(message).map_err(unreadable)?;
        Ok(Some(reply).filter(|reply| reply.len() > 1))
    }

    /// What the server's message tells a device, and the next one, of about `most` bytes.
    ///
    /// # Errors
    /// When the message cannot be read.
    pub fn compare(&self, message: &[u8], most: usize) -> Result<Differences, Malformed> {
        of_this_protocol(message)?;
        let mut party = self.party(most)?;
        party.set_initiator();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = party.reconcile_with_ids(message, &mut have, &mut need);
        // In an order that does not depend on chance.
        let items = |ids: Vec<Id>| {
            let items: BTreeSet<ItemId> = ids.iter().map(|id| ItemId(*id.as_bytes())).collect();
            items.into_iter().collect()
        };
        Ok(Differences {
            have: items(have),
            need: items(need),
            next: next.map_err(unreadable)?,
        })
    }

    fn party(&self, most: usize) -> Result<Negentropy<'_, NegentropyStorageVector>, Malformed> {
        let most = match most {
            0 => 0,
            most => most.max(LEAST_MESSAGE) as u64,
        };
        Negentropy::borrowed(&self.sorted, most).map_err(unreadable)
    }
}

/// What the ranges of a message say of what its sender has in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// Of how many it says only what stands for all of it.
    pub digests: usize,
    /// Of how many it names all.
    pub lists: usize,
}

impl Ranges {
    /// Reads a message; nothing if it is none.
    pub fn of(message: &[u8]) -> Option<Ranges> {
        let mut rest = message.strip_prefix(&[PROTOCOL])?;
        let mut ranges = Ranges::default();
        while !rest.is_empty() {
            // Where it ends: a time, and how much of a name.
            number(&mut rest)?;
            let name = number(&mut rest)?;
            rest = rest.get(name..)?;
            let said = match number(&mut rest)? {
                0 => 0,
                1 => {
                    ranges.digests += 1;
                    16
                }
                2 => {
                    ranges.lists += 1;
                    number(&mut rest)?.checked_mul(32)?
                }
                _ => return None,
            };
            rest = rest.get(said..)?;
        }
        Some(ranges)
    }
}

/// Seven bits a byte, the highest first, the last byte without its top bit.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number = number.checked_mul(128)? | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
}

/// When an entry was made, as its name says: the first 48 bits of a UUID of version 7. Only the order
/// counts, and that it is the same for both.
fn made(entry: &EntryId) -> u64 {
    let bytes = entry.as_bytes().iter().take(6);
    bytes.fold(0, |made, byte| made << 8 | u64::from(*byte))
}

/// To a message of another version a party answers only which it has, which is not to be taken for
/// *no difference*.
fn of_this_protocol(message: &[u8]) -> Result<(), Malformed> {
    match message.first() {
        Some(&PROTOCOL) => Ok(()),
        _ => Err(Malformed("reconciliation")),
    }
}

fn unreadable(_: negentropy::Error) -> Malformed {
    Malformed("reconciliation")
}

#[cfg(test)]
mod tests;
