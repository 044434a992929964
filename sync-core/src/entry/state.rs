//! What an entry's document says, freed of Automerge: visible values by key, and the history.

use std::collections::{BTreeMap, BTreeSet};

use super::ancestry::{Standing, standing};
use super::work;
use serde::{Deserialize, Serialize};

use crate::ChangeHash;
use crate::change::Actor;

/// A scalar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Nothing, said explicitly.
    Null,
    /// Yes or no.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer: identifiers and ticks.
    Uint(u64),
    /// Text; also structured values, as JSON.
    Text(String),
    /// Bytes.
    Bytes(#[serde(with = "crate::bytes")] Vec<u8>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

/// One key written or removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    /// The key.
    pub key: String,
    /// Its new value; nothing removes the key.
    pub value: Option<Value>,
}

impl Write {
    /// Sets a key.
    pub fn set(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Write {
            key: key.into(),
            value: Some(value.into()),
        }
    }

    /// Removes a key.
    pub fn remove(key: impl Into<String>) -> Self {
        Write {
            key: key.into(),
            value: None,
        }
    }
}

/// A value that stands, and the change that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The value.
    pub value: Value,
    /// Who said so: look it up among the provenances.
    pub change: ChangeHash,
}

/// A change in an entry's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// Its name.
    pub hash: ChangeHash,
    /// Whose.
    pub actor: Actor,
    /// The actor's how-manieth change of this entry, from 1.
    pub seq: u64,
    /// The changes it had seen last.
    pub deps: Vec<ChangeHash>,
    /// The number of its first operation; the others follow one by one.
    pub start_op: u64,
    /// What it wrote, one operation a key.
    pub writes: Vec<Write>,
}

impl PastChange {
    /// Where it stands in a history. A change's first operation is numbered after all of those before it,
    /// so this keeps each change behind those it depends on, in one order however they arrived.
    pub(crate) fn place(&self) -> (u64, ChangeHash) {
        (self.start_op, self.hash)
    }

    /// The number of its last operation.
    pub fn last_op(&self) -> u64 {
        self.start_op
            .saturating_add(self.writes.len() as u64)
            .saturating_sub(1)
    }

    /// What it wrote under a key, if it did: a value, or nothing for a removal.
    pub fn wrote(&self, key: &str) -> Option<Option<&Value>> {
        let write = self.writes.iter().find(|write| write.key == key)?;
        Some(write.value.as_ref())
    }
}

/// The state of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryState {
    /// Key by key, the values that stand: several when written concurrently, in a fixed order.
    pub fields: BTreeMap<String, Vec<Claim>>,
    /// All changes, each after those it depends on.
    pub history: Vec<PastChange>,
}

impl EntryState {
    /// What kind of entry this is.
    pub fn kind(&self) -> Option<&str> {
        self.values(super::KIND).next()?.as_text()
    }

    /// The change that created the entry.
    pub fn creation(&self) -> Option<&PastChange> {
        self.history.iter().find(|change| change.deps.is_empty())
    }

    /// The values that stand for a key.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.claims(key).iter().map(|claim| &claim.value)
    }

    /// The claims that stand for a key.
    pub fn claims(&self, key: &str) -> &[Claim] {
        self.fields.get(key).map_or(&[], Vec::as_slice)
    }

    /// The members of a set: the keys `name/…`, without the name.
    pub fn members<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (&'s str, &'s [Claim])> {
        self.fields.iter().filter_map(move |(key, claims)| {
            let member = key.strip_prefix(name)?.strip_prefix('/')?;
            Some((member, claims.as_slice()))
        })
    }

    /// The given changes with all those they follow.
    pub fn closure(&self, from: impl IntoIterator<Item = ChangeHash>) -> BTreeSet<ChangeHash> {
        let mut found: BTreeSet<ChangeHash> = from.into_iter().collect();
        for past in self.history.iter().rev() {
            if found.contains(&past.hash) {
                work::steps(past.deps.len());
                found.extend(past.deps.iter().copied());
            }
        }
        found
    }

    /// The state when only the changes were there that `included` says; for a set of changes that
    /// holds with each also those it follows.
    pub fn as_of(&self, included: impl Fn(&ChangeHash) -> bool) -> EntryState {
        let history: Vec<PastChange> = self
            .history
            .iter()
            .filter(|past| included(&past.hash))
            .cloned()
            .collect();
        let fields = fields(&history);
        EntryState { fields, history }
    }

    /// Whether the values that stand are those that the history amounts to.
    pub(crate) fn is_sound(&self) -> bool {
        self.fields == fields(&self.history)
    }
}

fn fields(history: &[PastChange]) -> BTreeMap<String, Vec<Claim>> {
    let history: Vec<&PastChange> = history.iter().collect();
    let stand = standing(&history, |_| true);
    let fields = stand.into_iter().map(|(key, writes)| {
        let claim = |write: Standing<'_>| Claim {
            value: write.value.clone(),
            change: write.change.hash,
        };
        let mut claims: Vec<Claim> = writes.into_iter().map(claim).collect();
        claims.sort_by(|a, b| (&a.value, a.change).cmp(&(&b.value, b.change)));
        (key.to_owned(), claims)
    });
    fields.collect()
}
