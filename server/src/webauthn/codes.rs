//! One-time codes that let somebody make a passkey: given out at a desk after identity proofing,
//! or by somebody signed in to themself, for another device.
//!
//! A code is ten characters that people can read to each other (Crockford's base 32). The first
//! four, the selector, find it; the other six are guessed at: [`guesses`] says how often. Both parts
//! are kept as keyed digests.

mod code;
pub mod guesses;
#[cfg(test)]
mod tests;

use std::time::Duration;

use diesel::prelude::*;
use sync_core::{PersonId, Tick};

use crate::fault::Fault;
use crate::keys::{Keys, Place, Revoked};
use crate::people::person_id;
use crate::sessions::after;
use crate::storage::StorageError;
use crate::storage::schema::identity::enrolment_codes;
pub use code::Code;
pub use guesses::{CodeRefused, GUESSES_AN_HOUR, GUESSES_IN_ALL, Good, RESERVE, check};

/// Wrong guesses that a code bears.
pub const TRIES: i32 = 5;

/// How long a code for another device of one's own is good for.
pub const INVITATION_LASTS: Duration = Duration::from_secs(10 * 60);

/// How many codes are drawn before one is free. Of a million beginnings few are taken.
const DRAWS: u32 = 64;

/// Bytes of a selector's digest.
const SELECTOR_DIGEST: usize = 32;

/// How long the trace of a code is kept after it expired.
const KEPT: u64 = 30 * 24 * HOUR;

/// Microseconds of an hour.
const HOUR: u64 = 3_600_000_000;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A person's first passkey.
    First,
    /// A new start for somebody who lost their passkeys and proved who they are.
    Recovery,
    /// Another passkey, for somebody who is signed in.
    Another,
}

impl Purpose {
    fn text(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Recovery => "recovery",
            Self::Another => "another",
        }
    }
}

/// Makes a code for a person. Codes made earlier for the same purpose and not used are void.
///
/// `note` says how the person proved who they are, for whoever has to look into it later; it is
/// sealed.
///
/// # Errors
/// When it would never be good, when no code is free, and when the store fails.
pub fn issue(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    purpose: Purpose,
    note: &str,
    lasts: Duration,
) -> Result<(Code, Tick), Fault> {
    let asked = (person, purpose, note, lasts);
    issue_one_of(connection, keys, now, asked, Code::random)
}

/// Whose code, what for, how they proved who they are, and how long it is good for.
type Asked<'a> = (PersonId, Purpose, &'a str, Duration);

/// Makes the first code drawn that is free.
fn issue_one_of(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    (person, purpose, note, lasts): Asked<'_>,
    draw: impl Fn() -> Result<Code, Fault>,
) -> Result<(Code, Tick), Fault> {
    void_unused(connection, keys, now, person, purpose)?;
    let old = now.0.saturating_sub(KEPT).cast_signed();
    diesel::delete(enrolment_codes::table.filter(enrolment_codes::expires.lt(old)))
        .execute(connection)?;
    let expires = after(now, lasts);
    for _ in 0..DRAWS {
        let code = draw()?;
        let selector = code.selector(keys);
        let sealed = keys
            .system_key()
            .seal(&place(&[&selector]), note.as_bytes())?;
        let inserted = diesel::insert_into(enrolment_codes::table)
            .values((
                enrolment_codes::selector.eq(selector.to_vec()),
                enrolment_codes::secret_hash.eq(code.secret_hash(keys).to_vec()),
                enrolment_codes::person_id.eq(person.as_bytes().as_slice()),
                enrolment_codes::purpose.eq(purpose.text()),
                enrolment_codes::sealed.eq(sealed),
                enrolment_codes::created.eq(now.0.cast_signed()),
                enrolment_codes::expires.eq(expires.0.cast_signed()),
                enrolment_codes::tries_left.eq(TRIES),
            ))
            .on_conflict(enrolment_codes::selector)
            .do_nothing()
            .execute(connection)?;
        // Not inserted: another code begins with the same four characters.
        if inserted > 0 {
            return Ok((code, expires));
        }
    }
    Err(StorageError::Crowded.into())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn usable<'a>(selector: &'a [u8], now: Tick) -> _ {
    let now: i64 = now.0.cast_signed();
    enrolment_codes::table
        .filter(enrolment_codes::selector.eq(selector))
        .filter(enrolment_codes::used.is_null())
        .filter(enrolment_codes::expires.gt(now))
        .filter(enrolment_codes::tries_left.gt(0_i32))
}

