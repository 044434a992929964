//! What every entry carries, whatever its kind.

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::field::{FieldSpec, Join, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::label::Label;
use super::write::{Drafted, Read};
use super::{Edit, Invalid, Occurred};
use crate::Tick;
use crate::entry::{
    self, HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES,
    STATUS, Visibility, Write,
};

/// What the entry is called: a [`Label`] as JSON.
pub const LABEL: &str = "label";
/// When it happened: an [`Occurred`] as text.
pub const OCCURRED: &str = "occurred";
/// Where the author has it from, in words.
pub const SOURCE: &str = "source";
/// Free remarks.
pub const NOTES: &str = "notes";
/// How sure the fact is: a code of its kind.
pub const VERIFICATION: &str = "verification";

/// Proposals a clinician takes up: `accepts/<change>`, the change as hexadecimal text, names the
/// fields that are taken up of it, a space between two.
///
/// Writing the proposed value again would say nothing new to Automerge, so taking it up is a key
/// of its own; the proposed values then stand as the clinician's.
/// A field that a clinician wrote before that, with the proposal in front of them, stays as it is.
pub const ACCEPTS: &str = "accepts";

/// What stands beside a held edit that the holder takes up: `beside/<change>`, the change as
/// hexadecimal text, is `true` where the held edit's author had not seen that change.
///
/// The edit that takes it up follows these changes, and replaces none of what they wrote.
pub const BESIDE: &str = "beside";

/// The longest label, in characters.
pub const LABEL_MAX: usize = 500;
/// The longest source or reason, in characters.
pub const LINE_MAX: usize = 1_000;
/// The longest remarks, in characters.
pub const NOTES_MAX: usize = 8_000;

codes! {
    /// What stands of an entry. Removal is a status with a reason; nothing is deleted.
    StatusCode {
        /// It stands.
        Active = "active", "active", "actif";
        /// It does not count at present.
        Inactive = "inactive", "inactive", "inactif";
        /// It is over.
        Resolved = "resolved", "resolved", "résolu";
        /// It turned out not to be so.
        Refuted = "refuted", "ruled out", "réfuté";
        /// No longer taken.
        Stopped = "stopped", "stopped", "arrêté";
        /// A right taken back.
        Revoked = "revoked", "revoked", "révoqué";
        /// What cannot be changed was withdrawn by a new event: a prescription, a dispensation.
        Cancelled = "cancelled", "cancelled", "annulé";
        /// It should never have been written.
        EnteredInError = "entered-in-error", "entered in error", "saisi par erreur";
        /// It is about somebody else: out of every view, and its content is to be destroyed.
        WrongPatient = "wrong-patient", "wrong patient", "erreur de patient";
    }
}

impl StatusCode {
    /// Whether an entry of this status counts; a code of a newer version does, so that nothing
    /// vanishes for not being understood.
    pub fn is_active(&self) -> bool {
        matches!(self, StatusCode::Active | StatusCode::Other(_))
    }

    /// Whether an entry is removed by this status: then its author says why. A right is taken back
    /// without that.
    pub fn removes(&self) -> bool {
        !self.is_active() && *self != StatusCode::Revoked
    }

    /// Whether an entry of this status should never have been written in this record.
    pub fn is_error(&self) -> bool {
        matches!(self, StatusCode::EnteredInError | StatusCode::WrongPatient)
    }
}

/// A status with its reason: one value. As JSON: `{"status", "reason"?}`. A draft or a partial edit
/// that removes an entry must give one ([`Status::lacks_reason`]); what came without is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What stands.
    pub status: StatusCode,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Status {
    /// A status with its reason.
    pub fn because(status: StatusCode, reason: impl Into<String>) -> Self {
        Status {
            reason: Some(reason.into()),
            ..Status::from(status)
        }
    }
}

impl Status {
    /// Whether it removes an entry and does not say why.
    pub fn lacks_reason(&self) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default();
        self.status.removes() && reason.trim().is_empty()
    }
}

impl From<StatusCode> for Status {
    fn from(status: StatusCode) -> Self {
        Status {
            status,
            reason: None,
            other: Extra::new(),
        }
    }
}

impl JsonScalar for Status {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "status",
        &[
            Member::new(
                "status",
                MemberShape::Code(StatusCode::LIST),
                "status",
                "statut",
            )
            .required()
            .bare(),
            Member::new("reason", MemberShape::Text(LINE_MAX), "reason", "motif").bare(),
        ],
    );
}

