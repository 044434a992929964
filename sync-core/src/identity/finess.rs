//! The number of a health establishment.

use super::{IdentifierError, characters, checked_number, digits, luhn};

/// A FINESS number: 9 characters, the last a Luhn key; in Corsica the second is `A` or `B`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Finess([u8; 9]);

impl Finess {
    /// Reads a number; spaces between groups are allowed.
    ///
    /// In the key, the `A` of Corse-du-Sud counts as 1 and the `B` of Haute-Corse as 2.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let characters = characters("FINESS", text)?;
        let mut numeric: [u8; 9] = characters;
        match &characters[..2] {
            b"2A" => numeric[1] = b'1',
            b"2B" => numeric[1] = b'2',
            _ => {}
        }
        if luhn(&digits("FINESS", &numeric)?) {
            Ok(Finess(characters))
        } else {
            Err(IdentifierError::Key { name: "FINESS" })
        }
    }
}

checked_number!(Finess);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_known_hospitals() {
        // Legal entities of the hospitals of Paris, Lyon, Ajaccio and Bastia; a hospital overseas.
        for number in [
            "750712184",
            "690781810",
            "2A0000014",
            "2b0000020",
            "970100228",
        ] {
            assert!(Finess::parse(number).is_ok(), "{number}");
        }
    }

    #[test]
    fn letters_stand_only_for_corsica() {
        let at = |position| {
            Err(IdentifierError::Character {
                name: "FINESS",
                position,
            })
        };
        assert_eq!(Finess::parse("7A0712184"), at(2));
        assert_eq!(Finess::parse("2C0000014"), at(2));
        assert_eq!(Finess::parse("2A000A014"), at(6));
    }

    proptest! {
        #[test]
        fn exactly_one_key_fits(department in "[0-9]{2}|2A|2B", rest in "[0-9]{6}") {
            let fitting = (0..10).filter(|key| Finess::parse(&format!("{department}{rest}{key}")).is_ok());
            prop_assert_eq!(fitting.count(), 1);
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = Finess::parse(&text);
        }
    }
}
