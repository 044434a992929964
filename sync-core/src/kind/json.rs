//! Structured scalars: values that make sense only together, as one JSON text.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{Codes, Invalid, Occurred, Scalar, Shape, Words};
use crate::entry::Value;
use crate::text::steers as steers_screen;

/// Members that this version does not know, kept as they are.
pub type Extra = BTreeMap<String, Json>;

/// What a structured value is made of. Members it does not name are those of a newer version.
#[derive(Clone, Copy)]
pub struct Structure {
    /// What the documentation calls it.
    pub name: &'static str,
    /// Its members.
    pub members: &'static [Member],
    check: fn(&'static str, &str) -> Result<(), Invalid>,
    called: fn(&str) -> Option<String>,
    when: fn(&str) -> Option<Occurred>,
}

/// One member of a structured value.
#[derive(Clone, Copy)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub shape: MemberShape,
    /// Whether it must be there.
    pub required: bool,
    /// What people call it.
    pub title: Words,
    /// Whether its value is read without its title: "paracétamol", but "dose 2".
    pub bare: bool,
}

/// What a member of a structured value may hold.
#[derive(Clone, Copy)]
pub enum MemberShape {
    /// `true` or `false`.
    Flag,
    /// A whole number from 0 to 2³² − 1.
    Number,
    /// A decimal number as text: digits, at most one point with digits on both sides.
    Decimal,
    /// A decimal number as text, perhaps after a minus sign.
    Signed,
    /// Text of at most so many characters.
    Text(usize),
    /// One of these codes, of this version.
    Code(&'static Codes),
    /// A partial date as text.
    Date,
    /// Another structured value.
    Value(&'static Structure),
    /// A list of at most so many structured values.
    List(usize, &'static Structure),
}

impl Structure {
    /// The structure of `T`.
    pub(crate) const fn of<T: JsonScalar>(name: &'static str, members: &'static [Member]) -> Self {
        Structure {
            name,
            members,
            check: check::<T>,
            called: |text| serde_json::from_str::<T>(text).ok()?.called(),
            when: |text| serde_json::from_str::<T>(text).ok()?.when(),
        }
    }

    /// What names an entry of which this JSON text is the main value; see [`JsonScalar::called`].
    pub fn called(&self, text: &str) -> Option<String> {
        (self.called)(text)
    }

    /// When what this JSON text tells happened; see [`JsonScalar::when`].
    pub fn when(&self, text: &str) -> Option<Occurred> {
        (self.when)(text)
    }

    /// Checks a value of `field`, as JSON text.
    ///
    /// # Errors
    /// Says what is wrong with the field.
    pub fn check(&self, field: &'static str, text: &str) -> Result<(), Invalid> {
        (self.check)(field, text)
    }

    fn check_members(&self, field: &'static str, value: &Json) -> Result<(), Invalid> {
        self.members
            .iter()
            .try_for_each(|member| match &value[member.name] {
                Json::Null if member.required => Err(Invalid::Missing { field }),
                Json::Null => Ok(()),
                value => member.check(field, value),
            })
    }
}

impl Member {
    /// A member that may be left out.
    pub(crate) const fn new(
        name: &'static str,
        shape: MemberShape,
        en: &'static str,
        fr: &'static str,
    ) -> Self {
        Member {
            name,
            shape,
            required: false,
            title: Words::new(en, fr),
            bare: false,
        }
    }

    /// Whose value speaks for itself.
    pub(crate) const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// That must be there.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn check(&self, field: &'static str, value: &Json) -> Result<(), Invalid> {
        let malformed = Invalid::Malformed { field };
        let said = || value.as_str().ok_or(malformed);
        let holds = |right: bool| right.then_some(()).ok_or(malformed);
        match self.shape {
            MemberShape::Flag => holds(value.is_boolean()),
            MemberShape::Number => holds(value.as_u64().is_some_and(|n| u32::try_from(n).is_ok())),
            MemberShape::Decimal => holds(is_decimal(said()?)),
            MemberShape::Signed => {
                let said = said()?;
                holds(is_decimal(said.strip_prefix('-').unwrap_or(said)))
            }
            MemberShape::Text(max) if self.required => text(field, said()?, max),
            MemberShape::Text(max) => optional(field, Some(said()?), max),
            MemberShape::Code(codes) => {
                let known = codes.contains(said()?);
                known.then_some(()).ok_or(Invalid::UnknownCode { field })
            }
            MemberShape::Date => holds(said()?.parse::<Occurred>().is_ok()),
            MemberShape::Value(structure) => structure.check_members(field, value),
            MemberShape::List(max, structure) => {
                let items = value.as_array().ok_or(malformed)?;
                if items.len() > max {
                    return Err(Invalid::TooMany { field, max });
                }
                items
                    .iter()
                    .try_for_each(|item| structure.check_members(field, item))
            }
        }
    }
}

/// A value that is written as one JSON text.
pub trait JsonScalar: Serialize + DeserializeOwned {
    /// Its members: bounds, codes, and which must be there.
    const STRUCTURE: Structure;

    /// Checks what concerns several members of a value of `field`.
    ///
    /// # Errors
    /// Says what is wrong with the field.
    fn check(&self, _field: &'static str) -> Result<(), Invalid> {
        Ok(())
    }

    /// What an entry is called of which this is the main value; nothing when it does not name it.
    fn called(&self) -> Option<String> {
        None
    }

    /// When what it tells happened, if it says so itself.
    fn when(&self) -> Option<Occurred> {
        None
    }

    /// The value as an entry keeps it.
    fn to_value(&self) -> Value {
        let text = serde_json::to_string(self).expect("these values have text keys only");
        Value::Text(text)
    }

    /// Reads it back; nothing when it is something else.
    fn from_value(value: &Value) -> Option<Self> {
        serde_json::from_str(value.as_text()?).ok()
    }
}

impl<T: JsonScalar> Scalar for T {
    const SHAPE: Shape = Shape::Json(&T::STRUCTURE);

    fn to_scalar(&self) -> Value {
        self.to_value()
    }

    fn from_scalar(value: &Value) -> Option<Self> {
        T::from_value(value)
    }
}

fn check<T: JsonScalar>(field: &'static str, text: &str) -> Result<(), Invalid> {
    let malformed = Invalid::Malformed { field };
    let value: T = serde_json::from_str(text).map_err(|_| malformed)?;
    let members: Json = serde_json::from_str(text).map_err(|_| malformed)?;
    T::STRUCTURE.check_members(field, &members)?;
    value.check(field)
}

/// Digits, at most one point with digits on both sides.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 20
        && match text.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(text),
        }
}

