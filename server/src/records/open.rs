//! Opening a record: with the holder's consent, their identity proofed.

use diesel::SqliteConnection;
use serde::{Deserialize, Serialize};
use sync_core::audit::AccessAction;
use sync_core::codec::{from_cbor, to_cbor};
use sync_core::identity::Departement;
use sync_core::policy::Role;
use sync_core::{LogIncarnation, PersonId, RecordId, Tick};

use super::vault::Vault;
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::keys::Keys;
use crate::people::{self, Person};
use crate::storage::StorageError;
use crate::storage::records::{RecordRow, RecordStore as _};

/// Through whom a record is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The adult holder, online.
    Online,
    /// A health professional.
    Professional,
    /// A pharmacist.
    Pharmacist,
    /// An insurance desk.
    Desk,
    /// A health facility.
    Facility,
}

impl std::str::FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| {
            "a channel is online, professional, pharmacist, desk or facility".to_owned()
        })
    }
}

/// How a record is opened; kept sealed with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Through whom.
    pub channel: Channel,
    /// Where.
    pub departement: Departement,
    /// Who opened it, in the operator's words.
    pub opened_by: String,
    /// Who consented, and how.
    pub consent: String,
    /// How the holder's identity was proofed.
    pub proof: String,
}

/// A record that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The record.
    pub record: RecordId,
    /// Its holder.
    pub holder: PersonId,
}

/// Why a record is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// One record per person.
    #[error("this person has a record already")]
    AlreadyOpen(Opened),
    /// The person to open it for does not exist.
    #[error("there is no such person")]
    NoSuchPerson,
    /// The INS is another person's.
    #[error("this INS is that of another person here, {0}")]
    IdentityOfAnother(PersonId),
    /// The person has another INS.
    #[error("this person is known here under another INS")]
    OtherIdentity,
    /// Only qualified identities are matched.
    #[error("a record is opened under an INS with its traits; give them")]
    NoIdentity,
    /// The server failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        OpenError::Fault(error.into())
    }
}

/// Opens the record of a person. `existing` is in the directory already, as a professional or
/// caregiver, and stays who they are; else the person is found there by their INS, or entered.
///
/// # Errors
/// [`OpenError::AlreadyOpen`] names the record there is.
pub fn open(
    connection: &mut SqliteConnection,
    keys: &Keys,
    now: Tick,
    holder: &Person,
    existing: Option<PersonId>,
    opening: &Opening,
) -> Result<Opened, OpenError> {
    let ins = holder.ins.as_ref().ok_or(OpenError::NoIdentity)?;
    if holder.traits.is_none() {
        return Err(OpenError::NoIdentity);
    }
    let person = match (people::find_by_ins(connection, keys, ins)?, existing) {
        (Some(found), Some(existing)) if found != existing => {
            return Err(OpenError::IdentityOfAnother(found));
        }
        (Some(person), _) => person,
        (None, Some(existing)) => identify(connection, keys, existing, holder)?,
        (None, None) => people::add(connection, keys, now, holder)?,
    };
    if let Some(record) = connection.record_of(person)? {
        return Err(OpenError::AlreadyOpen(Opened {
            record,
            holder: person,
        }));
    }
    let mut random = [0; 26];
    getrandom::fill(&mut random).map_err(Fault::from)?;
    let (for_id, for_log) = random.split_at(10);
    let for_id = for_id.try_into().unwrap_or_default();
    let record =
        RecordId(uuid::Builder::from_unix_timestamp_millis(now.0 / 1000, &for_id).into_uuid());
    let log = LogIncarnation::from_slice(for_log).unwrap_or(LogIncarnation([0; 16]));
    keys.create_record_key(record).map_err(Fault::from)?;
    let vault = Vault::new(keys, record)?;
    let mut row = RecordRow {
        record,
        holder: person,
        log,
        clock: audit::first_clock(&record, now),
        open: true,
        opening: vault.seal_opening(&to_cbor(opening))?,
        created: now,
    };
    connection.add_record(&row)?;
    let actor = Actor::new(person, Role::System, None, person);
    let mut event = actor.event(AccessAction::Open, now);
    event.reason = Some(format!(
        "{}: {}; {}",
        opening.opened_by, opening.consent, opening.proof
    ));
    audit::append(connection, &vault, &mut row.clock, event)?;
    connection.move_clock(record, &row.clock)?;
    Ok(Opened {
        record,
        holder: person,
    })
}

/// Notes the identity of a person who is there without one; their names stay as they go by.
fn identify(
    connection: &mut SqliteConnection,
    keys: &Keys,
    id: PersonId,
    proofed: &Person,
) -> Result<PersonId, OpenError> {
    let known = people::find(connection, keys, id)?.ok_or(OpenError::NoSuchPerson)?;
    if known.ins.is_some() {
        return Err(OpenError::OtherIdentity);
    }
    let identified = Person {
        ins: proofed.ins,
        traits: proofed.traits.clone(),
        ..known
    };
    people::update(connection, keys, id, &identified)?;
    Ok(id)
}

/// How a record was opened.
///
/// # Errors
/// When it does not open with the record's key.
pub fn opening(vault: &Vault<'_>, row: &RecordRow) -> Result<Opening, Fault> {
    let bytes = vault.open_opening(&row.opening)?;
    from_cbor(&bytes).map_err(|_| Fault::malformed("records.opening"))
}
