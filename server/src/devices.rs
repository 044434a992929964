//! Devices: the keys that people's phones and tablets sign their edits with. A device profile
//! belongs to one person; a shared tablet has one a person.

use diesel::prelude::*;
use serde::Deserialize;
use sync_core::sign::{PublicKey, SignatureBytes};
use sync_core::{DeviceId, PersonId, Tick, text};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::keys::{Keys, Place, Revoked};
use crate::people::person_id;
use crate::sessions::SignedDevice;
use crate::storage::schema::identity::{devices, sessions};
use crate::webauthn::codes;

/// What a device signs, before the ceremony's identifier, to show that it holds its key.
pub const PROOF_DOMAIN: &[u8] = b"carnet/device/1";

/// The longest name of a device or passkey, in characters.
pub const NAME_MOST: usize = 60;

/// A device key offered when signing in.
#[derive(Clone, Deserialize, ToSchema)]
pub struct DeviceOffer {
    /// Ed25519 public key, 32 bytes.
    #[schema(value_type = String, format = Byte)]
    pub public_key: PublicKey,
    /// What its owner calls it.
    pub name: String,
    /// Ed25519 signature over `carnet/device/1` and the 16 bytes of the ceremony's identifier.
    #[schema(value_type = String, format = Byte)]
    pub proof: SignatureBytes,
}

/// A registered device.
#[derive(Clone)]
pub struct Device {
    /// Its name to programs.
    pub id: DeviceId,
    /// Whose profile it is.
    pub person: PersonId,
    /// The key it signs with.
    pub public_key: PublicKey,
    /// Its name to people.
    pub name: String,
    /// When it was registered.
    pub created: Tick,
    /// When it was revoked; what it signed before stays valid.
    pub revoked: Option<Tick>,
}

/// Why a device key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceRefused {
    /// The signature is not the key's, or not over this ceremony.
    #[error("the proof is not this key's signature over this ceremony")]
    Proof,
    /// The key belongs to somebody else, or was revoked: the same answer for both.
    #[error("this key cannot be registered; make a new one")]
    Key,
    /// Empty or too long.
    #[error("a name has {}", NAME_RULE)]
    Name,
}

/// What [`clean_name`] asks of a name.
pub const NAME_RULE: &str = "1 to 60 characters, no control characters among them";

/// A name as it is kept: trimmed, and not too long; none if it is, or holds a character that steers
/// a screen.
pub fn clean_name(name: &str) -> Option<String> {
    let name = name.trim();
    let fits =
        !name.is_empty() && name.chars().count() <= NAME_MOST && !name.contains(text::steers);
    fits.then(|| name.to_owned())
}

/// A device key that may be registered for a person, or is.
pub struct Vetted {
    device: SignedDevice,
    name: String,
    known: bool,
}

impl Vetted {
    /// Whether it was registered before.
    pub fn is_known(&self) -> bool {
        self.known
    }
}

/// Looks at the key a device offers in a ceremony.
pub fn vet(
    connection: &mut SqliteConnection,
    keys: &Keys,
    person: PersonId,
    ceremony: &[u8; 16],
    offer: &DeviceOffer,
) -> Result<Result<Vetted, DeviceRefused>, Fault> {
    let Some(name) = clean_name(&offer.name) else {
        return Ok(Err(DeviceRefused::Name));
    };
    if !offer
        .public_key
        .verifies(&[PROOF_DOMAIN, ceremony], &offer.proof)
    {
        return Ok(Err(DeviceRefused::Proof));
    }
    let device = SignedDevice {
        id: DeviceId::of(&offer.public_key),
        public_key: offer.public_key,
    };
    let known = match find(connection, keys, device.id)? {
        Some(known) if known.person == person && known.revoked.is_none() => true,
        Some(_) => return Ok(Err(DeviceRefused::Key)),
        // Registered and revoked in a time that the data store has lost.
        None if keys.is_revoked(&Revoked::Device(device.id))? => {
            return Ok(Err(DeviceRefused::Key));
        }
        None => false,
    };
    Ok(Ok(Vetted {
        device,
        name,
        known,
    }))
}

/// Registers a device, unless it is registered already.
pub fn register(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    vetted: Vetted,
) -> Result<SignedDevice, Fault> {
    let device = vetted.device;
    if !vetted.known {
        diesel::insert_into(devices::table)
            .values((
                devices::device_id.eq(device.id.as_bytes()),
                devices::public_key.eq(device.public_key.as_bytes()),
                devices::person_id.eq(person.as_bytes().as_slice()),
                devices::sealed.eq(seal(keys, device.id, &vetted.name)?),
                devices::created.eq(now.0.cast_signed()),
            ))
            .execute(connection)?;
    }
    Ok(device)
}

/// A device, revoked or not.
pub fn find(
    connection: &mut SqliteConnection,
    keys: &Keys,
    id: DeviceId,
) -> Result<Option<Device>, Fault> {
    let row: Option<Row> = devices::table
        .find(id.as_bytes())
        .first(connection)
        .optional()?;
    row.map(|row| read(keys, row)).transpose()
}

