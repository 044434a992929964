//! The book of a random history: what was written, by whom, and what they had in front of them.

use std::collections::BTreeSet;

use super::{Device, person, role};
use crate::entry::{Value, Write};
use crate::policy::{Profession, Role};
use crate::{ChangeHash, EntryId, PersonId};

/// An edit, by its place in the book.
pub type Place = usize;

/// One edit.
pub struct Edited {
    pub place: Place,
    pub device: Device,
    pub entry: EntryId,
    pub writes: Vec<Write>,
    pub hash: ChangeHash,
    /// All edits that were on the device.
    pub knew: BTreeSet<Place>,
}

impl Edited {
    pub fn person(&self) -> PersonId {
        person(self.device)
    }

    pub fn role(&self) -> Role {
        role(self.device)
    }

    /// Whether its author had another one in front of them.
    pub fn saw(&self, other: &Edited) -> bool {
        self.knew.contains(&other.place)
    }

    /// Whether neither author had seen the other's.
    pub fn apart(&self, other: &Edited) -> bool {
        self.place != other.place && !self.saw(other) && !other.saw(self)
    }

    /// What it wrote under a key, if it did: nothing for a removal.
    pub fn wrote(&self, key: &str) -> Option<Option<&Value>> {
        let write = self.writes.iter().find(|write| write.key == key)?;
        Some(write.value.as_ref())
    }

    pub fn wrote_text(&self, key: &str) -> Option<&str> {
        self.wrote(key)??.as_text()
    }

    /// The code of the status it wrote, if it did.
    pub fn status(&self) -> Option<String> {
        let json: serde_json::Value = serde_json::from_str(self.wrote_text("status")?).ok()?;
        Some(json.get("status")?.as_str()?.to_owned())
    }

    /// Whether it takes up what an edit of the same entry proposed under a key.
    pub fn accepts(&self, other: &Edited, key: &str) -> bool {
        let fields = self.wrote_text(&format!("accepts/{}", other.hash));
        fields.is_some_and(|fields| fields.split_whitespace().any(|field| field == key))
    }

    /// Whether it takes up anything.
    pub fn accepts_any(&self) -> bool {
        let mut keys = self.writes.iter().map(|write| &write.key);
        keys.any(|key| key.starts_with("accepts/"))
    }
}

/// An entry as the book tells it: its edits in the order in which they were made, the creation
/// first.
#[derive(Clone)]
pub struct Raw<'w> {
    pub entry: EntryId,
    pub kind: String,
    pub edits: Vec<&'w Edited>,
}

impl<'w> Raw<'w> {
    pub fn new(edits: Vec<&'w Edited>) -> Self {
        let first = edits[0];
        Raw {
            entry: first.entry,
            kind: first.wrote_text("kind").unwrap_or_default().to_owned(),
            edits,
        }
    }

    pub fn first(&self) -> &'w Edited {
        self.edits[0]
    }

    /// The edits of whoever may confirm a fact of this kind: physicians, but for what a pharmacist
    /// hands over; pharmacists and nurses what they give or measure.
    pub fn confirms(&self, edit: &Edited) -> bool {
        let theirs = ["immunization", "measurement"].contains(&self.kind.as_str());
        let handed_over = self.kind == "medication-dispensed";
        match edit.role() {
            Role::Professional(Profession::Physician) => !handed_over,
            Role::Professional(Profession::Pharmacist) => theirs || handed_over,
            Role::Professional(Profession::Nurse) => theirs,
            _ => false,
        }
    }

    /// The edits of those whose word confirms.
    pub fn confirming(&self) -> impl Iterator<Item = &'w Edited> + '_ {
        let all = self.edits.iter().copied();
        all.filter(|edit| self.confirms(edit))
    }

    /// Whether only lay people, or nobody but the holder, ever wrote.
    pub fn is_lay(&self) -> bool {
        let mut roles = self.edits.iter().map(|edit| edit.role());
        !roles.any(|role| matches!(role, Role::Professional(_)))
    }

    /// Whether it is about the person's health: what a clinician confirms and others propose.
    pub fn is_clinical(&self) -> bool {
        let personal = [
            "emergency-contact",
            "trusted-person",
            "caregiver-contact",
            "help-contact",
            "professional-seen",
            "advance-directive",
            "organ-donation",
            "own-note",
            "emergency-switches",
            "review-decision",
            "grant",
            "block",
            "delegation",
        ];
        !personal.contains(&self.kind.as_str())
    }

    /// Whether it says who may do what.
    pub fn is_right(&self) -> bool {
        ["grant", "block", "delegation"].contains(&self.kind.as_str())
    }

    /// The edits that wrote a key.
    pub fn wrote(&self, key: &str) -> Vec<&'w Edited> {
        let all = self.edits.iter().copied();
        all.filter(|edit| edit.wrote(key).is_some()).collect()
    }

    /// Of those the ones that nobody had in front of them who wrote the key later.
    pub fn last(&self, key: &str) -> Vec<&'w Edited> {
        let all = self.wrote(key);
        let last = all.iter().copied();
        last.filter(|edit| !all.iter().any(|later| later.saw(edit)))
            .collect()
    }

    /// All keys that were ever written.
    pub fn keys(&self) -> BTreeSet<&'w str> {
        let writes = self.edits.iter().flat_map(|edit| &edit.writes);
        writes.map(|write| write.key.as_str()).collect()
    }

    /// Whether anybody ever wrote a status other than active.
    pub fn was_never_ended(&self) -> bool {
        let mut codes = self.edits.iter().filter_map(|edit| edit.status());
        codes.all(|code| code == "active")
    }

    /// Whether it was created as the statement that no allergy is known.
    pub fn states_none(&self) -> bool {
        self.first().wrote("no-known-allergy") == Some(Some(&Value::Bool(true)))
    }
}
