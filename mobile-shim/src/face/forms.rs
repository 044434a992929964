//! Forms for entries of any kind, from the tables that declare the kinds: an app that has no screen
//! of its own for a kind shows one made of this.

use sync_core::entry::Value;
use sync_core::kind::{
    self, Codes, FieldSpec, Filled, Join, Kind, MemberShape, Shape, Status, StatusCode, Structure,
    XdsType,
};

use super::record::entry_id;
use super::{Bilingual, Record};
use crate::error::{CarnetError, Error};

/// A kind of entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct KindInfo {
    /// Its code; of documents, `document/` and a document type's code.
    pub code: String,
    /// What people call it.
    pub title: Bilingual,
}

/// A code with its words.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct CodeInfo {
    /// As it is written.
    pub code: String,
    /// What people read.
    pub title: Bilingual,
}

/// What a field, or a part of one, holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// Yes or no: JSON `true` or `false`.
    Flag,
    /// A whole number from 0 on.
    Number {
        /// The largest.
        most: u32,
    },
    /// Text.
    Text {
        /// The most characters.
        most: u32,
    },
    /// A decimal number as text: digits, at most one point.
    Decimal {
        /// Whether a minus sign may come first.
        signed: bool,
    },
    /// One of these codes, as text.
    Code {
        /// The codes.
        codes: Vec<CodeInfo>,
    },
    /// `2024`, `2024-05`, `2024-05-03` or RFC 3339, as text.
    Date,
    /// A whole day, as text.
    Day,
    /// A time in microseconds since 1970.
    Tick,
    /// A person's identifier.
    Person,
    /// An entry's identifier.
    Entry,
    /// An object of these parts.
    Parts {
        /// The name by which [`parts`] tells them.
        structure: String,
    },
    /// A list of such objects.
    List {
        /// The name by which [`parts`] tells them.
        structure: String,
        /// The most objects.
        most: u32,
    },
}

/// A field of a form, or a part of a field that is entered as a whole.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct FormField {
    /// Its key; of a part, its name.
    pub key: String,
    /// What people call it.
    pub title: Bilingual,
    /// What it holds.
    pub holds: FieldType,
    /// Whether it must be filled in.
    pub required: bool,
    /// Whether it is filled in at creation or never.
    pub fixed: bool,
    /// Whether it is a set: each value adds a member, or changes the member of the same name.
    pub many: bool,
}

/// A field, filled in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct FieldValue {
    /// The field's key.
    pub key: String,
    /// Its value as JSON; `null` empties it.
    pub json: String,
}

/// The kinds of entry that can be added; rights are given by calls of their own, and what is
/// decided on the to-review list is by [`Record::resolve`].
#[uniffi::export]
pub fn kinds() -> Vec<KindInfo> {
    let info = |kind: &Kind| KindInfo {
        code: kind.code().to_owned(),
        title: kind.title().into(),
    };
    Kind::ALL
        .iter()
        .filter(|kind| may_be_added(kind))
        .map(info)
        .collect()
}

/// The types of documents that have a title in this version. Others are kept all the same.
#[uniffi::export]
pub fn document_types() -> Vec<CodeInfo> {
    let info = |known: XdsType| CodeInfo {
        code: known.code.to_owned(),
        title: known.title.into(),
    };
    XdsType::all().map(info).collect()
}

/// The form of a kind, the main field first.
#[uniffi::export]
pub fn form(kind: String) -> Result<Vec<FormField>, CarnetError> {
    let kind = addable(&kind)?;
    Ok(kind.form().map(field).collect())
}

/// The parts of a field that is entered as a whole, by the name of its structure: a regimen, a
/// professional, a label …
#[uniffi::export]
pub fn parts(structure: String) -> Result<Vec<FormField>, CarnetError> {
    let all = Kind::ALL.iter().cloned().chain(Kind::documents().take(1));
    let mut structures =
        all.flat_map(|kind| kind.form().filter_map(structure_of).collect::<Vec<_>>());
    let found = structures.find_map(|outer| within(outer, &structure));
    let found = found.ok_or(Error::Argument { field: "form" })?;
    Ok(found.members.iter().map(part).collect())
}

/// Whether a form adds entries of a kind.
pub(crate) fn may_be_added(kind: &Kind) -> bool {
    let known = !matches!(kind, Kind::Unknown(_) | Kind::ReviewDecision);
    known && kind.right().is_none()
}

fn addable(code: &str) -> Result<Kind, Error> {
    let kind = Kind::from(code);
    let fits = may_be_added(&kind);
    fits.then_some(kind)
        .ok_or(Error::Argument { field: "kind" })
}

