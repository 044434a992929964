//! A server's stores in a temporary directory, a clock that stands still, and phones in memory.

use std::sync::{Arc, Mutex, mpsc};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use ed25519_dalek::SigningKey;
use sync_core::change::Actor;
use sync_core::entry::Write;
use sync_core::identity::{Departement, IdentityTraits, Ins, InsDomain, Rpps};
use sync_core::kind::{AllergyDraft, Label, OwnNoteDraft, RightDraft};
use sync_core::policy::{Matrix, Profession, RightKind, Role};
use sync_core::replica::{Author, Memory, ReplicaHead, Report};
use sync_core::sign::PublicKey;
use sync_core::sync::{SyncAnswer, SyncRequest};
use sync_core::{ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, PersonId, RecordId, Tick};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{AccessError, Channel, Opened, Opening, Records, Visitor, open};
use crate::app::{Running, run_with};
use crate::clock::{Clock, ManualClock};
use crate::config::Config;
use crate::devices;
use crate::disk::Disk;
use crate::fault::Fault;
use crate::guard::Pool;
use crate::keys::Keys;
use crate::load::Turn;
use crate::people::{self, Person, Professional};
use crate::sessions::{self, SignedDevice};
use crate::storage::Database;
use crate::storage::records::RecordStore as _;
use crate::storage::schema::identity::{devices as devices_table, passkeys};
use crate::storage::sqlite::open_connection;

pub(crate) const START: Tick = Tick(1_790_000_000_000_000);

struct SlowClock(Arc<ManualClock>);

impl Clock for SlowClock {
    fn now(&self) -> Tick {
        self.0.advance_micros(30_000);
        self.0.now()
    }
}

/// Keeps whoever looks at the clock first, on a thread whose name begins so, until the gate is opened.
struct GatedClock {
    thread: &'static str,
    clock: Arc<dyn Clock>,
    gate: Mutex<Option<(oneshot::Sender<()>, mpsc::Receiver<()>)>>,
}

impl Clock for GatedClock {
    fn now(&self) -> Tick {
        let thread = std::thread::current();
        if thread
            .name()
            .is_some_and(|name| name.starts_with(self.thread))
        {
            let gate = self.gate.lock().expect("not poisoned").take();
            if let Some((reached, opened)) = gate {
                reached.send(()).expect("awaited");
                opened.recv().expect("opened");
            }
        }
        self.clock.now()
    }
}

/// Where a job of the writer can be kept.
pub(crate) struct Gate {
    /// A job is there.
    pub(crate) reached: oneshot::Receiver<()>,
    opened: mpsc::Sender<()>,
}

impl Gate {
    pub(crate) fn open(self) {
        self.opened.send(()).expect("somebody waits");
    }
}

