//! Who people and places are to the French health system: INS, RPPS, FINESS, *département*.
//!
//! The numbers are personal. Nothing here prints them: `Debug` shows the type alone, errors say
//! what is wrong without repeating what was typed, and only a method named `expose` gives them
//! out, so that a reader finds every place that takes one.

mod departement;
mod finess;
mod ins;
mod person;
mod rpps;

pub use departement::Departement;
pub use finess::Finess;
pub use ins::{Ins, InsDomain};
pub use person::{Birthplace, IdentityTraits, Sex, TraitsError};
pub use rpps::Rpps;

/// Why a text is not the number it should be. Never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Too short or too long, spaces apart.
    #[error("this {name} has {found} characters, it must have {expected}")]
    Length {
        /// Which number it should be.
        name: &'static str,
        /// How many characters it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A character that cannot stand where it does.
    #[error("character {position} of this {name} cannot stand there")]
    Character {
        /// Which number it should be.
        name: &'static str,
        /// Its place, counted from 1, spaces apart.
        position: usize,
    },
    /// The check digits do not go with the others: most often a slip of the finger.
    #[error("the check digits of this {name} do not match the others")]
    Key {
        /// Which number it should be.
        name: &'static str,
    },
    /// Well-formed, but stands for nothing.
    #[error("there is no such {name}")]
    Unknown {
        /// Which code it should be.
        name: &'static str,
    },
}

/// The characters of a number of `N`, upper-cased and without the spaces people put between groups.
fn characters<const N: usize>(name: &'static str, text: &str) -> Result<[u8; N], IdentifierError> {
    let mut characters = [0; N];
    let mut found = 0;
    for character in text.chars().filter(|c| !c.is_whitespace()) {
        if let Some(slot) = characters.get_mut(found) {
            let ascii = u8::try_from(character)
                .ok()
                .filter(u8::is_ascii_alphanumeric);
            *slot = ascii
                .ok_or(IdentifierError::Character {
                    name,
                    position: found + 1,
                })?
                .to_ascii_uppercase();
        }
        found += 1;
    }
    if found == N {
        Ok(characters)
    } else {
        Err(IdentifierError::Length {
            name,
            expected: N,
            found,
        })
    }
}

/// The value of each digit; the first character that is not one is the error.
fn digits<const N: usize>(
    name: &'static str,
    characters: &[u8; N],
) -> Result<[u8; N], IdentifierError> {
    match characters.iter().position(|c| !c.is_ascii_digit()) {
        Some(index) => Err(IdentifierError::Character {
            name,
            position: index + 1,
        }),
        None => Ok(characters.map(|c| c - b'0')),
    }
}

/// Whether the last digit is the Luhn key of the others (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Gives a checked ASCII number its text, a silent `Debug`, and its form on the wire.
macro_rules! checked_number {
    ($type:ident) => {
        impl $type {
            /// The number itself. It identifies a person or a place: never to a log or an error.
            pub fn expose(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::identity::IdentifierError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.expose())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
use checked_number;
