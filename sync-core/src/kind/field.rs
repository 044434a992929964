//! The field tables: per kind and key, what may stand there and how concurrent values join.
//!
//! This is the one place where a clinician reads what joins, what is one value and what is
//! flagged; validation and merging both follow it.

use super::json::{self, Structure};
use super::{Codes, Invalid, Words};
use crate::entry::Value;

/// What may stand under a key. `Null` may stand under any that is not required: "nothing", said
/// explicitly.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Yes or no.
    Flag,
    /// A tick: microseconds since the Unix epoch, from 0 to 2⁶³ − 1.
    Tick,
    /// A whole number from 0 to this.
    Number(u32),
    /// Text of at most so many characters.
    Text(usize),
    /// One of these codes, of this version.
    Code(&'static Codes),
    /// A partial date as text.
    Date,
    /// A whole day as text.
    Day,
    /// A person's identifier as text.
    Person,
    /// An entry's identifier as text.
    Entry,
    /// A structured value as JSON text.
    Json(&'static Structure),
}

/// How values written concurrently join; a value written after another replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// No rule of its own: both kept, flagged.
    Both,
    /// Status: see the rules of statuses.
    Status,
    /// Every code is shown, the highest of the list counts.
    Highest(&'static [&'static str]),
    /// A set: members join, one key a member; concurrent values of one member are both kept.
    Union,
    /// One value that must never be a mixture, nor one of two: both shown, none current.
    NeverMixed,
    /// Yes is more restrictive and stands.
    YesWins,
    /// No is more restrictive and stands.
    NoWins,
    /// The earlier tick wins.
    Earlier,
    /// The later tick wins.
    Later,
}

/// One key of a kind, or one set of keys.
#[derive(Clone, Copy)]
pub struct FieldSpec {
    /// The key; for a set, the part before the slash.
    pub key: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// How concurrent values join.
    pub join: Join,
    /// Whether an entry of this kind must have it.
    pub required: bool,
    /// Whether it is written when the entry is created or never.
    pub fixed: bool,
    /// What people call it.
    pub title: Words,
}

impl FieldSpec {
    /// A field without a merge rule of its own.
    pub const fn new(key: &'static str, shape: Shape, en: &'static str, fr: &'static str) -> Self {
        FieldSpec {
            key,
            shape,
            join: Join::Both,
            required: false,
            fixed: false,
            title: Words::new(en, fr),
        }
    }

    /// With another bound of its text or number.
    pub(crate) const fn at_most(mut self, max: u32) -> Self {
        self.shape = match self.shape {
            Shape::Text(_) => Shape::Text(max as usize),
            Shape::Number(_) => Shape::Number(max),
            _ => panic!("only texts and numbers have a bound"),
        };
        self
    }

    /// With a merge rule.
    pub const fn joins(mut self, join: Join) -> Self {
        self.join = join;
        self
    }

    /// That must be there.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// That is written when the entry is created or never.
    pub const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    /// Checks one value. A newer version may have more codes, never another type.
    ///
    /// # Errors
    /// Says what is wrong with the field.
    pub fn check(&self, value: &Value, newer: bool) -> Result<(), Invalid> {
        let field = self.key;
        match (self.shape, value) {
            (_, Value::Null) if self.required => Err(Invalid::Missing { field }),
            (_, Value::Null) | (Shape::Flag, Value::Bool(_)) => Ok(()),
            (Shape::Tick, Value::Uint(tick)) => {
                let fits = i64::try_from(*tick).is_ok();
                fits.then_some(()).ok_or(Invalid::OutOfBounds { field })
            }
            (Shape::Number(max), Value::Uint(number)) => {
                let fits = *number <= u64::from(max);
                fits.then_some(()).ok_or(Invalid::OutOfBounds { field })
            }
            (Shape::Text(max), Value::Text(text)) if self.required => json::text(field, text, max),
            (Shape::Text(max), Value::Text(text)) => json::optional(field, Some(text), max),
            (Shape::Code(codes), Value::Text(code)) => {
                let short = code.len() <= 64 && !code.is_empty();
                let accepted = short && (newer || codes.contains(code));
                accepted.then_some(()).ok_or(Invalid::UnknownCode { field })
            }
            (Shape::Date, Value::Text(text)) => text
                .parse::<super::Occurred>()
                .map(|_| ())
                .map_err(|_| Invalid::Date { field }),
            (Shape::Day, Value::Text(text)) => match text.parse() {
                Ok(super::Occurred::Day(_)) => Ok(()),
                _ => Err(Invalid::Date { field }),
            },
            (Shape::Person, Value::Text(text)) => text
                .parse::<crate::PersonId>()
                .map(|_| ())
                .map_err(|_| Invalid::Malformed { field }),
            (Shape::Entry, Value::Text(text)) => text
                .parse::<crate::EntryId>()
                .map(|_| ())
                .map_err(|_| Invalid::Malformed { field }),
            (Shape::Json(structure), Value::Text(text)) => match structure.check(field, text) {
                Err(Invalid::UnknownCode { .. }) if newer => Ok(()),
                other => other,
            },
            _ => Err(Invalid::WrongType { field }),
        }
    }
}