pub(crate) struct World {
    pub(crate) records: Arc<Records>,
    pub(crate) clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::new(ManualClock::at(START));
        let master = dir.path().join("master.key");
        let keys = Keys::open(dir.path(), &master, clock.clone()).expect("keys");
        let db = Database::open(&dir.path().join("carnet.sqlite")).expect("opens");
        let records = Records::new(db, keys, clock.clone(), Matrix::default(), 30);
        World {
            records: Arc::new(records),
            clock,
            dir,
        }
    }

    /// As a machine so slow that every look at the clock finds it 30 ms later.
    pub(crate) fn slow() -> Self {
        let mut world = World::new();
        world.records = world.slowed();
        world
    }

    /// The same records on such a machine.
    pub(crate) fn slowed(&self) -> Arc<Records> {
        let (db, keys) = (self.records.db.clone(), self.records.keys.clone());
        let slow = Arc::new(SlowClock(self.clock.clone()));
        Arc::new(Records::new(db, keys, slow, Matrix::default(), 30))
    }

    /// From now on these phones speak to a server that tries changes in these processes.
    pub(crate) fn with_guard(&mut self, pool: Pool, phones: &mut [&mut Phone]) {
        let (db, keys) = (self.records.db.clone(), self.records.keys.clone());
        let mut records = Records::new(db, keys, self.clock.clone(), Matrix::default(), 30);
        records.guard = Some(Arc::new(pool));
        self.records = Arc::new(records);
        for phone in phones {
            phone.records = self.records.clone();
        }
    }

    /// From now on these phones speak to a server with so much room for a record, and on its disk.
    pub(crate) fn with_room(&mut self, record_bytes: u64, disk: Disk, phones: &mut [&mut Phone]) {
        let (db, keys) = (self.records.db.clone(), self.records.keys.clone());
        let mut records = Records::new(db, keys, self.clock.clone(), Matrix::default(), 30);
        (records.record_bytes, records.disk) = (record_bytes, disk);
        self.records = Arc::new(records);
        for phone in phones {
            phone.records = self.records.clone();
        }
    }

    /// From now on these phones speak to a server whose next job that looks at the clock waits at
    /// a gate.
    pub(crate) fn gated(&mut self, phones: &mut [&mut Phone]) -> Gate {
        self.gated_on("store-writer", phones)
    }

    /// As [`World::gated`], for jobs that read: the job has its snapshot of the store by then.
    pub(crate) fn gated_reader(&mut self, phones: &mut [&mut Phone]) -> Gate {
        self.gated_on("store-reader", phones)
    }

    fn gated_on(&mut self, thread: &'static str, phones: &mut [&mut Phone]) -> Gate {
        let ((sender, reached), (opened, receiver)) = (oneshot::channel(), mpsc::channel());
        let clock = Arc::new(GatedClock {
            thread,
            clock: self.records.clock.clone(),
            gate: Mutex::new(Some((sender, receiver))),
        });
        let (db, keys) = (self.records.db.clone(), self.records.keys.clone());
        self.records = Arc::new(Records::new(db, keys, clock, Matrix::default(), 30));
        for phone in phones {
            phone.records = self.records.clone();
        }
        Gate { reached, opened }
    }

    /// Puts the key store back as if from a copy that is older than a record, and opens it anew. The
    /// phones speak to that from now on.
    pub(crate) fn lose_key(&mut self, record: RecordId, phones: &mut [&mut Phone]) {
        let mut store = open_connection(&self.dir.path().join("keys.sqlite")).expect("opens");
        let lost = diesel::sql_query("DELETE FROM record_keys WHERE record_id = ?")
            .bind::<diesel::sql_types::Binary, _>(record.as_bytes().as_slice())
            .execute(&mut store);
        assert_eq!(lost, Ok(1));
        let dir = self.dir.path().to_owned();
        self.open_keys(&dir, phones);
    }

    /// As [`World::lose_key`], of one entry. Gives the key store as it was.
    pub(crate) fn lose_entry_key(
        &mut self,
        (record, entry): (RecordId, EntryId),
        phones: &mut [&mut Phone],
    ) -> Vec<u8> {
        let mut data = open_connection(self.records.db.path()).expect("opens");
        let (row, _) = data.entry(record, entry).expect("reads").expect("there");
        let path = self.records.keys.path().to_owned();
        let before = vacuumed(&path, &self.dir.path().join("copy.sqlite"));
        let mut store = open_connection(&path).expect("opens");
        let lost = diesel::sql_query("DELETE FROM entry_keys WHERE key_id = ?")
            .bind::<diesel::sql_types::Binary, _>(row.key.as_bytes())
            .execute(&mut store);
        assert_eq!(lost, Ok(1));
        let dir = self.dir.path().to_owned();
        self.open_keys(&dir, phones);
        before
    }

    /// Puts a key store in the place of the one that is there. The phones speak to that from now on.
    pub(crate) fn put_keys_back(&mut self, store: &[u8], phones: &mut [&mut Phone]) {
        let dir = self.dir.path().join(fresh_entry().to_string());
        std::fs::create_dir(&dir).expect("made");
        std::fs::write(dir.join("keys.sqlite"), store).expect("written");
        self.open_keys(&dir, phones);
    }

    fn open_keys(&mut self, dir: &std::path::Path, phones: &mut [&mut Phone]) {
        let (db, clock) = (self.records.db.clone(), self.clock.clone());
        let master = self.dir.path().join("master.key");
        let keys = Keys::open(dir, &master, clock.clone()).expect("keys");
        self.records = Arc::new(Records::new(db, keys, clock, Matrix::default(), 30));
        for phone in phones {
            phone.records = self.records.clone();
        }
    }

    /// Copies the data store as it stands, as a snapshot of the disk would: without a mark.
    pub(crate) fn copy(&self) -> Vec<u8> {
        vacuumed(self.records.db.path(), &self.dir.path().join("copy.sqlite"))
    }

    /// Puts a copy in the place of the data store; the keys stay as they are. The phones speak to
    /// that from now on.
    pub(crate) fn put_back(&mut self, copy: &[u8], phones: &mut [&mut Phone]) {
        let file = self.dir.path().join(format!("{}.sqlite", fresh_entry()));
        std::fs::write(&file, copy).expect("written");
        let (keys, clock) = (self.records.keys.clone(), self.clock.clone());
        let db = Database::open(&file).expect("opens");
        self.records = Arc::new(Records::new(db, keys, clock, Matrix::default(), 30));
        for phone in phones {
            phone.records = self.records.clone();
        }
    }

    /// The stores of a server that listens.
    pub(crate) async fn serving() -> (Self, Running) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self::serving_as(Config::local(dir.path()), dir).await
    }

    /// Likewise, configured so, with its stores in `dir`.
    pub(crate) async fn serving_as(config: Config, dir: tempfile::TempDir) -> (Self, Running) {
        let clock = Arc::new(ManualClock::at(START));
        let running = run_with(config, clock.clone()).await;
        let running = running.expect("starts");
        let world = World {
            records: running.app().records.clone(),
            clock,
            dir,
        };
        (world, running)
    }

    /// The server's directory.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Stops a server and starts it again over the same stores.
    pub(crate) async fn start_again(
        &mut self,
        running: Running,
        phones: &mut [&mut Phone],
    ) -> Running {
        running.stop().await;
        self.start(phones).await
    }

    /// Starts a server over the same stores.
    pub(crate) async fn start(&mut self, phones: &mut [&mut Phone]) -> Running {
        let again = run_with(Config::local(self.dir.path()), self.clock.clone()).await;
        let again = again.expect("starts");
        self.records = again.app().records.clone();
        for phone in phones {
            phone.records = self.records.clone();
        }
        again
    }

    /// Signs a phone in, without the ceremony: it comes by that session from now on. Gives the
    /// token.
    pub(crate) fn sign_in(&self, phone: &mut Phone) -> String {
        let (person, device) = (phone.author.person, phone.visitor.device);
        let (token, session) = self.begin_session(person, device.expect("has a key"));
        phone.visitor.session = session;
        token
    }

    fn begin_session(&self, person: PersonId, known: SignedDevice) -> (String, Uuid) {
        let now = self.clock.now();
        let mut store = open_connection(self.records.db.path()).expect("opens");
        let begun = store.transaction(|c| -> Result<_, Fault> {
            let passkey = Uuid::from_bytes(random());
            diesel::insert_into(passkeys::table)
                .values((
                    passkeys::passkey_id.eq(passkey.as_bytes().as_slice()),
                    passkeys::credential_id.eq(passkey.as_bytes().as_slice()),
                    passkeys::person_id.eq(person.as_bytes().as_slice()),
                    passkeys::sealed.eq(Vec::<u8>::new()),
                    passkeys::created.eq(now.0.cast_signed()),
                ))
                .execute(c)?;
            diesel::insert_or_ignore_into(devices_table::table)
                .values((
                    devices_table::device_id.eq(known.id.as_bytes()),
                    devices_table::public_key.eq(known.public_key.as_bytes()),
                    devices_table::person_id.eq(person.as_bytes().as_slice()),
                    devices_table::sealed.eq(Vec::<u8>::new()),
                    devices_table::created.eq(now.0.cast_signed()),
                ))
                .execute(c)?;
            let lasts = std::time::Duration::from_secs(3600);
            let (token, session) = sessions::begin(c, now, lasts, person, passkey, Some(known))?;
            Ok((token.expose(), session.id))
        });
        begun.expect("signs in")
    }

    /// The store's writer waits for nobody who keeps the store locked.
    pub(crate) async fn never_waits(&self) {
        let hurried = |c: &mut SqliteConnection| -> Result<_, Fault> {
            Ok(c.batch_execute("PRAGMA busy_timeout = 0")?)
        };
        self.records.db.write(hurried).await.expect("set");
    }

    /// Sets the clock, back too.
    pub(crate) fn set_clock(&self, to: Tick) {
        self.clock.set(to);
    }

    pub(crate) async fn sign_out(&self, phone: &Phone) {
        let (person, session) = (phone.author.person, phone.visitor.session);
        let now = self.clock.now();
        let keys = self.records.keys.clone();
        let job =
            move |c: &mut diesel::SqliteConnection| sessions::end(c, &keys, now, person, session);
        let ended: bool = self.records.db.write(job).await.expect("writes");
        assert!(ended);
    }

    /// Opens the record of holder number `n`, and gives the holder's phone.
    pub(crate) async fn holder(&self, n: u32) -> Phone {
        let Opened { record, holder } = self.open(n).await.expect("opens");
        self.phone(record, holder, Role::Holder, holder)
    }

    pub(crate) async fn open(&self, n: u32) -> Result<Opened, super::OpenError> {
        let number = format!("1800199{n:06}00");
        let person = Person {
            family_name: "Martin".into(),
            given_names: "Zoé".into(),
            ins: Some(Ins::parse(&number, InsDomain::Test).expect("a test identity")),
            traits: Some(
                IdentityTraits::parse("Martin", "Zoé", "1980-01-31", "F", "99999").expect("traits"),
            ),
            professional: None,
        };
        let opening = Opening {
            channel: Channel::Pharmacist,
            departement: Departement::parse("48").expect("Lozère"),
            opened_by: "the pharmacist".into(),
            consent: "the holder, orally".into(),
            proof: "identity card".into(),
        };
        let (keys, now) = (self.records.keys.clone(), self.clock.now());
        let job =
            move |c: &mut diesel::SqliteConnection| open(c, &keys, now, &person, None, &opening);
        self.records.db.write(job).await
    }

    pub(crate) async fn person(&self, profession: Option<(&str, Profession)>) -> PersonId {
        let id = PersonId(Uuid::from_bytes(random()));
        self.person_as(id, profession).await;
        id
    }

    /// A person under an identifier that may have been named before.
    pub(crate) async fn person_as(&self, id: PersonId, profession: Option<(&str, Profession)>) {
        let professional = profession.map(|(rpps, profession)| Professional {
            rpps: Rpps::parse(rpps).expect("a number"),
            profession,
        });
        let person = Person {
            family_name: "Durand".into(),
            given_names: "Paul".into(),
            ins: None,
            traits: None,
            professional,
        };
        let (keys, now) = (self.records.keys.clone(), self.clock.now());
        let job = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
            people::add_as(c, &keys, now, id, &person)
        };
        self.records.db.write(job).await.expect("added");
    }

    /// A phone that knows nothing yet, signed in.
    pub(crate) fn phone(
        &self,
        record: RecordId,
        person: PersonId,
        role: Role,
        holder: PersonId,
    ) -> Phone {
        let key = SigningKey::from_bytes(&random());
        let public_key = PublicKey::of(&key);
        let head = ReplicaHead::new(record, self.records.server_keys(), Incarnation(random()));
        let delegate = role.is_delegate();
        let device = SignedDevice {
            id: DeviceId::of(&public_key),
            public_key,
        };
        let (_, session) = self.begin_session(person, device);
        Phone {
            records: self.records.clone(),
            head,
            kept: Memory::default(),
            author: Author {
                person,
                role,
                on_behalf_of: delegate.then_some(holder),
                key,
            },
            visitor: Visitor {
                person,
                device: Some(device),
                session,
            },
        }
    }

    /// A phone's device is revoked.
    pub(crate) async fn revoke(&self, phone: &Phone) {
        let (person, device) = (phone.author.person, phone.visitor.device);
        let (id, now) = (device.expect("a key").id, self.clock.now());
        let keys = self.records.keys.clone();
        let job = move |c: &mut SqliteConnection| devices::revoke(c, &keys, now, person, id);
        assert!(self.records.db.write(job).await.expect("writes"));
    }

    /// A phone's device is revoked, and its person signs in there again: with a fresh key.
    pub(crate) async fn another_key(&self, phone: &mut Phone) {
        self.revoke(phone).await;
        let Author {
            person,
            role,
            on_behalf_of,
            ..
        } = phone.author.clone();
        let holder = on_behalf_of.unwrap_or(person);
        let fresh = self.phone(phone.head.record, person, role, holder);
        (phone.author, phone.visitor) = (fresh.author, fresh.visitor);
    }

    /// A doctor whom a holder lets read and write, with their phone. There is one.
    pub(crate) async fn doctor(&self, holder: &mut Phone) -> Phone {
        let physician = Profession::Physician;
        let person = self.person(Some(("10101010105", physician))).await;
        holder.right(RightKind::Grant, person);
        holder.sync().await;
        let role = Role::Professional(physician);
        let mut doctor = self.phone(holder.head.record, person, role, holder.author.person);
        doctor.sync().await;
        doctor
    }

    /// A caregiver of a holder, delegated and synced, with their phone.
    pub(crate) async fn caregiver(&self, holder: &mut Phone) -> (Phone, EntryId) {
        let person = self.person(None).await;
        self.delegated(holder, person).await
    }

    /// Delegates to somebody, and gives their phone.
    pub(crate) async fn delegated(&self, holder: &mut Phone, person: PersonId) -> (Phone, EntryId) {
        let right = holder.right(RightKind::Delegation, person);
        holder.sync().await;
        let record = holder.head.record;
        let phone = self.phone(record, person, Role::Caregiver, holder.author.person);
        (phone, right)
    }
}