/// Uses a code up; answers whether it still was good.
pub fn consume(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    selector: &[u8],
) -> Result<bool, Fault> {
    let row: Option<(Vec<u8>, i64)> = usable(selector, now)
        .select((enrolment_codes::secret_hash, enrolment_codes::expires))
        .first(connection)
        .optional()?;
    let Some((secret_hash, expires)) = row else {
        return Ok(false);
    };
    let name = [selector, &secret_hash].concat();
    journal(keys, &name, expires)?;
    mark_used(connection, now, &name)?;
    Ok(true)
}

/// Voids a person's invitations that were not used. Whoever shuts out a device, a passkey or a
/// session of theirs shuts out with it whoever was let in by it.
pub fn void_invitations(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
) -> Result<(), Fault> {
    void_unused(connection, keys, now, person, Purpose::Another)
}

/// Voids the codes of a person for a purpose that were not used.
fn void_unused(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    person: PersonId,
    purpose: Purpose,
) -> Result<(), Fault> {
    let unused = enrolment_codes::table
        .filter(enrolment_codes::person_id.eq(person.as_bytes().as_slice()))
        .filter(enrolment_codes::purpose.eq(purpose.text()))
        .filter(enrolment_codes::used.is_null());
    let still_good: Vec<(Vec<u8>, Vec<u8>, i64)> = unused
        .filter(enrolment_codes::expires.gt(now.0.cast_signed()))
        .select((
            enrolment_codes::selector,
            enrolment_codes::secret_hash,
            enrolment_codes::expires,
        ))
        .load(connection)?;
    for (selector, secret_hash, expires) in still_good {
        journal(keys, &[selector, secret_hash].concat(), expires)?;
    }
    diesel::delete(unused).execute(connection)?;
    Ok(())
}

/// Notes in the journal of the key store that a code is not good any more. Its selector alone may
/// be another code's one day.
fn journal(keys: &Keys, name: &[u8], expires: i64) -> Result<(), Fault> {
    let expires = Some(Tick(expires.cast_unsigned()));
    Ok(keys.journal_revocation(&Revoked::Code(name.to_vec()), expires)?)
}

/// Whose the code of this name is, its selector and its digest, unless it was used.
pub fn unused(connection: &mut SqliteConnection, name: &[u8]) -> Result<Option<PersonId>, Fault> {
    let Some((selector, secret_hash)) = name.split_at_checked(SELECTOR_DIGEST) else {
        return Ok(None);
    };
    let person: Option<Vec<u8>> = enrolment_codes::table
        .find(selector)
        .filter(enrolment_codes::secret_hash.eq(secret_hash))
        .filter(enrolment_codes::used.is_null())
        .select(enrolment_codes::person_id)
        .first(connection)
        .optional()?;
    person.map(|person| person_id(&person)).transpose()
}

/// Marks the code of this name as used; the journal has it already.
pub fn mark_used(connection: &mut SqliteConnection, time: Tick, name: &[u8]) -> Result<(), Fault> {
    let selector = &name[..SELECTOR_DIGEST.min(name.len())];
    diesel::update(enrolment_codes::table.find(selector))
        .set(enrolment_codes::used.eq(time.0.cast_signed()))
        .execute(connection)?;
    Ok(())
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "enrolment_codes",
        column: "sealed",
        row,
    }
}
