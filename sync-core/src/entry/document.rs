//! The one place that holds an Automerge document.

use std::collections::BTreeMap;

use automerge::legacy::{Key, ObjectId, OpId, OpType};
use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{
    ActorId, Automerge, Change, LoadOptions, ObjId, ROOT, ReadDoc as _, ScalarValue,
    VerificationMode,
};
use thiserror::Error;

use super::{Claim, EntryState, PastChange, Value, Write};
use crate::change::Actor;
use crate::{Bytes, ChangeHash, DeviceTime};

/// Up to how many bytes a document is not compressed.
const PLAIN: usize = 64 * 1024;

/// Why a document could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// The stored bytes are not a document.
    #[error("the stored entry cannot be read")]
    Unreadable,
    /// The change does not fit this document.
    #[error("the change does not fit the entry")]
    Unfit,
    /// The edit would change nothing.
    #[error("the edit changes nothing")]
    Nothing,
    /// The edit says more than one change can carry.
    #[error("the edit is too large")]
    TooLarge,
}

/// An entry's document.
#[derive(Clone, Debug)]
pub struct EntryDocument(Automerge);

impl Default for EntryDocument {
    fn default() -> Self {
        Self::new()
    }
}

impl EntryDocument {
    /// An entry that nobody has written yet.
    pub fn new() -> Self {
        EntryDocument(Automerge::new())
    }

    /// Reads what [`EntryDocument::save`] wrote.
    ///
    /// # Errors
    /// When the bytes are not a whole document whose hashes check.
    pub fn load(bytes: &[u8]) -> Result<Self, EntryError> {
        let options = LoadOptions::new().verification_mode(VerificationMode::Check);
        Automerge::load_with_options(bytes, options)
            .map(EntryDocument)
            .map_err(|_| EntryError::Unreadable)
    }

    /// The whole document as bytes, compressed if they are many: most entries are small, and setting up
    /// a compressor takes longer than all the rest.
    pub fn save(&self) -> Vec<u8> {
        let plain = self.save_plain();
        match plain.len() <= PLAIN {
            true => plain,
            false => self.0.save(),
        }
    }

    /// The whole document as bytes, not compressed.
    pub fn save_plain(&self) -> Vec<u8> {
        self.0.save_nocompress()
    }

    /// The changes nothing follows yet, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        let mut heads: Vec<_> = self.0.get_heads().iter().map(|h| ChangeHash(h.0)).collect();
        heads.sort();
        heads
    }

    /// Whether the document has this change.
    pub fn has(&self, change: &ChangeHash) -> bool {
        let hash = automerge::ChangeHash(change.0);
        self.0.get_change_by_hash(&hash).is_some()
    }

    /// Writes keys as one change of `actor`, and returns that change, uncompressed, and its name.
    ///
    /// # Errors
    /// When nothing would change.
    pub fn edit(
        &mut self,
        actor: Actor,
        writes: &[Write],
        at: DeviceTime,
    ) -> Result<(ChangeHash, Bytes), EntryError> {
        let conflicts = self.conflicts(writes);
        let before = (!conflicts.is_empty()).then(|| self.0.clone());
        self.0.set_actor(ActorId::from(&actor.0[..]));
        let mut transaction = self.0.transaction();
        for write in writes {
            let done = match &write.value {
                Some(value) => transaction.put(ROOT, write.key.as_str(), scalar(value)),
                None => transaction.delete(ROOT, write.key.as_str()),
            };
            done.map_err(|_| EntryError::Unfit)?;
        }
        let options = CommitOptions::default().with_time(at.0.div_euclid(1000));
        let (hash, _) = transaction.commit_with(options);
        let hash = hash.ok_or(EntryError::Nothing)?;
        let change = self
            .0
            .get_change_by_hash(&hash)
            .expect("a change just made is in the document");
        let whole = before.and_then(|before| Some((before, overwriting(&change, &conflicts)?)));
        let Some((before, change)) = whole else {
            return Ok((ChangeHash(hash.0), change.raw_bytes().to_vec().into()));
        };
        self.0 = before;
        self.apply(change.clone())?;
        Ok((
            ChangeHash(change.hash().0),
            change.raw_bytes().to_vec().into(),
        ))
    }

    /// The keys to be set over several standing values, with the operations that wrote those.
    fn conflicts<'w>(&self, writes: &'w [Write]) -> BTreeMap<&'w str, (&'w Value, Vec<OpId>)> {
        let sets = writes.iter().filter_map(|write| {
            let standing = self.0.get_all(ROOT, write.key.as_str()).ok()?;
            let ids = standing.into_iter().filter_map(|(_, id)| match id {
                ObjId::Id(counter, actor, _) => Some(OpId(counter, actor)),
                ObjId::Root => None,
            });
            let ids: Vec<OpId> = ids.collect();
            let value = write.value.as_ref().filter(|_| ids.len() > 1)?;
            Some((write.key.as_str(), (value, ids)))
        });
        sets.collect()
    }

    /// Adds a change that the guard let through and whose dependencies are here.
    ///
    /// # Errors
    /// When Automerge refuses it, or would put it aside to wait for another.
    pub fn apply(&mut self, change: Change) -> Result<(), EntryError> {
        let hash = change.hash();
        let present = |dep| self.0.get_change_by_hash(dep).is_some();
        if !change.deps().iter().all(present) {
            return Err(EntryError::Unfit);
        }
        self.0
            .apply_changes([change])
            .map_err(|_| EntryError::Unfit)?;
        match self.0.get_change_by_hash(&hash) {
            Some(_) => Ok(()),
            None => Err(EntryError::Unfit),
        }
    }

    /// All changes, uncompressed, each after those it depends on.
    pub fn changes(&self) -> Vec<(ChangeHash, Bytes)> {
        self.0
            .get_changes(&[])
            .iter()
            .map(|c| (ChangeHash(c.hash().0), c.raw_bytes().to_vec().into()))
            .collect()
    }

    /// What the document says.
    pub fn state(&self) -> EntryState {
        let mut history: Vec<PastChange> = self.0.get_changes(&[]).iter().map(past).collect();
        history.sort_by_key(PastChange::place);
        self.state_of(history)
    }

    /// What the document says that came of an entry by one change, which spares making all the others
    /// again.
    pub(crate) fn state_after(&self, before: &EntryState, change: &PastChange) -> EntryState {
        let mut history = before.history.clone();
        let place = |past: &PastChange| past.place() < change.place();
        history.insert(history.partition_point(place), change.clone());
        self.state_of(history)
    }

    fn state_of(&self, history: Vec<PastChange>) -> EntryState {
        let mut state = EntryState {
            history,
            ..EntryState::default()
        };
        for key in self.0.keys(ROOT) {
            let claims = self.0.get_all(ROOT, key.as_str()).unwrap_or_default();
            let mut claims: Vec<Claim> = claims
                .iter()
                .filter_map(|(value, id)| self.claim(value, id))
                .collect();
            claims.sort_by(|a, b| (&a.value, a.change).cmp(&(&b.value, b.change)));
            state.fields.insert(key, claims);
        }
        state
    }

    fn claim(&self, value: &automerge::Value<'_>, id: &ObjId) -> Option<Claim> {
        Some(Claim {
            value: value_of(value.as_scalar()?)?,
            change: ChangeHash(self.0.hash_for_opid(id)?.0),
        })
    }
}

