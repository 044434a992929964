//! Allergy or intolerance; also the statement that none is known.
//!
//! | key | value |
//! | --- | --- |
//! | `label` | the substance, a [`Label`] |
//! | `no-known-allergy` | `true`: the entry states that no allergy is known (of its category, if it has one); only at creation, and then without criticality and reactions |
//! | `category` | [`AllergyCategory`] |
//! | `criticality` | [`Criticality`] |
//! | `verification` | [`Verification`] |
//! | `reaction/<member>` | a [`Reaction`]; the member is [`Label::member_key`] of its manifestation |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::common::{Common, CommonPatch, LABEL, LINE_MAX, VERIFICATION};
use super::field::{FieldSpec, Join, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::write::{Drafted, Read};
use super::{Edit, Invalid, Kind, Label};
use crate::entry::{EntryState, Value, Write};

/// States that no allergy is known.
pub const NO_KNOWN_ALLERGY: &str = "no-known-allergy";
/// What kind of substance.
pub const CATEGORY: &str = "category";
/// How dangerous the next contact may be.
pub const CRITICALITY: &str = "criticality";
/// The set of reactions.
pub const REACTION: &str = "reaction";

/// Criticalities from least to most dangerous.
pub const CRITICALITY_ORDER: &[&str] = &["unable-to-assess", "low", "high"];

codes! {
    /// FHIR allergy-intolerance-category.
    AllergyCategory {
        /// A medicine.
        Medication = "medication", "medication", "médicament";
        /// Something eaten.
        Food = "food", "food", "aliment";
        /// Something in the surroundings.
        Environment = "environment", "environment", "environnement";
        /// A biological product.
        Biologic = "biologic", "biological product", "produit biologique";
    }
}

codes! {
    /// FHIR allergy-intolerance-criticality: the potential harm of a future exposure.
    Criticality {
        /// Not life-threatening.
        Low = "low", "low", "faible";
        /// May be life-threatening.
        High = "high", "high", "élevée";
        /// Nobody can tell.
        UnableToAssess = "unable-to-assess", "cannot be assessed", "non évaluable";
    }
}

codes! {
    /// How sure the fact is. Refuting it and calling it an error are statuses.
    Verification {
        /// Reported, not confirmed.
        Unconfirmed = "unconfirmed", "unconfirmed", "non confirmé";
        /// Likely.
        Presumed = "presumed", "presumed", "présumé";
        /// Confirmed.
        Confirmed = "confirmed", "confirmed", "confirmé";
    }
}

codes! {
    /// How severe something was.
    Severity {
        /// Mild.
        Mild = "mild", "mild", "légère";
        /// Moderate.
        Moderate = "moderate", "moderate", "modérée";
        /// Severe.
        Severe = "severe", "severe", "sévère";
    }
}

/// One reaction to the substance. As JSON: `{"manifestation", "severity"?, "removed"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// What was seen.
    pub manifestation: Label,
    /// How severe it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why it no longer counts, when it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Reaction {
    /// A reaction.
    pub fn new(manifestation: impl Into<Label>, severity: Option<Severity>) -> Self {
        Reaction {
            manifestation: manifestation.into(),
            severity,
            removed: None,
            other: Extra::new(),
        }
    }

    /// The key it is kept under.
    pub fn key(&self) -> String {
        format!("{REACTION}/{}", self.manifestation.member_key())
    }
}

impl JsonScalar for Reaction {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "reaction",
        &[
            Member::new("manifestation", MemberShape::Value(&Label::STRUCTURE)).required(),
            Member::new("severity", MemberShape::Code(Severity::CODES)),
            Member::new("removed", MemberShape::Text(LINE_MAX)),
        ],
    );
}

