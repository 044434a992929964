//! The people a visitor may know of by what they may see of a record.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::SqliteConnection;
use serde::Serialize;
use sync_core::audit::AccessAction;
use sync_core::policy::Profession;
use sync_core::{Epoch, LogIncarnation, PersonId, RecordId, Tick};
use utoipa::ToSchema;

use super::vault::Filed;
use super::{AccessError, Admitted, Records, Visitor};
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::people;
use crate::storage::records::{RecordStore as _, ShelfId};

/// Somebody who wrote in a record, or whom its rights name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KnownPerson {
    /// The person.
    #[schema(value_type = uuid::Uuid)]
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their verified profession.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub profession: Option<Profession>,
}

/// How much is looked at for one answer.
#[derive(Clone, Copy)]
struct Most {
    entries: u32,
    /// About so many, in those entries of which nothing says in short who made their edits.
    edits: usize,
}

const A_PAGE: Most = Most {
    entries: 1_000,
    edits: 4_000,
};

/// Visitors of records of whom it is kept whom they were told of; beyond it the memory is emptied and
/// fills again.
const KEPT: usize = 1_024;

/// Of so many people at most.
const KEPT_PEOPLE: usize = 256;

/// Whom those may know of who were just given a whole record in one page: a new phone asks for it next,
/// and the entries that say so need not be found and opened again.
#[derive(Default)]
pub(super) struct JustGiven(Mutex<HashMap<(RecordId, PersonId), Given>>);

/// Whom the entries that a visitor was given name, and when that was all of them.
struct Given {
    log: LogIncarnation,
    epoch: Epoch,
    until: Tick,
    people: BTreeSet<PersonId>,
}

impl JustGiven {
    fn kept(&self) -> MutexGuard<'_, HashMap<(RecordId, PersonId), Given>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom the entries named, if these are still all that the visitor may see, and nothing happened
    /// to them since.
    fn find(
        &self,
        store: &mut SqliteConnection,
        admitted: &Admitted<'_>,
        shelves: &[ShelfId],
    ) -> Result<Option<BTreeSet<PersonId>>, Fault> {
        let row = &admitted.row;
        let given = self.kept().remove(&(row.record, admitted.subject.person));
        let of = |given: &Given| (given.log, given.epoch) == (row.log, admitted.epoch);
        let Some(Given { until, people, .. }) = given.filter(of) else {
            return Ok(None);
        };
        // Nothing else is asked: how long this takes must not tell of what they may not see.
        let (record, now) = (row.record, row.clock.last);
        let same = store.placed(record, shelves, until, now, 1)?.is_empty()
            && store.departed(record, shelves, until, now)?.is_empty();
        Ok(same.then_some(people))
    }
}

impl Records {
    /// Keeps whom the entries of a page name that is all of a record for a visitor.
    pub(crate) fn just_gave(
        &self,
        admitted: &Admitted<'_>,
        until: Tick,
        people: BTreeSet<PersonId>,
    ) {
        if people.len() > KEPT_PEOPLE {
            return;
        }
        let (row, visitor) = (&admitted.row, admitted.subject.person);
        let given = Given {
            log: row.log,
            epoch: admitted.epoch,
            until,
            people,
        };
        let mut kept = self.just_given.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((row.record, visitor), given);
    }

    /// The holder, the visitor, the authors of what the visitor may see, and whom the rights they
    /// may see name; of what was written or fell due after a tick, or of all, if they were just given
    /// all of it. Of more than so many entries, or edits of them, gives the tick after which to ask on.
    ///
    /// # Errors
    /// [`AccessError::NotYours`] for those who have no right now.
    pub fn people_of(
        &self,
        connection: &mut SqliteConnection,
        record: RecordId,
        visitor: &Visitor,
        since: Tick,
    ) -> Result<(Vec<KnownPerson>, Option<Tick>), AccessError> {
        let admitted = self.admit_now(connection, record, visitor.person)?;
        self.remember(
            &admitted.row,
            admitted.known.clone(),
            admitted.shelves.clone(),
        );
        let (known, next) = self.known(connection, &admitted, since, A_PAGE)?;
        let known: Vec<PersonId> = known.into_iter().collect();
        let found = people::find_all(connection, &self.keys, &known)?;
        let mut people: Vec<KnownPerson> = found
            .into_iter()
            .map(|(id, person)| KnownPerson {
                person: id,
                name: person.name(),
                profession: person.professional.map(|p| p.profession),
            })
            .collect();
        people.sort_by_key(|known| known.person);
        Ok((people, next))
    }

