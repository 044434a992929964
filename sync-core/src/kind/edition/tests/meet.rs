//! A record with its server and its devices, each a program of its own version. Replica, guard,
//! lane, validation and merge are the real ones; what is given is all there is, to everybody.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use uuid::Uuid;

use super::Tables;
use crate::authority::{
    Former, Judged, Kept, Lane, Registration, RightsLedger, Submitter, VerifiedEdit,
};
use crate::change::Edit;
use crate::checkpoint::{Checkpoint, Seen, SignedCheckpoint};
use crate::entry::{EntryClass, EntryState, Value, Write};
use crate::kind::{Invalid, RightDraft};
use crate::merge::{self, EntryView, ReviewItem, Rules, Viewer};
use crate::policy::{Matrix, Profession, RightKind, Role, Subject};
use crate::replica::{AsideReason, Author, Memory, ReplicaHead, Report};
use crate::sign::PublicKey;
use crate::sync::{CursorDigest, Frame, Item, Outcome, PROTOCOL, SyncAnswer, SyncRequest, Verdict};
use crate::{
    Bytes, ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Epoch, Incarnation, LogIncarnation,
    PersonId, RecordId, Tick,
};

const RECORD: RecordId = RecordId(Uuid::from_u128(1));
const DAY: u64 = 86_400_000_000;
pub const DOCTOR: Role = Role::Professional(Profession::Physician);

fn server_key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn person(number: u8) -> PersonId {
    PersonId(Uuid::from_u128(u128::from(number)))
}

/// A phone and the program on it.
pub struct Phone {
    pub tables: Tables,
    pub head: ReplicaHead,
    pub store: Memory,
    number: u8,
    author: Author,
    made: u128,
    answers: u64,
    clock: i64,
}

impl Phone {
    /// The phone of a person; that of number 10 is the holder's.
    pub fn new(number: u8, role: Role, tables: Tables) -> Self {
        let delegate = matches!(role, Role::Caregiver);
        Phone {
            tables,
            head: ReplicaHead::new(
                RECORD,
                vec![PublicKey::of(&server_key())],
                Incarnation([number; 16]),
            ),
            store: Memory::default(),
            number,
            author: Author {
                person: person(number),
                role,
                on_behalf_of: delegate.then_some(person(10)),
                key: SigningKey::from_bytes(&[number; 32]),
            },
            made: 0,
            answers: 0,
            clock: 0,
        }
    }

    fn submitter(&self) -> Submitter {
        let key = PublicKey::of(&self.author.key);
        let profession = match self.author.role {
            Role::Professional(profession) => Some(profession),
            _ => None,
        };
        Submitter {
            subject: Subject {
                person: self.author.person,
                profession,
            },
            device: DeviceId::of(&key),
            key,
            registration: Registration::Valid,
        }
    }

    pub fn create(&mut self, writes: Result<Vec<Write>, Invalid>) -> EntryId {
        self.made += 1;
        let entry = EntryId(Uuid::from_u128(u128::from(self.number) << 64 | self.made));
        self.edit(entry, writes);
        entry
    }

    pub fn edit(&mut self, entry: EntryId, writes: Result<Vec<Write>, Invalid>) -> ChangeHash {
        self.clock += 1_000;
        let writes = writes.expect("a good draft or patch");
        let Phone {
            head,
            store,
            author,
            clock,
            ..
        } = self;
        let made = head.edit(
            store,
            author,
            entry,
            &writes,
            Vec::new(),
            DeviceTime(*clock),
        );
        made.expect("it changes something")
    }

    /// Whether the replica would make an edit.
    pub fn may_edit(&self, entry: EntryId, writes: &[Write]) -> bool {
        let (mut head, mut store) = (self.head.clone(), self.store.clone());
        let at = DeviceTime(self.clock + 1);
        let made = head.edit(&mut store, &self.author, entry, writes, Vec::new(), at);
        made.is_ok()
    }

    pub fn state(&self, entry: EntryId) -> EntryState {
        self.store.entries[&entry].state()
    }

    /// An entry as this program shows it.
    pub fn view(&self, entry: EntryId) -> EntryView {
        let local = &self.store.entries[&entry];
        let rules = Rules::of(self.tables);
        merge::view_by(rules, entry, &local.state(), &local.provenance())
    }