/// A store as it stands; `file` is used in between.
fn vacuumed(store: &std::path::Path, file: &std::path::Path) -> Vec<u8> {
    let mut store = open_connection(store).expect("opens");
    diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(file.to_str().expect("text"))
        .execute(&mut store)
        .expect("copied");
    let bytes = std::fs::read(file).expect("the copy");
    std::fs::remove_file(file).expect("removed");
    bytes
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random");
    bytes
}

/// One device with one record, over the protocol alone.
#[derive(Clone)]
pub(crate) struct Phone {
    records: Arc<Records>,
    pub(crate) head: ReplicaHead,
    pub(crate) kept: Memory,
    pub(crate) author: Author,
    pub(crate) visitor: Visitor,
}

impl Phone {
    pub(crate) fn write(&mut self, entry: EntryId, writes: &[Write]) -> ChangeHash {
        self.write_citing(entry, writes, Vec::new())
    }

    pub(crate) fn write_citing(
        &mut self,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
    ) -> ChangeHash {
        let at = DeviceTime(START.millis());
        self.head
            .edit(&mut self.kept, &self.author, entry, writes, cites, at)
            .expect("edits")
    }

    /// An entry that caregivers see too.
    pub(crate) fn allergy(&mut self, substance: &str) -> EntryId {
        let draft = AllergyDraft {
            substance: Label::text(substance),
            ..AllergyDraft::default()
        };
        let entry = fresh_entry();
        self.write(entry, &draft.writes().expect("an allergy"));
        entry
    }

