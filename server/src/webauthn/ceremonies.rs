//! Ceremonies between their start and their finish. They are in the store, so a restart does not
//! break them, and taking one removes it, so none is finished twice.

use diesel::prelude::*;
use sync_core::{PersonId, Tick};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use super::CEREMONY_LASTS;
use crate::fault::Fault;
use crate::keys::{Keys, Place};
use crate::people::person_id;
use crate::sessions::after;
use crate::storage::schema::identity::ceremonies;

/// A ceremony's name: 16 random bytes.
pub type CeremonyId = [u8; 16];

/// What was begun.
pub enum Ceremony {
    /// Making a passkey.
    Enrolment {
        /// For whom.
        person: PersonId,
        /// By which code.
        selector: Vec<u8>,
        /// What the result is checked against.
        state: Box<PasskeyRegistration>,
    },
    /// Signing in.
    SignIn {
        /// What the result is checked against.
        state: Box<DiscoverableAuthentication>,
    },
}

/// Keeps a ceremony until it is finished or expires, and forgets those that expired.
pub fn put(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    ceremony: &Ceremony,
) -> Result<CeremonyId, Fault> {
    forget_expired(connection, now)?;
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    let (kind, person, selector, state) = match ceremony {
        Ceremony::Enrolment {
            person,
            selector,
            state,
        } => (
            "enrolment",
            Some(person.as_bytes().to_vec()),
            Some(selector.clone()),
            serde_json::to_vec(state),
        ),
        Ceremony::SignIn { state } => ("sign-in", None, None, serde_json::to_vec(state)),
    };
    let state = state.map_err(|_| Fault::malformed("a ceremony"))?;
    diesel::insert_into(ceremonies::table)
        .values((
            ceremonies::ceremony_id.eq(id.to_vec()),
            ceremonies::kind.eq(kind),
            ceremonies::person_id.eq(person),
            ceremonies::selector.eq(selector),
            ceremonies::sealed.eq(keys.system_key().seal(&place(&[&id]), &state)?),
            ceremonies::expires.eq(after(now, CEREMONY_LASTS).0.cast_signed()),
        ))
        .execute(connection)?;
    Ok(id)
}

/// Takes a ceremony away to finish it; none if it was taken before, has expired or never was.
pub fn take(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    id: &CeremonyId,
) -> Result<Option<Ceremony>, Fault> {
    type Row = (String, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, i64);
    let row: Option<Row> = diesel::delete(ceremonies::table.find(id.as_slice()))
        .returning((
            ceremonies::kind,
            ceremonies::person_id,
            ceremonies::selector,
            ceremonies::sealed,
            ceremonies::expires,
        ))
        .get_result(connection)
        .optional()?;
    let Some((kind, person, selector, sealed, expires)) = row else {
        return Ok(None);
    };
    if expires <= now.0.cast_signed() {
        return Ok(None);
    }
    let state = keys.system_key().open(&place(&[id]), &sealed)?;
    let malformed = || Fault::malformed("ceremonies.sealed");
    Ok(Some(match (kind.as_str(), person, selector) {
        ("enrolment", Some(person), Some(selector)) => Ceremony::Enrolment {
            person: person_id(&person)?,
            selector,
            state: serde_json::from_slice(&state).map_err(|_| malformed())?,
        },
        ("sign-in", None, None) => Ceremony::SignIn {
            state: serde_json::from_slice(&state).map_err(|_| malformed())?,
        },
        _ => return Err(Fault::malformed("ceremonies.kind")),
    }))
}

fn forget_expired(connection: &mut SqliteConnection, now: Tick) -> Result<(), Fault> {
    diesel::delete(ceremonies::table.filter(ceremonies::expires.le(now.0.cast_signed())))
        .execute(connection)?;
    Ok(())
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "ceremonies",
        column: "sealed",
        row,
    }
}
