//! The administrative area a record was opened in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::IdentifierError;

/// The code of a French *département* or overseas collectivity (INSEE): `01` to `95` with `2A`
/// and `2B` for Corsica, `971` to `978`, `984`, `986` to `989`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Departement(String);

impl Departement {
    /// Reads a code; a single digit is completed (`1` is `01`).
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let code = text.trim().to_ascii_uppercase();
        let code = if code.len() == 1 {
            format!("0{code}")
        } else {
            code
        };
        let all_digits = code.bytes().all(|c| c.is_ascii_digit());
        let known = match code.as_str() {
            "2A" | "2B" => true,
            _ if !all_digits => false,
            two if two.len() == 2 => matches!(two.parse(), Ok(1..=19 | 21..=95)),
            three if three.len() == 3 => matches!(three.parse(), Ok(971..=978 | 984 | 986..=989)),
            _ => false,
        };
        if known {
            Ok(Departement(code))
        } else {
            Err(IdentifierError::Unknown {
                name: "département",
            })
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Departement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Departement({})", self.0)
    }
}

impl fmt::Display for Departement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Departement {
    type Err = IdentifierError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Departement {
    type Error = IdentifierError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Departement> for String {
    fn from(departement: Departement) -> String {
        departement.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_no_other() {
        for code in ["1", "01", "19", "2a", "2B", "21", "95", "971", "976", "988"] {
            assert!(Departement::parse(code).is_ok(), "{code}");
        }
        for code in [
            "", "0", "00", "20", "2C", "96", "97", "970", "979", "9740", "+1", "é",
        ] {
            assert!(Departement::parse(code).is_err(), "{code}");
        }
        assert_eq!(
            Departement::parse("7").map(|code| code.to_string()),
            Ok("07".to_owned())
        );
    }
}
