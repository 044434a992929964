//! The table of kinds: what follows from a kind being one of them.

use serde::{Deserialize, Serialize};

use super::document::{DocumentDraft, DocumentType};
use super::*;
use crate::entry::Write;
use crate::policy::RightKind;

/// Of a kind whose facts a clinician's word confirms.
const CLINICAL: bool = true;
/// Of a kind that is the person's own business.
const PERSONAL: bool = false;

macro_rules! kinds {
    ($(
        $(#[$meta:meta])* $variant:ident = $code:literal, version $schema:literal, $clinical:ident,
            $draft:ident, $patch:ident, $en:literal, $fr:literal;
    )*) => {
        /// What kind of entry it is.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum Kind {
            $( $(#[$meta])* $variant, )*
            /// A professional's right.
            Grant,
            /// A person kept out.
            Block,
            /// A caregiver's or representative's right.
            Delegation,
            /// The *médecin traitant*.
            TreatingPhysician,
            /// A person who sees hidden entries too.
            Administrator,
            /// A document of a type.
            Document(DocumentType),
            /// A kind of a newer version, kept and shown by its common fields.
            Unknown(String),
        }

        impl Kind {
            /// The kinds of this version, documents apart: these are as many as there are
            /// [`XdsType`]s and more.
            pub const ALL: &'static [Kind] = &[
                $( Kind::$variant, )*
                Kind::Grant,
                Kind::Block,
                Kind::Delegation,
                Kind::TreatingPhysician,
                Kind::Administrator,
            ];

            /// How it is written.
            pub fn code(&self) -> &str {
                match self {
                    $( Kind::$variant => $code, )*
                    Kind::Grant => RightKind::Grant.as_str(),
                    Kind::Block => RightKind::Block.as_str(),
                    Kind::Delegation => RightKind::Delegation.as_str(),
                    Kind::TreatingPhysician => RightKind::TreatingPhysician.as_str(),
                    Kind::Administrator => RightKind::Administrator.as_str(),
                    Kind::Document(document) => document.kind(),
                    Kind::Unknown(code) => code,
                }
            }

            /// The schema version this code writes.
            pub fn schema(&self) -> u64 {
                match self {
                    $( Kind::$variant => $schema, )*
                    _ => 1,
                }
            }

            /// Whether it is a medical fact, which a clinician's word confirms.
            pub fn is_clinical(&self) -> bool {
                match self {
                    $( Kind::$variant => $clinical, )*
                    Kind::Document(_) | Kind::Unknown(_) => true,
                    _ => false,
                }
            }

            /// What people call it; for a kind of a newer version, that it is one.
            pub fn title(&self) -> Words {
                match self {
                    $( Kind::$variant => Words::new($en, $fr), )*
                    Kind::Grant => Words::new("Authorised professional", "Professionnel autorisé"),
                    Kind::Block => Words::new("Blocked person", "Personne bloquée"),
                    Kind::Delegation => Words::new("Delegation", "Délégation"),
                    Kind::TreatingPhysician => Words::new("Treating physician", "Médecin traitant"),
                    Kind::Administrator => Words::new("Administrator", "Administrateur"),
                    Kind::Document(document) => document.title(),
                    Kind::Unknown(_) => Words::new(
                        "Entry of a newer version",
                        "Élément d’une version plus récente",
                    ),
                }
            }

            /// The fields of this kind beside the common ones; the first says what the entry is
            /// about. One of a common key stands instead of the common one.
            pub fn own_fields(&self) -> &'static [FieldSpec] {
                match self {
                    $( Kind::$variant => $draft::FIELDS, )*
                    Kind::Grant => right::GRANT_FIELDS,
                    Kind::Delegation => right::DELEGATION_FIELDS,
                    Kind::Block => right::BLOCK_FIELDS,
                    Kind::TreatingPhysician | Kind::Administrator => right::FIELDS,
                    Kind::Document(_) => DocumentDraft::FIELDS,
                    Kind::Unknown(_) => &[],
                }
            }
        }

        /// A new entry of any kind. As JSON: the draft's members and `"kind"`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Draft {
            $( $(#[$meta])* $variant($draft), )*
            /// A right.
            Right(RightDraft),
            /// A document.
            Document(Box<DocumentDraft>),
        }

        /// A partial edit of an entry of any kind. As JSON: the patch's members and `"kind"`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Patch {
            $( $(#[$meta])* $variant($patch), )*
            /// A right.
            Right(RightPatch),
            /// An edit of what every entry carries; fits every kind, and is all there is to edit
            /// of a document.
            Any(CommonPatch),
        }

        impl Draft {
            /// The kind of the entry it creates.
            pub fn kind(&self) -> Kind {
                match self {
                    $( Draft::$variant(_) => Kind::$variant, )*
                    Draft::Right(draft) => Kind::from(draft.right),
                    Draft::Document(draft) => Kind::Document(draft.document_type.clone()),
                }
            }

            /// The writes that create the entry.
            ///
            /// # Errors
            /// Names the first field that cannot stand.
            pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
                match self {
                    $( Draft::$variant(draft) => draft.writes(), )*
                    Draft::Right(draft) => draft.writes(),
                    Draft::Document(draft) => draft.writes(),
                }
            }

            /// What stands in an entry, as a form shows it; nothing for a kind of a newer version,
            /// nor when something required does not stand.
            pub fn read(kind: &Kind, from: &dyn Read) -> Option<Self> {
                Some(match kind {
                    $( Kind::$variant => $draft::read(from)?.into(), )*
                    Kind::Document(document) => DocumentDraft::read(document.clone(), from)?.into(),
                    kind => RightDraft::read(kind.right()?, from)?.into(),
                })
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
                    Patch::Right(patch) => patch.writes(),
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

kinds! {
    /// Allergy or intolerance, or the statement that none is known.
    Allergy = "allergy", version 1, CLINICAL, AllergyDraft, AllergyPatch, "Allergy", "Allergie";
    /// *Maladie, antécédent*
    Condition = "condition", version 1, CLINICAL, ConditionDraft, ConditionPatch,
        "Condition", "Maladie ou antécédent";
    /// *Antécédent familial*
    FamilyHistory = "family-history", version 1, CLINICAL, FamilyHistoryDraft, FamilyHistoryPatch,
        "Family history", "Antécédent familial";
    /// What the person takes.
    MedicationTaken = "medication-taken", version 1, CLINICAL,
        MedicationTakenDraft, MedicationTakenPatch, "Medication taken", "Médicament pris";
    /// What was prescribed.
    MedicationPrescribed = "medication-prescribed", version 1, CLINICAL,
        MedicationPrescribedDraft, MedicationPrescribedPatch, "Prescription", "Ordonnance";
    /// What was handed over.
    MedicationDispensed = "medication-dispensed", version 1, CLINICAL,
        MedicationDispensedDraft, MedicationDispensedPatch, "Dispensation", "Délivrance";
    /// *Vaccination*
    Immunization = "immunization", version 1, CLINICAL, ImmunizationDraft, ImmunizationPatch,
        "Immunization", "Vaccination";
    /// *Mesure*
    Measurement = "measurement", version 1, CLINICAL, MeasurementDraft, MeasurementPatch,
        "Measurement", "Mesure";
    /// *Acte*
    Procedure = "procedure", version 1, CLINICAL, ProcedureDraft, ProcedurePatch,
        "Procedure", "Acte ou intervention";
    /// *Séjour hospitalier*
    HospitalStay = "hospital-stay", version 1, CLINICAL, HospitalStayDraft, HospitalStayPatch,
        "Hospital stay", "Séjour hospitalier";
    /// *Consultation*
    Consultation = "consultation", version 1, CLINICAL, ConsultationDraft, ConsultationPatch,
        "Consultation", "Consultation";
    /// *Dispositif médical*
    Device = "device", version 1, CLINICAL, DeviceDraft, DevicePatch,
        "Medical device", "Dispositif médical";
    /// *Mode de vie*
    Lifestyle = "lifestyle", version 1, CLINICAL, LifestyleDraft, LifestylePatch,
        "Lifestyle", "Mode de vie";
    /// *Handicap*
    Disability = "disability", version 1, CLINICAL, DisabilityDraft, DisabilityPatch,
        "Disability", "Handicap";
    /// Blood group with its source.
    BloodGroup = "blood-group", version 1, CLINICAL, BloodGroupDraft, BloodGroupPatch,
        "Blood group", "Groupe sanguin";
    /// *Grossesse*
    Pregnancy = "pregnancy", version 1, CLINICAL, PregnancyDraft, PregnancyPatch,
        "Pregnancy", "Grossesse";
    /// *Personne à prévenir*
    EmergencyContact = "emergency-contact", version 1, PERSONAL,
        EmergencyContactDraft, EmergencyContactPatch,
        "Emergency contact", "Personne à prévenir en cas d’urgence";
    /// *Personne de confiance*
    TrustedPerson = "trusted-person", version 1, PERSONAL, TrustedPersonDraft, TrustedPersonPatch,
        "Trusted person", "Personne de confiance";
    /// An *aidant* to turn to.
    CaregiverContact = "caregiver-contact", version 1, PERSONAL,
        CaregiverContactDraft, CaregiverContactPatch, "Caregiver", "Aidant";
    /// Somebody who helps at home.
    HelpContact = "help-contact", version 1, PERSONAL, HelpContactDraft, HelpContactPatch,
        "Help contact", "Contact d’aide";
    /// A professional whom the person sees.
    ProfessionalSeen = "professional-seen", version 1, PERSONAL,
        ProfessionalSeenDraft, ProfessionalSeenPatch, "Professional seen", "Professionnel consulté";
    /// *Directives anticipées*
    AdvanceDirective = "advance-directive", version 1, PERSONAL,
        AdvanceDirectiveDraft, AdvanceDirectivePatch, "Advance directive", "Directives anticipées";
    /// *Don d'organes*
    OrganDonation = "organ-donation", version 1, PERSONAL, OrganDonationDraft, OrganDonationPatch,
        "Organ donation", "Don d’organes";
    /// What the patient writes for themself.
    OwnNote = "own-note", version 1, PERSONAL, OwnNoteDraft, OwnNotePatch,
        "Own note", "Note personnelle";
    /// What may happen in an emergency.
    EmergencySwitches = "emergency-switches", version 1, PERSONAL,
        EmergencySwitchesDraft, EmergencySwitchesPatch, "Emergency access", "Accès en urgence";
    /// What was decided on an item of the to-review list.
    ReviewDecision = "review-decision", version 1, PERSONAL,
        ReviewDecisionDraft, ReviewDecisionPatch,
        "Review decision", "Décision sur un point à vérifier";
}

impl From<RightDraft> for Draft {
    fn from(draft: RightDraft) -> Self {
        Draft::Right(draft)
    }
}

impl From<DocumentDraft> for Draft {
    fn from(draft: DocumentDraft) -> Self {
        Draft::Document(Box::new(draft))
    }
}

impl From<RightPatch> for Patch {
    fn from(patch: RightPatch) -> Self {
        Patch::Right(patch)
    }
}

impl From<CommonPatch> for Patch {
    fn from(patch: CommonPatch) -> Self {
        Patch::Any(patch)
    }
}
