//! Sessions: opaque tokens that the store knows by their hash alone, that expire, and that people
//! can list and end.

mod cookie;
mod signed;
mod token;

use std::time::Duration;

use diesel::prelude::*;
use sync_core::sign::PublicKey;
use sync_core::{DeviceId, PersonId, Tick};
use uuid::Uuid;

use crate::fault::Fault;
use crate::keys::{Keys, Revoked};
use crate::people::person_id;
use crate::storage::schema::identity::{devices, passkeys, sessions};
use crate::webauthn::codes;
pub use cookie::{COOKIE, ended_cookie, session_cookie};
pub use signed::{Signed, from_own_page, sent_token};
pub use token::Token;

/// The device a session was opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedDevice {
    /// Its name.
    pub id: DeviceId,
    /// The key it signs with.
    pub public_key: PublicKey,
}

/// A session that stands.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name, by which it is listed and ended; not the token.
    pub id: Uuid,
    /// Who signed in.
    pub person: PersonId,
    /// On which device, if the device has a key.
    pub device: Option<SignedDevice>,
    /// When it was opened.
    pub created: Tick,
    /// When it ends at the latest.
    pub expires: Tick,
    /// When it was last used, give or take a share of the idle time.
    pub last_seen: Tick,
}

/// The note of when a session was last used is renewed when this part of the idle time has gone
/// by, not at every request.
const SEEN_EVERY: u32 = 64;

/// Opens a session.
pub fn begin(
    connection: &mut SqliteConnection,
    now: Tick,
    lasts: Duration,
    person: PersonId,
    passkey: Uuid,
    device: Option<SignedDevice>,
) -> Result<(Token, Session), Fault> {
    let token = Token::random()?;
    let session = Session {
        id: random_uuid()?,
        person,
        device,
        created: now,
        expires: after(now, lasts),
        last_seen: now,
    };
    diesel::insert_into(sessions::table)
        .values((
            sessions::session_id.eq(session.id.as_bytes().as_slice()),
            sessions::token_hash.eq(token.hash().to_vec()),
            sessions::person_id.eq(person.as_bytes().as_slice()),
            sessions::passkey_id.eq(passkey.as_bytes().as_slice()),
            sessions::device_id.eq(device.map(|device| device.id.0.to_vec())),
            sessions::created.eq(now.0.cast_signed()),
            sessions::expires.eq(session.expires.0.cast_signed()),
            sessions::last_seen.eq(now.0.cast_signed()),
        ))
        .execute(connection)?;
    Ok((token, session))
}

/// The session of a token, if it stands: neither ended nor expired nor idle for too long, and
/// neither its passkey nor its device revoked.
pub fn find(
    connection: &mut SqliteConnection,
    now: Tick,
    idle: Duration,
    token: &Token,
) -> Result<Option<Session>, Fault> {
    let row: Option<Row> = standing(now, idle)
        .filter(sessions::token_hash.eq(token.hash().to_vec()))
        .first(connection)
        .optional()?;
    row.map(Session::try_from).transpose()
}

/// A session by its name, if it stands as for [`find`].
pub fn get(
    connection: &mut SqliteConnection,
    now: Tick,
    idle: Duration,
    session: Uuid,
) -> Result<Option<Session>, Fault> {
    let row: Option<Row> = standing(now, idle)
        .filter(sessions::session_id.eq(session.as_bytes().to_vec()))
        .first(connection)
        .optional()?;
    row.map(Session::try_from).transpose()
}

