//! A device's copy of a record.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{ActorId, Automerge, Change, ROOT, ReadDoc as _, ScalarValue};
use ciborium::Value as Cbor;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Bytes, ChangeHash, FrameChange, HeldEdit, Problem, Signed, SyncAnswer, SyncRequest, Verdict,
    WireDevice, pack_frame, unpack_frame,
};

/// One key of an entry: set, or removed.
#[derive(Clone, Debug)]
pub struct Write {
    /// The key.
    pub key: String,
    /// What it is to hold; nothing removes it.
    pub value: Option<ScalarValue>,
}

impl From<&Write> for Write {
    fn from(write: &Write) -> Self {
        write.clone()
    }
}

/// The writes of a flat map, as `docs/kinds.md` shows it. A number is an unsigned integer.
pub fn flat(map: &serde_json::Value) -> Vec<Write> {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::Null => ScalarValue::Null,
        serde_json::Value::Bool(flag) => ScalarValue::Boolean(*flag),
        serde_json::Value::String(text) => ScalarValue::Str(text.as_str().into()),
        serde_json::Value::Number(number) => {
            ScalarValue::Uint(number.as_u64().expect("an unsigned integer"))
        }
        _ => panic!("an entry holds scalars only"),
    };
    let members = map.as_object().expect("a map").iter();
    members
        .map(|(key, held)| Write {
            key: key.clone(),
            value: Some(value(held)),
        })
        .collect()
}

/// One entry of a copy.
#[derive(Clone, Default)]
pub struct WireEntry {
    /// Its document.
    pub document: Automerge,
    /// Who vouches for each change.
    pub changes: BTreeMap<ChangeHash, FrameChange>,
    named: u64,
}

impl WireEntry {
    /// The texts that stand for a key: several where people disagree.
    pub fn texts(&self, key: &str) -> BTreeSet<String> {
        let all = self.document.get_all(ROOT, key).unwrap_or_default();
        all.iter()
            .filter_map(|(value, _)| Some(value.as_str()?.to_owned()))
            .collect()
    }

    /// All that stands, by key.
    pub fn values(&self) -> BTreeMap<String, BTreeSet<String>> {
        let keys = self.document.keys(ROOT);
        keys.map(|key| {
            let all = self.document.get_all(ROOT, &key).unwrap_or_default();
            let values = all.iter().map(|(value, _)| value.to_string()).collect();
            (key, values)
        })
        .collect()
    }

    /// What it is called.
    pub fn label(&self) -> Option<String> {
        let label = self.texts("label").into_iter().next()?;
        let label: serde_json::Value = serde_json::from_str(&label).ok()?;
        Some(label["text"].as_str()?.to_owned())
    }

    /// The number of its changes the server has not answered.
    pub fn unsent(&self) -> usize {
        let ticks = self.changes.values().map(|change| change.tick);
        ticks.filter(Option::is_none).count()
    }
}

/// What the server told in one exchange.
#[derive(Clone, Debug)]
pub struct Told {
    /// The answer as it came.
    pub answer: SyncAnswer,
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// The entries of its news.
    pub news: BTreeSet<Uuid>,
}

/// One person's copy of a record on one device.
#[derive(Clone)]
pub struct WireRecord {
    /// Whose, and where.
    pub device: WireDevice,
    /// The record.
    pub record: Uuid,
    /// In what role.
    pub role: String,
    /// On whose behalf.
    pub on_behalf_of: Option<Uuid>,
    /// The entries.
    pub entries: BTreeMap<Uuid, WireEntry>,
    /// The changes not answered yet, in the order they were made.
    pub pending: Vec<(Uuid, ChangeHash)>,
    /// As the last answer gave it.
    pub cursor: Option<Bytes>,
    /// The last checkpoint that came without `more`, which the next edits name.
    pub checkpoint: Option<Signed>,
    /// Held edits it was told of, in the order it was.
    pub held: Vec<HeldEdit>,
    /// All checkpoints it was ever given.
    pub checkpoints: Vec<Signed>,
    incarnation: [u8; 16],
    generation: u64,
    resending: bool,
}

