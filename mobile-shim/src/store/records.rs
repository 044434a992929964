//! The records of a profile.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sync_core::policy::Role;
use sync_core::replica::{Author, ReplicaHead};
use sync_core::{PersonId, RecordId, codec};

use super::schema::records;
use super::{Store, StoreError, Unlocked, replica};
use crate::seal::{Place, RowKey};

/// A record that a profile may open, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCard {
    /// The record.
    pub record: RecordId,
    /// Whose it is.
    pub holder: PersonId,
    /// How that person is called, as far as the server says.
    pub name: String,
    /// In what role this profile's person acts on it.
    pub role: Role,
    /// For whom, when for somebody else.
    pub on_behalf_of: Option<PersonId>,
}

impl Unlocked {
    /// The row of one of its records.
    pub fn record_row(&self, record: &RecordId) -> RowKey {
        self.key.row("records", &[record.as_bytes()])
    }
}

impl Store {
    /// The records of a profile, by name.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn records(&mut self, profile: &Unlocked) -> Result<Vec<RecordCard>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = records::table
            .filter(records::profile.eq(&profile.row[..]))
            .select((records::record, records::card))
            .load(&mut self.connection)?;
        let mut found = rows
            .into_iter()
            .map(|(row, sealed)| {
                let card = profile.key.open(card_place(&row), &sealed)?;
                Ok(codec::from_cbor(&card)?)
            })
            .collect::<Result<Vec<RecordCard>, StoreError>>()?;
        found.sort_by(|one, other| (&one.name, one.record).cmp(&(&other.name, other.record)));
        Ok(found)
    }

    /// One record of a profile.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn record(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<Option<RecordCard>, StoreError> {
        let row = profile.record_row(record);
        let sealed: Option<Vec<u8>> = records::table
            .find(&row[..])
            .select(records::card)
            .first(&mut self.connection)
            .optional()?;
        match sealed {
            Some(sealed) => Ok(Some(codec::from_cbor(
                &profile.key.open(card_place(&row), &sealed)?,
            )?)),
            None => Ok(None),
        }
    }

    /// Takes over what the server says of the records a profile may open; a new one starts empty.
    /// A record the server no longer names stays until its sync says what to forget.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn put_records(
        &mut self,
        profile: &Unlocked,
        cards: &[RecordCard],
    ) -> Result<(), StoreError> {
        let server_keys = self.secrets(profile)?.server_keys;
        let life = self.life;
        self.connection.immediate_transaction(|connection| {
            for card in cards {
                let row = profile.record_row(&card.record);
                let sealed = profile.key.seal(card_place(&row), &codec::to_cbor(card))?;
                let updated = diesel::update(records::table.find(&row[..]))
                    .set(records::card.eq(&sealed))
                    .execute(connection)?;
                if updated == 0 {
                    let fresh = replica::fresh_incarnation()?;
                    let head = ReplicaHead::new(card.record, server_keys.clone(), fresh);
                    diesel::insert_into(records::table)
                        .values((
                            records::record.eq(&row[..]),
                            records::profile.eq(&profile.row[..]),
                            records::card.eq(&sealed),
                            records::head.eq(replica::seal_head(profile, &row, life, &head)?),
                        ))
                        .execute(connection)?;
                }
            }
            Ok(())
        })
    }

    /// Who writes in a record, and with what key.
    ///
    /// # Errors
    /// When the record is not on this device or the store is broken.
    pub fn author(&mut self, profile: &Unlocked, record: &RecordId) -> Result<Author, StoreError> {
        let card = self.record(profile, record)?.ok_or(StoreError::Absent)?;
        Ok(Author {
            person: profile.card.person,
            role: card.role,
            on_behalf_of: card.on_behalf_of,
            key: self.secrets(profile)?.device_key()?,
        })
    }
}

fn card_place(row: &[u8]) -> Place<'_> {
    Place {
        column: "records.card",
        row,
    }
}
