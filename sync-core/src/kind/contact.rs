//! People to turn to: emergency contact (*personne à prévenir*), trusted person (*personne de
//! confiance*), caregiver (*aidant*), help contact. All have the same fields.
//!
//! | key | value |
//! | --- | --- |
//! | `name` | text |
//! | `relationship` | text: daughter, neighbour … |
//! | `email`, `address` | text |
//! | `phone/<member>` | a [`Phone`]; the member is made from the number's digits |

use serde::{Deserialize, Serialize};

use super::common::LINE_MAX;
use super::declare::{SetMember, kind};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::label::member_key;
use super::{Invalid, Kind};

/// The contact's name.
pub const NAME: &str = "name";
/// Who they are to the person.
pub const RELATIONSHIP: &str = "relationship";
/// Where they live.
pub const ADDRESS: &str = "address";
/// Their mail address.
pub const EMAIL: &str = "email";
/// The set of telephone numbers.
pub const PHONE: &str = "phone";

const NAME_MAX: u32 = 200;
const NUMBER_MAX: usize = 40;

/// A telephone number. As JSON: `{"number", "rank"?, "use"?, "removed"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// As written.
    pub number: String,
    /// Which to call first: the lowest; numbers of one rank in the order the record got them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rank: u32,
    /// Mobile, home, work …
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub used_for: Option<String>,
    /// Why it no longer counts, when it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

fn is_zero(rank: &u32) -> bool {
    *rank == 0
}

impl Phone {
    /// A number and its place in the order.
    pub fn new(number: impl Into<String>, rank: u32) -> Self {
        Phone {
            number: number.into(),
            rank,
            used_for: None,
            removed: None,
            other: Extra::new(),
        }
    }

    /// The key it is kept under: the same number written twice is one member.
    pub fn key(&self) -> String {
        format!("{PHONE}/{}", self.member())
    }
}

impl SetMember for Phone {
    fn member(&self) -> String {
        let kept = self
            .number
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+');
        member_key(&kept.collect::<String>())
    }

    fn place(&self) -> u32 {
        self.rank
    }
}

impl JsonScalar for Phone {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "phone",
        &[
            Member::new("number", MemberShape::Text(NUMBER_MAX), "number", "numéro")
                .required()
                .bare(),
            Member::new("rank", MemberShape::Number, "rank", "rang"),
            Member::new("use", MemberShape::Text(200), "use", "usage").bare(),
            Member::new(
                "removed",
                MemberShape::Text(LINE_MAX),
                "taken back",
                "retiré",
            ),
        ],
    );

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        let dialable = self.number.chars().any(|c| c.is_ascii_digit());
        dialable.then_some(()).ok_or(Invalid::Malformed { field })
    }
}

macro_rules! contact {
    ($(#[$draft_meta:meta])* $draft:ident, $(#[$patch_meta:meta])* $patch:ident: $kind:expr) => {
        kind! {
            $(#[$draft_meta])*
            #[derive(Default)]
            #[serde(default)]
            $draft,
            $(#[$patch_meta])*
            $patch: $kind;
            required {
                /// Who.
                name: String [NAME_MAX] = NAME, "Name", "Nom";
            }
            optional {
                /// Who they are to the person.
                relationship: String [NAME_MAX] = RELATIONSHIP, "Relationship", "Lien";
                /// Where they live.
                address: String = ADDRESS, "Address", "Adresse";
                /// Their mail address.
                email: String [NAME_MAX] = EMAIL, "E-mail", "Courriel";
            }
            set {
                /// Their numbers; in an edit, one with a `removed` reason is taken back.
                phones: Phone = PHONE, "Telephone", "Téléphone";
            }
        }
    };
}

contact! {
    /// An emergency contact as an app fills it in.
    EmergencyContactDraft,
    /// A partial edit of an emergency contact.
    EmergencyContactPatch: Kind::EmergencyContact
}

contact! {
    /// The trusted person as an app fills it in: whom the holder named to speak for them when they
    /// no longer can (Code de la santé publique, L. 1111-6).
    TrustedPersonDraft,
    /// A partial edit of a trusted person.
    TrustedPersonPatch: Kind::TrustedPerson
}

contact! {
    /// A caregiver (*aidant*) to turn to, as an app fills it in; it gives no right.
    CaregiverContactDraft,
    /// A partial edit of a caregiver's contact.
    CaregiverContactPatch: Kind::CaregiverContact
}

contact! {
    /// Somebody who helps at home, a neighbour or a service, as an app fills it in.
    HelpContactDraft,
    /// A partial edit of a help contact.
    HelpContactPatch: Kind::HelpContact
}