impl WireRecord {
    /// An empty copy.
    pub fn new(device: &WireDevice, record: Uuid, role: &str) -> Self {
        WireRecord {
            device: device.clone(),
            record,
            role: role.to_owned(),
            on_behalf_of: None,
            entries: BTreeMap::new(),
            pending: Vec::new(),
            cursor: None,
            checkpoint: None,
            held: Vec::new(),
            checkpoints: Vec::new(),
            incarnation: rand::random(),
            generation: 0,
            resending: false,
        }
    }

    /// The labels in this copy.
    pub fn labels(&self) -> BTreeSet<String> {
        self.entries.values().filter_map(WireEntry::label).collect()
    }

    /// Writes a new entry.
    pub fn create(&mut self, writes: impl IntoIterator<Item: Into<Write>>) -> Uuid {
        let entry = Uuid::now_v7();
        self.edit(entry, writes);
        entry
    }

    /// Writes an entry.
    pub fn edit(
        &mut self,
        entry: Uuid,
        writes: impl IntoIterator<Item: Into<Write>>,
    ) -> ChangeHash {
        let change = self.make(entry, writes);
        let hash = ChangeHash::of(&change.change);
        let generation = self.generation;
        let fresh = || WireEntry {
            named: generation,
            ..WireEntry::default()
        };
        let kept = self.entries.entry(entry).or_insert_with(fresh);
        let parsed = Change::from_bytes(change.change.clone()).expect("a change");
        kept.document.apply_changes([parsed]).expect("fits");
        kept.changes.insert(hash, change);
        self.pending.push((entry, hash));
        hash
    }

    /// Makes a change of an entry without keeping it.
    pub fn make(&self, entry: Uuid, writes: impl IntoIterator<Item: Into<Write>>) -> FrameChange {
        let mut document = match self.entries.get(&entry) {
            Some(kept) => kept.document.clone(),
            None => Automerge::new(),
        };
        document.set_actor(ActorId::from(&self.actor(&entry)[..]));
        let mut transaction = document.transaction();
        for write in writes {
            let Write { key, value } = write.into();
            let done = match value {
                Some(value) => transaction.put(ROOT, key, value),
                None => transaction.delete(ROOT, key),
            };
            done.expect("the root is a map");
        }
        let (hash, _) = transaction.commit_with(CommitOptions::default());
        let hash = hash.expect("an edit changes something");
        let change = document.get_change_by_hash(&hash).expect("just made");
        self.vouch(entry, change.raw_bytes().to_vec(), |_| {})
    }

    /// Signs for a change; `bend` may bend what is stated.
    pub fn vouch(
        &self,
        entry: Uuid,
        change: Vec<u8>,
        bend: impl FnOnce(&mut Vec<(Cbor, Cbor)>),
    ) -> FrameChange {
        let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
        let mut stated = vec![
            (Cbor::from("p"), bytes(self.device.person().as_bytes())),
            (Cbor::from("r"), Cbor::from(self.role.as_str())),
            (Cbor::from("d"), bytes(&self.device.device())),
            (Cbor::from("i"), bytes(&self.incarnation)),
            (Cbor::from("t"), Cbor::from(now_millis())),
        ];
        if let Some(holder) = self.on_behalf_of {
            stated.push((Cbor::from("o"), bytes(holder.as_bytes())));
        }
        if let Some(checkpoint) = &self.checkpoint {
            stated.push((Cbor::from("s"), seen(checkpoint)));
        }
        bend(&mut stated);
        let mut origin = Vec::new();
        ciborium::into_writer(&Cbor::Map(stated), &mut origin).expect("written to memory");
        let said = [
            b"carnet/origin/1",
            &self.record.as_bytes()[..],
            entry.as_bytes(),
            &ChangeHash::of(&change).0,
            &origin,
        ];
        let signature = self.device.key.sign(&said.concat()).to_bytes().to_vec();
        FrameChange {
            entry,
            change,
            origin,
            signature,
            tick: None,
        }
    }

