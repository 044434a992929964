//! The number of a health professional in the shared directory (*répertoire partagé*).

use super::{IdentifierError, characters, checked_number, digits, luhn};

/// A health professional's RPPS number: 11 digits, the last a Luhn key; OID 1.2.250.1.71.4.2.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rpps([u8; 11]);

impl Rpps {
    /// Reads a number; spaces between groups are allowed.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let characters = characters("RPPS", text)?;
        if luhn(&digits("RPPS", &characters)?) {
            Ok(Rpps(characters))
        } else {
            Err(IdentifierError::Key { name: "RPPS" })
        }
    }
}

checked_number!(Rpps);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exactly_one_key_fits(first in 0u64..10_000_000_000) {
            let fitting = (0..10).filter(|key| Rpps::parse(&format!("{first:010}{key}")).is_ok());
            prop_assert_eq!(fitting.count(), 1);
        }

        #[test]
        fn a_changed_digit_is_noticed(first in 0u64..10_000_000_000, at in 0usize..11, by in 1u8..10) {
            let number = (0..10)
                .find_map(|key| Rpps::parse(&format!("{first:010}{key}")).ok())
                .ok_or(TestCaseError::fail("no key fits"))?;
            let mut changed = number.0;
            changed[at] = b'0' + (changed[at] - b'0' + by) % 10;
            let changed = String::from_utf8_lossy(&changed);
            prop_assert_eq!(Rpps::parse(&changed), Err(IdentifierError::Key { name: "RPPS" }));
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = Rpps::parse(&text);
        }
    }

    #[test]
    fn errors_and_debug_do_not_repeat_the_number() {
        let number = Rpps::parse("1010 1010 105").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{number:?}"), "Rpps(..)");
        assert_eq!(number.expose(), "10101010105");
        let wrong = Rpps::parse("10101010108").unwrap_err();
        assert!(!format!("{wrong:?} {wrong}").contains("1010"));
    }
}
