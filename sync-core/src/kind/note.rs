//! What the patient writes for themself.
//!
//! | key | value |
//! | --- | --- |
//! | `label` | a title, a [`Label`] |
//! | `text` | text |

use serde::{Deserialize, Serialize};

use super::common::{Common, CommonPatch, LABEL};
use super::field::{FieldSpec, Shape};
use super::json::JsonScalar as _;
use super::write::{Drafted, Read};
use super::{Edit, Invalid, Kind, Label};
use crate::entry::Write;

/// What the note says.
pub const TEXT: &str = "text";

const TEXT_MAX: usize = 12_000;

pub(crate) const FIELDS: &[FieldSpec] = &[
    FieldSpec::new(LABEL, Shape::Json(&Label::STRUCTURE), "Title", "Titre").required(),
    FieldSpec::new(TEXT, Shape::Text(TEXT_MAX), "Text", "Texte"),
];

/// A note as an app fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnNoteDraft {
    /// Its title.
    pub title: Label,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl OwnNoteDraft {
    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::OwnNote);
        out.json(LABEL, &self.title);
        out.text(TEXT, self.text.clone());
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry, as a form shows it; where several values stand, one of them.
    pub fn read(from: &dyn Read) -> Self {
        OwnNoteDraft {
            title: from.json(LABEL).unwrap_or_default(),
            text: from.text(TEXT),
            common: Common::read(from),
        }
    }
}

/// A partial edit of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnNotePatch {
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// What it says.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub text: Edit<String>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl OwnNotePatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::OwnNote);
        if let Some(title) = &self.title {
            out.json(LABEL, title);
        }
        out.edit_text(TEXT, &self.text);
        self.common.write(&mut out);
        out.finish()
    }
}