    pub fn review(&self) -> Vec<ReviewItem> {
        let entries = self.store.entries.keys();
        let views: Vec<EntryView> = entries.map(|entry| self.view(*entry)).collect();
        let viewer = Viewer {
            person: self.author.person,
            role: self.author.role.clone(),
        };
        merge::review(&views, &[], &viewer, jiff::civil::date(2026, 10, 5))
    }

    /// Syncs until there is nothing more.
    pub fn sync(&mut self, server: &mut Server) -> Report {
        let mut whole = Report::default();
        for _ in 0..20 {
            let Phone {
                head,
                store,
                author,
                ..
            } = self;
            let request = head.request(store, author, None).expect("a request");
            let answer = server.answer(self, &request);
            self.answers += 1;
            let mut fresh = [self.number + 100; 16];
            fresh[..8].copy_from_slice(&self.answers.to_le_bytes());
            let fresh = Incarnation(fresh);
            let Phone {
                head,
                store,
                author,
                clock,
                ..
            } = self;
            let report = head.receive(store, author, &answer, fresh, DeviceTime(*clock));
            let report = report.expect("the server's answer");
            whole.handed_back += report.handed_back;
            whole.aside.extend(report.aside);
            if !report.more {
                return whole;
            }
        }
        panic!("it never ends");
    }

    /// Why edits of this phone are not in the record.
    pub fn aside(&self) -> Vec<AsideReason> {
        self.store.aside.iter().map(|aside| aside.why).collect()
    }
}

/// The server and the program on it.
pub struct Server {
    pub tables: Tables,
    pub matrix: Matrix,
    ledger: RightsLedger,
    entries: BTreeMap<EntryId, Kept>,
    log: Vec<(Item, Tick)>,
    given: Vec<Seen>,
    known: BTreeMap<DeviceId, Submitter>,
    life: LogIncarnation,
    former: BTreeMap<LogIncarnation, Tick>,
    now: Tick,
}

impl Server {
    pub fn new(tables: Tables) -> Self {
        Server {
            tables,
            matrix: Matrix::default(),
            ledger: RightsLedger::new(person(10), Vec::new()),
            entries: BTreeMap::new(),
            log: Vec::new(),
            given: Vec::new(),
            known: BTreeMap::new(),
            life: LogIncarnation([3; 16]),
            former: BTreeMap::new(),
            now: Tick(20_000 * DAY),
        }
    }

    /// The holder lets a physician in, and a caregiver.
    pub fn let_in(&mut self, holder: &mut Phone, people: &[&Phone]) {
        for phone in people {
            let right = match phone.author.role {
                Role::Caregiver => RightKind::Delegation,
                _ => RightKind::Grant,
            };
            holder.create(RightDraft::new(right, phone.author.person).writes());
        }
        assert!(holder.sync(self).aside.is_empty());
    }

    /// It is put back from a copy that knows nothing after so many edits.
    pub fn lose_all_after(&mut self, edits: usize) {
        self.now = self.now.plus_days(1);
        self.former.insert(self.life, self.now);
        self.life = LogIncarnation([4; 16]);
        let kept: Vec<Item> = self
            .log
            .drain(..)
            .take(edits)
            .map(|(item, _)| item)
            .collect();
        self.entries.clear();
        self.ledger = RightsLedger::new(person(10), Vec::new());
        for item in kept {
            self.take(&item);
        }
        self.given.clear();
    }

    pub fn len(&self) -> usize {
        self.log.len()
    }

    pub fn state(&self, entry: EntryId) -> EntryState {
        self.entries[&entry].document.state()
    }

    /// Whether somebody may read an entry now.
    pub fn gives(&mut self, phone: &Phone, entry: EntryId) -> bool {
        let subject = phone.submitter().subject;
        let standing = self.ledger.latest().standing(&subject, self.now);
        let class = EntryClass::of(&self.state(entry), person(10));
        standing.may_read(&class, &self.matrix, self.now)
    }