    fn known(
        &self,
        connection: &mut SqliteConnection,
        admitted: &Admitted<'_>,
        since: Tick,
        most: Most,
    ) -> Result<(BTreeSet<PersonId>, Option<Tick>), Fault> {
        let mut known = BTreeSet::from([admitted.row.holder, admitted.subject.person]);
        let now = admitted.row.clock.last;
        let vault = &admitted.vault;
        let record = admitted.row.record;
        let viewer = (&admitted.standing, admitted.epoch);
        let shelves = self.shelves_of(&admitted.row, &admitted.shelves, viewer);
        if let Some(people) = self.just_given.find(connection, admitted, &shelves)? {
            known.extend(people);
            return Ok((known, None));
        }
        let placed = connection.placed(record, &shelves, since, now, most.entries)?;
        let whole = placed.len() < most.entries as usize;
        let (ticks, rows): (Vec<Tick>, Vec<_>) = placed.into_iter().unzip();
        let (mut looked, mut last) = (0, since);
        for ((tick, row), key) in ticks.into_iter().zip(&rows).zip(vault.keys_of(&rows)?) {
            // What came at one tick is not told in two parts.
            if looked >= most.edits && tick != last {
                return Ok((known, Some(last)));
            }
            last = tick;
            let Some(key) = key else { continue };
            let Filed { class, people, .. } = vault.open_filed(&key, row)?;
            if !admitted.standing.may_read(&class, &self.matrix, now) {
                continue;
            }
            known.extend(class.concerns);
            if let Some(people) = people {
                known.extend(people);
                looked += 1;
                continue;
            }
            for (tick, sealed) in connection.about_entry(vault.record(), row.entry)? {
                let origin = vault.open_origin(&key, (row.entry, tick), &sealed)?.read();
                let origin = origin.map_err(|_| Fault::malformed("log.about"))?;
                known.extend(origin.people());
                looked += 1;
            }
        }
        Ok((known, (!whole).then_some(last)))
    }

