//! Values in words, by the tables: codes by their words, structured values member by member.

use serde_json::Value as Json;

use super::json::{JsonScalar as _, Member, MemberShape, Structure};
use super::{FieldSpec, Label, Shape, Words};
use crate::entry::Value;

/// The same in English and in French, made of what people wrote and of Carnet's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Said {
    fn same(text: &str) -> Self {
        Said {
            en: text.to_owned(),
            fr: text.to_owned(),
        }
    }

    fn push(&mut self, between: &str, more: &Said) {
        for (text, more) in [(&mut self.en, &more.en), (&mut self.fr, &more.fr)] {
            if !text.is_empty() && !more.is_empty() {
                text.push_str(between);
            }
            text.push_str(more);
        }
    }
}

impl From<Words> for Said {
    fn from(words: Words) -> Self {
        Said {
            en: words.en.to_owned(),
            fr: words.fr.to_owned(),
        }
    }
}

impl FieldSpec {
    /// A coded or structured value of this field in words; nothing for another, nor for one that
    /// this version does not understand.
    pub fn say(&self, value: &Value) -> Option<Said> {
        let text = value.as_text()?;
        match self.shape {
            Shape::Code(codes) => codes.words(text).map(Said::from),
            Shape::Json(structure) => {
                structure.check(self.key, text).ok()?;
                Some(structured(structure, &serde_json::from_str(text).ok()?))
            }
            _ => None,
        }
    }
}

fn structured(structure: &Structure, value: &Json) -> Said {
    if structure.name == Label::STRUCTURE.name {
        // Codes are for programs.
        return Said::same(value["text"].as_str().unwrap_or_default());
    }
    let mut said = Said::default();
    for member in structure.members {
        if let Some(part) = one(member, &value[member.name]) {
            // "72.5 kg", "systolic 128 mm[Hg]"
            let glued = member.name == "unit" || matches!(member.shape, MemberShape::Signed);
            said.push(if glued { " " } else { ", " }, &part);
        }
    }
    said
}

fn one(member: &Member, value: &Json) -> Option<Said> {
    let said = match member.shape {
        MemberShape::Flag => {
            return value.as_bool()?.then(|| member.title.into());
        }
        MemberShape::Number => Said::same(&value.as_u64()?.to_string()),
        MemberShape::Code(codes) => {
            let code = value.as_str()?;
            let words = codes.words(code).map(Said::from);
            words.unwrap_or_else(|| Said::same(code))
        }
        MemberShape::Value(inner) => structured(inner, value.is_object().then_some(value)?),
        MemberShape::List(_, inner) => {
            let mut said = Said::default();
            for item in value.as_array()? {
                said.push("; ", &structured(inner, item));
            }
            said
        }
        _ => Said::same(value.as_str()?),
    };
    if member.bare {
        return Some(said);
    }
    let mut titled = Said::from(member.title);
    titled.push(" ", &said);
    Some(titled)
}
