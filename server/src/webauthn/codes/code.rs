use crate::fault::Fault;
use crate::keys::Keys;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;
const SELECTOR: usize = 4;

/// A code, to be shown once.
#[derive(Clone)]
pub struct Code([u8; LENGTH]);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

impl Code {
    pub(super) fn random() -> Result<Self, Fault> {
        let mut code = [0; LENGTH];
        getrandom::fill(&mut code)?;
        Ok(Self(code.map(|byte| ALPHABET[usize::from(byte % 32)])))
    }

    /// Reads what somebody typed: case, spaces and hyphens do not matter, and letters that look
    /// like digits are taken for them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = Vec::with_capacity(LENGTH);
        for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let character = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let byte = u8::try_from(character).ok()?;
            if code.len() == LENGTH || !ALPHABET.contains(&byte) {
                return None;
            }
            code.push(byte);
        }
        code.try_into().ok().map(Self)
    }

    /// The code as it is shown: two groups of five.
    pub fn expose(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        format!("{}-{}", &text[..LENGTH / 2], &text[LENGTH / 2..])
    }

    pub(super) fn selector(&self, keys: &Keys) -> [u8; 32] {
        keys.blind_index("codes/selector", &self.0[..SELECTOR])
    }

    pub(super) fn secret_hash(&self, keys: &Keys) -> [u8; 32] {
        keys.blind_index("codes/secret", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = Code::random().expect("random");
        let shown = code.expose();
        assert_eq!(shown.len(), LENGTH + 1);
        for typed in [
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
        ] {
            assert_eq!(Code::parse(&typed).expect("reads").0, code.0);
        }
        assert_eq!(Code::parse("oil00-00000").expect("reads").0, *b"0110000000");
        for wrong in ["", "0000", "00000-0000U", "00000-000000", "00000-0000é"] {
            assert!(Code::parse(wrong).is_none(), "{wrong}");
        }
    }
}
