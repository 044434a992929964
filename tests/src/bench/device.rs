//! A device that keeps what it has in memory: what it costs is small beside the server.

use ed25519_dalek::SigningKey;
use sync_core::codec;
use sync_core::entry::Write;
use sync_core::policy::Role;
use sync_core::replica::{Author, Memory, ReplicaHead};
use sync_core::sign::PublicKey;
use sync_core::sync::{SyncAnswer, limits};
use sync_core::{ChangeHash, DeviceTime, EntryId, Incarnation, PersonId, RecordId};

use crate::support::{Copy, SupportError};
use crate::wire_client::WireDevice;

/// A holder's replica of their record.
pub(super) struct Device {
    author: Author,
    head: ReplicaHead,
    entries: Memory,
    token: String,
    edits: i64,
}

impl Device {
    /// The device of a phone of the library, under its sign-in.
    pub fn beside(copy: &Copy) -> Result<Self, SupportError> {
        let (keys, key, token) = copy.credentials()?;
        Ok(Self::new(copy.record.id(), (copy.person, key), keys, token))
    }

    /// A device that signed in by the wire.
    pub fn signed_in(signed: &WireDevice, record: RecordId) -> Result<Self, SupportError> {
        let keys = signed.session.server_keys.iter();
        let keys: Option<Vec<_>> = keys.map(|k| PublicKey::from_slice(&k.public_key)).collect();
        let keys = keys.ok_or(SupportError::Missing("a key of the server"))?;
        let whose = (PersonId(signed.person()), signed.key.clone());
        Ok(Self::new(record, whose, keys, signed.session.token.clone()))
    }

    fn new(
        record: RecordId,
        (person, key): (PersonId, SigningKey),
        server_keys: Vec<PublicKey>,
        token: String,
    ) -> Self {
        Device {
            author: Author {
                person,
                role: Role::Holder,
                on_behalf_of: None,
                key,
            },
            head: ReplicaHead::new(record, server_keys, Incarnation(rand::random())),
            entries: Memory::default(),
            token,
            edits: 0,
        }
    }

    /// The record.
    pub fn record(&self) -> RecordId {
        self.head.record
    }

    /// The token of its session.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The same sign-in, knowing nothing of the record.
    pub fn emptied(&self) -> Self {
        let whose = (self.author.person, self.author.key.clone());
        let keys = self.head.server_keys.clone();
        Self::new(self.head.record, whose, keys, self.token.clone())
    }

    /// Writes an entry, offline.
    pub fn edit(&mut self, entry: EntryId, writes: &[Write]) -> Result<ChangeHash, SupportError> {
        self.edits += 1;
        let at = DeviceTime(self.edits);
        let (entries, author) = (&mut self.entries, &self.author);
        let edited = self
            .head
            .edit(entries, author, entry, writes, Vec::new(), at);
        edited.map_err(|_| SupportError::Missing("an edit that can be made"))
    }

    /// What it sends next.
    pub fn request(&mut self) -> Result<Vec<u8>, SupportError> {
        let request = self.head.request(&mut self.entries, &self.author, None);
        let request = request.map_err(|_| SupportError::Missing("a request"))?;
        Ok(codec::to_cbor(&request))
    }

    /// Takes an answer, as it came.
    pub fn take(&mut self, body: &[u8]) -> Result<SyncAnswer, SupportError> {
        let unfit = || SupportError::Missing("an answer that the replica takes");
        let answer: SyncAnswer = codec::from_cbor(body).map_err(|_| unfit())?;
        let (fresh, now) = (Incarnation(rand::random()), DeviceTime(self.edits));
        let (entries, author) = (&mut self.entries, &self.author);
        let received = self.head.receive(entries, author, &answer, fresh, now);
        received.map_err(|_| unfit())?;
        let refused = answer
            .outcomes
            .iter()
            .any(|o| o.verdict.accepted().is_none());
        match refused {
            true => Err(SupportError::Missing("an edit that was acknowledged")),
            false => Ok(answer),
        }
    }

    /// How many edits were not answered.
    pub fn unsent(&self) -> usize {
        self.entries.unsent.len()
    }

    /// Whether it has a change.
    pub fn has(&self, entry: &EntryId, change: &ChangeHash) -> bool {
        let entry = self.entries.entries.get(entry);
        entry.is_some_and(|entry| entry.has(change))
    }

    /// How many edits one request has at most.
    pub const AT_ONCE: usize = limits::MAX_EDITS;
}

/// A fresh name for an entry.
pub(super) fn new_entry() -> EntryId {
    EntryId(uuid::Uuid::now_v7())
}
