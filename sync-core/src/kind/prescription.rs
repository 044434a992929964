//! Medication prescribed and dispensed. Neither is ever changed: withdrawing one is a new event,
//! the status `cancelled` with its reason, and what was prescribed stays readable beside it.
//!
//! | key of a prescription | value |
//! | --- | --- |
//! | `prescription` | a [`Prescription`] |
//! | `prescriber` | a [`Professional`] |
//! | `occurred` | when it was prescribed |
//!
//! | key of a dispensation | value |
//! | --- | --- |
//! | `dispensation` | a [`Dispensation`] |
//! | `for-prescription` | the entry of the prescription |
//! | `pharmacist` | a [`Professional`] |
//! | `occurred` | when it was handed over |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::common::OCCURRED;
use super::declare::kind;
use super::field::{FieldSpec, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::professional::Professional;
use super::{Invalid, Kind, Label, Occurred, Regimen};
use crate::EntryId;

/// What is prescribed.
pub const PRESCRIPTION: &str = "prescription";
/// Who prescribed it.
pub const PRESCRIBER: &str = "prescriber";
/// What was handed over.
pub const DISPENSATION: &str = "dispensation";
/// For which prescription.
pub const FOR_PRESCRIPTION: &str = "for-prescription";
/// Who handed it over.
pub const PHARMACIST: &str = "pharmacist";

const LINES_MAX: usize = 32;
const PART_MAX: usize = 200;

codes! {
    /// Why a product may not be replaced by another of its group (arrêté du 12 novembre 2019).
    NonSubstitutable {
        /// *Marge thérapeutique étroite*
        NarrowMargin = "mte", "narrow therapeutic margin", "marge thérapeutique étroite";
        /// *Enfant sans forme galénique adaptée*
        ChildForm = "efg", "child without a fitting form", "enfant, forme galénique";
        /// *Contre-indication formelle à un excipient à effet notoire*
        Contraindicated = "cif", "formal contraindication", "contre-indication formelle";
    }
}

/// One line of a prescription. As JSON: `{"regimen", "renewals"?, "non-substitutable"?}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PrescriptionLine {
    /// What to take and how.
    pub regimen: Regimen,
    /// How often it may be renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewals: Option<u32>,
    /// Why it may not be substituted, if it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_substitutable: Option<NonSubstitutable>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl From<Regimen> for PrescriptionLine {
    fn from(regimen: Regimen) -> Self {
        PrescriptionLine {
            regimen,
            ..PrescriptionLine::default()
        }
    }
}

impl JsonScalar for PrescriptionLine {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "prescription-line",
        &[
            Member::new(
                "regimen",
                MemberShape::Value(&Regimen::STRUCTURE),
                "regimen",
                "posologie",
            )
            .required()
            .bare(),
            Member::new(
                "renewals",
                MemberShape::Number,
                "renewals",
                "renouvellements",
            ),
            Member::new(
                "non-substitutable",
                MemberShape::Code(NonSubstitutable::LIST),
                "not substitutable:",
                "non substituable :",
            ),
        ],
    );
}

/// All lines of a prescription: one value. As JSON: `{"lines"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prescription {
    /// What is prescribed; one at least.
    pub lines: Vec<PrescriptionLine>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl<L: Into<PrescriptionLine>> FromIterator<L> for Prescription {
    fn from_iter<I: IntoIterator<Item = L>>(lines: I) -> Self {
        Prescription {
            lines: lines.into_iter().map(Into::into).collect(),
            other: Extra::new(),
        }
    }
}

impl JsonScalar for Prescription {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "prescription",
        &[Member::new(
            "lines",
            MemberShape::List(LINES_MAX, &PrescriptionLine::STRUCTURE),
            "lines",
            "lignes",
        )
        .required()
        .bare()],
    );

    fn called(&self) -> Option<String> {
        let products = self.lines.iter().map(|line| &line.regimen.product.text);
        Some(products.cloned().collect::<Vec<_>>().join(", "))
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        if self.lines.is_empty() {
            return Err(Invalid::Missing { field });
        }
        let mut lines = self.lines.iter();
        lines.try_for_each(|line| line.regimen.check(field))
    }
}

/// What was handed over. As JSON: `{"product", "quantity"?, "unit"?, "instead-of"?, "lot"?,
/// "expires"?}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dispensation {
    /// The product.
    pub product: Label,
    /// How much, a decimal number as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// Of what: boxes, tablets …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The product prescribed, when another of its group was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Label>,
    /// The lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// The last day it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Occurred>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl JsonScalar for Dispensation {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "dispensation",
        &[
            Member::new(
                "product",
                MemberShape::Value(&Label::STRUCTURE),
                "product",
                "produit",
            )
            .required()
            .bare(),
            Member::new("quantity", MemberShape::Decimal, "quantity", "quantité").bare(),
            Member::new("unit", MemberShape::Text(PART_MAX), "unit", "unité").bare(),
            Member::new(
                "instead-of",
                MemberShape::Value(&Label::STRUCTURE),
                "instead of",
                "à la place de",
            ),
            Member::new("lot", MemberShape::Text(PART_MAX), "lot", "lot"),
            Member::new("expires", MemberShape::Date, "expires", "péremption"),
        ],
    );

    fn called(&self) -> Option<String> {
        self.product.called()
    }
}

kind! {
    /// A prescription as an app fills it in; `occurred` says when it was made and must be there.
    MedicationPrescribedDraft,
    /// A partial edit of a prescription: of what every entry carries only.
    MedicationPrescribedPatch: Kind::MedicationPrescribed;
    fixed_required {
        /// What is prescribed.
        prescription: Prescription = PRESCRIPTION, "Prescription", "Ordonnance";
        /// By whom.
        prescriber: Professional = PRESCRIBER, "Prescriber", "Prescripteur";
    }
    common {
        FieldSpec::new(OCCURRED, Shape::Date, "Prescribed", "Prescrit le").required().fixed(),
    }
}

kind! {
    /// A dispensation as an app fills it in; `occurred` says when it was and must be there.
    MedicationDispensedDraft,
    /// A partial edit of a dispensation: of what every entry carries only.
    MedicationDispensedPatch: Kind::MedicationDispensed;
    fixed_required {
        /// What was handed over.
        dispensation: Dispensation = DISPENSATION, "Dispensed", "Délivré";
    }
    fixed {
        /// For which prescription, if it is in the record.
        for_prescription: EntryId = FOR_PRESCRIPTION, "For the prescription", "Pour l’ordonnance";
        /// By whom.
        pharmacist: Professional = PHARMACIST, "Pharmacist", "Pharmacien";
    }
    common {
        FieldSpec::new(OCCURRED, Shape::Date, "Handed over", "Remis le").required().fixed(),
    }
}
