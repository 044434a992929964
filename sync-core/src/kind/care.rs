//! What was done and by whom: procedures, hospital stays, consultations.
//!
//! | key of a procedure | value |
//! | --- | --- |
//! | `label` | a [`Label`] |
//! | `performer` | a [`Professional`] |
//! | `body-site` | a [`Label`] |
//! | `outcome` | text |
//!
//! | key of a hospital stay | value |
//! | --- | --- |
//! | `facility` | a [`Facility`] |
//! | `stay` | a [`Stay`]: from and to, one value |
//! | `label` | the reason, a [`Label`] |
//! | `ward` | text |
//!
//! | key of a consultation | value |
//! | --- | --- |
//! | `professional` | a [`Professional`] |
//! | `label` | the reason, a [`Label`] |
//! | `conclusion` | text |

use serde::{Deserialize, Serialize};

use super::common::{LABEL, NOTES_MAX};
use super::declare::kind;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::professional::{Facility, PROFESSIONAL, Professional};
use super::{Invalid, Kind, Label, Occurred};

/// Who did it.
pub const PERFORMER: &str = "performer";
/// Where on the body.
pub const BODY_SITE: &str = "body-site";
/// What came of it.
pub const OUTCOME: &str = "outcome";
/// From when to when.
pub const STAY: &str = "stay";
/// In which establishment.
pub const FACILITY: &str = "facility";
/// In which ward.
pub const WARD: &str = "ward";
/// What was concluded.
pub const CONCLUSION: &str = "conclusion";

/// The time of a stay: one value. As JSON: `{"from", "to"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The first day.
    pub from: Occurred,
    /// The last day; not yet over without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Occurred>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Stay {
    /// A stay.
    pub fn new(from: Occurred, to: Option<Occurred>) -> Self {
        Stay {
            from,
            to,
            other: Extra::new(),
        }
    }
}

impl JsonScalar for Stay {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "stay",
        &[
            Member::new("from", MemberShape::Date, "from", "du").required(),
            Member::new("to", MemberShape::Date, "to", "au"),
        ],
    );

    fn when(&self) -> Option<Occurred> {
        Some(self.from)
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        match self.to {
            Some(to) if to.last_day() < self.from.first_day() => {
                Err(Invalid::OutOfBounds { field })
            }
            _ => Ok(()),
        }
    }
}

kind! {
    /// A procedure as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    ProcedureDraft,
    /// A partial edit of a procedure.
    ProcedurePatch: Kind::Procedure;
    required {
        /// What was done.
        label: Label = LABEL, "Procedure", "Acte";
    }
    optional {
        /// Who did it.
        performer: Professional = PERFORMER, "Performer", "Réalisé par";
        /// Where on the body.
        body_site: Label = BODY_SITE, "Body site", "Localisation";
        /// What came of it.
        outcome: String = OUTCOME, "Outcome", "Résultat";
    }
}

kind! {
    /// A hospital stay as an app fills it in.
    HospitalStayDraft,
    /// A partial edit of a hospital stay: its time changes as a whole.
    HospitalStayPatch: Kind::HospitalStay;
    required {
        /// Where.
        facility: Facility = FACILITY, "Establishment", "Établissement";
        /// From when to when.
        stay: Stay = STAY, "Dates", "Dates";
    }
    optional {
        /// Why.
        reason: Label = LABEL, "Reason", "Motif";
        /// In which ward.
        ward: String [200] = WARD, "Ward", "Service";
    }
}

kind! {
    /// A consultation as an app fills it in.
    ConsultationDraft,
    /// A partial edit of a consultation.
    ConsultationPatch: Kind::Consultation;
    required {
        /// With whom.
        professional: Professional = PROFESSIONAL, "Professional", "Professionnel";
    }
    optional {
        /// Why.
        reason: Label = LABEL, "Reason", "Motif";
        /// What was concluded.
        conclusion: String [NOTES_MAX as u32] = CONCLUSION, "Conclusion", "Conclusion";
    }
}