    fn actor(&self, entry: &Uuid) -> [u8; 16] {
        let public = self.device.key.verifying_key();
        let said = [
            b"carnet/actor/1",
            &public.as_bytes()[..],
            &self.incarnation,
            entry.as_bytes(),
        ];
        let digest = Sha256::digest(said.concat());
        digest[..16].try_into().expect("16 bytes")
    }

    /// What to send: the changes not answered yet.
    pub fn request(&self) -> SyncRequest {
        let unsent: Vec<FrameChange> = self
            .pending
            .iter()
            .filter_map(|(entry, hash)| self.entries.get(entry)?.changes.get(hash).cloned())
            .collect();
        self.request_with(&unsent)
    }

    /// A request that hands in these changes.
    pub fn request_with(&self, changes: &[FrameChange]) -> SyncRequest {
        let edits = (!changes.is_empty()).then(|| pack_frame(&self.record, changes));
        let last = self.checkpoints.last().map(Signed::digest);
        let named = |checkpoint: &&Signed| {
            let digest = checkpoint.digest();
            Some(&digest) != last.as_ref()
                && changes
                    .iter()
                    .any(|change| change.origin.windows(16).any(|part| part == &digest[..]))
        };
        SyncRequest {
            v: 1,
            device: self.device.device(),
            cursor: self.cursor.clone(),
            edits,
            checkpoints: self.checkpoints.iter().filter(named).cloned().collect(),
            limit: None,
        }
    }

    /// One exchange, whose answer is not taken in.
    pub async fn exchange(&self, request: &SyncRequest) -> Result<SyncAnswer, Problem> {
        let device = &self.device;
        let path = WireDevice::sync_path(&self.record);
        device.wire.post(&path, device.token(), request).await
    }

    /// One exchange with a server that may be gone before it has answered, or says that it goes.
    pub async fn try_exchange(&self, request: &SyncRequest) -> Option<SyncAnswer> {
        let wire = &self.device.wire;
        let encoding = wire.encoding();
        let sent = wire
            .request(reqwest::Method::POST, &WireDevice::sync_path(&self.record))
            .bearer_auth(&self.device.session.token)
            .header("content-type", encoding.media_type())
            .body(encoding.write(request))
            .send();
        let response = sent.await.ok()?;
        if response.status() == reqwest::StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        assert!(response.status().is_success(), "{}", response.status());
        let bytes = response.bytes().await.ok()?;
        Some(encoding.read(&bytes).expect("a whole answer"))
    }

    /// Syncs until there is no more.
    pub async fn sync(&mut self) -> Result<Told, Problem> {
        let mut told = self.step().await?;
        while told.answer.more {
            let next = self.step().await?;
            told.verdicts.extend(next.verdicts);
            told.news.extend(next.news);
            told.answer = next.answer;
        }
        Ok(told)
    }

    /// One exchange.
    pub async fn step(&mut self) -> Result<Told, Problem> {
        let answer = self.exchange(&self.request()).await?;
        Ok(self.take(answer))
    }

    /// Whether an answer goes on from where this copy stands.
    pub fn is_next(&self, answer: &SyncAnswer) -> bool {
        let named = |cursor: &Bytes| {
            let said = [b"carnet/cursor/1", &cursor[..]].concat();
            Sha256::digest(said)[..16].to_vec()
        };
        let after = answer.after.as_ref().map(|after| after.0.clone());
        after == self.cursor.as_ref().map(named)
    }

