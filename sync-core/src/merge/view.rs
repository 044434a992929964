//! What people see of one entry.

use serde::{Deserialize, Serialize};

use super::{Flag, FlagCode};
use crate::change::Provenance;
use crate::entry::{EntryClass, PERSON, STATUS, Value, Visibility};
use crate::kind::{JsonScalar, Kind, Label, Read, Status, StatusCode};
use crate::policy::{Profession, Role, Subject};
use crate::{ChangeHash, DeviceId, DeviceTime, EntryId, PersonId, Tick};

/// Who did something, in what role, on which device, when, having seen what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Who.
    pub author: PersonId,
    /// In what role.
    pub role: Role,
    /// For whom, when for somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
    /// On which device.
    pub device: DeviceId,
    /// What the device's clock said.
    pub at: DeviceTime,
    /// When the server accepted it; nothing while it is on this device only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Tick>,
    /// How far the device had seen the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Tick>,
}

impl From<&Provenance> for Stamp {
    fn from(provenance: &Provenance) -> Self {
        let origin = &provenance.origin;
        Stamp {
            author: origin.author,
            role: origin.role.clone(),
            on_behalf_of: origin.on_behalf_of,
            device: origin.device,
            at: origin.at,
            accepted: provenance.accepted,
            seen: origin.seen.map(|seen| seen.tick),
        }
    }
}

impl Stamp {
    /// Whether neither author had seen what the other stamps. On one device one of them came first,
    /// also where nobody can tell yet which.
    pub(super) fn is_apart(&self, other: &Stamp) -> bool {
        self.device != other.device && !self.had_seen(other) && !other.had_seen(self)
    }

    /// Whether the author of this had seen what `other` stamps, in another entry: by the
    /// checkpoint their device held, or because both were made on that device.
    pub fn had_seen(&self, other: &Stamp) -> bool {
        if self.device == other.device {
            return match (self.accepted, other.accepted) {
                (Some(mine), Some(theirs)) => theirs < mine,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => other.at < self.at,
            };
        }
        other
            .accepted
            .is_some_and(|tick| self.seen.is_some_and(|seen| tick <= seen))
    }
}

/// A value and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldClaim {
    /// The value; `Null` says that there is none.
    pub value: Value,
    /// The change that said it.
    pub change: ChangeHash,
    /// Who; nothing when this copy does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Stamp>,
}

/// What comes of a treatment once the last day of its regimen has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOut {
    /// It is over.
    #[default]
    Ends,
    /// Somebody wrote in it who did not know of that day, nor was known of: it is to be reconciled.
    Doubted,
    /// Somebody who knew of that day said once it had come that it is active.
    GoesOn,
}

/// What somebody who is to write a field finds there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// Nothing ever took effect under its key.
    #[default]
    Never,
    /// Nothing that stands is of a clinician.
    ByOthers,
    /// A clinician wrote what stands, and each who did called the fact unconfirmed with it or since,
    /// or it is the status that the entry was recorded with.
    InDoubt,
    /// A clinician wrote what stands.
    ByClinician,
    /// Of the status of an advance directive: the holder closed it.
    ByHolder,
    /// Of the status of an advance directive: the holder called it an error.
    ErrorByHolder,
}

impl Written {
    /// Whether the holder said that it counts no more: then nobody else brings it back.
    pub(super) fn is_of_holder(self) -> bool {
        matches!(self, Written::ByHolder | Written::ErrorByHolder)
    }
}

/// One key of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldView {
    /// The key.
    pub key: String,
    /// What may be shown as so: one value; several that are all kept; none when none is current.
    pub current: Vec<Value>,
    /// All values that stand, with who says so, as the record got them.
    pub claims: Vec<FieldClaim>,
    /// What is proposed in their stead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<FieldClaim>,
    /// What whoever writes it next finds there, as far as it decides whether they propose.
    #[serde(default)]
    pub written: Written,
}

/// A proposal that somebody with authority took up, or a held edit that the holder did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenUp {
    /// The change that proposed, or was held.
    pub proposal: ChangeHash,
    /// The field that was taken up of a proposal; a held edit is taken up whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Who proposed; nothing of a held edit, or when this copy does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<PersonId>,
    /// Who took it up; nothing when this copy does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Stamp>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It counts.
    Active,
    /// It no longer counts.
    Ended,
    /// Stopped and changed at once: neither.
    ToReconcile,
    /// It should never have been written: in no view.
    InError,
}

