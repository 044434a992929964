//! What of an entry decides who may see it.

use serde::{Deserialize, Serialize};

use super::{
    EntryState, HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES,
    PERSON, Value,
};
use crate::kind::Kind;
use crate::kind::decision::ABOUT;
use crate::{PersonId, Tick};

/// The three independent visibility flags.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Visibility {
    /// *Masqué*: seen only by holder, author, treating physician and administrators.
    #[serde(default, rename = "p")]
    pub hidden_from_professionals: bool,
    /// Not yet visible to the patient, nor to caregivers and representatives, until this tick.
    #[serde(default, rename = "u", skip_serializing_if = "Option::is_none")]
    pub hidden_from_patient_until: Option<Tick>,
    /// Not visible to caregivers and legal representatives.
    #[serde(default, rename = "r")]
    pub hidden_from_representatives: bool,
}

impl Visibility {
    /// What keeps from all from whom either does.
    #[must_use]
    pub fn strictest(&self, other: &Self) -> Self {
        Visibility {
            hidden_from_professionals: self.hidden_from_professionals
                || other.hidden_from_professionals,
            hidden_from_patient_until: self
                .hidden_from_patient_until
                .max(other.hidden_from_patient_until),
            hidden_from_representatives: self.hidden_from_representatives
                || other.hidden_from_representatives,
        }
    }

    /// What stands in an entry; between concurrent edits the most restrictive.
    fn standing(state: &EntryState) -> Self {
        Self::said(|key| state.values(key))
    }

    /// All that was ever set in an entry, also what somebody took back.
    pub(crate) fn ever(state: &EntryState) -> Self {
        Self::said(|key| {
            let wrote = state.history.iter();
            wrote.filter_map(move |past| past.wrote(key).flatten())
        })
    }

    fn said<'v, I: Iterator<Item = &'v Value>>(values: impl Fn(&'static str) -> I) -> Self {
        let flag = |key| values(key).any(|value| *value == Value::Bool(true));
        let until = values(HIDDEN_FROM_PATIENT_UNTIL).filter_map(|value| match value {
            Value::Uint(tick) => Some(Tick(*tick)),
            _ => None,
        });
        Visibility {
            hidden_from_professionals: flag(HIDDEN_FROM_PROFESSIONALS),
            hidden_from_patient_until: until.max(),
            hidden_from_representatives: flag(HIDDEN_FROM_REPRESENTATIVES),
        }
    }
}

/// What of an entry decides who may do what with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryClass {
    /// The kind, as written.
    #[serde(rename = "k")]
    pub kind: String,
    /// The flags.
    #[serde(rename = "v")]
    pub visibility: Visibility,
    /// Who created it.
    #[serde(rename = "a")]
    pub author: PersonId,
    /// Whom a right names.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub concerns: Option<PersonId>,
    /// Of a decision on an item of the to-review list: the kinds of entry the item is about, as
    /// written. Whoever may not read one of them may not read the decision.
    #[serde(rename = "b", default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

impl EntryClass {
    /// The class of an entry created by `author`; between concurrent flags the most restrictive
    /// stands. A decision keeps every flag that it ever had: it names entries that may be hidden
    /// still, and only they say from whom. An entry of no kind has the empty kind, which no table
    /// allows anybody.
    pub fn of(state: &EntryState, author: PersonId) -> Self {
        let kind = state.kind().unwrap_or_default().to_owned();
        let decision = kind == Kind::ReviewDecision.code();
        let about = state.values(ABOUT).find_map(Value::as_text);
        let about = about.filter(|_| decision);
        EntryClass {
            about: about.unwrap_or_default().to_owned(),
            kind,
            visibility: match decision {
                true => Visibility::ever(state),
                false => Visibility::standing(state),
            },
            author,
            concerns: state
                .values(PERSON)
                .find_map(|value| value.as_text()?.parse().ok()),
        }
    }
}