/// A text that must say something and fit.
pub(crate) fn text(field: &'static str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::Missing { field });
    }
    optional(field, Some(text), max)
}

/// The shortest bound of a text that people write in paragraphs. Shorter ones stand in lists and on
/// the emergency card, where what follows a line end would read as another entry.
const PARAGRAPHS: usize = 8_000;

/// A text that must fit if it is there. It steers no screen; only in a long one may lines end.
pub(crate) fn optional(field: &'static str, text: Option<&str>, max: usize) -> Result<(), Invalid> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().count() > max {
        return Err(Invalid::TooLong { field, max });
    }
    let breaks = |c: char| max >= PARAGRAPHS && ['\n', '\r', '\t'].contains(&c);
    let refused = |c: char| steers_screen(c) && !breaks(c);
    if text.contains(refused) {
        return Err(Invalid::Control { field });
    }
    Ok(())
}

/// Whether two scalars say the same, JSON texts compared by what they mean.
pub fn same_value(one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    let (Some(one), Some(other)) = (one.as_text(), other.as_text()) else {
        return false;
    };
    if !(one.starts_with('{') && other.starts_with('{')) {
        return false;
    }
    let parse = |text| serde_json::from_str::<Json>(text).ok();
    parse(one).zip(parse(other)).is_some_and(|(a, b)| a == b)
}
