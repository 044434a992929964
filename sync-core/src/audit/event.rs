//! One line of the access log.

use serde::{Deserialize, Serialize};

use crate::codec::{Malformed, from_cbor, to_cbor};
use crate::kind::Words;
use crate::policy::Role;
use crate::{DeviceId, EntryId, PersonId, Tick, fixed_bytes};

/// What was done. An action of a newer version is kept as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AccessAction {
    /// The record was opened.
    Open,
    /// Entries were given to somebody to read.
    Read,
    /// Changes were accepted.
    Write,
    /// Changes were held: valid, without the right.
    Hold,
    /// Changes were refused: malformed or forged.
    Refuse,
    /// A held change was settled.
    Settle,
    /// The access log was read.
    ReadLog,
    /// Names of people in the record were given out.
    ReadPeople,
    /// An enrolment code for the record's holder, or for somebody with rights, was issued.
    IssueCode,
    /// Content was destroyed.
    Destroy,
    /// The server was restored from a backup: a declared gap.
    Restore,
    /// A device showed that a restore lost more than was known.
    Loss,
    /// Entries were given up whose keys are missing for good: devices that have them hand them back.
    GiveUp,
    /// A passkey of the holder's was enrolled.
    PasskeyAdded,
    /// A passkey of the holder's was revoked.
    PasskeyRevoked,
    /// A device of the holder's was registered.
    DeviceAdded,
    /// A device of the holder's was revoked.
    DeviceRevoked,
    /// An action of a newer version.
    Other(String),
}

impl AccessAction {
    /// The actions of this version.
    pub const KNOWN: [AccessAction; 17] = [
        AccessAction::Open,
        AccessAction::Read,
        AccessAction::Write,
        AccessAction::Hold,
        AccessAction::Refuse,
        AccessAction::Settle,
        AccessAction::ReadLog,
        AccessAction::ReadPeople,
        AccessAction::IssueCode,
        AccessAction::Destroy,
        AccessAction::Restore,
        AccessAction::Loss,
        AccessAction::GiveUp,
        AccessAction::PasskeyAdded,
        AccessAction::PasskeyRevoked,
        AccessAction::DeviceAdded,
        AccessAction::DeviceRevoked,
    ];

    /// The stable code, in kebab case.
    pub fn as_str(&self) -> &str {
        match self {
            AccessAction::Open => "open",
            AccessAction::Read => "read",
            AccessAction::Write => "write",
            AccessAction::Hold => "hold",
            AccessAction::Refuse => "refuse",
            AccessAction::Settle => "settle",
            AccessAction::ReadLog => "read-log",
            AccessAction::ReadPeople => "read-people",
            AccessAction::IssueCode => "issue-code",
            AccessAction::Destroy => "destroy",
            AccessAction::Restore => "restore",
            AccessAction::Loss => "loss",
            AccessAction::GiveUp => "give-up",
            AccessAction::PasskeyAdded => "passkey-added",
            AccessAction::PasskeyRevoked => "passkey-revoked",
            AccessAction::DeviceAdded => "device-added",
            AccessAction::DeviceRevoked => "device-revoked",
            AccessAction::Other(code) => code,
        }
    }

    /// What was done, for people; nothing for an action of a newer version.
    pub fn words(&self) -> Option<Words> {
        Some(match self {
            AccessAction::Open => Words::new("opened the record", "ouverture du carnet"),
            AccessAction::Read => Words::new("read", "lecture"),
            AccessAction::Write => Words::new("wrote", "écriture"),
            AccessAction::Hold => Words::new("edit held", "modification retenue"),
            AccessAction::Refuse => Words::new("edit refused", "modification refusée"),
            AccessAction::Settle => Words::new("held edit settled", "modification tranchée"),
            AccessAction::ReadLog => Words::new("read the log", "lecture du journal"),
            AccessAction::ReadPeople => Words::new("read names", "lecture de noms"),
            AccessAction::IssueCode => Words::new("code issued", "code délivré"),
            AccessAction::Destroy => Words::new("entry destroyed", "élément détruit"),
            AccessAction::Restore => Words::new("server restored", "serveur restauré"),
            AccessAction::Loss => Words::new("more was lost", "perte plus grande"),
            AccessAction::GiveUp => Words::new("entry without key", "élément sans clé"),
            AccessAction::PasskeyAdded => Words::new("passkey added", "passkey ajouté"),
            AccessAction::PasskeyRevoked => Words::new("passkey revoked", "passkey révoqué"),
            AccessAction::DeviceAdded => Words::new("device added", "appareil ajouté"),
            AccessAction::DeviceRevoked => Words::new("device revoked", "appareil révoqué"),
            AccessAction::Other(_) => return None,
        })
    }
}

impl From<String> for AccessAction {
    fn from(code: String) -> Self {
        let known = Self::KNOWN
            .into_iter()
            .find(|action| action.as_str() == code);
        known.unwrap_or(AccessAction::Other(code))
    }
}

impl From<AccessAction> for String {
    fn from(action: AccessAction) -> Self {
        action.as_str().to_owned()
    }
}

/// One line of a record's access log.
///
/// It names entries and people by their identifiers; of what they say it holds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEvent {
    /// Its place in the log, from 1.
    #[serde(rename = "n")]
    pub seq: u64,
    /// When, on the record's clock.
    #[serde(rename = "t")]
    pub at: Tick,
    /// When it came into this log, if the holder might not know of it before.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<Tick>,
    /// By whom.
    #[serde(rename = "p")]
    pub person: PersonId,
    /// In what role.
    #[serde(rename = "r")]
    pub role: Role,
    /// For whom, when for somebody else.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
    /// On which device; none for acts at the server itself.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What was done.
    #[serde(rename = "a")]
    pub action: AccessAction,
    /// To which entries.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryId>,
    /// How many changes it moved, either way.
    #[serde(rename = "c", default)]
    pub changes: u64,
    /// Why: the reason given, or the code of a refusal.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a restore: what it is known to have lost of this log.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// What a restore lost of an access log: a device that comes back shows how far the log had come,
/// as the server had sealed it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The number of the last event that is still there; nothing if that cannot be told.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
    /// The number of the last event that there is known to have been.
    #[serde(rename = "n")]
    pub had: u64,
    /// Names that event, and the last that the holder might not know of.
    #[serde(rename = "h")]
    pub heads: WitnessedHeads,
}

impl Gap {
    /// How many events are known to be lost, if that can be told.
    pub fn lost(&self) -> Option<u64> {
        Some(self.had.saturating_sub(self.kept?))
    }
}

fixed_bytes! {
    /// Names the heads of an access log and of what is chained apart from it.
    WitnessedHeads, 8
}

impl AccessEvent {
    /// The same event, told the holder at `at` and not when it happened.
    #[must_use]
    pub fn told(self, at: Tick) -> Self {
        AccessEvent {
            logged: Some(at),
            ..self
        }
    }

    /// When it came into the log; the order of the log follows this.
    pub fn chained_at(&self) -> Tick {
        self.logged.unwrap_or(self.at)
    }

    /// The bytes that are hashed, stored and sent. Made once: a reader hashes what it was given.
    pub fn encode(&self) -> Vec<u8> {
        to_cbor(self)
    }

    /// Reads [`AccessEvent::encode`]'s bytes; members of a newer version are passed over.
    ///
    /// # Errors
    /// When the bytes are not an event.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        from_cbor(bytes).map_err(|_| Malformed("access-log event"))
    }
}
