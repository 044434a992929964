//! Passkeys in the store. A revoked one stays listed with its date and signs nobody in.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sync_core::{PersonId, Tick};
use uuid::Uuid;
use webauthn_rs::prelude::{CredentialID, Passkey};

use super::codes;
use crate::fault::Fault;
use crate::keys::{Keys, Place, Revoked};
use crate::people::person_id;
use crate::sessions::random_uuid;
use crate::storage::schema::identity::{passkeys, sessions};

/// A passkey somebody enrolled.
pub struct Enrolled {
    /// Its name to programs.
    pub id: Uuid,
    /// Whose it is.
    pub person: PersonId,
    /// Its name to people.
    pub name: String,
    /// The credential, with its counter.
    pub passkey: Passkey,
    /// When it was enrolled.
    pub created: Tick,
    /// When somebody last signed in with it.
    pub last_used: Option<Tick>,
    /// When it was revoked.
    pub revoked: Option<Tick>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    name: String,
    passkey: Passkey,
}

/// Keeps a new passkey; none if its credential is there already, whosever it is, or was revoked.
pub fn add(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    name: &str,
    passkey: Passkey,
) -> Result<Option<Uuid>, Fault> {
    let id = random_uuid()?;
    let credential = passkey.cred_id().to_vec();
    // Enrolled and revoked in a time that the data store has lost.
    if keys.is_revoked(&Revoked::Passkey(credential.clone()))? {
        return Ok(None);
    }
    let sealed = Sealed {
        name: name.to_owned(),
        passkey,
    };
    let inserted = diesel::insert_into(passkeys::table)
        .values((
            passkeys::passkey_id.eq(id.as_bytes().as_slice()),
            passkeys::credential_id.eq(credential),
            passkeys::person_id.eq(person.as_bytes().as_slice()),
            passkeys::sealed.eq(seal(keys, id, &sealed)?),
            passkeys::created.eq(now.0.cast_signed()),
        ))
        .on_conflict(passkeys::credential_id)
        .do_nothing()
        .execute(connection)?;
    Ok((inserted > 0).then_some(id))
}

/// The passkey with this credential, unless revoked.
pub fn find_by_credential(
    connection: &mut SqliteConnection,
    keys: &Keys,
    credential: &[u8],
) -> Result<Option<Enrolled>, Fault> {
    let row: Option<Row> = passkeys::table
        .filter(passkeys::credential_id.eq(credential))
        .filter(passkeys::revoked.is_null())
        .first(connection)
        .optional()?;
    row.map(|row| read(keys, row)).transpose()
}