/// The fields of every kind, known or not.
pub const FIELDS: &[FieldSpec] = &[
    FieldSpec::new(STATUS, Shape::Json(&Status::STRUCTURE), "Status", "Statut").joins(Join::Status),
    FieldSpec::new(LABEL, Shape::Json(&Label::STRUCTURE), "Label", "Libellé"),
    FieldSpec::new(OCCURRED, Shape::Date, "When", "Quand"),
    FieldSpec::new(SOURCE, Shape::Text(LINE_MAX), "Source", "Source"),
    FieldSpec::new(NOTES, Shape::Text(NOTES_MAX), "Notes", "Remarques"),
    FieldSpec::new(HIDDEN_FROM_PROFESSIONALS, Shape::Flag, "Hidden", "Masqué").joins(Join::YesWins),
    FieldSpec::new(
        HIDDEN_FROM_PATIENT_UNTIL,
        Shape::Tick,
        "Not yet visible to the patient",
        "Pas encore visible du patient",
    )
    .joins(Join::Later),
    FieldSpec::new(
        HIDDEN_FROM_REPRESENTATIVES,
        Shape::Flag,
        "Hidden from caregivers and representatives",
        "Masqué aux aidants et représentants",
    )
    .joins(Join::YesWins),
    FieldSpec::new(
        ACCEPTS,
        Shape::Text(LINE_MAX),
        "Proposals taken up",
        "Propositions retenues",
    )
    .joins(Join::Union),
    FieldSpec::new(
        BESIDE,
        Shape::Flag,
        "Written meanwhile",
        "Écrit entre-temps",
    )
    .joins(Join::Union),
    FieldSpec::new(entry::SCHEMA, Shape::Tick, "Version", "Version").joins(Join::Later),
];

/// For how many days after it was entered an entry may be kept from the patient at most.
pub const MOST_DELAY_DAYS: u64 = 366;

/// Whether a key says who may see the entry rather than what it holds.
pub fn is_visibility(key: &str) -> bool {
    [
        HIDDEN_FROM_PROFESSIONALS,
        HIDDEN_FROM_PATIENT_UNTIL,
        HIDDEN_FROM_REPRESENTATIVES,
    ]
    .contains(&key)
}

/// The common part of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Common {
    /// What stands; active unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred: Option<Occurred>,
    /// Where the author has it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Free remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Who may not see it.
    pub visibility: Visibility,
}

impl Common {
    pub(crate) fn write(&self, out: &mut Drafted) {
        let active = Status::from(StatusCode::Active);
        out.scalar(STATUS, self.status.as_ref().unwrap_or(&active));
        out.maybe(OCCURRED, self.occurred.as_ref());
        out.maybe(SOURCE, self.source.as_ref());
        out.maybe(NOTES, self.notes.as_ref());
        let hidden = |flag: bool| flag.then_some(true);
        out.flag(
            HIDDEN_FROM_PROFESSIONALS,
            hidden(self.visibility.hidden_from_professionals),
        );
        out.maybe(
            HIDDEN_FROM_PATIENT_UNTIL,
            self.visibility.hidden_from_patient_until.as_ref(),
        );
        out.flag(
            HIDDEN_FROM_REPRESENTATIVES,
            hidden(self.visibility.hidden_from_representatives),
        );
    }

    pub(crate) fn read(from: &dyn Read) -> Self {
        let yes = |key| from.flag(key).unwrap_or(false);
        Common {
            status: from.json(STATUS),
            occurred: from.scalar(OCCURRED),
            source: from.text(SOURCE),
            notes: from.text(NOTES),
            visibility: Visibility {
                hidden_from_professionals: yes(HIDDEN_FROM_PROFESSIONALS),
                hidden_from_patient_until: from.tick(HIDDEN_FROM_PATIENT_UNTIL),
                hidden_from_representatives: yes(HIDDEN_FROM_REPRESENTATIVES),
            },
        }
    }
}

/// The common part of a partial edit: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommonPatch {
    /// A new status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When it happened.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub occurred: Edit<Occurred>,
    /// Where the author has it from.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub source: Edit<String>,
    /// Free remarks.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub notes: Edit<String>,
    /// Hide from professionals, or show again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_from_professionals: Option<bool>,
    /// Until when the patient may not see it.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub hidden_from_patient_until: Edit<Tick>,
    /// Hide from caregivers and representatives, or show again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_from_representatives: Option<bool>,
}

impl CommonPatch {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == CommonPatch::default()
    }

    /// The writes of an edit that touches common fields only; fits every kind, also unknown ones.
    ///
    /// # Errors
    /// When a value is out of bounds.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(super::Kind::Unknown(String::new()));
        self.write(&mut out);
        out.finish()
    }

    pub(crate) fn write(&self, out: &mut Drafted) {
        out.maybe(STATUS, self.status.as_ref());
        out.edit(OCCURRED, &self.occurred);
        out.edit(SOURCE, &self.source);
        out.edit(NOTES, &self.notes);
        out.flag(HIDDEN_FROM_PROFESSIONALS, self.hidden_from_professionals);
        out.edit(HIDDEN_FROM_PATIENT_UNTIL, &self.hidden_from_patient_until);
        out.flag(
            HIDDEN_FROM_REPRESENTATIVES,
            self.hidden_from_representatives,
        );
    }
}
