//! Edits of entries, typed: what is left out stays, what `clear` names is emptied.

use sync_core::kind;
use sync_core::kind::{CommonPatch, Edit, Patch};

use super::drafts::date;
use super::record::entry_id;
use super::{BloodGroupDraft, CodedText, MedicationDraft, PhoneNumber, Reaction, Record};
use crate::error::{CarnetError, Error};

/// An edit of what every entry carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Details {
    /// When it happened.
    #[uniffi(default = None)]
    pub occurred: Option<String>,
    /// Where the author has it from.
    #[uniffi(default = None)]
    pub source: Option<String>,
    /// Free remarks.
    #[uniffi(default = None)]
    pub notes: Option<String>,
    /// Hidden from caregivers and representatives, or not.
    #[uniffi(default = None)]
    pub hidden_from_representatives: Option<bool>,
    /// Fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
}

/// An edit of an allergy.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct AllergyEdit {
    /// To what.
    #[uniffi(default = None)]
    pub substance: Option<CodedText>,
    /// `medication`, `food`, `environment`, `biologic`.
    #[uniffi(default = None)]
    pub category: Option<String>,
    /// `low`, `high`, `unable-to-assess`.
    #[uniffi(default = None)]
    pub criticality: Option<String>,
    /// `unconfirmed`, `presumed`, `confirmed`.
    #[uniffi(default = None)]
    pub verification: Option<String>,
    /// Reactions to add, or whose severity to change.
    #[uniffi(default = [])]
    pub reactions: Vec<Reaction>,
    /// Fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
}

/// An edit of a condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ConditionEdit {
    /// Which.
    #[uniffi(default = None)]
    pub label: Option<CodedText>,
    /// `mild`, `moderate`, `severe`.
    #[uniffi(default = None)]
    pub severity: Option<String>,
    /// `unconfirmed`, `presumed`, `confirmed`.
    #[uniffi(default = None)]
    pub verification: Option<String>,
    /// When it was over.
    #[uniffi(default = None)]
    pub ended: Option<String>,
    /// Fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
}

/// An edit of an emergency contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ContactEdit {
    /// Who.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Who they are to the person.
    #[uniffi(default = None)]
    pub relationship: Option<String>,
    /// Numbers to add, or whose rank or use to change.
    #[uniffi(default = [])]
    pub phones: Vec<PhoneNumber>,
    /// Numbers to take back.
    #[uniffi(default = [])]
    pub remove_phones: Vec<String>,
    /// Their mail address.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// Where they live.
    #[uniffi(default = None)]
    pub address: Option<String>,
    /// Fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
}

/// An edit of an own note.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct NoteEdit {
    /// Its title.
    #[uniffi(default = None)]
    pub title: Option<String>,
    /// What it says.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// Fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
}

#[uniffi::export]
impl Record {
    /// Edits an allergy.
    pub fn edit_allergy(&self, entry: String, edit: AllergyEdit) -> Result<(), CarnetError> {
        let mut clear = Clear(edit.clear);
        let patch = kind::AllergyPatch {
            substance: edit.substance.map(Into::into),
            category: clear.or("category", edit.category.map(Into::into)),
            criticality: clear.or("criticality", edit.criticality.map(Into::into)),
            verification: clear.or("verification", edit.verification.map(Into::into)),
            reactions: edit.reactions.into_iter().map(Into::into).collect(),
            common: CommonPatch::default(),
        };
        self.change(&entry, clear, patch)
    }

    /// Edits a condition.
    pub fn edit_condition(&self, entry: String, edit: ConditionEdit) -> Result<(), CarnetError> {
        let mut clear = Clear(edit.clear);
        let ended = date("ended", edit.ended)?;
        let patch = kind::ConditionPatch {
            label: edit.label.map(Into::into),
            severity: clear.or("severity", edit.severity.map(Into::into)),
            verification: clear.or("verification", edit.verification.map(Into::into)),
            ended: clear.or("ended", ended),
            common: CommonPatch::default(),
        };
        self.change(&entry, clear, patch)
    }

    /// Changes a medication's regimen, as a whole. Stopping it is a status.
    pub fn edit_medication(
        &self,
        entry: String,
        regimen: MedicationDraft,
    ) -> Result<(), CarnetError> {
        let patch = kind::MedicationTakenPatch {
            regimen: Some(regimen.regimen()?),
            common: CommonPatch::default(),
        };
        self.change(&entry, Clear(Vec::new()), patch)
    }

    /// Edits an emergency contact.
    pub fn edit_contact(&self, entry: String, edit: ContactEdit) -> Result<(), CarnetError> {
        let mut clear = Clear(edit.clear);
        let removed = edit.remove_phones.into_iter().map(|number| kind::Phone {
            removed: Some("removed".to_owned()),
            ..kind::Phone::new(number, 0)
        });
        let phones = edit.phones.into_iter().map(kind::Phone::from);
        let patch = kind::EmergencyContactPatch {
            name: edit.name,
            relationship: clear.or("relationship", edit.relationship),
            address: clear.or("address", edit.address),
            email: clear.or("email", edit.email),
            phones: phones.chain(removed).collect(),
            common: CommonPatch::default(),
        };
        self.change(&entry, clear, patch)
    }

    /// Corrects a blood group, as a whole.
    pub fn edit_blood_group(
        &self,
        entry: String,
        blood_group: BloodGroupDraft,
    ) -> Result<(), CarnetError> {
        let patch = kind::BloodGroupPatch {
            blood_group: Some(blood_group.into()),
            common: CommonPatch::default(),
        };
        self.change(&entry, Clear(Vec::new()), patch)
    }

    /// Edits an own note.
    pub fn edit_note(&self, entry: String, edit: NoteEdit) -> Result<(), CarnetError> {
        let mut clear = Clear(edit.clear);
        let patch = kind::OwnNotePatch {
            title: edit.title.map(kind::Label::text),
            text: clear.or("text", edit.text),
            common: CommonPatch::default(),
        };
        self.change(&entry, clear, patch)
    }
}

impl Record {
    fn change(
        &self,
        entry: &str,
        clear: Clear,
        patch: impl Into<Patch>,
    ) -> Result<(), CarnetError> {
        clear.is_spent()?;
        self.edit(entry_id(entry)?, &patch.into())
    }
}

impl Details {
    pub(super) fn patch(self) -> Result<CommonPatch, Error> {
        let mut clear = Clear(self.clear);
        let patch = CommonPatch {
            occurred: clear.or("occurred", date("occurred", self.occurred)?),
            source: clear.or("source", self.source),
            notes: clear.or("notes", self.notes),
            hidden_from_representatives: self.hidden_from_representatives,
            ..CommonPatch::default()
        };
        clear.is_spent()?;
        Ok(patch)
    }
}

/// Names of fields to empty.
struct Clear(Vec<String>);

impl Clear {
    /// A new value, or emptied, or kept.
    fn or<T>(&mut self, field: &str, value: Option<T>) -> Edit<T> {
        let cleared = self.0.iter().position(|name| name == field);
        if let Some(at) = cleared {
            self.0.remove(at);
        }
        match (value, cleared) {
            (Some(value), _) => Edit::Set(value),
            (None, Some(_)) => Edit::Clear,
            (None, None) => Edit::Keep,
        }
    }

    /// Whether each name was that of a field which can be emptied.
    fn is_spent(&self) -> Result<(), Error> {
        match self.0.as_slice() {
            [] => Ok(()),
            _ => Err(Error::Argument { field: "clear" }),
        }
    }
}
