//! The national health identity (*identité nationale de santé*).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{IdentifierError, characters};

/// Who gave an INS out; the number means a person only together with this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InsDomain {
    /// INS-NIR: the number in the national directory, for those born in France or registered.
    Nir,
    /// INS-NIA: a waiting number, until the person is registered.
    Nia,
    /// INS-NIR of the test environment.
    Test,
    /// INS-NIR for demonstrations.
    Demonstration,
}

impl InsDomain {
    /// The OID of this authority (ANS, *référentiel identifiant national de santé*).
    pub fn oid(self) -> &'static str {
        match self {
            InsDomain::Nir => "1.2.250.1.213.1.4.8",
            InsDomain::Nia => "1.2.250.1.213.1.4.9",
            InsDomain::Test => "1.2.250.1.213.1.4.10",
            InsDomain::Demonstration => "1.2.250.1.213.1.4.11",
        }
    }

    /// The authority of this OID, if it is one of the four.
    pub fn from_oid(oid: &str) -> Option<Self> {
        [Self::Nir, Self::Nia, Self::Test, Self::Demonstration]
            .into_iter()
            .find(|domain| domain.oid() == oid)
    }

    /// Whether the key must check: published test identities do not all have one that does.
    fn checks_key(self) -> bool {
        matches!(self, InsDomain::Nir | InsDomain::Nia)
    }
}

/// A national health identity: the 15 characters of a NIR (13 and a key of 2) and who gave it out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Ins {
    matricule: [u8; 15],
    domain: InsDomain,
}

impl Ins {
    /// Reads a number given out by `domain`; spaces between groups are allowed.
    ///
    /// The key is `97 − n mod 97` of the first 13 digits, where `2A` counts as 19 and `2B` as 18
    /// (INSEE). Test and demonstration numbers may have a key that does not check.
    pub fn parse(text: &str, domain: InsDomain) -> Result<Self, IdentifierError> {
        let matricule: [u8; 15] = characters("INS", text)?;
        let mut numeric = matricule;
        let corsica: &[u8; 2] = match &matricule[5..7] {
            b"2A" => b"19",
            b"2B" => b"18",
            _ => &[matricule[5], matricule[6]],
        };
        numeric[5..7].copy_from_slice(corsica);
        let digits = super::digits("INS", &numeric)?;
        let value = |digits: &[u8]| digits.iter().fold(0, |n, d| n * 10 + u64::from(*d));
        let (number, key) = digits.split_at(13);
        if domain.checks_key() && value(key) != 97 - value(number) % 97 {
            return Err(IdentifierError::Key { name: "INS" });
        }
        Ok(Ins { matricule, domain })
    }

    /// The number itself, without spaces. It identifies a person: never to a log or an error.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.matricule).unwrap_or_default()
    }

    /// Who gave it out.
    pub fn domain(&self) -> InsDomain {
        self.domain
    }
}

impl fmt::Debug for Ins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ins(.., {:?})", self.domain)
    }
}

/// The form on the wire and at rest.
#[derive(Serialize, Deserialize)]
struct Written {
    matricule: String,
    oid: String,
}

impl From<Ins> for Written {
    fn from(ins: Ins) -> Self {
        Written {
            matricule: ins.expose().to_owned(),
            oid: ins.domain.oid().to_owned(),
        }
    }
}

impl TryFrom<Written> for Ins {
    type Error = IdentifierError;
    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let domain = InsDomain::from_oid(&written.oid)
            .ok_or(IdentifierError::Unknown { name: "INS OID" })?;
        Ins::parse(&written.matricule, domain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The key of 13 digits, by the long way round: try all of them.
    fn with_key(number: &str) -> Option<Ins> {
        (1..=97).find_map(|key| Ins::parse(&format!("{number}{key:02}"), InsDomain::Nir).ok())
    }

    #[test]
    fn published_test_identities() {
        for number in ["2 79 03 51 215 189 89", "277076322082910"] {
            for domain in [InsDomain::Nir, InsDomain::Test, InsDomain::Demonstration] {
                assert!(Ins::parse(number, domain).is_ok());
            }
        }
        let wrong = "279035121518988";
        assert!(Ins::parse(wrong, InsDomain::Test).is_ok());
        assert!(Ins::parse(wrong, InsDomain::Demonstration).is_ok());
        let key = Err(IdentifierError::Key { name: "INS" });
        assert_eq!(Ins::parse(wrong, InsDomain::Nir), key);
        assert_eq!(Ins::parse(wrong, InsDomain::Nia), key);
    }

    #[test]
    fn corsica_counts_as_19_and_18() {
        let key = |number: &str| with_key(number).map(|ins| ins.expose()[13..].to_owned());
        assert_eq!(key("190012A123456"), key("1900119123456"));
        assert_eq!(key("190012B123456"), key("1900118123456"));
        assert_ne!(key("190012A123456"), key("190012B123456"));
        let misplaced = Ins::parse("2A0010912345678", InsDomain::Test);
        let error = IdentifierError::Character {
            name: "INS",
            position: 2,
        };
        assert_eq!(misplaced, Err(error));
    }

    #[test]
    fn serde_keeps_number_and_domain() -> Result<(), serde_json::Error> {
        let text = r#"{"matricule":"279035121518989","oid":"1.2.250.1.213.1.4.10"}"#;
        let ins: Ins = serde_json::from_str(text)?;
        assert_eq!(ins.domain(), InsDomain::Test);
        assert_eq!(serde_json::to_string(&ins)?, text);
        let unknown = serde_json::from_str::<Ins>(&text.replace(".10", ".12"));
        assert!(unknown.is_err_and(|error| !error.to_string().contains("279")));
        Ok(())
    }

    proptest! {
        #[test]
        fn exactly_one_key_fits(number in "[1-8][0-9]{4}([0-9]{2}|2A|2B)[0-9]{6}") {
            let fits = |key: &u32| Ins::parse(&format!("{number}{key:02}"), InsDomain::Nir).is_ok();
            prop_assert_eq!((0..100).filter(fits).count(), 1);
        }

        #[test]
        fn a_changed_digit_is_noticed(number in "[1-8][0-9]{12}", at in 0usize..15, by in 1u8..10) {
            let ins = with_key(&number).ok_or(TestCaseError::fail("no key fits"))?;
            let mut changed = ins.matricule;
            changed[at] = b'0' + (changed[at] - b'0' + by) % 10;
            let changed = String::from_utf8_lossy(&changed);
            prop_assert!(Ins::parse(&changed, InsDomain::Nir).is_err());
        }

        #[test]
        fn debug_and_errors_are_silent(text in "[0-9AB]{14,16}") {
            let shown = format!("{:?}", Ins::parse(&text, InsDomain::Nir));
            prop_assert!(!shown.contains(&text[..6]));
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = Ins::parse(&text, InsDomain::Nir);
        }
    }
}
