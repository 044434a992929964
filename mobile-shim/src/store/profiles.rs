//! Profiles: a person at a server, on this device.

use diesel::prelude::*;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sync_core::policy::Profession;
use sync_core::sign::PublicKey;
use sync_core::{Bytes, PersonId, codec};
use zeroize::Zeroizing;

use super::schema::profiles;
use super::{Store, StoreError};
use crate::passkeys::Passkeys;
use crate::seal::{Place, RowKey, SealKey, row_text};
use crate::vault::KeyVault;

/// What is shown of a profile even while it is locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileCard {
    /// The server's address; empty when the profile is this device's only.
    pub server: String,
    /// The person.
    pub person: PersonId,
    /// How the person is called on this device.
    pub name: String,
    /// Their verified profession, as the server said last.
    #[serde(default)]
    pub profession: Option<Profession>,
    /// What lets them unlock it without the server.
    #[serde(default)]
    pub passkeys: Passkeys,
}

/// A sign-in that stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The bearer token.
    pub token: String,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires: i64,
}

/// What only an unlocked profile knows.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    device_key: Bytes,
    /// The sign-in, while it stands.
    pub session: Option<Session>,
    /// The server's keys, pinned at sign-in.
    pub server_keys: Vec<PublicKey>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// The secrets of a profile that signs with `device_key`.
    pub fn new(
        device_key: &SigningKey,
        session: Option<Session>,
        server_keys: Vec<PublicKey>,
    ) -> Self {
        Secrets {
            device_key: Bytes::from(&device_key.to_bytes()[..]),
            session,
            server_keys,
        }
    }

    /// The key of this person's profile on this device.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn device_key(&self) -> Result<SigningKey, StoreError> {
        let seed: Zeroizing<[u8; 32]> = (*self.device_key)
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| StoreError::Damaged)?;
        Ok(SigningKey::from_bytes(&seed))
    }
}

/// A profile whose key is in memory.
#[derive(Clone, Debug)]
pub struct Unlocked {
    /// Its row.
    pub row: RowKey,
    /// Its key.
    pub key: SealKey,
    /// What is shown of it.
    pub card: ProfileCard,
}

impl Store {
    /// The row of a person's profile at a server.
    pub fn profile_row(&self, server: &str, person: &PersonId) -> RowKey {
        self.key
            .row("profiles", &[server.as_bytes(), person.as_bytes()])
    }

