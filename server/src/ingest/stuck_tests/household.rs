//! A record with those who write in it, on five phones, over the real server.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::entry::{KIND, STATUS, Value, Write};
use sync_core::kind::{AllergyDraft, Label, Verdict};
use sync_core::merge::{
    self, Choice, EntryView, FlagCode, HeldForReview, ReviewItem, Viewer, review,
};
use sync_core::policy::{RightKind, Role};
use sync_core::replica::{AsideReason, Entries as _, ReplicaHead};
use sync_core::sync::{HeldEdit, HoldReason, Settlement};
use sync_core::{ChangeHash, DeviceTime, EntryId, PersonId, guard};

use crate::fault::Fault;
use crate::records::vault::Vault;
use crate::records::world::{Phone, START, World, fresh_entry};
use crate::records::{AccessError, histories};
use crate::storage::records::RecordStore as _;

/// The phones, by their place. Two are the holder's, two the caregiver's.
pub const HOLDER: usize = 0;
pub const TABLET: usize = 1;
pub const CARER: usize = 2;
pub const SECOND: usize = 3;
pub const DOCTOR: usize = 4;
pub const PHONES: usize = 5;

/// More round trips than anything takes here that comes to an end.
const ROUNDS: usize = 80;

/// What the server keeps of a held edit.
#[derive(Clone, Debug)]
pub struct Kept {
    pub reason: HoldReason,
    pub for_holder: bool,
    pub settlement: Option<Settlement>,
    /// It follows nothing that is not in the record.
    pub follows_nothing_held: bool,
}

/// What became of edits in a sync.
#[derive(Default, Debug)]
pub struct Heard {
    pub accepted: BTreeSet<ChangeHash>,
    pub aside: BTreeMap<ChangeHash, AsideReason>,
}

pub struct Household {
    pub world: World,
    pub phones: Vec<Phone>,
    /// The rights of the caregiver and of the doctor.
    pub rights: [EntryId; 2],
    /// An entry that the holder made, and all of them see.
    pub shared: EntryId,
    /// Counts what is written, so that no two edits say the same.
    written: u64,
}

impl Household {
    pub async fn new() -> Self {
        let world = World::new();
        let mut holder = world.holder(1).await;
        let (carer, delegation) = world.caregiver(&mut holder).await;
        let doctor = world.doctor(&mut holder).await;
        let is_grant = |entry: &&EntryId| {
            holder.kept.entries[*entry].state().kind() == Some(RightKind::Grant.as_str())
        };
        let grant = *holder.kept.entries.keys().find(is_grant).expect("given");
        let (record, patient) = (holder.head.record, holder.author.person);
        let tablet = world.phone(record, patient, Role::Holder, patient);
        let second = world.phone(record, carer.author.person, Role::Caregiver, patient);
        let mut home = Household {
            world,
            phones: vec![holder, tablet, carer, second, doctor],
            rights: [delegation, grant],
            shared: fresh_entry(),
            written: 0,
        };
        home.shared = home.create(HOLDER);
        home.create(CARER);
        home.create(DOCTOR);
        for _ in 0..2 {
            home.all_sync().await;
        }
        home
    }

    pub fn person(&self, of: usize) -> PersonId {
        self.phones[of].author.person
    }

    /// A value that nobody has written yet.
    pub fn word(&mut self) -> String {
        self.written += 1;
        format!("word {}", self.written)
    }

    /// Somebody adds an entry.
    pub fn create(&mut self, by: usize) -> EntryId {
        let draft = AllergyDraft {
            substance: Label::text(self.word()),
            ..AllergyDraft::default()
        };
        let entry = fresh_entry();
        let writes = draft.writes().expect("an allergy");
        let made = self.write(by, entry, &writes, Vec::new());
        made.expect("it is new");
        entry
    }

    /// Somebody writes; nothing where that changes nothing.
    pub fn write(
        &mut self,
        by: usize,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
    ) -> Option<ChangeHash> {
        let Phone {
            head, kept, author, ..
        } = &mut self.phones[by];
        let at = DeviceTime(START.millis());
        head.edit(kept, author, entry, writes, cites, at).ok()
    }

    /// Somebody writes a remark.
    pub fn remark(&mut self, by: usize, entry: EntryId) -> ChangeHash {
        let write = Write::set("notes", self.word());
        let made = self.write(by, entry, &[write], Vec::new());
        made.expect("it is new")
    }

