//! What a person, or with `--json` a program, reads.

mod entries;
mod log;
mod review;
mod state;

use serde::Serialize;

use crate::face::Bilingual;

/// The language of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// Français.
    Fr,
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// As JSON, one document.
    pub json: bool,
    /// In which language.
    pub language: Language,
}

impl Output {
    /// One of two wordings.
    pub fn say<'t>(&self, en: &'t str, fr: &'t str) -> &'t str {
        match self.language {
            Language::En => en,
            Language::Fr => fr,
        }
    }

    pub(super) fn of<'t>(&self, text: &'t Bilingual) -> &'t str {
        self.say(&text.en, &text.fr)
    }

    /// Prints JSON if asked for, else what `people` writes.
    pub fn print<T: Serialize>(&self, value: &T, people: impl FnOnce(&Self)) {
        if self.json {
            let json = serde_json::to_string_pretty(value).unwrap_or_default();
            super::print_line(format_args!("{}", sync_core::text::shown_json(&json)));
        } else {
            people(self);
        }
    }
}

/// The end of an identifier: its beginning is a time, and much the same in all.
pub fn short(id: &str) -> &str {
    let start = id.len().saturating_sub(6);
    id.get(start..).unwrap_or(id)
}

pub(super) fn moment(millis: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(millis);
    moment.map_or_else(
        |_| millis.to_string(),
        |moment| {
            let here = moment.to_zoned(jiff::tz::TimeZone::system());
            here.strftime("%Y-%m-%d %H:%M").to_string()
        },
    )
}
