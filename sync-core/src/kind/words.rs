//! Words for people, in the two languages of the first users.

/// The same words in English and in French.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// French.
    pub fr: &'static str,
}

impl Words {
    /// Pairs the two.
    pub const fn new(en: &'static str, fr: &'static str) -> Self {
        Words { en, fr }
    }

    /// The words in the language of a BCP 47 tag; English unless it is French.
    pub fn for_language(&self, tag: &str) -> &'static str {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("fr") {
            self.fr
        } else {
            self.en
        }
    }
}
