//! The traits that, with the INS, make an identity (ANS, *référentiel national d'identitovigilance*).

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{IdentifierError, characters, checked_number, digits};

/// Administrative sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// *Masculin*.
    #[serde(rename = "M")]
    Male,
    /// *Féminin*.
    #[serde(rename = "F")]
    Female,
    /// *Indéterminé*.
    #[serde(rename = "I")]
    Indeterminate,
}

impl Sex {
    /// Reads `M`, `F` or `I`, in either case.
    pub fn parse(text: &str) -> Result<Self, TraitsError> {
        match text.trim() {
            "M" | "m" => Ok(Sex::Male),
            "F" | "f" => Ok(Sex::Female),
            "I" | "i" => Ok(Sex::Indeterminate),
            _ => Err(TraitsError::Sex),
        }
    }
}

/// The INSEE code of a birthplace: 5 characters, a *commune* (`2A…`, `2B…` in Corsica) or, for
/// those born abroad, `99` and the country.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Birthplace([u8; 5]);

impl Birthplace {
    /// Reads a code.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let characters: [u8; 5] = characters("birthplace code", text)?;
        let mut numeric = characters;
        if matches!(&characters[..2], b"2A" | b"2B") {
            numeric[1] = b'0';
        }
        digits("birthplace code", &numeric)?;
        Ok(Birthplace(characters))
    }
}

checked_number!(Birthplace);

/// The traits of an identity, as the civil registry has them.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdentityTraits {
    /// Family name at birth (*nom de naissance*).
    pub family_name: String,
    /// All given names at birth (*prénoms de naissance*), in order, a space between two.
    pub given_names: String,
    /// Date of birth.
    pub birth_date: Date,
    /// Administrative sex.
    pub sex: Sex,
    /// Code of the place of birth.
    pub birthplace: Birthplace,
}

/// Why traits cannot be those of an identity. Never repeats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraitsError {
    /// No family name or no given name.
    #[error("the {0} is missing")]
    MissingName(&'static str),
    /// Over 100 characters.
    #[error("the {0} is longer than 100 characters")]
    LongName(&'static str),
    /// A character that the registry does not write in names.
    #[error("the {0} may hold Latin letters, spaces, hyphens and apostrophes only")]
    NameCharacter(&'static str),
    /// Not a calendar date in the form `1979-03-31`.
    #[error("the birth date must be a calendar date, year-month-day")]
    BirthDate,
    /// Not `M`, `F` or `I`.
    #[error("the sex must be M, F or I")]
    Sex,
    /// Not a code of 5 characters.
    #[error("birthplace: {0}")]
    Birthplace(#[from] IdentifierError),
}

impl IdentityTraits {
    /// Reads traits as people type them; names come out as the registry writes them (capitals
    /// without accents), so that equal identities compare equal.
    pub fn parse(
        family_name: &str,
        given_names: &str,
        birth_date: &str,
        sex: &str,
        birthplace: &str,
    ) -> Result<Self, TraitsError> {
        Ok(IdentityTraits {
            family_name: registry_name("family name at birth", family_name)?,
            given_names: registry_name("given names at birth", given_names)?,
            birth_date: birth_date
                .trim()
                .parse()
                .map_err(|_| TraitsError::BirthDate)?,
            sex: Sex::parse(sex)?,
            birthplace: Birthplace::parse(birthplace)?,
        })
    }
}

impl fmt::Debug for IdentityTraits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityTraits(..)")
    }
}

/// A name in the registry's hand: capitals, no accents, single spaces.
fn registry_name(which: &'static str, typed: &str) -> Result<String, TraitsError> {
    let mut name = String::new();
    for word in typed.split_whitespace() {
        if !name.is_empty() {
            name.push(' ');
        }
        for letter in word.chars().flat_map(char::to_uppercase) {
            match letter {
                'A'..='Z' | '-' | '\'' => name.push(letter),
                '\u{2019}' => name.push('\''),
                // A combining accent after its letter: the letter is already there.
                '\u{300}'..='\u{36f}' => {}
                _ => name.push_str(plain(letter).ok_or(TraitsError::NameCharacter(which))?),
            }
        }
    }
    match name.len() {
        _ if !name.contains(|c: char| c.is_ascii_uppercase()) => {
            Err(TraitsError::MissingName(which))
        }
        101.. => Err(TraitsError::LongName(which)),
        _ => Ok(name),
    }
}

/// A capital Latin letter without its diacritic sign.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'Æ' => "AE",
        'Ç' | 'Ć' | 'Č' => "C",
        'Ð' | 'Ď' | 'Đ' => "D",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ē' | 'Ė' | 'Ę' | 'Ě' | 'Ẽ' => "E",
        'Ğ' => "G",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'İ' => "I",
        'Ł' => "L",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' | 'Ő' | 'Ō' => "O",
        'Œ' => "OE",
        'Ř' => "R",
        'Ś' | 'Š' | 'Ş' | 'Ș' => "S",
        'Ť' | 'Ţ' | 'Ț' => "T",
        'Ù' | 'Ú' | 'Û' | 'Ü' | 'Ũ' | 'Ū' | 'Ů' | 'Ű' => "U",
        'Ý' | 'Ÿ' => "Y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(family: &str, given: &str) -> Result<IdentityTraits, TraitsError> {
        IdentityTraits::parse(family, given, "1979-03-31", "f", "2a004")
    }

    #[test]
    fn typed_names_come_out_as_registered() {
        let typed = named(" d’Œuvré-Łąck ", "Zoé  Anaïs");
        assert_eq!(typed, named("D'OEUVRE-LACK", "ZOE ANAIS"));
        assert_eq!(
            named("Zoe\u{301}", "x").map(|t| t.family_name),
            Ok("ZOE".into())
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let family = "family name at birth";
        assert_eq!(named(" - ", "x"), Err(TraitsError::MissingName(family)));
        assert_eq!(named("R2D2", "x"), Err(TraitsError::NameCharacter(family)));
        assert_eq!(
            named(&"x".repeat(101), "x"),
            Err(TraitsError::LongName(family))
        );
        let dated = IdentityTraits::parse("x", "x", "1979-02-30", "M", "51215");
        assert_eq!(dated, Err(TraitsError::BirthDate));
        let sexed = IdentityTraits::parse("x", "x", "1979-02-28", "2", "51215");
        assert_eq!(sexed, Err(TraitsError::Sex));
        let placed = IdentityTraits::parse("x", "x", "1979-02-28", "M", "5121A");
        assert!(matches!(placed, Err(TraitsError::Birthplace(_))));
    }

    proptest! {
        #[test]
        fn reading_twice_changes_nothing(family in "\\PC{1,20}", given in "\\PC{1,20}") {
            if let Ok(once) = named(&family, &given) {
                prop_assert_eq!(&named(&once.family_name, &once.given_names), &Ok(once.clone()));
                prop_assert_eq!(format!("{once:?}"), "IdentityTraits(..)");
            }
        }
    }
}
