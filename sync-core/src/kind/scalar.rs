//! The types that can stand under a key.

use jiff::civil::Date;

use super::Occurred;
use super::common::LINE_MAX;
use super::field::Shape;
use crate::entry::Value;
use crate::{EntryId, PersonId, Tick};

/// A type of which a value is one scalar of an entry.
pub trait Scalar: Sized {
    /// What may stand under its key; texts and numbers with their usual bound.
    const SHAPE: Shape;

    /// The value as an entry keeps it.
    fn to_scalar(&self) -> Value;

    /// Reads it back; nothing when it is something else.
    fn from_scalar(value: &Value) -> Option<Self>;
}

impl Scalar for String {
    const SHAPE: Shape = Shape::Text(LINE_MAX);

    fn to_scalar(&self) -> Value {
        self.as_str().into()
    }

    fn from_scalar(value: &Value) -> Option<Self> {
        value.as_text().map(str::to_owned)
    }
}

impl Scalar for bool {
    const SHAPE: Shape = Shape::Flag;

    fn to_scalar(&self) -> Value {
        (*self).into()
    }

    fn from_scalar(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl Scalar for u32 {
    const SHAPE: Shape = Shape::Number(u32::MAX);

    fn to_scalar(&self) -> Value {
        Value::Uint(u64::from(*self))
    }

    fn from_scalar(value: &Value) -> Option<Self> {
        match value {
            Value::Uint(number) => u32::try_from(*number).ok(),
            _ => None,
        }
    }
}

impl Scalar for Tick {
    const SHAPE: Shape = Shape::Tick;

    fn to_scalar(&self) -> Value {
        Value::Uint(self.0)
    }

    fn from_scalar(value: &Value) -> Option<Self> {
        match value {
            Value::Uint(tick) => Some(Tick(*tick)),
            _ => None,
        }
    }
}

/// Types written as one text that they print and parse.
macro_rules! as_text {
    ($($type:ty = $shape:expr;)*) => {
        $(
            impl Scalar for $type {
                const SHAPE: Shape = $shape;

                fn to_scalar(&self) -> Value {
                    self.to_string().into()
                }

                fn from_scalar(value: &Value) -> Option<Self> {
                    value.as_text()?.parse().ok()
                }
            }
        )*
    };
}

as_text! {
    Occurred = Shape::Date;
    Date = Shape::Day;
    PersonId = Shape::Person;
    EntryId = Shape::Entry;
}
