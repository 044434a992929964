//! Family history: one condition of one relative (*antécédent familial*; FHIR
//! FamilyMemberHistory).
//!
//! | key | value |
//! | --- | --- |
//! | `label` | the condition, a [`Label`] |
//! | `relationship` | [`Relative`] |
//! | `age-at-onset` | years |
//! | `deceased` | whether the relative is |
//! | `verification` | [`Verification`] |

use super::allergy::Verification;
use super::code::codes;
use super::common::{LABEL, VERIFICATION};
use super::declare::kind;
use super::{Kind, Label};

/// Which relative.
pub const RELATIONSHIP: &str = "relationship";
/// How old they were when it began.
pub const AGE_AT_ONSET: &str = "age-at-onset";
/// Whether the relative is dead.
pub const DECEASED: &str = "deceased";

codes! {
    /// Blood relatives, after HL7 v3 FamilyMember.
    Relative {
        /// MTH
        Mother = "mother", "mother", "mère";
        /// FTH
        Father = "father", "father", "père";
        /// SIS
        Sister = "sister", "sister", "sœur";
        /// BRO
        Brother = "brother", "brother", "frère";
        /// HSIB
        HalfSibling = "half-sibling", "half-brother or half-sister", "demi-frère ou demi-sœur";
        /// TWIN
        Twin = "twin", "twin", "jumeau ou jumelle";
        /// DAU
        Daughter = "daughter", "daughter", "fille";
        /// SON
        Son = "son", "son", "fils";
        /// MGRMTH, MGRFTH
        MaternalGrandparent = "maternal-grandparent", "maternal grandparent", "grand-parent maternel";
        /// PGRMTH, PGRFTH
        PaternalGrandparent = "paternal-grandparent", "paternal grandparent", "grand-parent paternel";
        /// GRNDCHILD
        Grandchild = "grandchild", "grandchild", "petit-enfant";
        /// MAUNT, MUNCLE
        MaternalAuntUncle = "maternal-aunt-uncle", "maternal aunt or uncle", "tante ou oncle maternel";
        /// PAUNT, PUNCLE
        PaternalAuntUncle = "paternal-aunt-uncle", "paternal aunt or uncle", "tante ou oncle paternel";
        /// COUSN
        Cousin = "cousin", "cousin", "cousin ou cousine";
        /// NIENEPH
        NieceNephew = "niece-nephew", "niece or nephew", "nièce ou neveu";
        /// Another or an unspecified relative.
        Unspecified = "other", "another relative", "autre parent";
    }
}

kind! {
    /// A relative's condition as an app fills it in.
    FamilyHistoryDraft,
    /// A partial edit of a family history.
    FamilyHistoryPatch: Kind::FamilyHistory;
    required {
        /// Which condition.
        label: Label = LABEL, "Condition", "Maladie";
        /// Whose.
        relationship: Relative = RELATIONSHIP, "Relative", "Parent";
    }
    optional {
        /// How old the relative was when it began, in years.
        age_at_onset: u32 [130] = AGE_AT_ONSET, "Age at onset", "Âge de début";
        /// Whether the relative is dead.
        deceased: bool = DECEASED, "Deceased", "Décédé";
        /// How sure it is.
        verification: Verification = VERIFICATION, "Certainty", "Certitude";
    }
}