/// An entry as a person sees it: a function of its changes and of who made them, not of the order
/// in which they arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Which.
    pub id: EntryId,
    /// Of what kind.
    pub kind: Kind,
    /// The schema version of its last writer.
    pub schema: u64,
    /// What it is called, for lists.
    pub label: String,
    /// What became of it.
    pub standing: Standing,
    /// Its status as it counts, with its reason.
    pub status: Status,
    /// Who may not see it.
    pub visibility: Visibility,
    /// From whom it was kept at any time of its history.
    #[serde(default)]
    pub withheld: Visibility,
    /// Its fields: in the order of its kind's table, then those of a newer version.
    pub fields: Vec<FieldView>,
    /// What to know before trusting it.
    pub flags: Vec<Flag>,
    /// The proposals and held edits that were taken up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_up: Vec<TakenUp>,
    /// Whether a clinician's confirmation stands.
    pub confirmed: bool,
    /// Whether none does, and a clinician's word that it is unconfirmed stands.
    #[serde(default)]
    pub doubted: bool,
    /// Whether a clinician wrote into it what the fact is, and none called that unconfirmed.
    #[serde(default)]
    pub clinicians: bool,
    /// Of a treatment: what comes of it once the last day of its regimen has passed, unless
    /// somebody proposes that it is active.
    #[serde(default)]
    pub run_out: RunOut,
    /// The changes that say or propose, in a field, another end than one that stands, neither author
    /// having known of the other's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_ends: Vec<ChangeHash>,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Stamp>,
    /// Who edited it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Stamp>,
    /// When the record got it; nothing while it is on this device only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Tick>,
    /// How many of its changes are on this device only.
    pub unsent: usize,
}

impl EntryView {
    /// Withdrawn as an error: in no view but the to-review list.
    pub fn in_error(&self) -> bool {
        self.standing == Standing::InError
    }

    /// Whether it counts, perhaps in doubt.
    pub fn counts(&self) -> bool {
        matches!(self.standing, Standing::Active | Standing::ToReconcile)
    }

    /// Whether a nurse recorded it.
    pub(super) fn is_by_nurse(&self) -> bool {
        let created = self.created.as_ref();
        created.is_some_and(|by| by.role == Role::Professional(Profession::Nurse))
    }

    /// One field.
    pub fn field(&self, key: &str) -> Option<&FieldView> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The members of a set.
    pub fn members<'v>(&'v self, name: &'v str) -> impl Iterator<Item = &'v FieldView> {
        self.fields.iter().filter(move |field| {
            let rest = field.key.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// The claims that stand for a key.
    pub fn claims(&self, key: &str) -> &[FieldClaim] {
        self.field(key).map_or(&[], |field| &field.claims)
    }

    /// Whether a key holds something, and nobody says at the same time that it holds nothing.
    pub fn is_said(&self, key: &str) -> bool {
        let claims = self.claims(key);
        !claims.is_empty() && claims.iter().all(|claim| claim.value != Value::Null)
    }

    /// The structured values that stand for a key, all of them.
    pub fn all<T: JsonScalar>(&self, key: &str) -> Vec<T> {
        let claims = self.claims(key).iter();
        claims
            .filter_map(|claim| T::from_value(&claim.value))
            .collect()
    }

    /// Every open proposal with its key.
    pub fn proposals(&self) -> impl Iterator<Item = (&str, &FieldClaim)> {
        self.fields.iter().flat_map(|field| {
            field
                .proposals
                .iter()
                .map(|claim| (field.key.as_str(), claim))
        })
    }

    /// Whether it is flagged so.
    pub fn is_flagged(&self, code: FlagCode) -> bool {
        self.flags.iter().any(|flag| flag.code == code)
    }

    /// Whether two people settled something of it in two ways: then nothing of that is settled.
    /// Asked of an entry as it is shown ([`super::shown`]).
    pub fn is_contested(&self) -> bool {
        self.is_flagged(FlagCode::DecidedDifferently)
    }

    /// What of it decides who may do what with it.
    pub fn class(&self) -> EntryClass {
        let author = self.created.as_ref().map(|stamp| stamp.author);
        let named = self.claims(PERSON).iter();
        let mut named = named.filter_map(|claim| claim.value.as_text()?.parse().ok());
        EntryClass {
            kind: self.kind.code().to_owned(),
            visibility: self.visibility.clone(),
            author: author.unwrap_or(Subject::SYSTEM.person),
            concerns: named.next(),
            about: super::about(self).to_owned(),
        }
    }

    /// The labels that stand.
    pub fn labels(&self) -> Vec<Label> {
        self.all(crate::kind::common::LABEL)
    }

    /// The status as written, should several stand.
    pub fn statuses(&self) -> Vec<StatusCode> {
        let statuses: Vec<Status> = self.all(STATUS);
        statuses.into_iter().map(|status| status.status).collect()
    }
}

impl Read for EntryView {
    fn value(&self, key: &str) -> Option<&Value> {
        self.field(key)?.current.first()
    }

    fn set_values(&self, name: &str) -> Vec<&Value> {
        let member = |key: &str| {
            key.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let members = self.fields.iter().filter(|field| member(&field.key));
        members.filter_map(|field| field.current.first()).collect()
    }
}