    /// Takes an answer in, after the checks of the page.
    pub fn take(&mut self, answer: SyncAnswer) -> Told {
        assert!(self.is_next(&answer), "goes on from here");
        let keys = self.server_keys();
        self.take_checkpoint(&answer.checkpoint, &keys);
        for outcome in &answer.outcomes {
            self.settle(outcome.change, &outcome.verdict);
        }
        if answer.reset {
            self.generation += 1;
            self.resending = true;
        }
        let mut news = BTreeSet::new();
        if let Some(frame) = &answer.news {
            let log = answer.checkpoint.member("l").into_bytes().expect("bytes");
            for change in unpack_frame(&self.record, &log, frame, &keys) {
                news.insert(change.entry);
                self.take_change(change);
            }
        }
        for entry in &answer.forget {
            self.entries.remove(entry);
        }
        if !answer.more && std::mem::take(&mut self.resending) {
            let generation = self.generation;
            self.entries
                .retain(|_, entry| entry.named == generation || entry.unsent() > 0);
        }
        if !answer.more {
            self.checkpoint = Some(answer.checkpoint.clone());
        }
        self.held.extend(answer.held.iter().cloned());
        self.cursor = Some(answer.cursor.clone());
        Told {
            verdicts: answer.outcomes.iter().map(|o| o.verdict.clone()).collect(),
            news,
            answer,
        }
    }

    fn server_keys(&self) -> Vec<VerifyingKey> {
        let keys = self.device.session.server_keys.iter();
        keys.map(|key| {
            let bytes = key.public_key[..].try_into().expect("32 bytes");
            VerifyingKey::from_bytes(&bytes).expect("a key")
        })
        .collect()
    }

    fn take_checkpoint(&mut self, checkpoint: &Signed, keys: &[VerifyingKey]) {
        let said = [b"carnet/checkpoint/1", &checkpoint.payload[..]].concat();
        let signature = Signature::from_slice(&checkpoint.signature).expect("64 bytes");
        let signed = |key: &VerifyingKey| key.verify_strict(&said, &signature).is_ok();
        assert!(keys.iter().any(signed), "signed by a pinned key");
        let record = checkpoint.member("r").into_bytes();
        assert_eq!(record.expect("bytes"), self.record.as_bytes());
        if let Some(last) = self.checkpoints.last() {
            let same = last.member("l") == checkpoint.member("l");
            assert!(
                !same || last.tick() <= checkpoint.tick(),
                "does not go back"
            );
        }
        self.checkpoints.push(checkpoint.clone());
    }

    fn settle(&mut self, change: ChangeHash, verdict: &Verdict) {
        let Some(at) = self.pending.iter().position(|(_, hash)| *hash == change) else {
            return;
        };
        let entry = self.pending[at].0;
        match verdict {
            Verdict::Accepted(tick) | Verdict::Duplicate(tick) => {
                self.pending.remove(at);
                let kept = self.entries.get_mut(&entry);
                if let Some(kept) = kept.and_then(|kept| kept.changes.get_mut(&change)) {
                    kept.tick = Some(*tick);
                }
            }
            // The rest of the entry stands without what was not taken, and what followed it.
            Verdict::Held(_) | Verdict::Refused(_) => {
                self.pending.retain(|(other, _)| *other != entry);
                self.incarnation = rand::random();
                if let Some(kept) = self.entries.remove(&entry) {
                    for change in kept.changes.into_values() {
                        if change.tick.is_some() {
                            self.take_change(change);
                        }
                    }
                }
            }
        }
    }

    fn take_change(&mut self, change: FrameChange) {
        let generation = self.generation;
        let kept = self.entries.entry(change.entry).or_default();
        kept.named = generation;
        let parsed = Change::from_bytes(change.change.clone()).expect("a change");
        kept.document.apply_changes([parsed]).expect("fits");
        kept.changes.insert(ChangeHash::of(&change.change), change);
    }
}

fn seen(checkpoint: &Signed) -> Cbor {
    Cbor::Map(vec![
        (Cbor::from("l"), checkpoint.member("l")),
        (Cbor::from("t"), checkpoint.member("t")),
        (Cbor::from("d"), Cbor::Bytes(checkpoint.digest().0)),
    ])
}

fn now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
