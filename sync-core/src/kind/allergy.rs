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
use super::common::{LABEL, LINE_MAX, VERIFICATION};
use super::declare::{SetMember, kind};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::{Invalid, Join, Kind, Label};
use crate::entry::{EntryState, Value};

/// States that no allergy is known.
pub const NO_KNOWN_ALLERGY: &str = "no-known-allergy";
/// What kind of substance.
pub const CATEGORY: &str = "category";
/// How dangerous the next contact may be.
pub const CRITICALITY: &str = "criticality";
/// The set of reactions.
pub const REACTION: &str = "reaction";

/// Criticalities from least to most dangerous.
pub const CRITICALITY_ORDER: &[&str] = &["low", "unable-to-assess", "high"];

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
        format!("{REACTION}/{}", self.member())
    }
}

impl SetMember for Reaction {
    fn member(&self) -> String {
        self.manifestation.member_key()
    }
}

impl JsonScalar for Reaction {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "reaction",
        &[
            Member::new(
                "manifestation",
                MemberShape::Value(&Label::STRUCTURE),
                "manifestation",
                "manifestation",
            )
            .required()
            .bare(),
            Member::new(
                "severity",
                MemberShape::Code(Severity::LIST),
                "severity",
                "sévérité",
            )
            .bare(),
            Member::new(
                "removed",
                MemberShape::Text(LINE_MAX),
                "taken back",
                "retiré",
            ),
        ],
    );
}

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

fn check(draft: &AllergyDraft) -> Result<(), Invalid> {
    if draft.no_known_allergy && draft.criticality.is_some() {
        return Err(Invalid::Excluded { field: CRITICALITY });
    }
    if draft.no_known_allergy && !draft.reactions.is_empty() {
        return Err(Invalid::Excluded { field: REACTION });
    }
    Ok(())
}

kind! {
    /// An allergy as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    AllergyDraft,
    /// A partial edit of an allergy.
    AllergyPatch: Kind::Allergy;
    check check;
    required {
        /// To what.
        substance: Label = LABEL, "Substance", "Substance";
    }
    flag {
        /// Whether this states that no allergy is known, rather than one.
        no_known_allergy = NO_KNOWN_ALLERGY, "No known allergy", "Aucune allergie connue";
    }
    optional {
        /// What kind of substance.
        category: AllergyCategory = CATEGORY, "Category", "Catégorie";
        /// How dangerous the next contact may be.
        criticality: Criticality = CRITICALITY, "Criticality", "Criticité",
            Join::Highest(CRITICALITY_ORDER);
        /// How sure it is.
        verification: Verification = VERIFICATION, "Certainty", "Certitude";
    }
    set {
        /// What it did; in an edit, one with a `removed` reason is taken back.
        reactions: Reaction = REACTION, "Reactions", "Réactions";
    }
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
}
