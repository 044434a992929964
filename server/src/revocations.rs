//! Revocations that a data store put back from an older copy does not know of.
//!
//! Whoever revokes something notes it in the journal of the key store first
//! ([`Keys::journal_revocation`](crate::keys::Keys::journal_revocation)), then in the data store.
//! At every start the server takes up from the journal what the data store lacks. What the data
//! store does not have at all stays in the journal, and is refused if somebody brings it again.

use diesel::SqliteConnection;
use sync_core::PersonId;

use crate::fault::Fault;
use crate::keys::{Keys, Revocation, Revoked};
use crate::records::{Records, SignInChange};
use crate::webauthn::{codes, passkeys};
use crate::{devices, sessions};

/// Lines read at a time.
const PAGE: u32 = 500;

/// Whose a thing is that was revoked and is still good in the data store.
fn stands(connection: &mut SqliteConnection, revoked: &Revoked) -> Result<Option<PersonId>, Fault> {
    match revoked {
        Revoked::Device(id) => devices::standing(connection, *id),
        Revoked::Passkey(credential) => passkeys::standing(connection, credential),
        Revoked::Session(id) => sessions::open_of(connection, *id),
        Revoked::Code(name) => codes::unused(connection, name),
    }
}

/// Revokes in the data store what the journal says is revoked and tells the holders of it in their
/// access logs; answers how much that was. Done again it does nothing.
///
/// # Errors
/// When a store or a key fails.
pub fn replay(connection: &mut SqliteConnection, records: &Records) -> Result<u64, Fault> {
    let mut count = 0;
    each(&records.keys, |Revocation { revoked, time, .. }| {
        let Some(person) = stands(connection, &revoked)? else {
            return Ok(());
        };
        count += 1;
        let told = match &revoked {
            Revoked::Device(id) => {
                devices::mark_revoked(connection, time, *id)?;
                Some((Some(*id), SignInChange::DeviceRevoked))
            }
            Revoked::Passkey(credential) => {
                passkeys::mark_revoked(connection, time, credential)?;
                Some((None, SignInChange::PasskeyRevoked))
            }
            Revoked::Session(id) => {
                sessions::mark_ended(connection, time, *id)?;
                None
            }
            Revoked::Code(name) => {
                codes::mark_used(connection, time, name)?;
                None
            }
        };
        if let Some((device, change)) = told {
            records.note_revoked_again(connection, person, device, change)?;
        }
        Ok(())
    })?;
    Ok(count)
}

/// How many lines the journal has, and how many of them the data store does not follow.
///
/// To be run where the data store is locked for writing: then no revocation is half done.
///
/// # Errors
/// When a store fails.
pub fn check(connection: &mut SqliteConnection, keys: &Keys) -> Result<(u64, u64), Fault> {
    let (mut lines, mut good) = (0, 0);
    each(keys, |line| {
        lines += 1;
        good += u64::from(stands(connection, &line.revoked)?.is_some());
        Ok(())
    })?;
    Ok((lines, good))
}

fn each(keys: &Keys, mut see: impl FnMut(Revocation) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut after = 0;
    loop {
        let page = keys.revocations_after(after, PAGE)?;
        let full = page.len() == PAGE as usize;
        for line in page {
            after = line.sequence;
            see(line)?;
        }
        if !full {
            return Ok(());
        }
    }
}