    fn take(&mut self, item: &Item) -> Outcome {
        self.now.0 += 1_000_000;
        let origin = item.edit.origin.read().expect("an origin");
        let submitter = self.known[&origin.device].clone();
        let edit = item.edit.clone();
        let keys = [PublicKey::of(&server_key())];
        let verified = VerifiedEdit::of(&RECORD, (&submitter.key, &keys), edit);
        let judged = match verified {
            Err(unverified) => unverified.into(),
            Ok(edit) => {
                let handed_back = item.accepted.map(|_| Former {
                    log: self.life,
                    lives: &self.former,
                    days: 30,
                });
                let mut lane = Lane {
                    record: RECORD,
                    ledger: &mut self.ledger,
                    matrix: &self.matrix,
                    submitter: &submitter,
                    proven: &self.given,
                    handed_back,
                    entries: &mut self.entries,
                    lease_days: 30,
                    tables: self.tables,
                    tried: None,
                };
                lane.submit(&edit, self.now)
            }
        };
        let (change, verdict) = match judged {
            Judged::Accepted(admission) => {
                self.log.push((item.clone(), self.now));
                (admission.change, Verdict::Accepted(self.now))
            }
            Judged::Duplicate(change, tick) => (change, Verdict::Duplicate(tick)),
            Judged::Held { change, held, .. } => (change, Verdict::Held(held.reason)),
            Judged::Refused(change, why) => (change, Verdict::Refused(why)),
        };
        Outcome { change, verdict }
    }

    fn answer(&mut self, phone: &Phone, request: &SyncRequest) -> SyncAnswer {
        let submitter = phone.submitter();
        self.known.insert(submitter.device, submitter);
        let sent = request.edits.as_ref();
        let sent = sent.map(|frame| frame.unpack(&RECORD).expect("a frame"));
        let outcomes = sent.unwrap_or_default();
        let outcomes = outcomes.iter().map(|item| self.take(item)).collect();
        let (life, from) = match &request.cursor {
            Some(cursor) => {
                let (life, tick) = cursor.split_at(16);
                (
                    Some(life),
                    u64::from_le_bytes(tick.try_into().expect("8 bytes")),
                )
            }
            None => (None, 0),
        };
        let reset = life.is_some_and(|life| life != self.life.0);
        let from = if reset { 0 } else { from };
        let news: Vec<Item> = self
            .log
            .iter()
            .filter(|(_, tick)| tick.0 > from)
            .map(|(item, tick)| Item {
                edit: item.edit.clone(),
                accepted: Some(*tick),
            })
            .collect();
        let news = Frame::attest(&RECORD, self.life, &news, &server_key()).expect("a frame");
        let checkpoint = SignedCheckpoint::new(
            &server_key(),
            &Checkpoint {
                record: RECORD,
                viewer: phone.author.person,
                log: self.life,
                tick: self.now,
                epoch: Epoch([4; 8]),
                access_log: Digest32([5; 32]),
            },
        );
        self.given.push(checkpoint.seen().expect("made here"));
        let mut cursor = self.life.0.to_vec();
        cursor.extend(self.now.0.to_le_bytes());
        SyncAnswer {
            v: PROTOCOL,
            outcomes,
            reset,
            news: Some(news),
            forget: Vec::new(),
            destroyed: Vec::new(),
            held: Vec::new(),
            more: false,
            vital: false,
            after: request.cursor.as_ref().map(|at| CursorDigest::of(at)),
            cursor: Bytes::from(cursor.as_slice()),
            checkpoint,
            reconcile: None,
        }
    }
}

/// All that was ever written in an entry: by which change, under which key, what.
pub fn written(state: &EntryState) -> BTreeSet<(ChangeHash, String, Option<Value>)> {
    let writes = state.history.iter().flat_map(|past| {
        let of = |write: &Write| (past.hash, write.key.clone(), write.value.clone());
        past.writes.iter().map(of)
    });
    writes.collect()
}

/// What stands in an entry, however a program joins it: the claims under each key.
pub fn stands(view: &EntryView) -> BTreeMap<String, BTreeSet<(ChangeHash, Value)>> {
    let fields = view.fields.iter().map(|field| {
        let claims = field.claims.iter().chain(&field.proposals);
        let claims = claims.map(|claim| (claim.change, claim.value.clone()));
        let claims: BTreeSet<_> = claims.collect();
        (field.key.clone(), claims)
    });
    fields.filter(|(_, claims)| !claims.is_empty()).collect()
}

/// An edit that reached nobody.
pub fn unheard(edit: &Edit, server: &Server) -> bool {
    !server.log.iter().any(|(item, _)| item.edit == *edit)
}