    /// An allergy that caregivers never knew of.
    pub(crate) fn hidden_allergy(&mut self, substance: &str) -> EntryId {
        let mut draft = AllergyDraft {
            substance: Label::text(substance),
            ..AllergyDraft::default()
        };
        draft.common.visibility.hidden_from_representatives = true;
        let entry = fresh_entry();
        self.write(entry, &draft.writes().expect("an allergy"));
        entry
    }

    /// An entry that the patient may not know of until a time.
    pub(crate) fn result(&mut self, substance: &str, until: Tick) -> EntryId {
        let mut draft = AllergyDraft {
            substance: Label::text(substance),
            ..AllergyDraft::default()
        };
        draft.common.visibility.hidden_from_patient_until = Some(until);
        let entry = fresh_entry();
        self.write(entry, &draft.writes().expect("an allergy"));
        entry
    }

    /// An entry of the holder's alone.
    pub(crate) fn note(&mut self, title: &str) -> EntryId {
        let draft = OwnNoteDraft {
            title: Label::text(title),
            ..OwnNoteDraft::default()
        };
        let entry = fresh_entry();
        self.write(entry, &draft.writes().expect("a note"));
        entry
    }

    /// Marks an entry as another patient's.
    pub(crate) fn wrong_patient(&mut self, entry: EntryId) -> ChangeHash {
        let status = r#"{"status":"wrong-patient","reason":"of her sister"}"#;
        self.write(entry, &[Write::set("status", status)])
    }

