//! Filling in an entry of any kind by its table: what a form or a command line needs.

use std::collections::BTreeMap;

use super::common::{self, NOTES, OCCURRED, SOURCE};
use super::declare::SetMember as _;
use super::{Attachment, Draft, FieldSpec, Invalid, Join, JsonScalar as _, Kind, Phone, Reaction};
use super::{Read, Tables, check_complete, write};
use crate::entry::{self, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Value, Write};

/// The common fields that a form offers. The status is set by itself, and who may not see an entry
/// until when is for the professional who enters a result.
const COMMON: [&str; 5] = [
    OCCURRED,
    SOURCE,
    NOTES,
    HIDDEN_FROM_PROFESSIONALS,
    HIDDEN_FROM_REPRESENTATIVES,
];

impl Kind {
    /// What a form offers of an entry of this kind: its own fields, the main one first, then the
    /// common ones.
    pub fn form(&self) -> impl Iterator<Item = &'static FieldSpec> {
        let own = self.own_fields();
        let common = common::FIELDS.iter().filter(|spec| {
            let instead = own.iter().any(|mine| mine.key == spec.key);
            COMMON.contains(&spec.key) && !instead
        });
        own.iter().chain(common)
    }
}

/// What somebody filled in of an entry, each value checked as it comes.
#[derive(Clone, Debug)]
pub struct Filled {
    kind: Kind,
    values: BTreeMap<String, Value>,
}

impl Filled {
    /// Nothing yet, of an entry of a kind.
    pub fn new(kind: Kind) -> Self {
        Filled {
            kind,
            values: BTreeMap::new(),
        }
    }

    /// Whether nothing was filled in.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Fills in a field, or adds a member to a set; `Null` empties what may be empty.
    ///
    /// # Errors
    /// Says what is wrong with the field.
    pub fn put(&mut self, spec: &FieldSpec, value: Value) -> Result<(), Invalid> {
        spec.check(&value, false)?;
        let field = spec.key;
        let key = match spec.join {
            Join::Union => {
                let member = member(field, &value).ok_or(Invalid::WrongType { field })?;
                format!("{field}/{member}")
            }
            _ => field.to_owned(),
        };
        self.values.insert(key, value);
        Ok(())
    }

    /// Sets the status, by itself or with the rest.
    pub fn set_status(&mut self, status: &super::Status) {
        self.values
            .insert(entry::STATUS.to_owned(), status.to_value());
    }

    /// The draft of a new entry.
    ///
    /// # Errors
    /// Names the first field that is missing or cannot stand with the others.
    pub fn draft(&self) -> Result<Draft, Invalid> {
        let has = |key: &str| self.values.contains_key(key);
        check_complete(Tables::CURRENT, &self.kind, has)?;
        let draft = Draft::read(&self.kind, self);
        let draft = draft.ok_or(Invalid::Missing { field: entry::KIND })?;
        draft.writes().map(|_| draft)
    }

    /// The writes of a partial edit.
    ///
    /// # Errors
    /// Names the first field that an edit cannot write.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = write::Drafted::patch(self.kind.clone());
        for (key, value) in &self.values {
            out.put(key, value.clone());
        }
        out.finish()
    }
}

impl Read for Filled {
    fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    fn set_values(&self, name: &str) -> Vec<&Value> {
        let members = self.values.iter();
        members
            .filter(|(key, _)| write::is_member(key, name))
            .map(|(_, value)| value)
            .collect()
    }
}

/// What a member of a set is kept under.
fn member(set: &str, value: &Value) -> Option<String> {
    Some(match set {
        super::allergy::REACTION => Reaction::from_value(value)?.member(),
        super::contact::PHONE => Phone::from_value(value)?.member(),
        super::document::ATTACHMENT => Attachment::from_value(value)?.member(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::tests::drafts as samples;

    fn filled(draft: &Draft) -> Filled {
        let kind = draft.kind();
        let mut filled = Filled::new(kind.clone());
        for write in draft.writes().expect("a good draft") {
            let (name, value) = (write.key.split('/').next(), write.value);
            let spec = kind.form().find(|spec| Some(spec.key) == name);
            if let Some((spec, value)) = spec.zip(value) {
                filled.put(spec, value).expect("a good value");
            }
        }
        filled
    }

    #[test]
    fn an_entry_of_every_kind_is_filled_in_field_by_field() {
        for draft in samples() {
            let again = filled(&draft).draft();
            assert_eq!(again.as_ref().map(Draft::writes), Ok(draft.writes()));
        }
    }

    #[test]
    fn a_form_offers_every_field_of_a_kind_once() {
        for kind in Kind::ALL.iter().cloned().chain(Kind::documents().take(1)) {
            let mut keys: Vec<&str> = kind.form().map(|spec| spec.key).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), all, "{kind}");
            let own = kind.own_fields().iter();
            assert!(own.clone().all(|spec| keys.contains(&spec.key)), "{kind}");
            for set in own.filter(|spec| spec.join == Join::Union) {
                assert!(member(set.key, &Value::Null).is_none());
                let sets = ["reaction", "phone", "attachment"];
                assert!(sets.contains(&set.key), "{}", set.key);
            }
        }
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_fixed_is_not_edited() {
        let dose = Filled::new(Kind::MedicationPrescribed);
        let missing = Err(Invalid::Missing {
            field: "prescription",
        });
        assert_eq!(dose.draft().map(|_| ()), missing);
        for draft in samples() {
            let has_fixed = draft.kind().form().any(|spec| {
                let said = spec.fixed && !spec.key.is_empty();
                said && filled(&draft).values.contains_key(spec.key)
            });
            let fixed = matches!(filled(&draft).writes(), Err(Invalid::Fixed { .. }));
            assert_eq!(fixed, has_fixed, "{}", draft.kind());
        }
    }
}