/// The change with every conflict overwritten by the value that was to be set; nothing when it
/// does so already.
///
/// Where that value is the one Automerge would have chosen, Automerge only removes the others. A
/// person who settles a conflict says the value, and their change has to say it too.
fn overwriting(change: &Change, conflicts: &BTreeMap<&str, (&Value, Vec<OpId>)>) -> Option<Change> {
    let mut expanded = change.decode();
    let mut rewritten = false;
    for op in &mut expanded.operations {
        if let (Key::Map(key), OpType::Delete) = (&op.key, &op.action)
            && let Some((value, standing)) = conflicts.get(key.as_str())
        {
            op.action = OpType::Put(scalar(value));
            op.pred = standing.clone().into();
            rewritten = true;
        }
    }
    rewritten.then(|| Change::from(expanded))
}

/// What one change did, as far as it is made of flat writes; the guard lets no other in.
pub(crate) fn past(change: &Change) -> PastChange {
    let expanded = change.decode();
    let writes = expanded.operations.iter().map_while(|op| {
        let (ObjectId::Root, Key::Map(key)) = (&op.obj, &op.key) else {
            return None;
        };
        let value = match &op.action {
            OpType::Put(value) => Some(value_of(value)?),
            OpType::Delete => None,
            _ => return None,
        };
        Some(Write {
            key: key.to_string(),
            value,
        })
    });
    let mut actor = [0; 16];
    let bytes = change.actor_id().to_bytes();
    let length = bytes.len().min(16);
    actor[..length].copy_from_slice(&bytes[..length]);
    PastChange {
        hash: ChangeHash(change.hash().0),
        actor: Actor(actor),
        seq: change.seq(),
        start_op: change.start_op().get(),
        deps: change.deps().iter().map(|d| ChangeHash(d.0)).collect(),
        writes: writes.collect(),
    }
}

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::Boolean(*value),
        Value::Int(value) => ScalarValue::Int(*value),
        Value::Uint(value) => ScalarValue::Uint(*value),
        Value::Text(value) => ScalarValue::Str(value.as_str().into()),
        Value::Bytes(value) => ScalarValue::Bytes(value.clone()),
    }
}

/// The value of a scalar of ours; nothing for those no entry may hold.
pub(crate) fn value_of(scalar: &ScalarValue) -> Option<Value> {
    Some(match scalar {
        ScalarValue::Null => Value::Null,
        ScalarValue::Boolean(value) => Value::Bool(*value),
        ScalarValue::Int(value) => Value::Int(*value),
        ScalarValue::Uint(value) => Value::Uint(*value),
        ScalarValue::Str(value) => Value::Text(value.to_string()),
        ScalarValue::Bytes(value) => Value::Bytes(value.clone()),
        _ => return None,
    })
}
