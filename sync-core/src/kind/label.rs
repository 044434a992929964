//! Labels: what something is called, and its code where one exists.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::LABEL_MAX;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};

/// What something is called, with its code in a terminology when known; one value, never merged
/// part by part. As JSON: `{"text", "code"?, "system"?, "display"?}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// As the author wrote it.
    pub text: String,
    /// The code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The terminology, as a URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What the terminology calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Label {
    /// Free text without a code.
    pub fn text(text: impl Into<String>) -> Self {
        Label {
            text: text.into(),
            ..Label::default()
        }
    }

    /// Text with its code in a terminology.
    pub fn coded(
        text: impl Into<String>,
        system: impl Into<String>,
        code: impl Into<String>,
    ) -> Self {
        Label {
            text: text.into(),
            code: Some(code.into()),
            system: Some(system.into()),
            ..Label::default()
        }
    }

    /// Whether both certainly name the same thing: same code, or same text but for case, accents
    /// and punctuation.
    pub fn same(&self, other: &Label) -> bool {
        let coded = |label: &Label| Some((label.system.clone()?, label.code.clone()?));
        let codes = coded(self).zip(coded(other)).is_some_and(|(a, b)| a == b);
        let (mine, theirs) = (normalise(&self.text), normalise(&other.text));
        codes || (!mine.is_empty() && mine == theirs)
    }

    /// The name this label has as a member of a set: the first 16 hexadecimal digits of the
    /// SHA-256 of `system|code`, or of the normalised text when it has no code.
    ///
    /// Two people who add the same thing while apart thus add one member.
    pub fn member_key(&self) -> String {
        match (&self.system, &self.code) {
            (Some(system), Some(code)) => member_key(&format!("{system}|{code}")),
            _ => member_key(&normalise(&self.text)),
        }
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Label::text(text)
    }
}

impl JsonScalar for Label {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "label",
        &[
            Member::new("text", MemberShape::Text(LABEL_MAX), "text", "texte")
                .required()
                .bare(),
            Member::new("code", MemberShape::Text(64), "code", "code"),
            Member::new(
                "system",
                MemberShape::Text(256),
                "terminology",
                "terminologie",
            ),
            Member::new("display", MemberShape::Text(LABEL_MAX), "term", "terme"),
        ],
    );

    fn called(&self) -> Option<String> {
        Some(self.text.clone())
    }
}

/// A short name for a member of a set, made from what identifies it.
pub(crate) fn member_key(identity: &str) -> String {
    let digest = Sha256::digest(identity.as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Lower case, without French accents, every run of anything but letters and digits one space.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        let plain = match character {
            'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' => "a",
            'ç' => "c",
            'é' | 'è' | 'ê' | 'ë' => "e",
            'î' | 'ï' | 'í' | 'ì' => "i",
            'ñ' => "n",
            'ô' | 'ö' | 'ó' | 'ò' | 'õ' => "o",
            'û' | 'ü' | 'ù' | 'ú' => "u",
            'ÿ' => "y",
            'œ' => "oe",
            'æ' => "ae",
            '\u{300}'..='\u{36f}' => continue,
            c if c.is_alphanumeric() => {
                out.push(c);
                continue;
            }
            _ if out.is_empty() || out.ends_with(' ') => continue,
            _ => " ",
        };
        out.push_str(plain);
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_punctuation_do_not_tell_labels_apart() {
        assert_eq!(
            normalise("  Pénicilline-G, (orale) "),
            "penicilline g orale"
        );
        assert_eq!(normalise("Pe\u{301}nicilline"), "penicilline");
        assert!(Label::text("Œuf").same(&Label::text("oeuf")));
        assert!(!Label::text("").same(&Label::text("!")));
    }

    #[test]
    fn a_code_counts_only_within_its_system() {
        let one = Label::coded("x", "http://a", "1");
        assert!(one.same(&Label::coded("y", "http://a", "1")));
        assert!(!one.same(&Label::coded("y", "http://b", "1")));
    }
}
