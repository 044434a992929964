//! What the patient writes for themself.
//!
//! | key | value |
//! | --- | --- |
//! | `label` | a title, a [`Label`] |
//! | `text` | text |

use super::common::LABEL;
use super::declare::kind;
use super::{Kind, Label};

/// What the note says.
pub const TEXT: &str = "text";

kind! {
    /// A note as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    OwnNoteDraft,
    /// A partial edit of a note.
    OwnNotePatch: Kind::OwnNote;
    required {
        /// Its title.
        title: Label = LABEL, "Title", "Titre";
    }
    optional {
        /// What it says.
        text: String [12_000] = TEXT, "Text", "Texte";
    }
}
