//! The people a visitor may know of by what they may see of a record.

use std::collections::BTreeSet;

use diesel::SqliteConnection;
use serde::Serialize;
use sync_core::audit::AccessAction;
use sync_core::policy::Profession;
use sync_core::{PersonId, RecordId, Tick};
use utoipa::ToSchema;

use super::{AccessError, Admitted, Records, Visitor};
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::people;
use crate::storage::records::RecordStore as _;

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

impl Records {
    /// The holder, the visitor, the authors of what the visitor may see, and whom the rights they
    /// may see name; of what was written or fell due after a tick, whose number is all it costs.
    ///
    /// # Errors
    /// [`AccessError::NotYours`] for those who have no right now.
    pub fn people_of(
        &self,
        connection: &mut SqliteConnection,
        record: RecordId,
        visitor: &Visitor,
        since: Tick,
    ) -> Result<Vec<KnownPerson>, AccessError> {
        let admitted = self.admit_now(connection, record, visitor.person)?;
        self.remember(
            &admitted.row,
            admitted.known.clone(),
            admitted.shelves.clone(),
        );
        let known: Vec<PersonId> = self
            .known(connection, &admitted, since)?
            .into_iter()
            .collect();
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
        Ok(people)
    }

    fn known(
        &self,
        connection: &mut SqliteConnection,
        admitted: &Admitted<'_>,
        since: Tick,
    ) -> Result<BTreeSet<PersonId>, Fault> {
        let mut known = BTreeSet::from([admitted.row.holder, admitted.subject.person]);
        let now = admitted.row.clock.last;
        let vault = &admitted.vault;
        let record = admitted.row.record;
        let viewer = (&admitted.standing, admitted.epoch);
        let shelves = self.shelves_of(&admitted.row, &admitted.shelves, viewer);
        let rows = connection.placed(record, &shelves, since, now, u32::MAX)?;
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        for (row, key) in rows.iter().zip(vault.keys_of(&rows)?) {
            let Some(key) = key else { continue };
            let class = vault.open_class(&key, row)?;
            if !admitted.standing.may_read(&class, &self.matrix, now) {
                continue;
            }
            known.extend(class.concerns);
            for (tick, sealed) in connection.about_entry(vault.record(), row.entry)? {
                let about = vault.open_about(&key, (row.entry, tick), &sealed)?;
                let origin = about.origin.read();
                let origin = origin.map_err(|_| Fault::malformed("log.about"))?;
                known.insert(origin.author);
                known.extend(origin.on_behalf_of);
            }
        }
        Ok(known)
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