pub(crate) const FIELDS: &[FieldSpec] = &[
    FieldSpec::new(
        LABEL,
        Shape::Json(&Label::STRUCTURE),
        "Substance",
        "Substance",
    )
    .required(),
    FieldSpec::new(
        NO_KNOWN_ALLERGY,
        Shape::Flag,
        "No known allergy",
        "Aucune allergie connue",
    )
    .fixed(),
    FieldSpec::new(
        CATEGORY,
        Shape::Code(AllergyCategory::CODES),
        "Category",
        "Catégorie",
    ),
    FieldSpec::new(
        CRITICALITY,
        Shape::Code(Criticality::CODES),
        "Criticality",
        "Criticité",
    )
    .joins(Join::Highest(CRITICALITY_ORDER)),
    FieldSpec::new(
        VERIFICATION,
        Shape::Code(Verification::CODES),
        "Certainty",
        "Certitude",
    ),
    FieldSpec::new(
        REACTION,
        Shape::Json(&Reaction::STRUCTURE),
        "Reactions",
        "Réactions",
    )
    .joins(Join::Union),
];

/// Whether an entry states that no allergy is known, rather than one.
pub(crate) fn states_none(state: &EntryState) -> bool {
    state
        .values(NO_KNOWN_ALLERGY)
        .any(|value| *value == Value::Bool(true))
}

/// A statement that no allergy is known says nothing of the danger of one.
pub(super) fn check_statement(state: &EntryState) -> Result<(), Invalid> {
    if !states_none(state) {
        return Ok(());
    }
    let said = |value: &Value| *value != Value::Null;
    if state.values(CRITICALITY).any(said) {
        return Err(Invalid::Excluded { field: CRITICALITY });
    }
    if state.members(REACTION).next().is_some() {
        return Err(Invalid::Excluded { field: REACTION });
    }
    Ok(())
}

/// An allergy as an app fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AllergyDraft {
    /// To what.
    pub substance: Label,
    /// Whether this states that no allergy is known, rather than one.
    pub no_known_allergy: bool,
    /// What kind of substance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<AllergyCategory>,
    /// How dangerous the next contact may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// How sure it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// What it did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl AllergyDraft {
    /// The statement that no allergy is known, worded in the author's language.
    pub fn none_known(words: impl Into<Label>) -> Self {
        AllergyDraft {
            substance: words.into(),
            no_known_allergy: true,
            ..AllergyDraft::default()
        }
    }

    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::Allergy);
        if self.no_known_allergy && self.criticality.is_some() {
            return Err(Invalid::Excluded { field: CRITICALITY });
        }
        if self.no_known_allergy && !self.reactions.is_empty() {
            return Err(Invalid::Excluded { field: REACTION });
        }
        out.json(LABEL, &self.substance);
        out.flag(NO_KNOWN_ALLERGY, self.no_known_allergy.then_some(true));
        out.text(CATEGORY, self.category.as_ref().map(AllergyCategory::code));
        out.text(
            CRITICALITY,
            self.criticality.as_ref().map(Criticality::code),
        );
        out.text(
            VERIFICATION,
            self.verification.as_ref().map(Verification::code),
        );
        for reaction in &self.reactions {
            out.json(reaction.key(), reaction);
        }
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry, as a form shows it; where several values stand, one of them.
    pub fn read(from: &dyn Read) -> Self {
        AllergyDraft {
            substance: from.json(LABEL).unwrap_or_default(),
            no_known_allergy: from.flag(NO_KNOWN_ALLERGY).unwrap_or(false),
            category: from.code(CATEGORY),
            criticality: from.code(CRITICALITY),
            verification: from.code(VERIFICATION),
            reactions: from.set(REACTION),
            common: Common::read(from),
        }
    }
}

/// A partial edit of an allergy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AllergyPatch {
    /// To what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substance: Option<Label>,
    /// What kind of substance.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub category: Edit<AllergyCategory>,
    /// How dangerous the next contact may be.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub criticality: Edit<Criticality>,
    /// How sure it is.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub verification: Edit<Verification>,
    /// Reactions to add or to rewrite; one with a `removed` reason takes it back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl AllergyPatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::Allergy);
        if let Some(substance) = &self.substance {
            out.json(LABEL, substance);
        }
        out.edit(CATEGORY, &self.category, |code| code.code().into());
        out.edit(CRITICALITY, &self.criticality, |code| code.code().into());
        out.edit(VERIFICATION, &self.verification, |code| code.code().into());
        for reaction in &self.reactions {
            out.json(reaction.key(), reaction);
        }
        self.common.write(&mut out);
        out.finish()
    }
}
