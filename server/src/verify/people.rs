//! Checks the directory of people, and what they sign in with.

use diesel::SqliteConnection;
use sync_core::{DeviceId, PersonId};

use crate::fault::Fault;
use crate::keys::Keys;
use crate::webauthn::passkeys;
use crate::{devices, people};

/// What was found of some people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleFindings {
    /// People.
    pub people: u64,
    /// Their passkeys, revoked ones too.
    pub passkeys: u64,
    /// Their devices, revoked ones too.
    pub devices: u64,
    /// What is wrong, and with whom.
    pub wrong: Vec<String>,
}

/// Checks people after one, in the order of their names, at most so many; gives the last.
///
/// # Errors
/// When the store cannot be read; what it holds wrongly is among the findings.
pub fn people_after(
    connection: &mut SqliteConnection,
    keys: &Keys,
    after: Option<PersonId>,
    limit: u32,
) -> Result<(PeopleFindings, Option<PersonId>), Fault> {
    let mut findings = PeopleFindings::default();
    let page = people::after(connection, after, limit)?;
    for id in &page {
        person(connection, keys, *id, &mut findings)?;
    }
    Ok((findings, page.last().copied()))
}

fn person(
    connection: &mut SqliteConnection,
    keys: &Keys,
    id: PersonId,
    findings: &mut PeopleFindings,
) -> Result<(), Fault> {
    findings.people += 1;
    let mut wrong = Vec::new();
    match people::find(connection, keys, id) {
        Ok(Some(known)) if people::is_filed(connection, keys, id, &known)? => {}
        Ok(_) => wrong.push("is filed under what is not theirs"),
        Err(_) => wrong.push("does not open"),
    }
    match passkeys::list(connection, keys, id) {
        Ok(listed) => findings.passkeys += listed.len() as u64,
        Err(_) => wrong.push("has a passkey that does not open"),
    }
    match devices::list(connection, keys, id) {
        Ok(listed) => {
            findings.devices += listed.len() as u64;
            let named = |d: &devices::Device| DeviceId::of(&d.public_key) == d.id;
            if !listed.iter().all(named) {
                wrong.push("has a device with another's key");
            }
        }
        Err(_) => wrong.push("has a device that does not open"),
    }
    let wrong = wrong.into_iter().map(|what| format!("person {id}: {what}"));
    findings.wrong.extend(wrong);
    Ok(())
}