/// The passkeys of a person, revoked ones too, the latest first.
pub fn list(
    connection: &mut SqliteConnection,
    keys: &Keys,
    person: PersonId,
) -> Result<Vec<Enrolled>, Fault> {
    let rows: Vec<Row> = passkeys::table
        .filter(passkeys::person_id.eq(person.as_bytes().as_slice()))
        .order(passkeys::created.desc())
        .load(connection)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// The credentials of a person's passkeys: an authenticator that has one makes no second.
pub fn credentials(
    connection: &mut SqliteConnection,
    person: PersonId,
) -> Result<Vec<CredentialID>, Fault> {
    let ids: Vec<CredentialID> = passkeys::table
        .filter(passkeys::person_id.eq(person.as_bytes().as_slice()))
        .filter(passkeys::revoked.is_null())
        .select(passkeys::credential_id)
        .load(connection)?;
    Ok(ids)
}

/// Whether anybody has a passkey that is not revoked.
pub fn any(connection: &mut SqliteConnection) -> Result<bool, Fault> {
    let some = passkeys::table.filter(passkeys::revoked.is_null());
    Ok(diesel::select(diesel::dsl::exists(some)).get_result(connection)?)
}

/// Notes a use, and the credential's new state with it.
pub fn used(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    enrolled: Enrolled,
) -> Result<(), Fault> {
    let sealed = Sealed {
        name: enrolled.name,
        passkey: enrolled.passkey,
    };
    diesel::update(passkeys::table.find(enrolled.id.as_bytes().as_slice()))
        .set((
            passkeys::sealed.eq(seal(keys, enrolled.id, &sealed)?),
            passkeys::last_used.eq(now.0.cast_signed()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Names a passkey of a person's; answers whether there is one.
pub fn rename(
    connection: &mut SqliteConnection,
    keys: &Keys,
    person: PersonId,
    id: Uuid,
    name: &str,
) -> Result<bool, Fault> {
    let row: Option<Row> = passkeys::table
        .find(id.as_bytes().as_slice())
        .filter(passkeys::person_id.eq(person.as_bytes().as_slice()))
        .first(connection)
        .optional()?;
    let Some(row) = row else { return Ok(false) };
    let sealed = Sealed {
        name: name.to_owned(),
        passkey: read(keys, row)?.passkey,
    };
    diesel::update(passkeys::table.find(id.as_bytes().as_slice()))
        .set(passkeys::sealed.eq(seal(keys, id, &sealed)?))
        .execute(connection)?;
    Ok(true)
}

/// What came of revoking a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It signs nobody in any more, and the sessions it opened have ended.
    Done,
    /// The person has no such passkey.
    Unknown,
    /// It is the person's last: without it only a desk could let them in again.
    Last,
}

/// Revokes a passkey of a person's, and voids their invitations.
pub fn revoke(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    id: Uuid,
) -> Result<Revocation, Fault> {
    let standing: Vec<(Vec<u8>, Vec<u8>)> = passkeys::table
        .filter(passkeys::person_id.eq(person.as_bytes().as_slice()))
        .filter(passkeys::revoked.is_null())
        .select((passkeys::passkey_id, passkeys::credential_id))
        .load(connection)?;
    let left = standing.len();
    let found = standing.into_iter().find(|(one, _)| one == id.as_bytes());
    let Some((_, credential)) = found else {
        return Ok(Revocation::Unknown);
    };
    if left == 1 {
        return Ok(Revocation::Last);
    }
    keys.journal_revocation(&Revoked::Passkey(credential.clone()), None)?;
    codes::void_invitations(connection, keys, now, person)?;
    mark_revoked(connection, now, &credential)?;
    Ok(Revocation::Done)
}

/// Whose the passkey with this credential is, unless it was revoked.
pub fn standing(
    connection: &mut SqliteConnection,
    credential: &[u8],
) -> Result<Option<PersonId>, Fault> {
    let person: Option<Vec<u8>> = passkeys::table
        .filter(passkeys::credential_id.eq(credential))
        .filter(passkeys::revoked.is_null())
        .select(passkeys::person_id)
        .first(connection)
        .optional()?;
    person.map(|person| person_id(&person)).transpose()
}

/// Marks the passkey with this credential as revoked and ends the sessions it opened; the journal
/// has it already.
pub fn mark_revoked(
    connection: &mut SqliteConnection,
    time: Tick,
    credential: &[u8],
) -> Result<(), Fault> {
    let time = time.0.cast_signed();
    let this = passkeys::table.filter(passkeys::credential_id.eq(credential));
    let opened = this.select(passkeys::passkey_id);
    diesel::update(
        sessions::table
            .filter(sessions::passkey_id.eq_any(opened))
            .filter(sessions::ended.is_null()),
    )
    .set(sessions::ended.eq(time))
    .execute(connection)?;
    diesel::update(this)
        .set(passkeys::revoked.eq(time))
        .execute(connection)?;
    Ok(())
}

type Row = (
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    i64,
    Option<i64>,
    Option<i64>,
);

fn read(
    keys: &Keys,
    (id, _, person, sealed, created, last_used, revoked): Row,
) -> Result<Enrolled, Fault> {
    let id = Uuid::from_slice(&id).map_err(|_| Fault::malformed("passkeys.passkey_id"))?;
    let plain = keys.system_key().open(&place(&[id.as_bytes()]), &sealed)?;
    let sealed: Sealed =
        serde_json::from_slice(&plain).map_err(|_| Fault::malformed("passkeys.sealed"))?;
    let tick = |time: i64| Tick(time.cast_unsigned());
    Ok(Enrolled {
        id,
        person: person_id(&person)?,
        name: sealed.name,
        passkey: sealed.passkey,
        created: tick(created),
        last_used: last_used.map(tick),
        revoked: revoked.map(tick),
    })
}

fn seal(keys: &Keys, id: Uuid, sealed: &Sealed) -> Result<Vec<u8>, Fault> {
    let plain = serde_json::to_vec(sealed).map_err(|_| Fault::malformed("a passkey"))?;
    Ok(keys.system_key().seal(&place(&[id.as_bytes()]), &plain)?)
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "passkeys",
        column: "sealed",
        row,
    }
}