/// Who signed with a device, as far as verifying it needs.
#[derive(Clone, Copy, Debug)]
pub struct Signer {
    /// The device.
    pub id: DeviceId,
    /// Whose profile it is.
    pub person: PersonId,
    /// The key it signs with.
    pub public_key: PublicKey,
    /// When it was registered.
    pub registered: Tick,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// Key, person, when it was registered, when it was revoked.
type SignerRow = (Vec<u8>, Vec<u8>, i64, Option<i64>);

/// Who signs with a device, revoked or not.
pub fn signer(connection: &mut SqliteConnection, id: DeviceId) -> Result<Option<Signer>, Fault> {
    let row: Option<SignerRow> = devices::table
        .find(id.as_bytes())
        .select((
            devices::public_key,
            devices::person_id,
            devices::created,
            devices::revoked,
        ))
        .first(connection)
        .optional()?;
    let Some((key, person, registered, revoked)) = row else {
        return Ok(None);
    };
    let public_key = PublicKey::from_slice(&key).ok_or_else(|| Fault::malformed("a device"))?;
    Ok(Some(Signer {
        id,
        person: person_id(&person)?,
        public_key,
        registered: Tick(registered.cast_unsigned()),
        revoked: revoked.is_some(),
    }))
}

/// The devices of a person, revoked ones too, the latest first.
pub fn list(
    connection: &mut SqliteConnection,
    keys: &Keys,
    person: PersonId,
) -> Result<Vec<Device>, Fault> {
    let rows: Vec<Row> = devices::table
        .filter(devices::person_id.eq(person.as_bytes().as_slice()))
        .order(devices::created.desc())
        .load(connection)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// Names a device of a person's; answers whether there is one.
pub fn rename(
    connection: &mut SqliteConnection,
    keys: &Keys,
    person: PersonId,
    id: DeviceId,
    name: &str,
) -> Result<bool, Fault> {
    let named = diesel::update(
        devices::table
            .find(id.as_bytes())
            .filter(devices::person_id.eq(person.as_bytes().as_slice())),
    )
    .set(devices::sealed.eq(seal(keys, id, name)?))
    .execute(connection)?;
    Ok(named > 0)
}

/// Revokes a device of a person's, ends its sessions and voids the person's invitations; answers
/// whether there was one to revoke.
pub fn revoke(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    id: DeviceId,
) -> Result<bool, Fault> {
    if standing(connection, id)? != Some(person) {
        return Ok(false);
    }
    keys.journal_revocation(&Revoked::Device(id), None)?;
    codes::void_invitations(connection, keys, now, person)?;
    mark_revoked(connection, now, id)?;
    Ok(true)
}

/// Whose a device is, unless it was revoked.
pub fn standing(
    connection: &mut SqliteConnection,
    id: DeviceId,
) -> Result<Option<PersonId>, Fault> {
    let signer = signer(connection, id)?;
    Ok(signer
        .filter(|signer| !signer.revoked)
        .map(|signer| signer.person))
}

/// Marks a device as revoked and ends its sessions; the journal has it already.
pub fn mark_revoked(
    connection: &mut SqliteConnection,
    time: Tick,
    id: DeviceId,
) -> Result<(), Fault> {
    let time = time.0.cast_signed();
    diesel::update(devices::table.find(id.as_bytes()))
        .set(devices::revoked.eq(time))
        .execute(connection)?;
    diesel::update(
        sessions::table
            .filter(sessions::device_id.eq(id.as_bytes()))
            .filter(sessions::ended.is_null()),
    )
    .set(sessions::ended.eq(time))
    .execute(connection)?;
    Ok(())
}

type Row = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, i64, Option<i64>);

fn read(keys: &Keys, (id, key, person, sealed, created, revoked): Row) -> Result<Device, Fault> {
    let malformed = || Fault::malformed("a device");
    let id = DeviceId::from_slice(&id).ok_or_else(malformed)?;
    let name = keys.system_key().open(&place(&[id.as_bytes()]), &sealed)?;
    Ok(Device {
        id,
        person: person_id(&person)?,
        public_key: PublicKey::from_slice(&key).ok_or_else(malformed)?,
        name: String::from_utf8(name).map_err(|_| malformed())?,
        created: Tick(created.cast_unsigned()),
        revoked: revoked.map(|time| Tick(time.cast_unsigned())),
    })
}

fn seal(keys: &Keys, id: DeviceId, name: &str) -> Result<Vec<u8>, Fault> {
    Ok(keys
        .system_key()
        .seal(&place(&[id.as_bytes()]), name.as_bytes())?)
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "devices",
        column: "sealed",
        row,
    }
}

#[cfg(test)]
mod tests {
    use super::clean_name;

    #[test]
    fn names_fit_and_steer_no_screen() {
        assert_eq!(clean_name(" Zoé\u{200f} ").as_deref(), Some("Zoé\u{200f}"));
        let long = "x".repeat(61);
        for name in [
            "",
            " ",
            &long,
            "a\nb",
            "a\u{1b}[2J",
            "a\u{202e}b",
            "a\u{2067}b",
        ] {
            assert_eq!(clean_name(name), None, "{name:?}");
        }
    }
}
