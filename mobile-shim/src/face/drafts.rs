//! New entries, typed. Codes are FHIR's, in kebab case; a wrong one is refused by name of field.

use sync_core::kind;
use sync_core::kind::{Draft, Label, Occurred};

use super::Record;
use crate::error::{CarnetError, Error};

/// What something is called, with its code in a terminology when known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct CodedText {
    /// As the author wrote it.
    pub text: String,
    /// The code.
    #[uniffi(default = None)]
    pub code: Option<String>,
    /// The terminology, as a URI.
    #[uniffi(default = None)]
    pub system: Option<String>,
}

/// What every draft carries; all of it optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Common {
    /// When it happened: `2024`, `2024-05`, `2024-05-03` or RFC 3339.
    #[uniffi(default = None)]
    pub occurred: Option<String>,
    /// Where the author has it from.
    #[uniffi(default = None)]
    pub source: Option<String>,
    /// Free remarks.
    #[uniffi(default = None)]
    pub notes: Option<String>,
    /// Hidden from the start.
    #[uniffi(default = false)]
    pub hidden: bool,
}

/// A reaction to a substance.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct Reaction {
    /// What was seen.
    pub manifestation: CodedText,
    /// `mild`, `moderate`, `severe`.
    #[uniffi(default = None)]
    pub severity: Option<String>,
}

/// An allergy, or the statement that none is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct AllergyDraft {
    /// To what.
    pub substance: CodedText,
    /// States that no allergy is known.
    #[uniffi(default = false)]
    pub no_known_allergy: bool,
    /// `medication`, `food`, `environment`, `biologic`.
    #[uniffi(default = None)]
    pub category: Option<String>,
    /// `low`, `high`, `unable-to-assess`.
    #[uniffi(default = None)]
    pub criticality: Option<String>,
    /// `unconfirmed`, `presumed`, `confirmed`.
    #[uniffi(default = None)]
    pub verification: Option<String>,
    /// What it did.
    #[uniffi(default = [])]
    pub reactions: Vec<Reaction>,
}

/// A condition (*maladie, antécédent*).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ConditionDraft {
    /// Which.
    pub label: CodedText,
    /// `mild`, `moderate`, `severe`.
    #[uniffi(default = None)]
    pub severity: Option<String>,
    /// `unconfirmed`, `presumed`, `confirmed`.
    #[uniffi(default = None)]
    pub verification: Option<String>,
    /// When it was over.
    #[uniffi(default = None)]
    pub ended: Option<String>,
}

/// A medication as it is taken: one regimen, always changed as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct MedicationDraft {
    /// The product.
    pub product: CodedText,
    /// Its active substances.
    #[uniffi(default = [])]
    pub substances: Vec<CodedText>,
    /// Tablet, syrup …
    #[uniffi(default = None)]
    pub form: Option<String>,
    /// By mouth, on the skin …
    #[uniffi(default = None)]
    pub route: Option<String>,
    /// How much each time: digits, at most one point.
    #[uniffi(default = None)]
    pub dose: Option<String>,
    /// Of what.
    #[uniffi(default = None)]
    pub unit: Option<String>,
    /// How often, in words.
    #[uniffi(default = None)]
    pub frequency: Option<String>,
    /// Only when needed.
    #[uniffi(default = false)]
    pub as_needed: bool,
    /// When needed, at most so much in a day.
    #[uniffi(default = None)]
    pub as_needed_maximum: Option<String>,
    /// First day.
    #[uniffi(default = None)]
    pub starts: Option<String>,
    /// Last day.
    #[uniffi(default = None)]
    pub ends: Option<String>,
}

/// A telephone number.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct PhoneNumber {
    /// As written.
    pub number: String,
    /// Which to call first: the lowest.
    #[uniffi(default = 0)]
    pub rank: u32,
    /// Mobile, home, work …
    #[uniffi(default = None)]
    pub used_for: Option<String>,
}

/// An emergency contact (*personne à prévenir*).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ContactDraft {
    /// Who.
    pub name: String,
    /// Who they are to the person.
    #[uniffi(default = None)]
    pub relationship: Option<String>,
    /// Their numbers.
    #[uniffi(default = [])]
    pub phones: Vec<PhoneNumber>,
    /// Their mail address.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// Where they live.
    #[uniffi(default = None)]
    pub address: Option<String>,
}

/// A blood group with its source; never valid for transfusion.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct BloodGroupDraft {
    /// `a`, `b`, `ab`, `o`.
    pub abo: String,
    /// `positive`, `negative`.
    pub rhd: String,
    /// `laboratory`, `declared`.
    pub source: String,
}

/// What the person writes for themself.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct NoteDraft {
    /// Its title.
    pub title: String,
    /// What it says.
    #[uniffi(default = None)]
    pub text: Option<String>,
}

