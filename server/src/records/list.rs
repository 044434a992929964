//! The records somebody may open.

use diesel::SqliteConnection;
use serde::Serialize;
use sync_core::policy::{Role, Subject};
use sync_core::{PersonId, RecordId, Tick};
use utoipa::ToSchema;

use super::vault::party_blind;
use super::{AccessError, Records, lives};
use crate::people;
use crate::storage::records::RecordStore as _;

/// A record, to somebody who may open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordSummary {
    /// The record.
    #[schema(value_type = uuid::Uuid)]
    pub record: RecordId,
    /// Whose it is.
    #[schema(value_type = uuid::Uuid)]
    pub holder: PersonId,
    /// Their name.
    pub holder_name: String,
    /// In what roles it may be opened, as edits name them.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
}

/// A part of the records somebody may open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<RecordSummary>,
    /// Those that name the person and cannot be read now, for want of a key: whether they may be
    /// opened nobody can tell.
    pub unreadable: Vec<RecordId>,
    /// Ask on after this one, if there may be more.
    pub next: Option<RecordId>,
    /// When this store was put back from an older copy last, as far as it knows. Rights that were
    /// given before may be missing until devices hand them back.
    pub restored: Option<Tick>,
}

/// How many records are looked at for one page.
pub const RECORDS_A_PAGE: u32 = 1_000;

impl Records {
    /// The records a person may open now: their own first, then those whose rights name them after
    /// `after`, by their names. At most `limit` of these are looked at, so a page may be short, or
    /// empty, and not the last. One whose key is not here, or that of a right of it, is named as
    /// unreadable. Only for a reader: what is worked out is kept for the next visitor.
    ///
    /// # Errors
    /// When the server fails.
    pub fn of_person(
        &self,
        connection: &mut SqliteConnection,
        person: PersonId,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<RecordPage, AccessError> {
        let own = connection.record_of(person)?;
        let party = party_blind(&self.keys, person);
        let limit = limit.clamp(1, RECORDS_A_PAGE);
        let named = connection.records_naming(party, after, limit)?;
        let whole = named.len() == limit as usize;
        let next = named.last().copied().filter(|_| whole);
        let others = named.into_iter().filter(|record| Some(*record) != own);
        let first = own.filter(|_| after.is_none());
        let subject = Subject {
            person,
            profession: people::profession(connection, person)?,
        };
        let (mut summaries, mut unreadable) = (Vec::new(), Vec::new());
        for record in first.into_iter().chain(others) {
            let Some(row) = connection.record(record)? else {
                continue;
            };
            let Some(known) = self.rights_if_readable(connection, &row)? else {
                unreadable.push(record);
                continue;
            };
            self.remember_rights(&row, known.clone());
            let now = row.clock.last.next(self.clock.now());
            let (standing, _) = self.standing(&known.latest, &subject, now);
            if standing.may_open() {
                summaries.push((row.holder, record, standing));
            }
        }
        let holders: Vec<PersonId> = summaries.iter().map(|(holder, ..)| *holder).collect();
        let names = people::find_all(connection, &self.keys, &holders)?;
        let name = |holder| {
            let found = names.iter().find(|(id, _)| *id == holder);
            found.map_or_else(String::new, |(_, person)| person.name())
        };
        let records = summaries
            .into_iter()
            .map(|(holder, record, standing)| RecordSummary {
                record,
                holder,
                holder_name: name(holder),
                roles: standing.roles().cloned().collect(),
            })
            .collect();
        let restored = lives::restored(connection)?;
        Ok(RecordPage {
            records,
            unreadable,
            next,
            restored,
        })
    }
}