    /// The rows of all profiles.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn profile_rows(&mut self) -> Result<Vec<RowKey>, StoreError> {
        let rows: Vec<Vec<u8>> = profiles::table
            .select(profiles::profile)
            .load(&mut self.connection)?;
        let row = |row: Vec<u8>| row.try_into().map_err(|_| StoreError::Damaged);
        rows.into_iter().map(row).collect()
    }

    /// All profiles, by name.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn profiles(&mut self) -> Result<Vec<(RowKey, ProfileCard)>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = profiles::table
            .select((profiles::profile, profiles::card))
            .load(&mut self.connection)?;
        let mut found = rows
            .into_iter()
            .map(|(row, sealed)| {
                let row: RowKey = row.try_into().map_err(|_| StoreError::Damaged)?;
                let card = self.key.open(place("profiles.card", &row), &sealed)?;
                Ok((row, codec::from_cbor(&card)?))
            })
            .collect::<Result<Vec<(RowKey, ProfileCard)>, StoreError>>()?;
        found.sort_by(|(a, one), (b, other)| (&one.name, a).cmp(&(&other.name, b)));
        Ok(found)
    }

    /// The key and card of a profile; the vault decides whether it opens.
    ///
    /// # Errors
    /// When there is no such profile, the vault stays closed or has lost the key.
    pub fn unlock(&mut self, row: &RowKey, vault: &dyn KeyVault) -> Result<Unlocked, StoreError> {
        let card = self.profile_card(row)?.ok_or(StoreError::Absent)?;
        let key = vault.give(vault_name(row))?.ok_or(StoreError::Foreign)?;
        let key = SealKey::from_slice(&key).ok_or(StoreError::Damaged)?;
        let row = *row;
        Ok(Unlocked { row, key, card })
    }

    /// What is shown of a profile; nothing when there is none.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn profile_card(&mut self, row: &RowKey) -> Result<Option<ProfileCard>, StoreError> {
        let sealed: Option<Vec<u8>> = profiles::table
            .find(&row[..])
            .select(profiles::card)
            .first(&mut self.connection)
            .optional()?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let card = self.key.open(place("profiles.card", row), &sealed)?;
        Ok(Some(codec::from_cbor(&card)?))
    }

    /// Makes a profile, or renews the sign-in of one: its key is kept by the vault before anything
    /// is sealed under it.
    ///
    /// # Errors
    /// When the store is broken or the vault stays closed.
    pub fn put_profile(
        &mut self,
        card: &ProfileCard,
        secrets: &Secrets,
        vault: &dyn KeyVault,
    ) -> Result<Unlocked, StoreError> {
        let row = self.profile_row(&card.server, &card.person);
        let name = vault_name(&row);
        let key = match vault.give(name.clone())? {
            Some(key) => SealKey::from_slice(&key).ok_or(StoreError::Damaged)?,
            None => {
                let key = SealKey::random()?;
                vault.keep(name, key.expose().to_vec())?;
                key
            }
        };
        let sealed_card = self
            .key
            .seal(place("profiles.card", &row), &codec::to_cbor(card))?;
        let sealed_secrets = seal_secrets(&key, &row, secrets)?;
        diesel::insert_into(profiles::table)
            .values((
                profiles::profile.eq(&row[..]),
                profiles::card.eq(&sealed_card),
                profiles::secrets.eq(&sealed_secrets),
            ))
            .on_conflict(profiles::profile)
            .do_update()
            .set((
                profiles::card.eq(&sealed_card),
                profiles::secrets.eq(&sealed_secrets),
            ))
            .execute(&mut self.connection)?;
        let card = card.clone();
        Ok(Unlocked { row, key, card })
    }

    /// The secrets of an unlocked profile.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn secrets(&mut self, profile: &Unlocked) -> Result<Secrets, StoreError> {
        let sealed: Vec<u8> = profiles::table
            .find(&profile.row[..])
            .select(profiles::secrets)
            .first(&mut self.connection)
            .optional()?
            .ok_or(StoreError::Absent)?;
        let place = place("profiles.secrets", &profile.row);
        Ok(codec::from_cbor(&profile.key.open(place, &sealed)?)?)
    }

    /// Keeps the secrets of an unlocked profile.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn put_secrets(&mut self, profile: &Unlocked, secrets: &Secrets) -> Result<(), StoreError> {
        let sealed = seal_secrets(&profile.key, &profile.row, secrets)?;
        diesel::update(profiles::table.find(&profile.row[..]))
            .set(profiles::secrets.eq(sealed))
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Removes a profile with all its records: its key first.
    ///
    /// # Errors
    /// When the vault or the store fails; then call it again.
    pub fn remove_profile(&mut self, row: &RowKey, vault: &dyn KeyVault) -> Result<(), StoreError> {
        vault.forget(vault_name(row))?;
        self.forget_views(row);
        diesel::delete(profiles::table.find(&row[..])).execute(&mut self.connection)?;
        Ok(())
    }
}

fn vault_name(row: &RowKey) -> String {
    format!("profile/{}", row_text(row))
}

fn seal_secrets(key: &SealKey, row: &RowKey, secrets: &Secrets) -> Result<Vec<u8>, StoreError> {
    let bytes = Zeroizing::new(codec::to_cbor(secrets));
    Ok(key.seal(place("profiles.secrets", row), &bytes)?)
}

fn place<'a>(column: &'static str, row: &'a RowKey) -> Place<'a> {
    Place { column, row }
}