fn structure_of(spec: &'static FieldSpec) -> Option<&'static Structure> {
    match spec.shape {
        Shape::Json(structure) => Some(structure),
        _ => None,
    }
}

fn within(outer: &'static Structure, name: &str) -> Option<&'static Structure> {
    if outer.name == name {
        return Some(outer);
    }
    outer.members.iter().find_map(|member| match member.shape {
        MemberShape::Value(inner) | MemberShape::List(_, inner) => within(inner, name),
        _ => None,
    })
}

fn field(spec: &FieldSpec) -> FormField {
    FormField {
        key: spec.key.to_owned(),
        title: spec.title.into(),
        holds: match spec.shape {
            Shape::Flag => FieldType::Flag,
            Shape::Tick => FieldType::Tick,
            Shape::Number(most) => FieldType::Number { most },
            Shape::Text(most) => text(most),
            Shape::Code(list) => coded(list),
            Shape::Date => FieldType::Date,
            Shape::Day => FieldType::Day,
            Shape::Person => FieldType::Person,
            Shape::Entry => FieldType::Entry,
            Shape::Json(structure) => FieldType::Parts {
                structure: structure.name.to_owned(),
            },
        },
        required: spec.required,
        fixed: spec.fixed,
        many: spec.join == Join::Union,
    }
}

fn part(member: &kind::Member) -> FormField {
    FormField {
        key: member.name.to_owned(),
        title: member.title.into(),
        holds: match member.shape {
            MemberShape::Flag => FieldType::Flag,
            MemberShape::Number => FieldType::Number { most: u32::MAX },
            MemberShape::Decimal => FieldType::Decimal { signed: false },
            MemberShape::Signed => FieldType::Decimal { signed: true },
            MemberShape::Text(most) => text(most),
            MemberShape::Code(list) => coded(list),
            MemberShape::Date => FieldType::Date,
            MemberShape::Value(inner) => FieldType::Parts {
                structure: inner.name.to_owned(),
            },
            MemberShape::List(most, inner) => FieldType::List {
                structure: inner.name.to_owned(),
                most: u32::try_from(most).unwrap_or(u32::MAX),
            },
        },
        required: member.required,
        fixed: false,
        many: false,
    }
}

fn text(most: usize) -> FieldType {
    FieldType::Text {
        most: u32::try_from(most).unwrap_or(u32::MAX),
    }
}

fn coded(list: &Codes) -> FieldType {
    let codes = list.codes.iter().zip(list.words);
    let codes = codes.map(|(code, words)| CodeInfo {
        code: (*code).to_owned(),
        title: (*words).into(),
    });
    FieldType::Code {
        codes: codes.collect(),
    }
}

#[uniffi::export]
impl Record {
    /// Adds an entry of any kind by its form; the answer names it. Of a field that is entered as a
    /// whole, the value is the object of all its parts.
    pub fn add_entry(&self, kind: String, fields: Vec<FieldValue>) -> Result<String, CarnetError> {
        let kind = addable(&kind)?;
        let draft = filled(&kind, &fields)?.draft().map_err(Error::from)?;
        Ok(self.add(&draft)?.to_string())
    }

    /// Edits an entry by its form, all fields in one edit; what is left out stays. With `status`
    /// and its reason, both are part of the same edit.
    #[uniffi::method(default(status = None, reason = None))]
    pub fn edit_entry(
        &self,
        entry: String,
        fields: Vec<FieldValue>,
        status: Option<String>,
        reason: Option<String>,
    ) -> Result<(), CarnetError> {
        let entry = entry_id(&entry)?;
        let views = self.views()?;
        let view = views.find(&entry).ok_or(CarnetError::NotFound)?;
        let mut filled = filled(&view.kind, &fields)?;
        if let Some(status) = status {
            filled.set_status(&Status {
                reason,
                ..Status::from(StatusCode::from(status))
            });
        }
        self.write_form(entry, &filled)
    }
}

impl Record {
    /// Edits an entry that is here by what was filled in, in one edit.
    ///
    /// # Errors
    /// When a field cannot stand, nothing would change, or there is no such entry.
    pub fn write_form(
        &self,
        entry: sync_core::EntryId,
        filled: &Filled,
    ) -> Result<(), CarnetError> {
        self.write_into(entry, &filled.writes().map_err(Error::from)?)
    }
}

fn filled(kind: &Kind, fields: &[FieldValue]) -> Result<Filled, Error> {
    let mut filled = Filled::new(kind.clone());
    for field in fields {
        let spec = kind.form().find(|spec| spec.key == field.key);
        let spec = spec.ok_or(Error::Argument { field: "key" })?;
        filled.put(spec, value(spec, &field.json)?)?;
    }
    Ok(filled)
}

/// A value as an entry keeps it: structured ones as JSON text.
fn value(spec: &FieldSpec, json: &str) -> Result<Value, Error> {
    let field = spec.key;
    let malformed = || Error::from(kind::Invalid::Malformed { field });
    let json: serde_json::Value = serde_json::from_str(json).map_err(|_| malformed())?;
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => Value::Uint(number.as_u64().ok_or_else(malformed)?),
        object @ serde_json::Value::Object(_) => Value::Text(object.to_string()),
        serde_json::Value::Array(_) => return Err(malformed()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_form_is_told() {
        let documents = Kind::documents().take(1).map(|kind| kind.code().to_owned());
        let codes = kinds().into_iter().map(|kind| kind.code).chain(documents);
        let mut left: Vec<FormField> = codes.flat_map(|code| form(code).unwrap()).collect();
        let mut told = 0;
        while let Some(field) = left.pop() {
            assert!(!field.title.fr.is_empty(), "{}", field.key);
            told += 1;
            if let FieldType::Parts { structure } | FieldType::List { structure, .. } = field.holds
            {
                left.extend(parts(structure).unwrap());
            }
        }
        assert!(told > 300, "{told}");
        assert!(parts("nothing".to_owned()).is_err());
        assert!(form("grant".to_owned()).is_err() && form("nothing".to_owned()).is_err());
    }
}
