//! Drafts and partial edits of any kind.

use serde::{Deserialize, Serialize};

use super::{
    AllergyDraft, AllergyPatch, BloodGroupDraft, BloodGroupPatch, CommonPatch, ConditionDraft,
    ConditionPatch, EmergencyContactDraft, EmergencyContactPatch, Invalid, Kind,
    MedicationTakenDraft, MedicationTakenPatch, OwnNoteDraft, OwnNotePatch, Read,
    ReviewDecisionDraft, ReviewDecisionPatch, RightDraft, RightPatch,
};
use crate::entry::Write;

macro_rules! any_kind {
    ($($(#[$meta:meta])* $variant:ident($draft:ty, $patch:ty)),* $(,)?) => {
        /// A new entry of any kind. As JSON: the draft's members and `"kind"`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Draft {
            $( $(#[$meta])* $variant($draft), )*
        }

        /// A partial edit of an entry of any kind. As JSON: the patch's members and `"kind"`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Patch {
            $( $(#[$meta])* $variant($patch), )*
            /// An edit of what every entry carries; fits every kind.
            Any(CommonPatch),
        }

        impl Draft {
            /// The writes that create the entry.
            ///
            /// # Errors
            /// Names the first field that cannot stand.
            pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
                match self { $( Draft::$variant(draft) => draft.writes(), )* }
            }
        }

        impl Patch {
            /// The writes of the edit.
            ///
            /// # Errors
            /// Names the first field that cannot stand.
            pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
                match self {
                    $( Patch::$variant(patch) => patch.writes(), )*
                    Patch::Any(patch) => patch.writes(),
                }
            }
        }

        $(
            impl From<$draft> for Draft {
                fn from(draft: $draft) -> Self {
                    Draft::$variant(draft)
                }
            }

            impl From<$patch> for Patch {
                fn from(patch: $patch) -> Self {
                    Patch::$variant(patch)
                }
            }
        )*
    };
}

any_kind! {
    /// Allergy, or that none is known.
    Allergy(AllergyDraft, AllergyPatch),
    /// Condition.
    Condition(ConditionDraft, ConditionPatch),
    /// Medication taken.
    MedicationTaken(MedicationTakenDraft, MedicationTakenPatch),
    /// Emergency contact.
    EmergencyContact(EmergencyContactDraft, EmergencyContactPatch),
    /// Blood group.
    BloodGroup(BloodGroupDraft, BloodGroupPatch),
    /// Own note.
    OwnNote(OwnNoteDraft, OwnNotePatch),
    /// A right.
    Right(RightDraft, RightPatch),
    /// A review decision.
    ReviewDecision(ReviewDecisionDraft, ReviewDecisionPatch),
}

impl Draft {
    /// The kind of the entry it creates.
    pub fn kind(&self) -> Kind {
        match self {
            Draft::Allergy(_) => Kind::Allergy,
            Draft::Condition(_) => Kind::Condition,
            Draft::MedicationTaken(_) => Kind::MedicationTaken,
            Draft::EmergencyContact(_) => Kind::EmergencyContact,
            Draft::BloodGroup(_) => Kind::BloodGroup,
            Draft::OwnNote(_) => Kind::OwnNote,
            Draft::Right(draft) => Kind::from(draft.right),
            Draft::ReviewDecision(_) => Kind::ReviewDecision,
        }
    }

    /// What stands in an entry, as a form shows it; nothing for a kind of a newer version.
    pub fn read(kind: &Kind, from: &dyn Read) -> Option<Self> {
        Some(match kind {
            Kind::Allergy => AllergyDraft::read(from).into(),
            Kind::Condition => ConditionDraft::read(from).into(),
            Kind::MedicationTaken => MedicationTakenDraft::read(from).into(),
            Kind::EmergencyContact => EmergencyContactDraft::read(from).into(),
            Kind::BloodGroup => BloodGroupDraft::read(from)?.into(),
            Kind::OwnNote => OwnNoteDraft::read(from).into(),
            Kind::ReviewDecision => ReviewDecisionDraft::read(from)?.into(),
            kind => RightDraft::read(kind.right()?, from)?.into(),
        })
    }
}

impl From<CommonPatch> for Patch {
    fn from(patch: CommonPatch) -> Self {
        Patch::Any(patch)
    }
}
