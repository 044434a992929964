//! From drafts to writes, and back.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::declare::SetMember;
use super::json::JsonScalar;
use super::{Invalid, Kind, MEMBERS_MAX, Scalar, Status, Tables, check_complete};
use crate::Tick;
use crate::entry::{self, EntryState, Value, Write};

/// The member of a status that says why.
const REASON: &str = "reason";

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
    tables: Tables,
    creates: bool,
    writes: Vec<Write>,
}

impl Drafted {
    /// Of a new entry: starts with kind and schema version.
    pub fn new(kind: Kind) -> Self {
        Self::new_by(Tables::CURRENT, kind)
    }

    /// [`Drafted::new`] of a program that goes by these tables.
    pub fn new_by(tables: Tables, kind: Kind) -> Self {
        let writes = vec![
            Write::set(entry::KIND, kind.code()),
            Write::set(entry::SCHEMA, Value::Uint(tables.schema(&kind))),
        ];
        Drafted {
            kind,
            tables,
            creates: true,
            writes,
        }
    }

    /// Of a partial edit.
    pub fn patch(kind: Kind) -> Self {
        Self::patch_by(Tables::CURRENT, kind)
    }

    /// [`Drafted::patch`] of a program that goes by these tables. It says the version beyond the
    /// first, so that an older program lets pass what this one may have brought; an edit that says
    /// what stands is none, and an older program's says nothing of it.
    pub fn patch_by(tables: Tables, kind: Kind) -> Self {
        let version = Some(tables.schema(&kind)).filter(|version| *version > 1);
        let version = version.map(|version| Write::set(entry::SCHEMA, Value::Uint(version)));
        Drafted {
            kind,
            tables,
            creates: false,
            writes: version.into_iter().collect(),
        }
    }

    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.writes.push(Write::set(key, value));
    }

    pub fn scalar(&mut self, key: &str, value: &impl Scalar) {
        self.put(key, value.to_scalar());
    }

    pub fn maybe(&mut self, key: &str, value: Option<&impl Scalar>) {
        if let Some(value) = value {
            self.scalar(key, value);
        }
    }

    pub fn flag(&mut self, key: &str, value: Option<bool>) {
        self.maybe(key, value.as_ref());
    }

    pub fn edit(&mut self, key: &str, edit: &Edit<impl Scalar>) {
        match edit {
            Edit::Keep => {}
            Edit::Clear => self.put(key, Value::Null),
            Edit::Set(new) => self.scalar(key, new),
        }
    }

    pub fn members(&mut self, set: &str, members: &[impl SetMember]) {
        for member in members {
            self.put(format!("{set}/{}", member.member()), member.to_scalar());
        }
    }

    /// Checks every value against the field tables, that an edit leaves alone what is fixed, and that
    /// whoever removes an entry says why.
    pub fn finish(self) -> Result<Vec<Write>, Invalid> {
        for write in &self.writes {
            if let (Some(spec), Some(value)) =
                (self.tables.field(&self.kind, &write.key), &write.value)
            {
                spec.check(value, false)?;
                if spec.fixed && !self.creates {
                    return Err(Invalid::Fixed { field: spec.key });
                }
            }
        }
        let mut statuses = self
            .writes
            .iter()
            .filter(|write| write.key == entry::STATUS);
        let unexplained = statuses.any(|write| {
            let status = write.value.as_ref().and_then(Status::from_value);
            status.is_some_and(|status| status.lacks_reason())
        });
        if unexplained && self.kind.right().is_none() {
            return Err(Invalid::Missing { field: REASON });
        }
        for spec in self.tables.own_fields(&self.kind) {
            let of_set = |write: &&Write| is_member(&write.key, spec.key);
            if self.writes.iter().filter(of_set).count() > MEMBERS_MAX {
                let (field, max) = (spec.key, MEMBERS_MAX);
                return Err(Invalid::TooMany { field, max });
            }
        }
        if self.creates {
            let has = |key: &str| self.writes.iter().any(|write| write.key == key);
            check_complete(self.tables, &self.kind, has)?;
        }
        let only_version = self.writes.iter().all(|write| write.key == entry::SCHEMA);
        Ok(match only_version && !self.creates {
            true => Vec::new(),
            false => self.writes,
        })
    }
}

/// Whether a key is one of a set's.
pub(crate) fn is_member(key: &str, set: &str) -> bool {
    key.strip_prefix(set)
        .is_some_and(|rest| rest.starts_with('/'))
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
    /// A value of any type.
    pub fn scalar<T: Scalar>(&self, key: &str) -> Option<T> {
        T::from_scalar(self.value(key)?)
    }

    /// A structured value.
    pub fn json<T: JsonScalar>(&self, key: &str) -> Option<T> {
        self.scalar(key)
    }

    /// A code.
    pub fn code<T: From<String>>(&self, key: &str) -> Option<T> {
        self.text(key).map(T::from)
    }

    /// The members of a set, in the order a form shows them.
    pub fn set<T: SetMember>(&self, name: &str) -> Vec<T> {
        let members = self.set_values(name).into_iter();
        let mut members: Vec<T> = members.filter_map(T::from_scalar).collect();
        members.sort_by_key(SetMember::place);
        members
    }
}

impl Read for EntryState {
    fn value(&self, key: &str) -> Option<&Value> {
        self.values(key).next()
    }

    fn set_values(&self, name: &str) -> Vec<&Value> {
        let members = self.fields.iter().filter(|(key, _)| is_member(key, name));
        members
            .filter_map(|(_, claims)| claims.first().map(|claim| &claim.value))
            .collect()
    }
}