    pub(crate) fn right(&mut self, right: RightKind, person: PersonId) -> EntryId {
        let entry = fresh_entry();
        let writes = RightDraft::new(right, person).writes().expect("a right");
        self.write(entry, &writes);
        entry
    }

    pub(crate) fn request(&mut self) -> SyncRequest {
        self.head
            .request(&mut self.kept, &self.author, None)
            .expect("a request")
    }

    pub(crate) async fn ask(&mut self, request: SyncRequest) -> Result<SyncAnswer, AccessError> {
        let record = self.head.record;
        let turn = Turn::default();
        self.records.sync(record, self.visitor, request, turn).await
    }

    pub(crate) fn receive(&mut self, answer: &SyncAnswer) -> Report {
        let (fresh, now) = (Incarnation(random()), DeviceTime(START.millis()));
        self.head
            .receive(&mut self.kept, &self.author, answer, fresh, now)
            .expect("a good answer")
    }

    /// One round trip.
    pub(crate) async fn round(&mut self) -> (SyncAnswer, Report) {
        let request = self.request();
        let answer = self.ask(request).await.expect("answers");
        let report = self.receive(&answer);
        (answer, report)
    }

    /// Until nothing more is to come; the last report.
    pub(crate) async fn sync(&mut self) -> Report {
        loop {
            let (_, report) = self.round().await;
            if !report.more {
                return report;
            }
        }
    }

    pub(crate) fn has(&self, entry: EntryId) -> bool {
        self.kept.entries.contains_key(&entry)
    }

    pub(crate) fn actor(&self, entry: &EntryId) -> Actor {
        Actor::of(
            &PublicKey::of(&self.author.key),
            &self.head.incarnation,
            entry,
        )
    }
}

pub(crate) fn fresh_entry() -> EntryId {
    EntryId(Uuid::from_bytes(random()))
}
