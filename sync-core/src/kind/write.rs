//! From drafts to writes, and back.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json::JsonScalar;
use super::{Invalid, Kind};
use crate::Tick;
use crate::entry::{self, EntryState, Value, Write};

/// What a partial edit does to a field. As JSON: left out, `null`, or the new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is emptied.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Edit<T> {
    /// Whether it stays.
    pub fn is_keep(&self) -> bool {
        matches!(self, Edit::Keep)
    }
}

impl<T> From<T> for Edit<T> {
    fn from(value: T) -> Self {
        Edit::Set(value)
    }
}

impl<T: Serialize> Serialize for Edit<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Edit::Set(value) => value.serialize(serializer),
            Edit::Keep | Edit::Clear => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(deserializer)?;
        Ok(value.map_or(Edit::Clear, Edit::Set))
    }
}

/// The writes of one draft or partial edit, in the making.
pub(crate) struct Drafted {
    kind: Kind,
    creates: bool,
    writes: Vec<Write>,
}

impl Drafted {
    /// Of a new entry: starts with kind and schema version.
    pub fn new(kind: Kind) -> Self {
        let writes = vec![
            Write::set(entry::KIND, kind.code()),
            Write::set(entry::SCHEMA, Value::Uint(kind.schema())),
        ];
        Drafted {
            kind,
            creates: true,
            writes,
        }
    }

    /// Of a partial edit.
    pub fn patch(kind: Kind) -> Self {
        Drafted {
            kind,
            creates: false,
            writes: Vec::new(),
        }
    }

    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.writes.push(Write::set(key, value));
    }

    pub fn json<T: JsonScalar>(&mut self, key: impl Into<String>, value: &T) {
        self.put(key, value.to_value());
    }

    pub fn text(&mut self, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.put(key, value.into());
        }
    }

    pub fn flag(&mut self, key: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    pub fn tick(&mut self, key: &str, value: Option<Tick>) {
        if let Some(value) = value {
            self.put(key, Value::Uint(value.0));
        }
    }

    pub fn edit<T>(&mut self, key: &str, edit: &Edit<T>, value: impl Fn(&T) -> Value) {
        match edit {
            Edit::Keep => {}
            Edit::Clear => self.put(key, Value::Null),
            Edit::Set(new) => self.put(key, value(new)),
        }
    }

    pub fn edit_text(&mut self, key: &str, edit: &Edit<String>) {
        self.edit(key, edit, |text| text.as_str().into());
    }

    /// Checks every value against the field tables.
    pub fn finish(self) -> Result<Vec<Write>, Invalid> {
        for write in &self.writes {
            if let (Some(spec), Some(value)) = (self.kind.field(&write.key), &write.value) {
                spec.check(value, false)?;
            }
        }
        if self.creates {
            self.kind
                .check_complete(|key| self.writes.iter().any(|write| write.key == key))?;
        }
        Ok(self.writes)
    }
}

/// Where typed reading finds its values, one a key: an [`EntryState`], which gives the first of
/// those last written, or a [`crate::merge::EntryView`], which gives what is current.
pub trait Read {
    /// The value of a key.
    fn value(&self, key: &str) -> Option<&Value>;
    /// The members of a set.
    fn set_values(&self, name: &str) -> Vec<&Value>;

    /// A text.
    fn text(&self, key: &str) -> Option<String> {
        self.value(key)?.as_text().map(str::to_owned)
    }
    /// A yes or no.
    fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
    /// A tick.
    fn tick(&self, key: &str) -> Option<Tick> {
        match self.value(key)? {
            Value::Uint(tick) => Some(Tick(*tick)),
            _ => None,
        }
    }
}

impl dyn Read + '_ {
    /// A structured value.
    pub fn json<T: JsonScalar>(&self, key: &str) -> Option<T> {
        T::from_value(self.value(key)?)
    }

    /// A code.
    pub fn code<T: From<String>>(&self, key: &str) -> Option<T> {
        self.text(key).map(T::from)
    }

    /// The members of a set of structured values.
    pub fn set<T: JsonScalar>(&self, name: &str) -> Vec<T> {
        let members = self.set_values(name);
        members.into_iter().filter_map(T::from_value).collect()
    }
}

impl Read for EntryState {
    fn value(&self, key: &str) -> Option<&Value> {
        self.values(key).next()
    }

    fn set_values(&self, name: &str) -> Vec<&Value> {
        let member = |key: &str| {
            key.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let members = self.fields.iter().filter(|(key, _)| member(key));
        members
            .filter_map(|(_, claims)| claims.first().map(|claim| &claim.value))
            .collect()
    }
}