    /// Notes in the access log something a visitor is given that is not entries.
    ///
    /// # Errors
    /// [`AccessError::NotYours`] for those who have no right now.
    pub fn note(
        &self,
        connection: &mut SqliteConnection,
        record: RecordId,
        visitor: &Visitor,
        action: AccessAction,
    ) -> Result<(), AccessError> {
        let admitted = self.admit_now(connection, record, visitor.person)?;
        let mut clock = admitted.row.clock;
        clock.last = clock.last.next(self.clock.now());
        let device = visitor.device.map(|device| device.id);
        let holder = admitted.row.holder;
        let actor = Actor::new(visitor.person, admitted.role(), device, holder);
        let event = actor.event(action, clock.last);
        audit::append(connection, &admitted.vault, &mut clock, event)?;
        connection.move_clock(record, &clock)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sync_core::policy::RightKind;

    use super::*;
    use crate::records::vault::{MOST_PEOPLE, Vault};
    use crate::records::world::{Phone, START, World};
    use crate::storage::met;

    /// Has the store say of no entry in short who wrote it, as of those that more than so many did.
    async fn forget_people(world: &World, record: RecordId) {
        let keys = world.records.keys.clone();
        let forget = move |c: &mut SqliteConnection| -> Result<(), Fault> {
            let vault = Vault::new(&keys, record)?;
            let many = (0..=MOST_PEOPLE as u128).map(|n| PersonId(uuid::Uuid::from_u128(n)));
            let many: BTreeSet<PersonId> = many.collect();
            for mut row in c.entries_after(record, None, 100)? {
                let key = vault.key_of(&row)?.expect("its key");
                let (_, document) = c.entry(record, row.entry)?.expect("there");
                let history = c.history(record, row.entry)?;
                let filed = vault.open_filed(&key, &row)?;
                let version = filed.version.expect("it is kept");
                let (at, about) = ((row.entry, row.touched), (&filed.class, version));
                row.class = vault.seal_filed(&key, at, about, &many)?;
                assert_eq!(vault.open_filed(&key, &row)?.people, None);
                c.put_entry(record, &row, &document, history.as_deref())?;
            }
            Ok(())
        };
        world.records.db.write(forget).await.expect("forgotten");
    }

    /// Page by page, however few fit one, everybody is named who is named at once, and the work of
    /// one answer is bounded.
    #[tokio::test]
    async fn all_pages_together_name_everybody() {
        let world = World::new();
        let mut holder = world.holder(1).await;
        let (mut caregiver, _) = world.caregiver(&mut holder).await;
        let mut doctor = world.doctor(&mut holder).await;
        holder.allergy("Latex");
        let shared = holder.allergy("Iode");
        holder.sync().await;
        for (phone, said) in [(&mut caregiver, "vue"), (&mut doctor, "revue")] {
            phone.sync().await;
            phone.write(shared, &[sync_core::entry::Write::set("notes", said)]);
            phone.allergy("Pollen");
            phone.sync().await;
        }
        let (record, person) = (holder.head.record, holder.author.person);
        let short = pages(&world, (record, person)).await;
        forget_people(&world, record).await;
        let long = pages(&world, (record, person)).await;
        let (whole, once) = &short[0];
        assert_eq!((whole.len(), *once), (3, 1));
        for (known, pages) in short[1..].iter().chain(&long[1..]) {
            assert_eq!(known, whole);
            assert!(*pages > 2, "{pages}");
        }
        assert_eq!(long[0], short[0]);
    }

    /// Whom a record names is the same, and is found with less, for whoever was just given all of it;
    /// and it is looked for again when something came meanwhile.
    #[tokio::test]
    async fn whoever_was_just_given_all_is_told_of_the_same_people() {
        let world = World::new();
        let mut holder = world.holder(1).await;
        let (mut caregiver, _) = world.caregiver(&mut holder).await;
        let mut doctor = world.doctor(&mut holder).await;
        let shared = holder.allergy("Latex");
        holder.hidden_allergy("Iode");
        let wrong = holder.allergy("Pollen");
        holder.wrong_patient(wrong);
        holder.sync().await;
        doctor.sync().await;
        doctor.write(shared, &[sync_core::entry::Write::set("notes", "vue")]);
        doctor.sync().await;
        let (record, person) = (holder.head.record, holder.author.person);
        let new = |phone: &Phone| {
            let (of, role) = (phone.author.person, phone.author.role.clone());
            (world.phone(record, of, role, person), (record, of))
        };
        for phone in [&holder, &caregiver, &doctor] {
            for since in [Tick(0), START.next(START)] {
                let (mut phone, of) = new(phone);
                phone.sync().await;
                let (given, less) = named(&world, of, since).await;
                let (found, more) = named(&world, of, Tick(0)).await;
                assert_eq!(given, found);
                assert!(less < more, "{less} {more}");
            }
        }
        let (mut phone, of) = new(&doctor);
        phone.sync().await;
        let writer = caregiver.author.person;
        caregiver.sync().await;
        caregiver.allergy("Noix");
        caregiver.sync().await;
        let (after, _) = named(&world, of, Tick(0)).await;
        assert!(after.contains(&writer));
        let (mut phone, of) = new(&doctor);
        phone.sync().await;
        let other = world.person(None).await;
        holder.right(RightKind::Delegation, other);
        holder.sync().await;
        let (after, _) = named(&world, of, Tick(0)).await;
        assert_eq!(after, named(&world, of, Tick(0)).await.0);
    }

    /// Whom a record names to somebody, and how much of the store was met for it.
    async fn named(
        world: &World,
        (record, person): (RecordId, PersonId),
        since: Tick,
    ) -> (BTreeSet<PersonId>, u64) {
        let records = world.records.clone();
        let look = move |c: &mut SqliteConnection| {
            let admitted = records.admit_now(c, record, person)?;
            let before = met::all();
            let (people, next) = records.known(c, &admitted, since, A_PAGE)?;
            assert_eq!(next, None);
            Ok::<_, AccessError>((people, met::all() - before))
        };
        world.records.db.read(look).await.expect("looks")
    }

    /// Whom all pages name, and how many they are, for pages of several sizes.
    async fn pages(
        world: &World,
        (record, person): (RecordId, PersonId),
    ) -> Vec<(BTreeSet<PersonId>, usize)> {
        let records = world.records.clone();
        let look = move |c: &mut SqliteConnection| {
            let admitted = records.admit_now(c, record, person)?;
            let mut pages = |most: Most| -> Result<_, Fault> {
                let (mut known, mut pages) = (BTreeSet::new(), 0);
                let mut next = Some(Tick(0));
                while let Some(since) = next {
                    let (page, on) = records.known(c, &admitted, since, most)?;
                    assert!(on.is_none_or(|on| on > since));
                    known.extend(page);
                    (next, pages) = (on, pages + 1);
                }
                Ok((known, pages))
            };
            let entries = |entries| Most { entries, ..A_PAGE };
            let edits = |edits| Most { edits, ..A_PAGE };
            let all = [A_PAGE, entries(1), entries(2), edits(1), edits(2)];
            let all: Result<Vec<_>, Fault> = all.into_iter().map(&mut pages).collect();
            Ok::<_, AccessError>(all?)
        };
        world.records.db.read(look).await.expect("looks")
    }
}
