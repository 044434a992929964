//! Structured scalars: values that make sense only together, as one JSON text.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use super::Invalid;
use crate::entry::Value;

/// Members that this version does not know, kept as they are.
pub type Extra = BTreeMap<String, serde_json::Value>;

/// A value that is written as one JSON text.
pub trait JsonScalar: Serialize + DeserializeOwned {
    /// Checks bounds and codes of a value of `field`.
    ///
    /// # Errors
    /// Says what is wrong with the field.
    fn check(&self, field: &'static str) -> Result<(), Invalid>;

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

/// Reads and checks a JSON scalar: what the field tables call.
pub(crate) fn check<T: JsonScalar>(field: &'static str, text: &str) -> Result<(), Invalid> {
    let value: T = serde_json::from_str(text).map_err(|_| Invalid::Malformed { field })?;
    value.check(field)
}

/// A text that must say something and fit.
pub(crate) fn text(field: &'static str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::Missing { field });
    }
    optional(field, Some(text), max)
}

/// A text that must fit if it is there. Lines may end in it; it steers no screen otherwise.
pub(crate) fn optional(field: &'static str, text: Option<&str>, max: usize) -> Result<(), Invalid> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().count() > max {
        return Err(Invalid::TooLong { field, max });
    }
    let steers = |c: char| c.is_control() && !['\n', '\r', '\t'].contains(&c);
    if text.chars().any(steers) {
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
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    parse(one).zip(parse(other)).is_some_and(|(a, b)| a == b)
}
