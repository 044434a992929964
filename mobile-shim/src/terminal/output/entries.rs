//! Entries, in lists and in full, and who wrote what.

use sync_core::kind::Kind;
use sync_core::policy::RightKind;

use super::{Output, moment, short};
use crate::face::{Entry, EntryLine, EntryStanding, Stamp};

impl Output {
    /// Entries, grouped by kind.
    pub fn entries(&self, entries: &[EntryLine]) {
        let mut kinds: Vec<&str> = Vec::new();
        for entry in entries {
            if !kinds.contains(&entry.kind.as_str()) {
                kinds.push(&entry.kind);
            }
        }
        if kinds.is_empty() {
            out!("{}", self.say("Nothing here yet.", "Rien pour l’instant."));
        }
        for kind in kinds {
            let of_kind: Vec<_> = entries.iter().filter(|entry| entry.kind == kind).collect();
            if let Some(first) = of_kind.first() {
                out!("{}", self.of(&first.kind_title));
            }
            for entry in of_kind {
                out!(
                    "  {}  {}{}",
                    short(&entry.id),
                    self.of(&entry.summary),
                    self.marks(entry)
                );
            }
        }
    }

    pub(in crate::terminal) fn marks(&self, entry: &EntryLine) -> String {
        let mut marks = Vec::new();
        match entry.standing {
            EntryStanding::Active => {}
            // Its flag says so.
            EntryStanding::ToReconcile if !entry.flags.is_empty() => {}
            EntryStanding::ToReconcile => marks.push(self.say("to reconcile", "à concilier")),
            EntryStanding::Ended | EntryStanding::InError => marks.push(self.of(&entry.status)),
        }
        if entry.hidden {
            marks.push(self.say("hidden", "masqué"));
        }
        if entry.confirmed {
            marks.push(self.say("confirmed", "confirmé"));
        }
        if entry.unsent > 0 {
            marks.push(self.say("not sent yet", "pas encore envoyé"));
        }
        let flags: Vec<_> = entry.flags.iter().map(|code| self.flag(code)).collect();
        let flags = flags.join(", ");
        if !flags.is_empty() {
            marks.push(&flags);
            return format!("  ⚠ {}", marks.join(" · "));
        }
        match marks.is_empty() {
            true => String::new(),
            false => format!("  [{}]", marks.join(" · ")),
        }
    }

    /// One entry, in full.
    pub fn entry(&self, entry: &Entry) {
        out!(
            "{} — {}{}",
            self.of(&entry.kind_title),
            self.of(&entry.summary),
            self.marks(&entry.into())
        );
        out!("  {}", entry.id);
        for field in &entry.fields {
            let texts: Vec<_> = field.current.iter().map(|text| self.of(text)).collect();
            let none = self.say("none is current", "aucune valeur en vigueur");
            let text = match texts.is_empty() {
                true => none.to_owned(),
                false => texts.join(" / "),
            };
            out!("  {:<24} {text}", self.of(&field.title));
            if field.claims.len() > 1 {
                for claim in &field.claims {
                    out!(
                        "      · {}  {}",
                        self.of(&claim.text),
                        self.by(claim.by.as_ref())
                    );
                }
            }
            for claim in &field.proposals {
                let proposed = self.say("proposed", "proposé");
                out!(
                    "      ? {proposed}{} {}  {}",
                    self.say(":", " :"),
                    self.of(&claim.text),
                    self.by(claim.by.as_ref())
                );
            }
        }
        for flag in &entry.flags {
            out!("  ⚠ {}", self.of(&flag.words));
        }
        if let Some(ended) = self.ended_right(entry) {
            out!("  {ended}");
        }
        out!(
            "  {} {}",
            self.say("created", "créé"),
            self.by(entry.created.as_ref())
        );
        if entry.edited != entry.created {
            let edited = self.by(entry.edited.as_ref());
            out!("  {} {edited}", self.say("edited", "modifié"));
        }
    }

    /// What it means that a right does not stand, whichever status says so: `refuted` takes it back
    /// as `revoked` does, and a block that is taken back lets in again.
    fn ended_right(&self, entry: &Entry) -> Option<&str> {
        let right = Kind::from(entry.kind.as_str()).right()?;
        let (en, fr) = match right {
            _ if entry.standing == EntryStanding::Active => return None,
            RightKind::Block => (
                "The block is lifted: this person is no longer kept out.",
                "Le blocage est levé : cette personne n’est plus tenue à l’écart.",
            ),
            _ => (
                "The right is taken back: it gives nothing any more.",
                "Le droit est retiré : il ne donne plus rien.",
            ),
        };
        Some(self.say(en, fr))
    }

    pub(in crate::terminal) fn by(&self, stamp: Option<&Stamp>) -> String {
        let waiting = stamp.is_some_and(|stamp| stamp.accepted.is_none());
        let more = self.say(", not sent yet", ", pas encore envoyé");
        self.stamp(stamp, if waiting { more } else { "" })
    }

    /// Who made an edit that the server has but did not accept.
    pub(super) fn by_held(&self, stamp: Option<&Stamp>) -> String {
        self.stamp(stamp, "")
    }

    fn stamp(&self, stamp: Option<&Stamp>, more: &str) -> String {
        let Some(stamp) = stamp else {
            return self.say("(author unknown)", "(auteur inconnu)").to_owned();
        };
        let name = stamp.name.as_deref().unwrap_or(&stamp.person);
        let at = moment(stamp.accepted.unwrap_or(stamp.at));
        format!("({name}, {}, {at}{more})", self.role(&stamp.role))
    }
}