    /// The holder takes a right back, or gives it again.
    pub fn set_right(&mut self, by: usize, right: EntryId, given: bool) {
        let status = match given {
            true => r#"{"status":"active"}"#,
            false => r#"{"status":"revoked"}"#,
        };
        self.write(by, right, &[Write::set(STATUS, status)], Vec::new());
    }

    /// The entries of a kind that a phone shows.
    pub fn shown(&self, on: usize) -> Vec<EntryId> {
        let entries = self.phones[on].kept.entries.iter();
        let shown = entries
            .filter(|(_, local)| !local.forgotten && local.state().kind() == Some("allergy"));
        shown.map(|(entry, _)| *entry).collect()
    }

    /// Until nothing more is to come, in requests that carry so much; nothing, if the record is not
    /// open to them.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn sync_by(&mut self, on: usize, limit: Option<u32>) -> Result<Heard, String> {
        let mut heard = Heard::default();
        for _ in 0..ROUNDS {
            let request = self.request(on, limit);
            let phone = &mut self.phones[on];
            let answer = match phone.ask(request.clone()).await {
                Err(AccessError::SignedOut | AccessError::Device) => {
                    // The store was put back: it does not know the session.
                    self.world.sign_in(phone);
                    phone.ask(request).await
                }
                answer => answer,
            };
            let answer = match answer {
                Err(AccessError::NotYours) => return Ok(heard),
                answer => answer.map_err(|error| format!("phone {on}: {error}"))?,
            };
            let report = phone.receive(&answer);
            heard.accepted.extend(report.accepted);
            let aside = report.aside.into_iter();
            heard
                .aside
                .extend(aside.map(|aside| (aside.change, aside.why)));
            if !report.more && phone.kept.unsent.is_empty() {
                return Ok(heard);
            }
        }
        Err(format!("phone {on} never comes to an end"))
    }

    pub async fn sync(&mut self, on: usize) -> Heard {
        let synced = self.sync_by(on, None).await;
        synced.unwrap_or_else(|stuck| panic!("{stuck}"))
    }

    pub async fn all_sync(&mut self) {
        for on in 0..PHONES {
            self.sync(on).await;
        }
    }

    /// A request is taken in, and its answer lost.
    pub async fn lose_answer(&mut self, on: usize) {
        let request = self.request(on, None);
        drop(self.phones[on].ask(request).await);
    }

    fn request(&mut self, on: usize, limit: Option<u32>) -> sync_core::sync::SyncRequest {
        let Phone {
            head, kept, author, ..
        } = &mut self.phones[on];
        head.request(kept, author, limit).expect("a request")
    }

    /// A phone's store is put back from a copy, unnoticed.
    pub fn put_phone_back(
        &mut self,
        on: usize,
        (head, kept): &(ReplicaHead, sync_core::replica::Memory),
    ) {
        let phone = &mut self.phones[on];
        (phone.head, phone.kept) = (head.clone(), kept.clone());
    }

    /// The server's store is put back from a copy.
    pub fn put_back(&mut self, copy: &[u8]) {
        let mut phones: Vec<&mut Phone> = self.phones.iter_mut().collect();
        self.world.put_back(copy, &mut phones);
    }

    /// What the holder is asked to decide of held edits, on one of their phones.
    pub fn asked(&mut self, on: usize) -> Vec<ReviewItem> {
        let phone = &mut self.phones[on];
        let mut told: BTreeMap<ChangeHash, HeldEdit> = BTreeMap::new();
        for held in &phone.kept.held {
            told.extend(held.change().ok().map(|change| (change, held.clone())));
        }
        let told: Vec<HeldEdit> = told.into_values().collect();
        let views = phone
            .kept
            .entries
            .iter()
            .filter(|(_, local)| !local.forgotten);
        let views = views.map(|(id, local)| merge::view(*id, &local.state(), &local.provenance()));
        let views: Vec<EntryView> = views.collect();
        let mut open = Vec::new();
        for mut held in HeldForReview::read_all(&told).expect("sound") {
            let local = phone.kept.load(&held.entry).expect("in memory");
            let local = local.unwrap_or_default();
            let provenance = local.provenance();
            held.follow(&local.state(), &provenance);
            let mut unanswered = provenance.values().filter(|made| made.accepted.is_none());
            if !unanswered.any(|made| made.origin.cites.contains(&held.change)) {
                open.push(held);
            }
        }
        let viewer = Viewer {
            person: phone.author.person,
            role: phone.author.role.clone(),
        };
        let list = review(&views, &open, &viewer, jiff::civil::date(2026, 11, 1));
        let held = |item: &ReviewItem| item.code == FlagCode::HeldEdit;
        list.into_iter().filter(held).collect()
    }

    /// The holder decides on one, as their list offers it.
    ///
    /// # Errors
    /// When that cannot be carried out.
    pub fn decide(
        &mut self,
        on: usize,
        item: &ReviewItem,
        verdict: Verdict,
    ) -> Result<Vec<ChangeHash>, String> {
        let resolution = merge::resolve(item, &Choice::Decide(verdict.clone()));
        let resolution = resolution.ok_or_else(|| format!("{verdict} is not offered"))?;
        let mut made = Vec::new();
        for (entry, writes) in &resolution.edits {
            let change = self.write(on, *entry, writes, resolution.cites.clone());
            made.push(change.ok_or_else(|| format!("{} cannot be taken up", item.key))?);
        }
        if let Some(decision) = resolution.decision {
            let writes = decision.writes().expect("a decision");
            let change = self.write(on, fresh_entry(), &writes, Vec::new());
            made.push(change.expect("it is new"));
        }
        Ok(made)
    }

    /// The holder leaves out a held edit by its name, whether their list asks of it or not.
    pub fn leave_out(&mut self, on: usize, change: ChangeHash) -> EntryId {
        let entry = fresh_entry();
        let writes = [
            Write::set(KIND, "review-decision"),
            Write::set("schema", Value::Uint(1)),
            Write::set(STATUS, r#"{"status":"active"}"#),
            Write::set("item", format!("held-edit/{change}")),
            Write::set("decision", "discard"),
            Write::set("change", change.to_string()),
        ];
        let made = self.write(on, entry, &writes, Vec::new());
        made.expect("it is new");
        entry
    }

    /// What the server keeps of held edits.
    pub async fn held(&self) -> BTreeMap<ChangeHash, Kept> {
        let entries = self.phones.iter().flat_map(|phone| {
            let kept = &phone.kept;
            let aside = kept.aside.iter().map(|aside| aside.edit.entry);
            let unsent = kept.unsent.iter().map(|unsent| unsent.edit.entry);
            let held = kept.held.iter().map(|held| held.edit.entry);
            kept.entries
                .keys()
                .copied()
                .chain(aside)
                .chain(unsent)
                .chain(held)
        });
        let entries: BTreeSet<EntryId> = entries.collect();
        let record = self.phones[HOLDER].head.record;
        let keys = self.world.records.keys.clone();
        let job = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
            let vault = Vault::new(&keys, record)?;
            let mut all = BTreeMap::new();
            for entry in entries {
                let held = c.held_of_entry(record, entry)?;
                let accepted = match c.entry(record, entry)? {
                    Some((row, _)) if !held.is_empty() => match vault.key_of(&row)? {
                        Some(key) => histories::provenance(c, &vault, (&row, &key))?,
                        None => BTreeMap::new(),
                    },
                    _ => BTreeMap::new(),
                };
                for row in held {
                    let about = vault.open_held_about((entry, row.received), &row.about)?;
                    let made = guard::inspect(&vault.open_held(&row)?.edit.change);
                    let kept = Kept {
                        reason: about.reason,
                        for_holder: about.for_holder,
                        settlement: row.settlement,
                        follows_nothing_held: made.is_ok_and(|made| {
                            let mut deps = made.past.deps.iter();
                            deps.all(|dep| accepted.contains_key(dep))
                        }),
                    };
                    all.insert(about.change, kept);
                }
            }
            Ok(all)
        };
        self.world.records.db.read(job).await.expect("reads")
    }

    /// Whether somebody other than the holder has a right, by the holder's phone.
    pub fn has_right(&self, who: usize) -> bool {
        let right = match who {
            HOLDER | TABLET => return true,
            CARER | SECOND => self.rights[0],
            _ => self.rights[1],
        };
        let local = &self.phones[HOLDER].kept.entries[&right];
        let view = merge::view(right, &local.state(), &local.provenance());
        merge::right_fact(&view).is_some_and(|fact| !fact.revoked)
    }
}
