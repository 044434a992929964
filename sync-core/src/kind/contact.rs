//! Emergency contact (*personne à prévenir en cas d'urgence*).
//!
//! | key | value |
//! | --- | --- |
//! | `name` | text |
//! | `relationship` | text: daughter, neighbour … |
//! | `email`, `address` | text |
//! | `phone/<member>` | a [`Phone`]; the member is made from the number's digits |

use serde::{Deserialize, Serialize};

use super::common::{Common, CommonPatch, LINE_MAX};
use super::field::{FieldSpec, Join, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::label::member_key;
use super::write::{Drafted, Read};
use super::{Edit, Invalid, Kind};
use crate::entry::Write;

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

const NAME_MAX: usize = 200;
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
        let kept = self
            .number
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+');
        format!("{PHONE}/{}", member_key(&kept.collect::<String>()))
    }
}

impl JsonScalar for Phone {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "phone",
        &[
            Member::new("number", MemberShape::Text(NUMBER_MAX)).required(),
            Member::new("rank", MemberShape::Number),
            Member::new("use", MemberShape::Text(NAME_MAX)),
            Member::new("removed", MemberShape::Text(LINE_MAX)),
        ],
    );

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        let dialable = self.number.chars().any(|c| c.is_ascii_digit());
        dialable.then_some(()).ok_or(Invalid::Malformed { field })
    }
}

pub(crate) const FIELDS: &[FieldSpec] = &[
    FieldSpec::new(NAME, Shape::Text(NAME_MAX), "Name", "Nom").required(),
    FieldSpec::new(RELATIONSHIP, Shape::Text(NAME_MAX), "Relationship", "Lien"),
    FieldSpec::new(ADDRESS, Shape::Text(LINE_MAX), "Address", "Adresse"),
    FieldSpec::new(EMAIL, Shape::Text(NAME_MAX), "E-mail", "Courriel"),
    FieldSpec::new(
        PHONE,
        Shape::Json(&Phone::STRUCTURE),
        "Telephone",
        "Téléphone",
    )
    .joins(Join::Union),
];

/// An emergency contact as an app fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmergencyContactDraft {
    /// Who.
    pub name: String,
    /// Who they are to the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationship: Option<String>,
    /// Where they live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Their mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl EmergencyContactDraft {
    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::EmergencyContact);
        out.put(NAME, self.name.as_str());
        out.text(RELATIONSHIP, self.relationship.clone());
        out.text(ADDRESS, self.address.clone());
        out.text(EMAIL, self.email.clone());
        for phone in &self.phones {
            out.json(phone.key(), phone);
        }
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry, as a form shows it; where several values stand, one of them.
    pub fn read(from: &dyn Read) -> Self {
        let mut phones: Vec<Phone> = from.set(PHONE);
        phones.sort_by_key(|phone| phone.rank);
        EmergencyContactDraft {
            name: from.text(NAME).unwrap_or_default(),
            relationship: from.text(RELATIONSHIP),
            address: from.text(ADDRESS),
            email: from.text(EMAIL),
            phones,
            common: Common::read(from),
        }
    }
}

/// A partial edit of an emergency contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmergencyContactPatch {
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who they are to the person.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub relationship: Edit<String>,
    /// Where they live.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub address: Edit<String>,
    /// Their mail address.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub email: Edit<String>,
    /// Numbers to add or to rewrite; one with a `removed` reason is taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl EmergencyContactPatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::EmergencyContact);
        out.text(NAME, self.name.clone());
        out.edit_text(RELATIONSHIP, &self.relationship);
        out.edit_text(ADDRESS, &self.address);
        out.edit_text(EMAIL, &self.email);
        for phone in &self.phones {
            out.json(phone.key(), phone);
        }
        self.common.write(&mut out);
        out.finish()
    }
}