#[uniffi::export]
impl Record {
    /// Adds an allergy; the answer names the entry.
    #[uniffi::method(default(common = None))]
    pub fn add_allergy(
        &self,
        draft: AllergyDraft,
        common: Option<Common>,
    ) -> Result<String, CarnetError> {
        self.create(kind::AllergyDraft {
            substance: draft.substance.into(),
            no_known_allergy: draft.no_known_allergy,
            category: draft.category.map(Into::into),
            criticality: draft.criticality.map(Into::into),
            verification: draft.verification.map(Into::into),
            reactions: draft.reactions.into_iter().map(Into::into).collect(),
            common: read_common(common)?,
        })
    }

    /// Adds a condition; the answer names the entry.
    #[uniffi::method(default(common = None))]
    pub fn add_condition(
        &self,
        draft: ConditionDraft,
        common: Option<Common>,
    ) -> Result<String, CarnetError> {
        self.create(kind::ConditionDraft {
            label: draft.label.into(),
            severity: draft.severity.map(Into::into),
            verification: draft.verification.map(Into::into),
            ended: date("ended", draft.ended)?,
            common: read_common(common)?,
        })
    }

    /// Adds a medication taken; the answer names the entry.
    #[uniffi::method(default(common = None))]
    pub fn add_medication(
        &self,
        draft: MedicationDraft,
        common: Option<Common>,
    ) -> Result<String, CarnetError> {
        self.create(kind::MedicationTakenDraft {
            regimen: draft.regimen()?,
            common: read_common(common)?,
        })
    }

    /// Adds an emergency contact; the answer names the entry.
    #[uniffi::method(default(common = None))]
    pub fn add_contact(
        &self,
        draft: ContactDraft,
        common: Option<Common>,
    ) -> Result<String, CarnetError> {
        self.create(kind::EmergencyContactDraft {
            name: draft.name,
            relationship: draft.relationship,
            address: draft.address,
            email: draft.email,
            phones: draft.phones.into_iter().map(Into::into).collect(),
            common: read_common(common)?,
        })
    }

    /// Adds a blood group; the answer names the entry.
    #[uniffi::method(default(common = None))]
    pub fn add_blood_group(
        &self,
        draft: BloodGroupDraft,
        common: Option<Common>,
    ) -> Result<String, CarnetError> {
        self.create(kind::BloodGroupDraft {
            blood_group: draft.into(),
            common: read_common(common)?,
        })
    }

    /// Adds an own note; the answer names the entry.
    #[uniffi::method(default(common = None))]
    pub fn add_note(
        &self,
        draft: NoteDraft,
        common: Option<Common>,
    ) -> Result<String, CarnetError> {
        self.create(kind::OwnNoteDraft {
            title: Label::text(draft.title),
            text: draft.text,
            common: read_common(common)?,
        })
    }
}

impl Record {
    fn create(&self, draft: impl Into<Draft>) -> Result<String, CarnetError> {
        Ok(self.add(&draft.into())?.to_string())
    }
}

impl MedicationDraft {
    pub(super) fn regimen(self) -> Result<kind::Regimen, Error> {
        Ok(kind::Regimen {
            product: self.product.into(),
            substances: self.substances.into_iter().map(Into::into).collect(),
            form: self.form,
            route: self.route,
            dose: self.dose,
            unit: self.unit,
            frequency: self.frequency,
            as_needed: self.as_needed,
            as_needed_maximum: self.as_needed_maximum,
            starts: date("starts", self.starts)?,
            ends: date("ends", self.ends)?,
            ..kind::Regimen::default()
        })
    }
}

impl From<BloodGroupDraft> for kind::BloodGroup {
    fn from(draft: BloodGroupDraft) -> Self {
        kind::BloodGroup::new(draft.abo.into(), draft.rhd.into(), draft.source.into())
    }
}

impl From<CodedText> for Label {
    fn from(coded: CodedText) -> Self {
        Label {
            code: coded.code,
            system: coded.system,
            ..Label::text(coded.text)
        }
    }
}

impl From<Reaction> for kind::Reaction {
    fn from(reaction: Reaction) -> Self {
        let severity = reaction.severity.map(Into::into);
        kind::Reaction::new(reaction.manifestation, severity)
    }
}

impl From<PhoneNumber> for kind::Phone {
    fn from(phone: PhoneNumber) -> Self {
        kind::Phone {
            used_for: phone.used_for,
            ..kind::Phone::new(phone.number, phone.rank)
        }
    }
}

fn read_common(common: Option<Common>) -> Result<kind::Common, Error> {
    let common = common.unwrap_or_default();
    let mut read = kind::Common {
        occurred: date("occurred", common.occurred)?,
        source: common.source,
        notes: common.notes,
        ..kind::Common::default()
    };
    read.visibility.hidden_from_professionals = common.hidden;
    Ok(read)
}

/// A partial date as an app has it.
pub(super) fn date(field: &'static str, text: Option<String>) -> Result<Option<Occurred>, Error> {
    text.map(|text| {
        text.parse()
            .map_err(|_| kind::Invalid::Date { field }.into())
    })
    .transpose()
}
