//! When something happened, as exactly as people know it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A year, a month, a day or an instant; as text `2024`, `2024-05`, `2024-05-03` or RFC 3339.
///
/// FHIR's partial `dateTime` (R4, datatypes), without local times that name no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Occurred {
    /// A year.
    Year(i16),
    /// A month of a year.
    Month(i16, i8),
    /// A day.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

/// Not a partial date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a year, month, day or instant")]
pub struct NotADate;

impl Occurred {
    /// The first day it may stand for, in UTC.
    pub fn first_day(&self) -> Date {
        match self {
            Occurred::Year(year) => Date::new(*year, 1, 1).unwrap_or(Date::MIN),
            Occurred::Month(year, month) => Date::new(*year, *month, 1).unwrap_or(Date::MIN),
            Occurred::Day(day) => *day,
            Occurred::Instant(instant) => instant.to_zoned(jiff::tz::TimeZone::UTC).date(),
        }
    }

    /// The last day it may stand for, in UTC.
    pub fn last_day(&self) -> Date {
        match self {
            Occurred::Year(year) => Date::new(*year, 12, 31).unwrap_or(Date::MAX),
            Occurred::Month(..) => self.first_day().last_of_month(),
            Occurred::Day(_) | Occurred::Instant(_) => self.first_day(),
        }
    }
}

impl FromStr for Occurred {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let digits = |part: &str, length| {
            let right = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
            right.then(|| part.parse::<i16>().ok()).flatten()
        };
        let parsed = match text.len() {
            4 => digits(text, 4).map(Occurred::Year),
            7 => text.split_once('-').and_then(|(year, month)| {
                let month = digits(month, 2).filter(|m| (1..=12).contains(m))?;
                Some(Occurred::Month(digits(year, 4)?, i8::try_from(month).ok()?))
            }),
            10 => {
                let strict = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                strict
                    .then(|| text.parse().ok().map(Occurred::Day))
                    .flatten()
            }
            20..=40 => text.parse().ok().map(Occurred::Instant),
            _ => None,
        };
        parsed.ok_or(NotADate)
    }
}

impl fmt::Display for Occurred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Occurred::Year(year) => write!(f, "{year:04}"),
            Occurred::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Occurred::Day(day) => day.fmt(f),
            Occurred::Instant(instant) => instant.fmt(f),
        }
    }
}

impl TryFrom<String> for Occurred {
    type Error = NotADate;
    fn try_from(text: String) -> Result<Self, NotADate> {
        text.parse()
    }
}

impl From<Occurred> for String {
    fn from(occurred: Occurred) -> Self {
        occurred.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_people_know_them_survive_as_text() {
        for text in ["1987", "1987-04", "1987-04-30", "1987-04-30T10:11:12Z"] {
            let occurred: Occurred = text.parse().expect("a partial date");
            assert_eq!(occurred.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "87",
            "1987-13",
            "1987-00",
            "1987-02-30",
            "1987-4-30",
            "04/1987",
            "+987",
            "1987-04-30T10:11",
        ] {
            assert_eq!(text.parse::<Occurred>(), Err(NotADate));
        }
    }
}
