//! The records of a profile.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sync_core::policy::Role;
use sync_core::replica::{Author, ReplicaHead};
use sync_core::{PersonId, RecordId, Tick, codec};

use super::schema::records;
use super::{Store, StoreError, Unlocked, replica};
use crate::seal::{Place, RowKey, SealKey};

/// A record that a profile may open, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCard {
    /// The record.
    pub record: RecordId,
    /// Whose it is.
    pub holder: PersonId,
    /// How that person is called, as far as the server says.
    pub name: String,
    /// In what roles this profile's person may act on it, as the server said last; none once their
    /// right has ended.
    pub roles: Vec<Role>,
    /// The one they act in.
    pub role: Role,
    /// The server is still to be asked whether that is so.
    #[serde(default)]
    pub in_doubt: bool,
}

/// What keeps a record from having ended though the server does not name it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// When the server was put back from an older copy. It may have lost the right to a record,
    /// which others hand back: one that was not synced since may be open yet.
    pub restored: Option<Tick>,
    /// Records that the server cannot read now.
    pub unreadable: BTreeSet<RecordId>,
}

impl RecordCard {
    /// For whom this person acts, when for somebody else.
    pub fn on_behalf_of(&self) -> Option<PersonId> {
        self.role.is_delegate().then_some(self.holder)
    }

    /// Whether the person's right has ended. What the record said is then forgotten; own edits
    /// that were not sent, or not taken, are kept.
    pub fn has_ended(&self) -> bool {
        self.roles.is_empty()
    }
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

    /// Takes over what the server says of the records a profile may open, all of them. A new one
    /// starts empty; the role chosen for one stays if it may; one that is not named has ended, and
    /// what it said is forgotten.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn put_records(
        &mut self,
        profile: &Unlocked,
        cards: &[RecordCard],
    ) -> Result<(), StoreError> {
        self.put_records_but(profile, cards, &Kept::default())
    }

    /// The same, but for some that stay as they are though they are not named.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn put_records_but(
        &mut self,
        profile: &Unlocked,
        cards: &[RecordCard],
        kept: &Kept,
    ) -> Result<(), StoreError> {
        let server_keys = self.secrets(profile)?.server_keys;
        let life = self.life;
        let known = self.records(profile)?;
        self.forget_views(&profile.row);
        self.connection.immediate_transaction(|connection| {
            for card in cards {
                let row = profile.record_row(&card.record);
                let mut card = card.clone();
                if let Some(known) = known.iter().find(|known| known.record == card.record) {
                    if card.roles.contains(&known.role) {
                        card.role = known.role.clone();
                    }
                    put_card(connection, profile, &card)?;
                } else {
                    let fresh = replica::fresh_incarnation()?;
                    let head = ReplicaHead::new(card.record, server_keys.clone(), fresh);
                    diesel::insert_into(records::table)
                        .values((
                            records::record.eq(&row[..]),
                            records::profile.eq(&profile.row[..]),
                            records::card.eq(seal_card(profile, &card)?),
                            records::head.eq(replica::seal_head(profile, &row, life, &head)?),
                        ))
                        .execute(connection)?;
                }
            }
            let is_named = |known: &&RecordCard| cards.iter().any(|c| c.record == known.record);
            for gone in known.iter().filter(|known| !is_named(known)) {
                let row = profile.record_row(&gone.record);
                let seen = replica::head(connection, profile, &row)?.seen_until();
                let before = seen.is_some() && seen < kept.restored;
                if kept.unreadable.contains(&gone.record) || !gone.has_ended() && before {
                    continue;
                }
                let ended = RecordCard {
                    roles: Vec::new(),
                    in_doubt: false,
                    ..gone.clone()
                };
                put_card(connection, profile, &ended)?;
                if !gone.has_ended() {
                    replica::forget_content(connection, profile, &gone.record)?;
                }
            }
            Ok(())
        })
    }

    /// Takes a record off this device whose right has ended.
    ///
    /// # Errors
    /// When there is no such record or the store is broken.
    pub fn forget_record(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<(), StoreError> {
        let card = self.record(profile, record)?;
        card.filter(RecordCard::has_ended)
            .ok_or(StoreError::Absent)?;
        let row = profile.record_row(record);
        self.take_kept(&row);
        diesel::delete(records::table.find(&row[..])).execute(&mut self.connection)?;
        Ok(())
    }

    /// Chooses the role in which the person acts on a record.
    ///
    /// # Errors
    /// When the record is not here, the role is none of theirs, or the store is broken.
    pub fn act_as(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
        role: &Role,
    ) -> Result<(), StoreError> {
        self.change_card(profile, record, |card| {
            let known = card.roles.contains(role);
            card.role = role.clone();
            known.then_some(()).ok_or(StoreError::Absent)
        })
    }

    /// Notes that the server is to be asked anew what the person may do with a record.
    ///
    /// # Errors
    /// When the record is not here or the store is broken.
    pub fn doubt_record(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<(), StoreError> {
        self.rows(profile, record).doubt()
    }

    /// Whether the server is to be asked anew what the person may do with a record.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn is_doubted(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<bool, StoreError> {
        let card = self.record(profile, record)?;
        Ok(card.is_some_and(|card| card.in_doubt))
    }

    fn change_card(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
        change: impl FnOnce(&mut RecordCard) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut card = self.record(profile, record)?.ok_or(StoreError::Absent)?;
        change(&mut card)?;
        put_card(&mut self.connection, profile, &card)
    }

    /// Who writes in a record, and with what key.
    ///
    /// # Errors
    /// When the record is not on this device or the store is broken.
    pub fn author(&mut self, profile: &Unlocked, record: &RecordId) -> Result<Author, StoreError> {
        let card = self.record(profile, record)?.ok_or(StoreError::Absent)?;
        Ok(Author {
            person: profile.card.person,
            on_behalf_of: card.on_behalf_of(),
            role: card.role,
            key: self.secrets(profile)?.device_key()?,
        })
    }
}

/// Notes of a record that its card is to be asked for anew.
pub(super) fn doubt(
    connection: &mut SqliteConnection,
    key: &SealKey,
    row: &RowKey,
) -> Result<(), StoreError> {
    let sealed: Option<Vec<u8>> = records::table
        .find(&row[..])
        .select(records::card)
        .first(connection)
        .optional()?;
    let sealed = sealed.ok_or(StoreError::Absent)?;
    let card: RecordCard = codec::from_cbor(&key.open(card_place(row), &sealed)?)?;
    let card = RecordCard {
        in_doubt: true,
        ..card
    };
    diesel::update(records::table.find(&row[..]))
        .set(records::card.eq(key.seal(card_place(row), &codec::to_cbor(&card))?))
        .execute(connection)?;
    Ok(())
}

fn seal_card(profile: &Unlocked, card: &RecordCard) -> Result<Vec<u8>, StoreError> {
    let row = profile.record_row(&card.record);
    Ok(profile.key.seal(card_place(&row), &codec::to_cbor(card))?)
}

fn put_card(
    connection: &mut SqliteConnection,
    profile: &Unlocked,
    card: &RecordCard,
) -> Result<(), StoreError> {
    let row = profile.record_row(&card.record);
    diesel::update(records::table.find(&row[..]))
        .set(records::card.eq(seal_card(profile, card)?))
        .execute(connection)?;
    Ok(())
}

fn card_place(row: &[u8]) -> Place<'_> {
    Place {
        column: "records.card",
        row,
    }
}
