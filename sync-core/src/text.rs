//! Texts as screens show them.

use std::borrow::Cow;

/// Whether a character steers a screen instead of being shown: a control character, line ends
/// among them, or one that embeds, overrides or isolates the direction of writing (Unicode UAX #9)
/// and so can make a text read as another. Direction marks alone (U+200E, U+200F, U+061C) reorder
/// nothing but neighbours such as punctuation, and names in Arabic or Hebrew need them.
pub fn steers(character: char) -> bool {
    let directs = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || directs
}

/// A text as a terminal may be given it: what steers it is replaced by U+FFFD, line ends and tabs
/// apart.
pub fn shown(text: &str) -> Cow<'_, str> {
    let steers = |c: char| steers(c) && !['\n', '\t'].contains(&c);
    if text.contains(steers) {
        Cow::Owned(text.replace("\r\n", "\n").replace(steers, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON as a terminal may be given it: what steers it stands as an escape, which means the same.
pub fn shown_json(json: &str) -> Cow<'_, str> {
    let steers = |c: char| steers(c) && !['\n', '\t'].contains(&c);
    if !json.contains(steers) {
        return Cow::Borrowed(json);
    }
    let escape = |c: char| match steers(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    Cow::Owned(json.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_screen_is_not_shown_raw() {
        let raw = "a\u{202e}b\u{1b}[2Jc\u{2066}d\u{9b}e\u{7f}\r\nf\tg\u{200f}";
        assert_eq!(
            shown(raw),
            "a\u{fffd}b\u{fffd}[2Jc\u{fffd}d\u{fffd}e\u{fffd}\nf\tg\u{200f}"
        );
        assert!(matches!(shown("Zoé\n"), Cow::Borrowed("Zoé\n")));
        let json = serde_json::to_string(raw).expect("a text");
        let escaped = shown_json(&json);
        assert!(!escaped.contains(steers), "{escaped:?}");
        assert_eq!(serde_json::from_str::<String>(&escaped).expect("JSON"), raw);
    }
}