/// The sessions of a person that stand, the latest first.
pub fn list(
    connection: &mut SqliteConnection,
    now: Tick,
    idle: Duration,
    person: PersonId,
) -> Result<Vec<Session>, Fault> {
    let rows: Vec<Row> = standing(now, idle)
        .filter(sessions::person_id.eq(person.as_bytes().to_vec()))
        .order(sessions::created.desc())
        .load(connection)?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Whether it is time to renew the note of when a session was last used.
pub fn is_due(session: &Session, now: Tick, idle: Duration) -> bool {
    now > after(session.last_seen, idle / SEEN_EVERY)
}

/// Notes that a session was used.
pub fn touch(connection: &mut SqliteConnection, now: Tick, session: Uuid) -> Result<(), Fault> {
    diesel::update(sessions::table.find(session.as_bytes().as_slice()))
        .set(sessions::last_seen.eq(now.0.cast_signed()))
        .execute(connection)?;
    Ok(())
}

/// Ends a session of a person and voids their invitations; answers whether there was one to end.
pub fn end(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    session: Uuid,
) -> Result<bool, Fault> {
    if open_of(connection, session)? != Some(person) {
        return Ok(false);
    }
    let expires: i64 = sessions::table
        .find(session.as_bytes().as_slice())
        .select(sessions::expires)
        .first(connection)?;
    let expires = Tick(expires.cast_unsigned());
    keys.journal_revocation(&Revoked::Session(session), Some(expires))?;
    codes::void_invitations(connection, keys, now, person)?;
    mark_ended(connection, now, session)?;
    Ok(true)
}

/// Whose a session is, unless somebody ended it.
pub fn open_of(
    connection: &mut SqliteConnection,
    session: Uuid,
) -> Result<Option<PersonId>, Fault> {
    let person: Option<Vec<u8>> = sessions::table
        .find(session.as_bytes().as_slice())
        .filter(sessions::ended.is_null())
        .select(sessions::person_id)
        .first(connection)
        .optional()?;
    person.map(|person| person_id(&person)).transpose()
}

/// Marks a session as ended; the journal has it already.
pub fn mark_ended(
    connection: &mut SqliteConnection,
    time: Tick,
    session: Uuid,
) -> Result<(), Fault> {
    diesel::update(sessions::table.find(session.as_bytes().as_slice()))
        .set(sessions::ended.eq(time.0.cast_signed()))
        .execute(connection)?;
    Ok(())
}

/// Forgets sessions that expired.
pub fn forget_expired(connection: &mut SqliteConnection, now: Tick) -> Result<(), Fault> {
    diesel::delete(sessions::table.filter(sessions::expires.lt(now.0.cast_signed())))
        .execute(connection)?;
    Ok(())
}

type Row = (
    Vec<u8>,
    Vec<u8>,
    Option<(Vec<u8>, Vec<u8>)>,
    (i64, i64, i64),
);

#[diesel::dsl::auto_type(no_type_alias)]
fn standing(now: Tick, idle: Duration) -> _ {
    let now: i64 = now.0.cast_signed();
    let idle: i64 = micros(idle).cast_signed();
    let seen_after: i64 = now.saturating_sub(idle);
    sessions::table
        .inner_join(passkeys::table)
        .left_join(devices::table)
        .filter(sessions::ended.is_null())
        .filter(sessions::expires.gt(now))
        .filter(sessions::last_seen.gt(seen_after))
        .filter(passkeys::revoked.is_null())
        .filter(devices::revoked.is_null())
        .select((
            sessions::session_id,
            sessions::person_id,
            (devices::device_id, devices::public_key).nullable(),
            (sessions::created, sessions::expires, sessions::last_seen),
        ))
}

impl TryFrom<Row> for Session {
    type Error = Fault;

    fn try_from((id, person, device, (created, expires, last_seen)): Row) -> Result<Self, Fault> {
        let device = device.map(|(id, key)| {
            let id = DeviceId::from_slice(&id);
            let public_key = PublicKey::from_slice(&key);
            id.zip(public_key)
                .map(|(id, public_key)| SignedDevice { id, public_key })
                .ok_or_else(|| Fault::malformed("a device"))
        });
        Ok(Self {
            id: Uuid::from_slice(&id).map_err(|_| Fault::malformed("sessions.session_id"))?,
            person: person_id(&person)?,
            device: device.transpose()?,
            created: Tick(created.cast_unsigned()),
            expires: Tick(expires.cast_unsigned()),
            last_seen: Tick(last_seen.cast_unsigned()),
        })
    }
}

/// The time so much later.
pub fn after(time: Tick, lasts: Duration) -> Tick {
    Tick(time.0.saturating_add(micros(lasts)))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// An identifier that tells nothing.
pub fn random_uuid() -> Result<Uuid, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
